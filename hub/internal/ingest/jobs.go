package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

// State of a job.
type State string

// States of a job.
const (
	StateQueued State = "queued" // not finished: waiting, running, or cut short by a restart
	StateDone   State = "done"
	StateFailed State = "failed"
)

// Job is one upload on its way to be the audio of a report.
type Job struct {
	ID        string // the upload's
	ReportID  string
	Owner     string // the hub whose ingest folder holds it
	Name      string
	SHA256    broadcast.Hash // of the upload
	Size      int64
	Recipe    string // JSON of one; "" for an upload
	State     State
	Attempts  int    // times it was begun; three times begun and never ended is given up
	Code      string // of the refusal, "" without
	CreatedAt time.Time
	UpdatedAt time.Time
}

// ErrNoJob says that there is no such job.
var ErrNoJob = errors.New("no such job")

// Jobs keeps jobs durably.
type Jobs interface {
	// Save writes a job, new or changed; it is on disk when Save returns.
	Save(ctx context.Context, j Job) error
	// Load gives ErrNoJob when there is none.
	Load(ctx context.Context, id string) (Job, error)
	// Busy tells whether a report has a queued job.
	Busy(ctx context.Context, reportID string) (bool, error)
	// Unfinished gives an owner's queued jobs, oldest first.
	Unfinished(ctx context.Context, owner string) ([]Job, error)
}

// Sink hears of the work on a report. Done and Failed come at least once for a job, and again when the hub
// was killed before it could note that: both must bear that. An error of theirs is retried for some time,
// then at the next start. Calls for one report come one at a time.
type Sink interface {
	// Progress tells the stage (probe, measure, normalise, encode, verify) and the percentage of the whole.
	// The percentage never goes back, except when the job begins anew after a restart.
	Progress(ctx context.Context, reportID, stage string, percent int)
	// Done must have taken over the file at Result.Path when it returns nil; it is removed then.
	Done(ctx context.Context, reportID string, r Result) error
	Failed(ctx context.Context, reportID string, why *problem.Error) error
}
