package library

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// How an audio of a report came to be.
type How string

// The ways.
const (
	HowUpload How = "upload"
	HowTrim   How = "trim"   // cut at its ends, out of the master
	HowRender How = "render" // a programme's parts joined
)

// Made is how, by whom and when an audio came to be.
type Made struct {
	How How       `json:"how"`
	By  Person    `json:"by"`
	At  time.Time `json:"at"`
}

// Pending is the next audio of a report while it is made, or why it could not be. The present one stays in force.
type Pending struct {
	Made
	Progress int     `json:"progress"`
	Stage    string  `json:"stage,omitempty"`
	Error    *Notice `json:"error,omitempty"`
	Parts    []Part  `json:"parts,omitempty"` // of a programme
	GapMS    int64   `json:"gap_ms,omitempty"`
	Base     int64   `json:"base,omitempty" doc:"of a cut: number of the version that is cut"`
}

// Version is an audio that a report has or had. What was replaced is evidence: it and its approval stay as they were.
type Version struct {
	N int64 `json:"n"`
	Made
	Audio
	Master   broadcast.Hash `json:"master,omitempty"`
	Parts    []Part         `json:"parts,omitempty"`
	Approved *Approval      `json:"approved,omitempty"`
	Replaced time.Time      `json:"replaced,omitzero"` // zero of the present one
}

type versionRow struct {
	bun.BaseModel `bun:"table:report_versions"`
	Report        string         `bun:"report,pk"`
	N             int64          `bun:"n,pk"`
	SHA256        broadcast.Hash `bun:"sha256"`
	Version       string         `bun:"version"`
}

// begin says that the next audio of a report is being made, which Done, or Failed, ends. Until then the present one stays in
// force. A report has one at a time.
func (l *Library) begin(ctx context.Context, id string, version int64, p Pending) (Report, error) {
	p.At = l.now()
	row, err := l.change(ctx, id, version, func(row *reportRow) error { return row.begin(p) })
	if err != nil {
		return Report{}, err
	}
	return row.report()
}

func (r *reportRow) begin(p Pending) error {
	before, err := r.pending()
	switch {
	case err != nil:
		return err
	case r.State == broadcast.ReportWithdrawn:
		return errWithdrawn
	case r.State == broadcast.ReportProcessing, before != nil && before.Error == nil:
		return errPending
	case (r.Kind == KindProgramme) != (p.How == HowRender):
		return errProgrammeAudio
	case p.How == HowTrim && r.SHA256 == "":
		return errNotReady
	}
	return r.setPending(&p)
}

func (r *reportRow) pending() (*Pending, error) {
	var p *Pending
	err := decode(r.Pending, &p)
	return p, err
}

func (r *reportRow) setPending(p *Pending) error {
	r.Pending = ""
	if p == nil {
		return nil
	}
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode pending audio: %w", err)
	}
	r.Pending = string(text)
	return nil
}

// awaits tells whether audio is being made for it.
func (r *reportRow) awaits() bool {
	if r.State == broadcast.ReportProcessing {
		return true
	}
	p, err := r.pending()
	return err == nil && p != nil && p.Error == nil && r.State != broadcast.ReportWithdrawn
}

// version is the present audio with its approval.
func (r *reportRow) version() (Version, error) {
	out, err := r.report()
	if err != nil {
		return Version{}, err
	}
	return Version{N: out.AudioVersion, Made: out.Made, Audio: out.Audio, Master: r.Master, Parts: out.Parts, Approved: out.Approved}, nil
}

// replace puts the present audio aside, for the next one.
func (r *reportRow) replace(ctx context.Context, tx bun.Tx, now time.Time) error {
	if r.SHA256 == "" {
		return nil
	}
	v, err := r.version()
	if err != nil {
		return err
	}
	v.Replaced = now
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode version: %w", err)
	}
	if _, err := tx.NewInsert().Model(&versionRow{Report: r.ID, N: v.N, SHA256: v.SHA256, Version: string(text)}).Exec(ctx); err != nil {
		return fmt.Errorf("keep version: %w", err)
	}
	r.AudioVersion++
	r.unapprove()
	return nil
}

// replaced gives an audio that was put aside.
func replaced(ctx context.Context, tx bun.Tx, report string, n int64) (v Version, err error) {
	row := versionRow{Report: report, N: n}
	if err := tx.NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
		return v, fmt.Errorf("read version: %w", err)
	}
	err = decode(row.Version, &v)
	return v, err
}

// Versions gives every audio a report had and has, the newest first.
func (l *Library) Versions(ctx context.Context, id string) ([]Version, error) {
	row, err := load(ctx, l.DB, id)
	if err != nil {
		return nil, err
	}
	out := []Version{}
	if row.SHA256 != "" {
		v, err := row.version()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	var rows []versionRow
	if err := l.DB.NewSelect().Model(&rows).Where("report = ?", id).Order("n DESC").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	for _, r := range rows {
		var v Version
		if err := decode(r.Version, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// Version gives one audio of a report; 0 is the present one.
func (l *Library) Version(ctx context.Context, id string, n int64) (Version, error) {
	all, err := l.Versions(ctx, id)
	if err != nil {
		return Version{}, err
	}
	for _, v := range all {
		if v.N == n || n == 0 {
			if n == 0 && !v.Replaced.IsZero() {
				break // there is none at present
			}
			return v, nil
		}
	}
	return Version{}, errNoVersion
}

// Stretch is audio of ours from one instant to another; ToMS 0 is its end.
type Stretch struct {
	Blob         broadcast.Hash
	FromMS, ToMS int64
}

// minTrimMS is what a cut must leave.
const minTrimMS = 500

// Trim begins a new audio: that of a version from one instant to another. It is cut out of the master, or where there is
// none, as of reports from before there were masters, out of what was distributed.
func (l *Library) Trim(ctx context.Context, id string, version, base, fromMS, toMS int64, by Person) (Report, Stretch, error) {
	v, err := l.Version(ctx, id, base)
	if err != nil {
		return Report{}, Stretch{}, err
	}
	if fromMS < 0 || toMS > v.DurationMS || toMS-fromMS < minTrimMS || fromMS == 0 && toMS == v.DurationMS && v.Replaced.IsZero() {
		return Report{}, Stretch{}, errTrim
	}
	r, err := l.begin(ctx, id, version, Pending{Made: Made{How: HowTrim, By: by}, Base: v.N})
	s := Stretch{Blob: v.SHA256, FromMS: fromMS, ToMS: toMS}
	if v.Master != "" && v.Making != nil {
		s = Stretch{Blob: v.Master, FromMS: v.Making.TrimStartMS + fromMS, ToMS: v.Making.TrimStartMS + toMS}
	}
	return r, s, err
}

// Pending gives the ids of reports whose next audio is being made, begun before an instant.
func (l *Library) Pending(ctx context.Context, before time.Time) ([]string, error) {
	var rows []reportRow
	if err := l.DB.NewSelect().Model(&rows).Where("pending <> ''").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read pending audio: %w", err)
	}
	var ids []string
	for _, r := range rows {
		p, err := r.pending()
		if err != nil {
			return nil, err
		}
		if r.awaits() && p.At.Before(before) {
			ids = append(ids, r.ID)
		}
	}
	return ids, nil
}

// take makes finished audio the report's own.
func (l *Library) take(ctx context.Context, tx bun.Tx, row *reportRow, a Audio, master broadcast.Hash) error {
	p, err := row.pending()
	if err != nil {
		return err
	}
	if p == nil { // its first
		row.Master = master
		row.Progress = 100
	} else {
		present := row.AudioVersion
		if err := row.replace(ctx, tx, l.now()); err != nil {
			return err
		}
		if p.How == HowTrim {
			base, err := replaced(ctx, tx, row.ID, cmp.Or(p.Base, present))
			if err != nil {
				return err
			}
			row.Master = base.Master
			a.SourceSHA256, a.SourceName = base.SourceSHA256, base.SourceName
			for _, w := range base.Warnings { // what is told of the source is so still
				if strings.HasPrefix(w, "SOURCE_") || strings.HasPrefix(w, "PHASE_") {
					a.Warnings = append(a.Warnings, w)
				}
			}
			if base.Making != nil && a.Making != nil {
				a.Making.GainDB = base.Making.GainDB
				a.Making.SourceFormat, a.Making.SourceDurationMS = base.Making.SourceFormat, base.Making.SourceDurationMS
				a.Making.TrimEndMS = max(0, a.Making.SourceDurationMS-a.Making.TrimStartMS-a.DurationMS)
			}
		}
		if p.How == HowUpload {
			row.Master = master
		}
		if err := errors.Join(row.setMade(p.Made), row.setParts(p.Parts)); err != nil {
			return err
		}
		row.GapMS, row.Pending, row.Error, row.Returned = p.GapMS, "", "", ""
		row.EditorID, row.EditorName = p.By.ID, p.By.Name
		row.Version++
		row.UpdatedAt = store.Millis(l.now())
	}
	row.State, row.Stage = broadcast.ReportDraft, ""
	return row.setAudio(a)
}

func (r *reportRow) setMade(m Made) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode making: %w", err)
	}
	r.Made = string(text)
	return nil
}
