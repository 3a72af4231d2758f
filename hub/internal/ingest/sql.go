package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/broadcast"
)

// SQLJobs keeps jobs in the table ingest_jobs. Safe for concurrent use.
type SQLJobs struct{ db *bun.DB }

// NewSQLJobs wants the schema of migration 00003.
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
}

func (q *SQLJobs) Save(ctx context.Context, j Job) error {
	row := jobRow{ID: j.ID, ReportID: j.ReportID, Owner: j.Owner, Name: j.Name, SHA256: string(j.SHA256), Size: j.Size, Recipe: j.Recipe, State: string(j.State),
		Attempts: j.Attempts, Code: j.Code, CreatedAt: j.CreatedAt.UnixMilli(), UpdatedAt: j.UpdatedAt.UnixMilli()}
	_, err := q.db.NewInsert().Model(&row).On("CONFLICT (id) DO UPDATE").
		Set("state = EXCLUDED.state").Set("attempts = EXCLUDED.attempts").Set("code = EXCLUDED.code").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("save job: %w", err)
	}
	return nil
}

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

// Busy tells whether a report has a queued job.
func (q *SQLJobs) Busy(ctx context.Context, reportID string) (bool, error) {
	busy, err := q.db.NewSelect().Model((*jobRow)(nil)).Where("report_id = ?", reportID).Where("state = ?", StateQueued).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("look for job: %w", err)
	}
	return busy, nil
}

func (q *SQLJobs) Unfinished(ctx context.Context, owner string) ([]Job, error) {
	var rows []jobRow
	err := q.db.NewSelect().Model(&rows).Where("owner = ?", owner).Where("state = ?", StateQueued).Order("created_at", "id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	jobs := make([]Job, len(rows))
	for i := range rows {
		jobs[i] = rows[i].job()
	}
	return jobs, nil
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
