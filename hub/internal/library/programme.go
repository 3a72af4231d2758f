package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Kind tells reports from programmes, which are made of reports and are one audio like them.
type Kind string

// The kinds.
const (
	KindReport    Kind = "report"
	KindProgramme Kind = "programme"
)

// Bounds of a programme.
const (
	maxParts = 50
	maxGapMS = 10_000
)

// Role of a part.
type Role string

// The roles: a signature tune at each end, reports between.
const (
	Opening Role = "opening"
	Item    Role = "item"
	Closing Role = "closing"
)

// Part is a report in a programme, with the audio that was taken of it.
type Part struct {
	Report     string         `json:"report"`
	Role       Role           `json:"role"`
	Title      string         `json:"title"`
	SHA256     broadcast.Hash `json:"sha256"`
	AtMS       int64          `json:"at_ms"` // where it begins in the programme
	DurationMS int64          `json:"duration_ms"`
}

// Order is what a programme is of.
type Order struct {
	Opening string   `json:"opening,omitempty" doc:"report with the opening tune"`
	Items   []string `json:"items" doc:"reports in their order"`
	Closing string   `json:"closing,omitempty" doc:"report with the closing tune"`
	GapMS   int64    `json:"gap_ms,omitempty" minimum:"0" maximum:"10000" doc:"silence between parts"`
}

// IDs gives the reports of an order, as they are heard.
func (o Order) IDs() []string {
	var ids []string
	for _, p := range o.parts() {
		ids = append(ids, p.Report)
	}
	return ids
}

func (o Order) parts() []Part {
	var parts []Part
	if o.Opening != "" {
		parts = append(parts, Part{Report: o.Opening, Role: Opening})
	}
	for _, id := range o.Items {
		parts = append(parts, Part{Report: id, Role: Item})
	}
	if o.Closing != "" {
		parts = append(parts, Part{Report: o.Closing, Role: Closing})
	}
	return parts
}

// Stale says which part of a programme is not what its audio has.
type Stale struct {
	Code   string `json:"code" enum:"PART_WITHDRAWN,PART_CHANGED"`
	Report string `json:"report"`
	Title  string `json:"title"`
}

// CreateProgramme opens a programme whose audio is to be made of the stretches it gives.
func (l *Library) CreateProgramme(ctx context.Context, meta Meta, o Order, by Person) (Report, []Stretch, error) {
	if err := meta.check(); err != nil {
		return Report{}, nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Report{}, nil, fmt.Errorf("make report id: %w", err)
	}
	parts, stretches, err := l.gather(ctx, o)
	if err != nil {
		return Report{}, nil, err
	}
	now := l.now()
	row := reportRow{ID: id.String(), Kind: KindProgramme, Version: 1, AudioVersion: 1, AuthorID: by.ID, AuthorName: by.Name, GapMS: o.GapMS,
		CreatedAt: store.Millis(now), UpdatedAt: store.Millis(now), State: broadcast.ReportProcessing}
	if err := errors.Join(row.setMeta(meta), row.setParts(parts), row.setMade(Made{How: HowRender, By: by, At: now})); err != nil {
		return Report{}, nil, err
	}
	row.Search = row.words()
	if err := l.limits(ctx, l.DB, &row); err != nil {
		return Report{}, nil, err
	}
	if _, err := l.DB.NewInsert().Model(&row).Exec(ctx); err != nil {
		return Report{}, nil, fmt.Errorf("write programme: %w", err)
	}
	l.tell(row)
	r, err := row.report()
	return r, stretches, err
}

// Rearrange begins a new audio of a programme, of the parts as they are now.
func (l *Library) Rearrange(ctx context.Context, id string, version int64, o Order, by Person) (Report, []Stretch, error) {
	parts, stretches, err := l.gather(ctx, o)
	if err != nil {
		return Report{}, nil, err
	}
	r, err := l.begin(ctx, id, version, Pending{Made: Made{How: HowRender, By: by}, Parts: parts, GapMS: o.GapMS})
	return r, stretches, err
}

// gather reads the parts of an order, and where their audio is: in the master where there is one, so that a part is
// encoded for the second time only.
func (l *Library) gather(ctx context.Context, o Order) ([]Part, []Stretch, error) {
	parts := o.parts()
	if len(o.Items) == 0 || len(parts) > maxParts || o.GapMS < 0 || o.GapMS > maxGapMS {
		return nil, nil, errOrder
	}
	var at int64
	stretches := make([]Stretch, len(parts))
	for i := range parts {
		p := &parts[i]
		row, err := load(ctx, l.DB, p.Report)
		if err != nil {
			return nil, nil, err
		}
		if row.Kind == KindProgramme {
			return nil, nil, errNested
		}
		if row.SHA256 == "" || row.State != broadcast.ReportDraft && row.State != broadcast.ReportApproved {
			return nil, nil, errPartUnusable
		}
		v, err := row.version()
		if err != nil {
			return nil, nil, err
		}
		stretches[i] = Stretch{Blob: v.SHA256, ToMS: v.DurationMS}
		if v.Master != "" && v.Making != nil {
			stretches[i] = Stretch{Blob: v.Master, FromMS: v.Making.TrimStartMS, ToMS: v.Making.TrimStartMS + v.DurationMS}
		}
		p.Title, p.SHA256, p.DurationMS, p.AtMS = row.Title, row.SHA256, row.DurationMS, at
		at += row.DurationMS + o.GapMS
	}
	return parts, stretches, nil
}

func (r *reportRow) setParts(parts []Part) (err error) {
	r.Parts, err = list(parts)
	return err
}

func (r *reportRow) parts() ([]Part, error) {
	var parts []Part
	err := decode(r.Parts, &parts)
	return parts, err
}

// limits looks at a programme's parts as they are: it writes how long they are valid, all together, and which of them is
// no longer what the programme's audio has.
func (l *Library) limits(ctx context.Context, db bun.IDB, row *reportRow) error {
	parts, err := row.parts()
	if err != nil || row.Kind != KindProgramme {
		return err
	}
	row.PartsFrom, row.PartsUntil = 0, 0
	var stale *Stale
	for _, p := range parts {
		part, err := load(ctx, db, p.Report)
		if err != nil {
			return err
		}
		row.PartsFrom = max(row.PartsFrom, part.ValidFrom)
		if part.ValidUntil != 0 && (row.PartsUntil == 0 || part.ValidUntil < row.PartsUntil) {
			row.PartsUntil = part.ValidUntil
		}
		switch {
		case part.State == broadcast.ReportWithdrawn:
			stale = &Stale{Code: "PART_WITHDRAWN", Report: part.ID, Title: part.Title}
		case part.SHA256 != p.SHA256 && stale == nil:
			stale = &Stale{Code: "PART_CHANGED", Report: part.ID, Title: part.Title}
		}
	}
	row.Stale = ""
	if stale != nil {
		text, err := json.Marshal(stale)
		if err != nil {
			return fmt.Errorf("encode stale: %w", err)
		}
		row.Stale = string(text)
	}
	return nil
}

// follow brings the programmes that hold a report to what it is now. One whose audio has what was withdrawn or replaced
// loses its approval in the same transaction: no plan has it from then on.
func (l *Library) follow(ctx context.Context, tx bun.Tx, part string) ([]reportRow, error) {
	rows, err := holders(ctx, tx, part)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		row := &rows[i]
		before := row.Stale
		if err := l.limits(ctx, tx, row); err != nil {
			return nil, err
		}
		if row.Stale != "" && row.Stale != before {
			row.Version++
			row.UpdatedAt = store.Millis(l.now())
		}
		if row.Stale != "" && row.State == broadcast.ReportApproved {
			row.State = broadcast.ReportDraft
			row.unapprove()
		}
		if _, err := tx.NewUpdate().Model(row).WherePK().Exec(ctx); err != nil {
			return nil, fmt.Errorf("write programme: %w", err)
		}
	}
	return rows, nil
}

// holders are the programmes, not withdrawn, that a report is a part of.
func holders(ctx context.Context, db bun.IDB, part string) ([]reportRow, error) {
	var rows []reportRow
	err := db.NewSelect().Model(&rows).Where("kind = ?", KindProgramme).Where("state <> ?", broadcast.ReportWithdrawn).
		Where("parts LIKE ?", `%"report":"`+part+`"%`).Order("id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read programmes: %w", err)
	}
	return rows, nil
}

// Programmes gives those, not withdrawn, that a report is a part of.
func (l *Library) Programmes(ctx context.Context, part string) ([]Report, error) {
	rows, err := holders(ctx, l.DB, part)
	if err != nil {
		return nil, err
	}
	p, err := page(rows, len(rows))
	return p.Items, err
}

// approvable refuses a programme whose parts are not all approved as they are heard in it.
func (l *Library) approvable(ctx context.Context, db bun.IDB, row *reportRow) error {
	if err := l.limits(ctx, db, row); err != nil || row.Kind != KindProgramme {
		return err
	}
	if row.Stale != "" {
		return errStaleProgramme
	}
	parts, err := row.parts()
	if err != nil {
		return err
	}
	for _, p := range parts {
		part, err := load(ctx, db, p.Report)
		if err != nil {
			return err
		}
		if part.planned().State != broadcast.ReportApproved {
			return errPartUnapproved
		}
	}
	return nil
}

// span is when a report may be heard: as is written about it, and about its parts.
func (r *reportRow) span() (from, until *time.Time) {
	until = instant(r.ValidUntil)
	if r.PartsUntil != 0 && (until == nil || r.PartsUntil < r.ValidUntil) {
		until = instant(r.PartsUntil)
	}
	return instant(max(r.ValidFrom, r.PartsFrom)), until
}
