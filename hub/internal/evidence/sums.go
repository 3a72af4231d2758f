package evidence

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// By is what sums are told apart by.
type By string

// What sums may be told apart by. Whoever wants series, legal field or language asks by report: these are the library's.
const (
	ByMonth  By = "month"
	ByArea   By = "area"
	ByReport By = "report"
	ByClass  By = "class"
	ByReason By = "reason" // of what was not heard whole
)

// Unknown is the outcome of what was planned and of which no record has come.
const Unknown broadcast.Outcome = "unknown"

// Sum is what was planned in one cell of a table, and what became of it. What the sums are not told apart by is empty.
type Sum struct {
	Month  string `json:"month,omitempty"` // 2026-11
	Area   string `json:"area,omitempty"`  // code of the area the cluster lay in when the record came
	Report string `json:"report,omitempty"`
	Class  string `json:"class,omitempty"`
	Reason string `json:"reason,omitempty"`
	Count
}

// Count counts plays, one for each cluster and time.
type Count struct {
	Planned   int64 `json:"planned" doc:"played, cut, skipped and unknown together"`
	Played    int64 `json:"played"`
	Cut       int64 `json:"cut" doc:"heard in part"`
	Skipped   int64 `json:"skipped"`
	Unknown   int64 `json:"unknown" doc:"no record came within a day of the planned end"`
	PlannedMS int64 `json:"planned_ms"`
	HeardMS   int64 `json:"heard_ms" doc:"that reached the sound card"`
}

// Add adds another count to this one.
func (c *Count) Add(d Count) {
	c.Planned += d.Planned
	c.Played += d.Played
	c.Cut += d.Cut
	c.Skipped += d.Skipped
	c.Unknown += d.Unknown
	c.PlannedMS += d.PlannedMS
	c.HeardMS += d.HeardMS
}

// secondHalf is the day on which the second half of a month begins.
const secondHalf = 15

// sumRow is one row of play_sums.
type sumRow struct {
	bun.BaseModel `bun:"table:play_sums,alias:play_sums"`
	Half          int64  `bun:"half,pk"`
	Area          string `bun:"area,pk"`
	Report        string `bun:"report,pk"`
	Class         string `bun:"class,pk"`
	Outcome       string `bun:"outcome,pk"`
	Reason        string `bun:"reason,pk"`
	Plays         int64  `bun:"plays"`
	PlannedMS     int64  `bun:"planned_ms"`
	HeardMS       int64  `bun:"heard_ms"`
}

// key is what a row stands for.
func (r sumRow) key() sumRow {
	r.Plays, r.PlannedMS, r.HeardMS = 0, 0, 0
	return r
}

func (r sumRow) count() Count {
	c := Count{Planned: r.Plays, PlannedMS: r.PlannedMS, HeardMS: r.HeardMS}
	switch broadcast.Outcome(r.Outcome) {
	case broadcast.Played:
		c.Played = r.Plays
	case broadcast.Cut:
		c.Cut = r.Plays
	case Unknown:
		c.Unknown = r.Plays
	default:
		c.Skipped = r.Plays
	}
	return c
}

// halfOf is the number of the half month in which an instant lies in the fleet's zone: 2026111 are the first 14 days of
// November 2026, 2026112 the rest. Calendar periods end with a month, administrative ones on the 14th (Decree
// 09/2019/NĐ-CP, article 12): both are whole halves.
func (l *Log) halfOf(ms int64) int64 {
	at := time.UnixMilli(ms).In(l.zone)
	half := int64(at.Year())*1000 + int64(at.Month())*10 + 1
	if at.Day() >= secondHalf {
		half++
	}
	return half
}

func (r playRow) sum(l *Log) sumRow {
	return sumRow{Half: l.halfOf(r.PlannedStart), Area: r.Area, Report: r.Report, Class: r.Class, Outcome: r.Outcome, Reason: r.Reason,
		Plays: 1, PlannedMS: r.PlannedEnd - r.PlannedStart, HeardMS: r.ReachedMS}
}

// sums collects what changes in play_sums.
type sums map[sumRow]*sumRow

func (s sums) add(r sumRow) {
	have, ok := s[r.key()]
	if !ok {
		k := r.key()
		have = &k
		s[k] = have
	}
	have.Plays += r.Plays
	have.PlannedMS += r.PlannedMS
	have.HeardMS += r.HeardMS
}

func (s sums) take(r sumRow) {
	r.Plays, r.PlannedMS, r.HeardMS = -r.Plays, -r.PlannedMS, -r.HeardMS
	s.add(r)
}

// write brings the changes into play_sums, always in the same order, so that two hubs never wait for each other in a ring.
func (s sums) write(ctx context.Context, tx bun.Tx) error {
	rows := make([]sumRow, 0, len(s))
	for _, r := range s {
		if *r != r.key() {
			rows = append(rows, *r)
		}
	}
	slices.SortFunc(rows, func(a, b sumRow) int {
		return cmp.Or(cmp.Compare(a.Half, b.Half), cmp.Compare(a.Area, b.Area), cmp.Compare(a.Report, b.Report),
			cmp.Compare(a.Class, b.Class), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason))
	})
	err := store.InsertAll(ctx, tx, rows, "ON CONFLICT (half, area, report, class, outcome, reason) DO UPDATE SET plays = play_sums.plays + EXCLUDED.plays,"+
		" planned_ms = play_sums.planned_ms + EXCLUDED.planned_ms, heard_ms = play_sums.heard_ms + EXCLUDED.heard_ms", nil)
	if err != nil {
		return fmt.Errorf("write sums: %w", err)
	}
	return nil
}

// Sums gives what was planned in [q.From, q.To) and what became of it, told apart by what is asked for, in the order of
// its keys. Whole half months come from the sums that are kept; of one in part the records themselves are counted. Of the
// query From, To, Areas and Report count, and both times must be set.
func (l *Log) Sums(ctx context.Context, q Query, by ...By) ([]Sum, error) {
	if q.Areas != nil && len(q.Areas) == 0 || !q.From.Before(q.To) {
		return nil, nil
	}
	t := tally{log: l, q: q, by: by, cells: map[Sum]*Sum{}}
	first, last := l.halfStart(q.From), l.halfStart(q.To)
	if first.Before(q.From) {
		first = l.halfEnd(q.From)
	}
	if last.Before(first) { // a part of one half month
		return t.result(t.count(ctx, q.From, q.To))
	}
	for _, step := range []func() error{
		func() error { return t.count(ctx, q.From, first) },
		func() error { return t.kept(ctx, l.halfOf(first.UnixMilli()), l.halfOf(last.UnixMilli())) },
		func() error { return t.count(ctx, last, q.To) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return t.result(nil)
}

// halfStart is the first instant of the half month of at, halfEnd that of the next one.
func (l *Log) halfStart(at time.Time) time.Time {
	at = at.In(l.zone)
	day := 1
	if at.Day() >= secondHalf {
		day = secondHalf
	}
	return time.Date(at.Year(), at.Month(), day, 0, 0, 0, 0, l.zone)
}

func (l *Log) halfEnd(at time.Time) time.Time {
	at = at.In(l.zone)
	if at.Day() >= secondHalf {
		return time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, l.zone)
	}
	return time.Date(at.Year(), at.Month(), secondHalf, 0, 0, 0, 0, l.zone)
}

// tally is the work of one Sums.
type tally struct {
	log   *Log
	q     Query
	by    []By
	cells map[Sum]*Sum
}

// group adds what is asked for to a query over one of the tables; half is the column or, of records, its value.
func (t *tally) group(sel *bun.SelectQuery, half string) *bun.SelectQuery {
	for _, by := range t.by {
		switch {
		case by == ByMonth && half == "half":
			sel = sel.Column("half").Group("half")
			continue
		case by == ByMonth:
			sel = sel.ColumnExpr(half + " AS half")
			continue
		}
		sel = sel.Column(string(by)).Group(string(by))
	}
	if t.q.Areas != nil {
		sel = sel.Where("area IN (?)", bun.List(t.q.Areas))
	}
	if t.q.Report != "" {
		sel = sel.Where("report = ?", t.q.Report)
	}
	return sel
}

func (t *tally) take(ctx context.Context, sel *bun.SelectQuery) error {
	var rows []sumRow
	if err := sel.Scan(ctx, &rows); err != nil {
		return fmt.Errorf("sum plays: %w", err)
	}
	for _, r := range rows {
		k := Sum{Area: r.Area, Report: r.Report, Class: r.Class, Reason: r.Reason}
		if r.Half != 0 {
			k.Month = fmt.Sprintf("%04d-%02d", r.Half/1000, r.Half/10%100)
		}
		cell, ok := t.cells[k]
		if !ok {
			cell = &k
			t.cells[Sum{Month: k.Month, Area: k.Area, Report: k.Report, Class: k.Class, Reason: k.Reason}] = cell
		}
		cell.Add(r.count())
	}
	return nil
}

// kept takes whole half months, [from, to).
func (t *tally) kept(ctx context.Context, from, to int64) error {
	if from >= to {
		return nil
	}
	sel := t.log.db.NewSelect().TableExpr("play_sums").Column("outcome").Group("outcome").
		ColumnExpr("CAST(SUM(plays) AS BIGINT) AS plays, CAST(SUM(planned_ms) AS BIGINT) AS planned_ms, CAST(SUM(heard_ms) AS BIGINT) AS heard_ms").
		Where("half >= ? AND half < ?", from, to)
	return t.take(ctx, t.group(sel, "half"))
}

// count takes a part of one half month from the records themselves.
func (t *tally) count(ctx context.Context, from, to time.Time) error {
	if !from.Before(to) {
		return nil
	}
	half := fmt.Sprintf("CAST(%d AS BIGINT)", t.log.halfOf(from.UnixMilli()))
	within := func(sel *bun.SelectQuery) *bun.SelectQuery {
		return t.group(sel.Where("planned_start >= ? AND planned_start < ?", from.UnixMilli(), to.UnixMilli()), half)
	}
	err := t.take(ctx, within(t.log.db.NewSelect().TableExpr("plays").Column("outcome").Group("outcome").
		ColumnExpr("COUNT(*) AS plays, CAST(SUM(planned_end - planned_start) AS BIGINT) AS planned_ms, CAST(SUM(reached_ms) AS BIGINT) AS heard_ms")))
	if err != nil {
		return err
	}
	unheard := t.log.db.NewSelect().TableExpr("(SELECT *, ? AS outcome, '' AS reason FROM unheard) AS unheard", Unknown).Column("outcome").Group("outcome").
		ColumnExpr("COUNT(*) AS plays, CAST(SUM(planned_end - planned_start) AS BIGINT) AS planned_ms, 0 AS heard_ms")
	return t.take(ctx, within(unheard))
}

func (t *tally) result(err error) ([]Sum, error) {
	if err != nil {
		return nil, err
	}
	out := make([]Sum, 0, len(t.cells))
	for _, c := range t.cells {
		if c.Count != (Count{}) {
			out = append(out, *c)
		}
	}
	slices.SortFunc(out, func(a, b Sum) int {
		return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.Area, b.Area), cmp.Compare(a.Report, b.Report),
			cmp.Compare(a.Class, b.Class), cmp.Compare(a.Reason, b.Reason))
	})
	return out, nil
}
