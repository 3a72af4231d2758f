package ingest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/store/storetest"
)

func TestSQLJobs(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { jobsContract(t, func(t *testing.T) *SQLJobs { return openJobs(t, t.TempDir()) }) })
	t.Run("PostgreSQL", func(t *testing.T) {
		server, n := storetest.Server(t), 0
		jobsContract(t, func(t *testing.T) *SQLJobs {
			n++
			return jobsIn(t, storetest.Empty(t, server, fmt.Sprint("jobs", n)), "")
		})
	})
}

// jobsContract is what every Jobs must keep; open gives a new, empty one. A lease of a negative time has run out already.
func jobsContract(t *testing.T, open func(*testing.T) *SQLJobs) {
	const long, over = time.Hour, -time.Second
	now := time.UnixMilli(1_790_000_000_123)
	add := func(t *testing.T, q *SQLJobs, ids ...string) {
		t.Helper()
		for i, id := range ids {
			if _, err := q.Add(t.Context(), Job{ID: id, ReportID: "of-" + id, Owner: "maker", CreatedAt: now.Add(time.Duration(i) * time.Second)}, 100); err != nil {
				t.Fatal(err)
			}
		}
	}
	take := func(t *testing.T, q *SQLJobs, owner string, lease time.Duration, want string) Job {
		t.Helper()
		j, err := q.Take(t.Context(), owner, lease)
		if want == "" && !errors.Is(err, ErrNoJob) || want != "" && err != nil || j.ID != want {
			t.Fatalf("%s takes %+v, %v; want %q", owner, j, err, want)
		}
		return j
	}
	is := func(t *testing.T, got, want error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	t.Run("a job is kept as it was made, once", func(t *testing.T) {
		q := open(t)
		want := Job{ID: "b", ReportID: "r", Owner: "hub-1", Name: "tên.mp3", SHA256: "ab", Size: 1 << 31, Recipe: "{}", State: StateQueued, CreatedAt: now, UpdatedAt: now}
		for range 2 {
			if j, err := q.Add(t.Context(), want, 1); err != nil || fmt.Sprint(j) != fmt.Sprint(want) {
				t.Errorf("%+v %v, want %+v", j, err, want)
			}
		}
		if got, err := q.Load(t.Context(), "b"); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v %v, want %+v", got, err, want)
		}
		_, err := q.Load(t.Context(), "x")
		is(t, err, ErrNoJob)
		_, err = q.Add(t.Context(), Job{ID: "c", ReportID: "r"}, 100)
		is(t, err, ErrReportBusy)
		_, err = q.Add(t.Context(), Job{ID: "c", ReportID: "s"}, 1)
		is(t, err, ErrBusy)
		j := take(t, q, "hub-1", long, "b")
		is(t, q.End(t.Context(), j, StateFailed, "AUDIO_EMPTY"), nil)
		if j, err = q.Load(t.Context(), "b"); err != nil || j.State != StateFailed || j.Code != "AUDIO_EMPTY" || j.Attempts != 1 {
			t.Errorf("%+v %v", j, err)
		}
		if j, err = q.Add(t.Context(), want, 1); err != nil || j.State != StateFailed {
			t.Errorf("the same again, when it is over: %+v %v", j, err)
		}
		take(t, q, "hub-1", long, "")
	})
	t.Run("one hub has a job, the oldest first", func(t *testing.T) {
		q := open(t)
		add(t, q, "1", "2")
		take(t, q, "one", long, "1")
		take(t, q, "other", long, "2")
		take(t, q, "one", long, "")
	})
	t.Run("what a hub lets go of is another's", func(t *testing.T) {
		q := open(t)
		add(t, q, "1")
		was := take(t, q, "one", over, "1")
		is(t, q.Renew(t.Context(), was, over), nil) // nobody took it yet
		j := take(t, q, "other", long, "1")
		if j.Attempts != 2 || j.Owner != "other" {
			t.Errorf("%+v", j)
		}
		is(t, q.Renew(t.Context(), was, long), ErrLost)
		is(t, q.Release(t.Context(), was, 0), ErrLost)
		is(t, q.End(t.Context(), was, StateDone, ""), ErrLost)
		is(t, q.Renew(t.Context(), j, long), nil)
		take(t, q, "one", long, "")
		is(t, q.End(t.Context(), j, StateDone, ""), nil)
		is(t, q.End(t.Context(), j, StateDone, ""), ErrLost)
	})
	t.Run("given back, at once or after a pause", func(t *testing.T) {
		q := open(t)
		add(t, q, "1")
		j := take(t, q, "one", long, "1")
		j.Attempts--
		is(t, q.Release(t.Context(), j, 0), nil)
		if j = take(t, q, "other", long, "1"); j.Attempts != 1 {
			t.Errorf("%+v", j)
		}
		is(t, q.Release(t.Context(), j, long), nil)
		take(t, q, "one", long, "")
	})
	t.Run("a hub that starts again goes on with its own", func(t *testing.T) {
		q := open(t)
		add(t, q, "1", "2")
		take(t, q, "one", long, "1")
		take(t, q, "other", long, "2")
		is(t, q.Resume(t.Context(), "one"), nil)
		take(t, q, "one", long, "1")
		take(t, q, "one", long, "")
	})
	t.Run("many at once", func(t *testing.T) {
		q := open(t)
		for i := range 40 {
			add(t, q, fmt.Sprintf("%03d", i))
		}
		var mu sync.Mutex
		var all sync.WaitGroup
		had := map[string]int{}
		for hub := range 8 {
			all.Go(func() {
				for {
					j, err := q.Take(t.Context(), fmt.Sprint(hub), long)
					if errors.Is(err, ErrNoJob) {
						if left, err := q.db.NewSelect().Model((*jobRow)(nil)).Where("lease_until = 0").Count(t.Context()); err == nil && left == 0 {
							return
						}
						continue // another was quicker
					} else if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					had[j.ID]++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		for id, n := range had {
			if n != 1 {
				t.Errorf("job %s was taken %d times", id, n)
			}
		}
		if len(had) != 40 {
			t.Errorf("%d jobs were taken", len(had))
		}
	})
}
