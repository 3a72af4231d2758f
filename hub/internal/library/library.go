// Package library keeps the reports (phóng sự phát thanh): what they are about, how far they are, who
// approved them, and whether they were taken back. It takes uploads' words from api and finished audio from
// ingest, keeps the audio and its manifest among the blobs, gives reports to api and what planning must know
// of them to planner, and tells the bus of every change. A Library is safe for concurrent use; each change
// is one transaction, and of two people's changes to one report the second is refused as stale.
package library

import (
	"context"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Person is who did something.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Notice is a refusal for people: a stable code and a sentence with the next step.
type Notice struct {
	Code string `json:"code"`
	VI   string `json:"vi"`
	EN   string `json:"en"`
}

// Audio is what ingest found and made.
type Audio struct {
	SHA256       broadcast.Hash `json:"sha256,omitempty"` // of the distribution file
	Size         int64          `json:"size,omitempty"`
	DurationMS   int64          `json:"duration_ms,omitempty"`
	LoudnessLUFS float64        `json:"loudness_lufs,omitempty"`
	TruePeakDBTP float64        `json:"true_peak_dbtp,omitempty"`
	Manifest     broadcast.Hash `json:"manifest,omitempty"` // blob: broadcast.Manifest
	Peaks        broadcast.Hash `json:"peaks,omitempty"`    // blob: the waveform's peaks as ingest gave them
	SourceSHA256 broadcast.Hash `json:"source_sha256,omitempty"`
	SourceName   string         `json:"source_name,omitempty"`
	Warnings     []string       `json:"warnings,omitempty"` // stable words, see ingest
	Making       *Making        `json:"making,omitempty"`
}

// Making is how the distribution file came from what was uploaded.
type Making struct {
	SourceFormat     string  `json:"source_format"` // container/codec
	SourceDurationMS int64   `json:"source_duration_ms"`
	TrimStartMS      int64   `json:"trim_start_ms"` // silence cut at the start
	TrimEndMS        int64   `json:"trim_end_ms"`
	GainDB           float64 `json:"gain_db"` // that brought it to the target level
	LRA              float64 `json:"lra"`     // loudness range in LU
	BitrateKbps      int     `json:"bitrate_kbps"`
}

// Approval is somebody's word that this very audio may be heard.
type Approval struct {
	By     Person         `json:"by"`
	At     time.Time      `json:"at"`
	SHA256 broadcast.Hash `json:"sha256"`
}

// Return gives a report back to its author, with words.
type Return struct {
	By    Person    `json:"by"`
	At    time.Time `json:"at"`
	Words string    `json:"words"`
}

// Withdrawal takes a report back for ever.
type Withdrawal struct {
	By     Person    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// Report is one piece of audio with what is known of it.
type Report struct {
	ID      string `json:"id"`
	Version int64  `json:"version"` // raised by every change a person makes; the ETag
	Meta
	Author   Person                `json:"author"`
	Editor   *Person               `json:"editor,omitempty"` // who wrote this version; none while it is its author's
	Created  time.Time             `json:"created"`
	Updated  time.Time             `json:"updated"`
	State    broadcast.ReportState `json:"state"`
	Progress int                   `json:"progress"` // percent
	Stage    string                `json:"stage,omitempty"`
	Error    *Notice               `json:"error,omitempty"`
	Audio
	Approved  *Approval   `json:"approved,omitempty"`
	Returned  *Return     `json:"returned,omitempty"` // while its author has it back; the next version clears it
	Before    *Meta       `json:"before,omitempty"`   // what was last approved, of one that is a draft again
	Withdrawn *Withdrawal `json:"withdrawn,omitempty"`

	Kind         Kind     `json:"kind" enum:"report,programme"`
	AudioVersion int64    `json:"audio_version" doc:"counts its audios; each is approved for itself"`
	Made         Made     `json:"made" doc:"how the present audio came to be"`
	Pending      *Pending `json:"pending,omitempty" doc:"the next audio, while it is made"`
	Parts        []Part   `json:"parts,omitempty" doc:"of a programme"`
	GapMS        int64    `json:"gap_ms,omitempty" doc:"silence between a programme's parts"`
	Stale        *Stale   `json:"stale,omitempty" doc:"a part of this programme was withdrawn or has another audio now: it must be made anew"`
}

// Deps are what a Library needs.
type Deps struct {
	DB    *bun.DB
	Blobs store.Blobs
	Bus   bus.Bus
	Log   *slog.Logger
	Now   func() time.Time
}

// Library keeps the reports.
type Library struct{ Deps }

// New makes a Library on a migrated database.
func New(d Deps) *Library { return &Library{Deps: d} }

func (l *Library) now() time.Time { return l.Now().UTC().Truncate(time.Millisecond) }

// tell says on the bus that a report changed; whoever needs more reads it.
func (l *Library) tell(r reportRow) {
	l.Bus.Publish(bus.Event{Topic: bus.Report, Area: r.Area, ID: r.ID,
		Data: map[string]any{"state": r.State, "progress": r.Progress, "stage": r.Stage, "version": r.Version}})
}

// Report gives one report, or REPORT_NOT_FOUND.
func (l *Library) Report(ctx context.Context, id string) (Report, error) {
	row, err := load(ctx, l.DB, id)
	if err != nil {
		return Report{}, err
	}
	return row.report()
}
