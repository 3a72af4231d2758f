package ingest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/store/storetest"
)

func TestSQLJobs(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { jobsContract(t, openJobs(t, t.TempDir())) })
	t.Run("PostgreSQL", func(t *testing.T) {
		jobsContract(t, jobsIn(t, storetest.Empty(t, storetest.Server(t), "jobs"), ""))
	})
}

func jobsContract(t *testing.T, q *SQLJobs) {
	ctx := t.Context()
	now := time.UnixMilli(1_790_000_000_123)
	want := Job{ID: "b", ReportID: "r", Owner: "hub-1", Name: "tên.mp3", SHA256: "ab", Size: 1 << 31, State: StateQueued, CreatedAt: now, UpdatedAt: now}
	for _, j := range []Job{want, {ID: "c", Owner: "hub-1", State: StateQueued, CreatedAt: now.Add(-time.Hour)},
		{ID: "d", Owner: "hub-2", State: StateQueued}, {ID: "e", Owner: "hub-1", State: StateDone}} {
		if err := q.Save(ctx, j); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := q.Load(ctx, "b"); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	if _, err := q.Load(ctx, "x"); !errors.Is(err, ErrNoJob) {
		t.Errorf("%v", err)
	}
	ids := func() (s string) {
		left, err := q.Unfinished(ctx, "hub-1")
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range left {
			s += j.ID
		}
		return s
	}
	if got := ids(); got != "cb" {
		t.Errorf("unfinished %q", got)
	}
	want.State, want.Code = StateFailed, "AUDIO_EMPTY"
	if err := q.Save(ctx, want); err != nil {
		t.Fatal(err)
	}
	if got := ids(); got != "c" {
		t.Errorf("unfinished %q", got)
	}
}
