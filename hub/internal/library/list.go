package library

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Filter chooses reports; an empty field chooses all.
type Filter struct {
	Areas    []string // codes; nil is every area
	States   []broadcast.ReportState
	Kind     Kind
	Returned *bool // whether their author has them back

	Series, Source, Language, LawField string

	From, Until time.Time      // when it came: From is in it, Until is not
	Law         LawState       // of what it cites, on the day Today
	Today       broadcast.Date // of the fleet's zone

	Text   string // words, all of them in title, series, source, law or file name; letters' marks and size do not count
	Cursor string // Next of the page before
	Limit  int    // 1 to 200, 50 when 0
}

// LawState is how the laws that a report cites stand on a day.
type LawState string

// The states: one law at least is no longer in force, or will not be within 60 days; or none of that is known.
const (
	LawExpired LawState = "expired"
	LawEnding  LawState = "ending"
	LawInForce LawState = "in_force"

	endingDays = 60
)

// where narrows a query to what a filter's words choose.
func (f Filter) where(q *bun.SelectQuery) error {
	for _, c := range []struct{ column, is string }{{"series", f.Series}, {"source", f.Source}, {"language", f.Language}} {
		if c.is != "" {
			q.Where("? = ?", bun.Ident(c.column), c.is)
		}
	}
	if f.Kind != "" {
		q.Where("kind = ?", f.Kind)
	}
	if f.LawField != "" {
		text, err := json.Marshal(f.LawField)
		if err != nil {
			return fmt.Errorf("encode field: %w", err)
		}
		q.Where("law_fields LIKE ? ESCAPE '!'", "%"+likeEscape.Replace(string(text))+"%")
	}
	if !f.From.IsZero() {
		q.Where("created_at >= ?", store.Millis(f.From))
	}
	if !f.Until.IsZero() {
		q.Where("created_at < ?", store.Millis(f.Until))
	}
	switch f.Law {
	case LawExpired:
		q.Where("laws_until <> '' AND laws_until <= ?", f.Today)
	case LawEnding:
		q.Where("laws_until > ? AND laws_until <= ?", f.Today, f.Today.AddDays(endingDays))
	case LawInForce:
		q.Where("laws <> '' AND (laws_until = '' OR laws_until > ?)", f.Today)
	}
	for word := range strings.FieldsSeq(fold(f.Text)) {
		q.Where("search LIKE ? ESCAPE '!'", "%"+likeEscape.Replace(word)+"%")
	}
	return nil
}

// Choices are the words that reports have, for people to choose from instead of writing them once more.
type Choices struct {
	Series    []string `json:"series" nullable:"false"`
	Sources   []string `json:"sources" nullable:"false"`
	Speakers  []string `json:"speakers" nullable:"false"`
	Rights    []string `json:"rights" nullable:"false"`
	LawFields []string `json:"law_fields" nullable:"false"`
}

// Choices gives the words of the reports of some areas, nil is all, each list sorted.
func (l *Library) Choices(ctx context.Context, areas []string) (Choices, error) {
	c := Choices{Series: []string{}, Sources: []string{}, Speakers: []string{}, Rights: []string{}, LawFields: []string{}}
	if areas != nil && len(areas) == 0 {
		return c, nil
	}
	var fields []string
	for column, into := range map[string]*[]string{"series": &c.Series, "source": &c.Sources, "speaker": &c.Speakers, "rights": &c.Rights, "law_fields": &fields} {
		q := l.DB.NewSelect().Table("reports").Distinct().Column(column).Where("? <> ''", bun.Ident(column)).Order(column).Limit(500)
		if areas != nil {
			q.Where("area IN (?)", bun.List(areas))
		}
		if err := q.Scan(ctx, into); err != nil {
			return c, fmt.Errorf("read words of reports: %w", err)
		}
	}
	for _, text := range fields {
		var some []string
		if err := decode(text, &some); err != nil {
			return c, err
		}
		c.LawFields = append(c.LawFields, some...)
	}
	slices.Sort(c.LawFields)
	c.LawFields = slices.Compact(c.LawFields)
	return c, nil
}

// Page of reports, newest first; Next is "" on the last one.
type Page struct {
	Items []Report
	Next  string
}

// List gives the reports that a filter chooses, newest first.
func (l *Library) List(ctx context.Context, f Filter) (Page, error) {
	limit := 50
	if f.Limit > 0 {
		limit = min(f.Limit, 200)
	}
	var rows []reportRow
	if f.Areas != nil && len(f.Areas) == 0 {
		return Page{Items: []Report{}}, nil
	}
	q := l.DB.NewSelect().Model(&rows).Order("id DESC").Limit(int64(limit) + 1) // UUIDv7 sorts by time
	if f.Areas != nil {
		q.Where("area IN (?)", bun.List(f.Areas))
	}
	if len(f.States) > 0 {
		q.Where("state IN (?)", bun.List(f.States))
	}
	if f.Returned != nil {
		q.Where("(returned <> '') = ?", *f.Returned)
	}
	if err := f.where(q); err != nil {
		return Page{}, err
	}
	if f.Cursor != "" {
		if _, err := uuid.Parse(f.Cursor); err != nil {
			return Page{}, errCursor
		}
		q.Where("id < ?", f.Cursor)
	}
	if err := q.Scan(ctx); err != nil {
		return Page{}, fmt.Errorf("list reports: %w", err)
	}
	return page(rows, limit)
}

var likeEscape = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

func page(rows []reportRow, limit int) (Page, error) {
	var p Page
	if len(rows) > limit {
		rows = rows[:limit]
		p.Next = rows[limit-1].ID
	}
	p.Items = make([]Report, len(rows))
	for i := range rows {
		var err error
		if p.Items[i], err = rows[i].report(); err != nil {
			return Page{}, err
		}
	}
	return p, nil
}

// Reports gives what planning must know of the reports of these ids; those that do not exist are left out.
func (l *Library) Reports(ctx context.Context, ids []string) (map[string]broadcast.Report, error) {
	out := make(map[string]broadcast.Report, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), 500) // databases bound the parameters of a statement
		var rows []reportRow
		if err := l.DB.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids[:n])).Scan(ctx); err != nil {
			return nil, fmt.Errorf("read reports: %w", err)
		}
		for i := range rows {
			out[rows[i].ID] = rows[i].planned()
		}
		ids = ids[n:]
	}
	return out, nil
}

// Withdrawals gives what was withdrawn at since or later, newest first; reports that never had audio are left out.
func (l *Library) Withdrawals(ctx context.Context, since time.Time) ([]broadcast.Withdrawal, error) {
	var rows []reportRow
	err := l.DB.NewSelect().Model(&rows).Where("withdrawn_at >= ?", store.Millis(since)).Where("withdrawn_at > 0").
		Where("sha256 <> ''").Order("withdrawn_at DESC", "id DESC").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read withdrawals: %w", err)
	}
	out := make([]broadcast.Withdrawal, len(rows))
	for i, r := range rows {
		out[i] = broadcast.Withdrawal{Report: r.ID, Audio: r.SHA256, At: store.Time(r.WithdrawnAt), Reason: r.WithdrawnWhy}
	}
	return out, nil
}

// Metas gives what the reports of these ids are about; those that do not exist are left out.
func (l *Library) Metas(ctx context.Context, ids []string) (map[string]Meta, error) {
	out := make(map[string]Meta, len(ids))
	for part := range slices.Chunk(ids, 500) { // databases bound the parameters of a statement
		var rows []reportRow
		if err := l.DB.NewSelect().Model(&rows).Where("id IN (?)", bun.List(part)).Scan(ctx); err != nil {
			return nil, fmt.Errorf("read reports: %w", err)
		}
		for i := range rows {
			r, err := rows[i].report()
			if err != nil {
				return nil, err
			}
			out[r.ID] = r.Meta
		}
	}
	return out, nil
}
