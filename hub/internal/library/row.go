package library

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// reportRow is a row of table reports.
type reportRow struct {
	bun.BaseModel  `bun:"table:reports"`
	ID             string                `bun:"id,pk"`
	Version        int64                 `bun:"version"`
	Area           string                `bun:"area"`
	Title          string                `bun:"title"`
	Series         string                `bun:"series"`
	Source         string                `bun:"source"`
	Language       string                `bun:"language"`
	AirDate        broadcast.Date        `bun:"air_date"`
	Speaker        string                `bun:"speaker"`
	Rights         string                `bun:"rights"`
	LawFields      string                `bun:"law_fields"`
	Laws           string                `bun:"laws"`
	LawsUntil      broadcast.Date        `bun:"laws_until"`
	ValidFrom      int64                 `bun:"valid_from"`
	ValidUntil     int64                 `bun:"valid_until"`
	AuthorID       string                `bun:"author_id"`
	AuthorName     string                `bun:"author_name"`
	EditorID       string                `bun:"editor_id"` // "" while nobody edited it
	EditorName     string                `bun:"editor_name"`
	CreatedAt      int64                 `bun:"created_at"`
	UpdatedAt      int64                 `bun:"updated_at"`
	State          broadcast.ReportState `bun:"state"`
	Progress       int                   `bun:"progress"`
	Stage          string                `bun:"stage"`
	Error          string                `bun:"error"`
	SHA256         broadcast.Hash        `bun:"sha256"`
	Manifest       broadcast.Hash        `bun:"manifest"`
	Size           int64                 `bun:"size"`
	DurationMS     int64                 `bun:"duration_ms"`
	LoudnessLUFS   float64               `bun:"loudness_lufs"`
	TruePeakDBTP   float64               `bun:"true_peak_dbtp"`
	Peaks          broadcast.Hash        `bun:"peaks"`
	Warnings       string                `bun:"warnings"`
	SourceSHA256   broadcast.Hash        `bun:"source_sha256"`
	SourceName     string                `bun:"source_name"`
	Making         string                `bun:"making"`
	ApprovedID     string                `bun:"approved_id"`
	ApprovedName   string                `bun:"approved_name"`
	ApprovedAt     int64                 `bun:"approved_at"`
	ApprovedSHA256 broadcast.Hash        `bun:"approved_sha256"`
	WithdrawnID    string                `bun:"withdrawn_id"`
	WithdrawnName  string                `bun:"withdrawn_name"`
	WithdrawnAt    int64                 `bun:"withdrawn_at"`
	WithdrawnWhy   string                `bun:"withdrawn_why"`
	Search         string                `bun:"search"` // words
	Kind           Kind                  `bun:"kind"`
	AudioVersion   int64                 `bun:"audio_version"`
	Made           string                `bun:"made"`
	Master         broadcast.Hash        `bun:"master"`
	Pending        string                `bun:"pending"`
	Parts          string                `bun:"parts"`
	GapMS          int64                 `bun:"gap_ms"`
	Stale          string                `bun:"stale"`
	PartsFrom      int64                 `bun:"parts_from"`
	PartsUntil     int64                 `bun:"parts_until"`
	Returned       string                `bun:"returned"`      // JSON Return
	ApprovedMeta   string                `bun:"approved_meta"` // JSON Meta
}

func (r *reportRow) setAudio(a Audio) error {
	warnings, err := json.Marshal(a.Warnings)
	if err != nil {
		return fmt.Errorf("encode warnings: %w", err)
	}
	making, err := json.Marshal(a.Making)
	if err != nil {
		return fmt.Errorf("encode making: %w", err)
	}
	r.Making = string(making)
	r.SHA256, r.Manifest, r.Peaks, r.Size, r.DurationMS = a.SHA256, a.Manifest, a.Peaks, a.Size, a.DurationMS
	r.LoudnessLUFS, r.TruePeakDBTP, r.Warnings = a.LoudnessLUFS, a.TruePeakDBTP, string(warnings)
	r.SourceSHA256, r.SourceName = a.SourceSHA256, a.SourceName
	return nil
}

func (r *reportRow) unapprove() {
	r.ApprovedID, r.ApprovedName, r.ApprovedAt, r.ApprovedSHA256 = "", "", 0, ""
}

func (r *reportRow) report() (Report, error) {
	meta, err := r.meta()
	out := Report{
		ID: r.ID, Version: r.Version, Meta: meta,
		Author: Person{r.AuthorID, r.AuthorName}, Created: store.Time(r.CreatedAt), Updated: store.Time(r.UpdatedAt),
		State: r.State, Progress: r.Progress, Stage: r.Stage,
		Audio: Audio{SHA256: r.SHA256, Size: r.Size, DurationMS: r.DurationMS, LoudnessLUFS: r.LoudnessLUFS,
			TruePeakDBTP: r.TruePeakDBTP, Manifest: r.Manifest, Peaks: r.Peaks,
			SourceSHA256: r.SourceSHA256, SourceName: r.SourceName},
	}
	out.Kind, out.AudioVersion, out.GapMS = r.Kind, r.AudioVersion, r.GapMS
	out.Made = Made{How: HowUpload, By: out.Author, At: out.Created}
	if r.EditorID != "" {
		out.Editor = &Person{r.EditorID, r.EditorName}
	}
	if r.ApprovedAt != 0 {
		out.Approved = &Approval{By: Person{r.ApprovedID, r.ApprovedName}, At: store.Time(r.ApprovedAt), SHA256: r.ApprovedSHA256}
	}
	if r.WithdrawnAt != 0 {
		out.Withdrawn = &Withdrawal{By: Person{r.WithdrawnID, r.WithdrawnName}, At: store.Time(r.WithdrawnAt), Reason: r.WithdrawnWhy}
	}
	if r.State == broadcast.ReportDraft {
		if err := decode(r.ApprovedMeta, &out.Before); err != nil {
			return out, err
		}
	}
	return out, errors.Join(err, decode(r.Returned, &out.Returned), decode(r.Warnings, &out.Warnings), decode(r.Making, &out.Making), decode(r.Error, &out.Error),
		decode(r.Made, &out.Made), decode(r.Pending, &out.Pending), decode(r.Parts, &out.Parts), decode(r.Stale, &out.Stale))
}

// planned is the report as planning sees it. Approved counts only for the audio that was approved.
func (r *reportRow) planned() broadcast.Report {
	state := r.State
	if state == broadcast.ReportApproved && r.ApprovedSHA256 != r.SHA256 {
		state = broadcast.ReportDraft
	}
	from, until := r.span()
	return broadcast.Report{ID: r.ID, Area: r.Area, Title: r.Title, State: state, Audio: r.SHA256,
		Manifest: r.Manifest, DurationMS: r.DurationMS, ValidFrom: from, ValidUntil: until}
}

func instant(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := store.Time(ms)
	return &t
}

func decode(text string, into any) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("decode report: %w", err)
	}
	return nil
}

func load(ctx context.Context, db bun.IDB, id string) (reportRow, error) {
	var row reportRow
	err := db.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, errNotFound
	} else if err != nil {
		return row, fmt.Errorf("read report: %w", err)
	}
	return row, nil
}

// change reads a report, lets edit change it and writes it, in one transaction; what edit refuses leaves no
// trace. version is the one the person saw, 0 when it does not matter.
func (l *Library) change(ctx context.Context, id string, version int64, edit func(*reportRow) error) (reportRow, error) {
	return l.changeIn(ctx, id, version, func(_ context.Context, _ bun.Tx, row *reportRow) error { return edit(row) })
}

// changeIn is change for an edit that reads or writes more in the same transaction.
func (l *Library) changeIn(ctx context.Context, id string, version int64, edit func(context.Context, bun.Tx, *reportRow) error) (reportRow, error) {
	var row reportRow
	var programmes []reportRow
	err := l.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
		if row, err = load(ctx, tx, id); err != nil {
			return err
		}
		if version != 0 && version != row.Version {
			return errStale
		}
		before := row
		if err := edit(ctx, tx, &row); err != nil {
			return err
		}
		row.Search = row.words()
		if _, err := tx.NewUpdate().Model(&row).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		if row.State == before.State && row.SHA256 == before.SHA256 && row.ValidFrom == before.ValidFrom && row.ValidUntil == before.ValidUntil {
			return nil
		}
		programmes, err = l.follow(ctx, tx, id)
		return err
	})
	if err == nil {
		l.tell(row)
		for _, p := range programmes {
			l.tell(p)
		}
	}
	return row, err
}
