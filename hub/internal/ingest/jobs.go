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
	Owner     string // the hub that took it, or made it while nobody has
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

// ErrLost says that a job is not, or no longer, in the hands of who works on it.
var ErrLost = errors.New("the job is another's, or over")

// Jobs keeps jobs durably. A queued job is worked on by who took it, for as long as the lease runs that goes with it; who
// has it renews that. A hub that dies renews nothing, and another one takes the job. Time is the database's: hubs' clocks
// need not agree.
type Jobs interface {
	// Add writes a new queued job, which nobody has; when there is one of its id, it gives that one and changes nothing.
	// ErrReportBusy when the report has another that is queued, ErrBusy when so many are.
	Add(ctx context.Context, j Job, most int) (Job, error)
	// Load gives ErrNoJob when there is none.
	Load(ctx context.Context, id string) (Job, error)
	// Take gives owner the oldest queued job that nobody has, with one more attempt; ErrNoJob when there is none.
	Take(ctx context.Context, owner string, lease time.Duration) (Job, error)
	// Renew lets the lease of j's owner run from now; ErrLost.
	Renew(ctx context.Context, j Job, lease time.Duration) error
	// Release gives j back with the attempts it names, to be taken when the pause is over; ErrLost.
	Release(ctx context.Context, j Job, pause time.Duration) error
	// End writes how j ended; ErrLost.
	End(ctx context.Context, j Job, state State, code string) error
	// Resume gives back all that owner has, from a life before.
	Resume(ctx context.Context, owner string) error
}

// Sink hears of the work on a report. Done and Failed come at least once for a job, and again when the hub
// was killed before it could note that: both must bear that. An error of theirs is retried for some time,
// then after a pause. Calls for one report come one at a time.
type Sink interface {
	// Progress tells the stage (probe, measure, normalise, encode, verify) and the percentage of the whole.
	// The percentage never goes back, except when the job begins anew after a restart.
	Progress(ctx context.Context, reportID, stage string, percent int)
	// Done must have taken over the file at Result.Path when it returns nil; it is removed then.
	Done(ctx context.Context, reportID string, r Result) error
	Failed(ctx context.Context, reportID string, why *problem.Error) error
}
