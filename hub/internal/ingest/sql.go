package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// SQLJobs keeps jobs in the table ingest_jobs. Safe for concurrent use.
type SQLJobs struct{ db *bun.DB }

// NewSQLJobs wants the schema of migration 00033.
func NewSQLJobs(db *bun.DB) *SQLJobs { return &SQLJobs{db: db} }

type jobRow struct {
	bun.BaseModel `bun:"table:ingest_jobs"`
	ID            string `bun:"id,pk"`
	ReportID      string `bun:"report_id"`
	Owner         string `bun:"owner"`
	Name          string `bun:"name"`
	SHA256        string `bun:"sha256"`
	Size          int64  `bun:"size"`
	Recipe        string `bun:"recipe"`
	State         string `bun:"state"`
	Attempts      int    `bun:"attempts"`
	Code          string `bun:"code"`
	CreatedAt     int64  `bun:"created_at"`
	UpdatedAt     int64  `bun:"updated_at"`
	LeaseUntil    int64  `bun:"lease_until"`
}

// Add implements Jobs.
func (q *SQLJobs) Add(ctx context.Context, j Job, most int) (added Job, err error) {
	row := jobRow{ID: j.ID, ReportID: j.ReportID, Owner: j.Owner, Name: j.Name, SHA256: string(j.SHA256), Size: j.Size, Recipe: j.Recipe, State: string(StateQueued),
		Attempts: j.Attempts, CreatedAt: j.CreatedAt.UnixMilli(), UpdatedAt: j.UpdatedAt.UnixMilli()}
	err = q.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		there := row
		if err := tx.NewSelect().Model(&there).WherePK().Scan(ctx); !errors.Is(err, sql.ErrNoRows) {
			added = there.job()
			return err
		}
		queued := tx.NewSelect().Model((*jobRow)(nil)).Where("state = ?", StateQueued)
		if busy, err := queued.Clone().Where("report_id = ?", j.ReportID).Exists(ctx); err != nil {
			return err
		} else if busy {
			return ErrReportBusy
		}
		if n, err := queued.Count(ctx); err != nil {
			return err
		} else if int(n) >= most {
			return ErrBusy
		}
		added = row.job()
		_, err := tx.NewInsert().Model(&row).Exec(ctx)
		return err
	})
	if err != nil {
		return Job{}, fmt.Errorf("write job: %w", err)
	}
	return added, nil
}

// Load implements Jobs.
func (q *SQLJobs) Load(ctx context.Context, id string) (Job, error) {
	var row jobRow
	err := q.db.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Job{}, ErrNoJob
	}
	if err != nil {
		return Job{}, fmt.Errorf("load job: %w", err)
	}
	return row.job(), nil
}

// Take implements Jobs.
func (q *SQLJobs) Take(ctx context.Context, owner string, lease time.Duration) (Job, error) {
	free := q.db.NewSelect().Model((*jobRow)(nil)).Column("id").Where("state = ?", StateQueued).Where("lease_until <= ?", store.Now(q.db)).
		Order("created_at", "id").Limit(1)
	// Looked for first: to look is no write, and hubs look often.
	if some, err := free.Clone().Exists(ctx); err != nil {
		return Job{}, fmt.Errorf("look for job: %w", err)
	} else if !some {
		return Job{}, ErrNoJob
	}
	var row jobRow
	err := q.db.NewUpdate().Model(&row).Where("id = (?)", free).Set("owner = ?", owner).Set("attempts = attempts + 1").
		Set("lease_until = ? + ?", store.Now(q.db), lease.Milliseconds()).Set("updated_at = ?", store.Now(q.db)).Returning("*").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Job{}, ErrNoJob // another hub was quicker
	} else if err != nil {
		return Job{}, fmt.Errorf("take job: %w", err)
	}
	return row.job(), nil
}

// Renew implements Jobs.
func (q *SQLJobs) Renew(ctx context.Context, j Job, lease time.Duration) error {
	return q.held(ctx, "renew", q.its(j).Set("lease_until = ? + ?", store.Now(q.db), lease.Milliseconds()))
}

// Release implements Jobs.
func (q *SQLJobs) Release(ctx context.Context, j Job, pause time.Duration) error {
	return q.held(ctx, "release", q.its(j).Set("attempts = ?", j.Attempts).Set("lease_until = ? + ?", store.Now(q.db), pause.Milliseconds()))
}

// End implements Jobs.
func (q *SQLJobs) End(ctx context.Context, j Job, state State, code string) error {
	return q.held(ctx, "end", q.its(j).Set("state = ?", state).Set("code = ?", code))
}

// Resume implements Jobs.
func (q *SQLJobs) Resume(ctx context.Context, owner string) error {
	_, err := q.db.NewUpdate().Model((*jobRow)(nil)).Where("owner = ?", owner).Where("state = ?", StateQueued).Set("lease_until = 0").Exec(ctx)
	if err != nil {
		return fmt.Errorf("resume jobs: %w", err)
	}
	return nil
}

// its changes the job while it is its owner's. A lease that ran out is one as long as nobody else took the job.
func (q *SQLJobs) its(j Job) *bun.UpdateQuery {
	return q.db.NewUpdate().Model((*jobRow)(nil)).Where("id = ?", j.ID).Where("owner = ?", j.Owner).Where("state = ?", StateQueued).
		Set("updated_at = ?", store.Now(q.db))
}

func (q *SQLJobs) held(ctx context.Context, verb string, change *bun.UpdateQuery) error {
	res, err := change.Exec(ctx)
	if err != nil {
		return fmt.Errorf("%s job: %w", verb, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrLost, err)
	}
	return nil
}

// Queued gives the queued jobs of all hubs.
func (q *SQLJobs) Queued(ctx context.Context) ([]Job, error) {
	var rows []jobRow
	if err := q.db.NewSelect().Model(&rows).Where("state = ?", StateQueued).Order("created_at", "id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	jobs := make([]Job, len(rows))
	for i := range rows {
		jobs[i] = rows[i].job()
	}
	return jobs, nil
}

func (r *jobRow) job() Job {
	return Job{ID: r.ID, ReportID: r.ReportID, Owner: r.Owner, Name: r.Name, SHA256: broadcast.Hash(r.SHA256), Size: r.Size, Recipe: r.Recipe, State: State(r.State),
		Attempts: r.Attempts, Code: r.Code, CreatedAt: time.UnixMilli(r.CreatedAt), UpdatedAt: time.UnixMilli(r.UpdatedAt)}
}

// Restored forgets what was under way in a database that comes back from a backup: uploads are not in it.
func (q *SQLJobs) Restored(ctx context.Context) error {
	if _, err := q.db.NewDelete().Model((*jobRow)(nil)).Where("state = ?", StateQueued).Exec(ctx); err != nil {
		return fmt.Errorf("forget jobs: %w", err)
	}
	return nil
}
