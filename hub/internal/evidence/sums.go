package evidence

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

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

// sumRow is one row of play_sums.
type sumRow struct {
	bun.BaseModel `bun:"table:play_sums,alias:play_sums"`
	Month         int64  `bun:"month,pk"`
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

// monthOf is the number of the month in which an instant lies in the fleet's zone: 202611.
func (l *Log) monthOf(ms int64) int64 {
	at := time.UnixMilli(ms).In(l.zone)
	return int64(at.Year())*100 + int64(at.Month())
}

func (r playRow) sum(l *Log) sumRow {
	return sumRow{Month: l.monthOf(r.PlannedStart), Area: r.Area, Report: r.Report, Class: r.Class, Outcome: r.Outcome, Reason: r.Reason,
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
		return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.Area, b.Area), cmp.Compare(a.Report, b.Report),
			cmp.Compare(a.Class, b.Class), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason))
	})
	for part := range slices.Chunk(rows, insertAtOnce) {
		_, err := tx.NewInsert().Model(&part).On("CONFLICT (month, area, report, class, outcome, reason) DO UPDATE").
			Set("plays = play_sums.plays + EXCLUDED.plays").Set("planned_ms = play_sums.planned_ms + EXCLUDED.planned_ms").
			Set("heard_ms = play_sums.heard_ms + EXCLUDED.heard_ms").Exec(ctx)
		if err != nil {
			return fmt.Errorf("write sums: %w", err)
		}
	}
	return nil
}

// Sums gives what was planned in [q.From, q.To) and what became of it, told apart by what is asked for, in the order of
// its keys. Whole months come from the sums that are kept; of a month in part the records themselves are counted. Of the
// query From, To, Areas and Report count, and both times must be set.
func (l *Log) Sums(ctx context.Context, q Query, by ...By) ([]Sum, error) {
	if q.Areas != nil && len(q.Areas) == 0 || !q.From.Before(q.To) {
		return nil, nil
	}
	t := tally{log: l, q: q, by: by, cells: map[Sum]*Sum{}}
	first, last := l.monthStart(q.From, 0), l.monthStart(q.To, 0)
	if first.Before(q.From) {
		first = l.monthStart(q.From, 1)
	}
	if last.Before(first) { // a part of one month
		return t.result(t.count(ctx, q.From, q.To))
	}
	for _, step := range []func() error{
		func() error { return t.count(ctx, q.From, first) },
		func() error { return t.kept(ctx, l.monthOf(first.UnixMilli()), l.monthOf(last.UnixMilli())) },
		func() error { return t.count(ctx, last, q.To) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return t.result(nil)
}

// monthStart is the first instant of the month of at, or of one some months later.
func (l *Log) monthStart(at time.Time, later int) time.Time {
	at = at.In(l.zone)
	return time.Date(at.Year(), at.Month()+time.Month(later), 1, 0, 0, 0, 0, l.zone)
}

// tally is the work of one Sums.
type tally struct {
	log   *Log
	q     Query
	by    []By
	cells map[Sum]*Sum
}

// group adds what is asked for to a query over one of the tables; month is an expression.
func (t *tally) group(sel *bun.SelectQuery, month string) *bun.SelectQuery {
	for _, by := range t.by {
		if by == ByMonth && month != "month" {
			sel = sel.ColumnExpr(month + " AS month")
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
		if r.Month != 0 {
			k.Month = fmt.Sprintf("%04d-%02d", r.Month/100, r.Month%100)
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

// kept takes whole months, [from, to).
func (t *tally) kept(ctx context.Context, from, to int64) error {
	if from >= to {
		return nil
	}
	sel := t.log.db.NewSelect().TableExpr("play_sums").Column("outcome").Group("outcome").
		ColumnExpr("CAST(SUM(plays) AS BIGINT) AS plays, CAST(SUM(planned_ms) AS BIGINT) AS planned_ms, CAST(SUM(heard_ms) AS BIGINT) AS heard_ms").
		Where("month >= ? AND month < ?", from, to)
	return t.take(ctx, t.group(sel, "month"))
}

// count takes a part of one month from the records themselves.
func (t *tally) count(ctx context.Context, from, to time.Time) error {
	if !from.Before(to) {
		return nil
	}
	month := fmt.Sprintf("CAST(%d AS BIGINT)", t.log.monthOf(from.UnixMilli()))
	within := func(sel *bun.SelectQuery) *bun.SelectQuery {
		return t.group(sel.Where("planned_start >= ? AND planned_start < ?", from.UnixMilli(), to.UnixMilli()), month)
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
