package evidence

import (
	"cmp"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/broadcast"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	noon    = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	vietnam = time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)
)

func newLog(t testing.TB) *Log {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), storetest.Database(t, dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return New(db.DB, vietnam, func() time.Time { return noon })
}

func play(at time.Time, report string) broadcast.Play {
	return broadcast.Play{ID: uuid.Must(uuid.NewV7()).String(), Slot: "b/1@x#0", Broadcast: "b", Version: 1, Report: report, Class: broadcast.Normal,
		PlannedStart: at, PlannedEnd: at.Add(time.Minute), StartedAt: at, EndedAt: at.Add(time.Minute), Outcome: broadcast.Played,
		Reason: broadcast.ReasonComplete, Volume: 100, ReachedMS: 60_000, Clock: "synced",
		Segments: []broadcast.Segment{{StartedAt: at, EndedAt: at.Add(time.Minute), ReachedMS: 60_000, Ended: "complete"}}}
}

func TestARecordSentTwiceIsKeptOnceAndAcknowledgedTwice(t *testing.T) {
	log := newLog(t)
	a, b := play(noon, "r1"), play(noon.Add(time.Hour), "r2")
	for i, tc := range []struct {
		name  string
		send  []broadcast.Play
		fresh int
	}{
		{"first time", []broadcast.Play{a}, 1},
		{"again, with a new one", []broadcast.Play{a, b}, 1},
		{"both again", []broadcast.Play{b, a}, 0},
		{"none", nil, 0},
	} {
		ids, fresh, err := log.Insert(t.Context(), "agent", "hoang-hoa", tc.send)
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) != len(tc.send) || len(fresh) != tc.fresh {
			t.Errorf("%d %s: %d acknowledged, %d fresh, want %d and %d", i, tc.name, len(ids), len(fresh), len(tc.send), tc.fresh)
		}
	}
	got, next, err := log.List(t.Context(), Query{Limit: 10})
	if err != nil || next != "" || len(got) != 2 {
		t.Fatalf("%d records, next %q, %v", len(got), next, err)
	}
	if want := (Record{Play: a, Agent: "agent", Area: "hoang-hoa", ReceivedAt: noon}); !equal(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
}

func equal(a, b Record) bool {
	same := len(a.Segments) == len(b.Segments)
	for i := range a.Segments {
		same = same && a.Segments[i] == b.Segments[i]
	}
	a.Segments, b.Segments = nil, nil
	return same && a.ID == b.ID && a.PlannedStart.Equal(b.PlannedStart) && a.EndedAt.Equal(b.EndedAt) && a.Outcome == b.Outcome &&
		a.Agent == b.Agent && a.Area == b.Area && a.ReachedMS == b.ReachedMS && a.ReceivedAt.Equal(b.ReceivedAt) && a.Clock == b.Clock
}

func TestListFiltersAndPages(t *testing.T) {
	log := newLog(t)
	var plays []broadcast.Play
	for i := range 2_500 { // more than one INSERT holds, many at the same instant
		plays = append(plays, play(noon.Add(time.Duration(i/10)*time.Minute), []string{"r1", "r2"}[i%2]))
	}
	if _, fresh, err := log.Insert(t.Context(), "a1", "north", plays[:2000]); err != nil || len(fresh) != 2000 {
		t.Fatalf("%d fresh, %v", len(fresh), err)
	}
	if _, _, err := log.Insert(t.Context(), "a2", "south", plays[2000:]); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		q    Query
		want int
	}{
		{"all", Query{}, 2500},
		{"agent", Query{Agent: "a2"}, 500},
		{"report", Query{Report: "r1"}, 1250},
		{"area", Query{Areas: []string{"south", "east"}}, 500},
		{"no area", Query{Areas: []string{}}, 0},
		{"time, end excluded", Query{From: noon, To: noon.Add(2 * time.Minute)}, 20},
		{"newest first", Query{Newest: true}, 2500},
		{"newest first of an agent", Query{Newest: true, Agent: "a2"}, 500},
	} {
		t.Run(tc.name, func(t *testing.T) {
			seen := map[string]bool{}
			tc.q.Limit = 73
			var last Record
			for {
				records, next, err := log.List(t.Context(), tc.q)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range records {
					if seen[r.ID] {
						t.Fatalf("%s came twice", r.ID)
					}
					seen[r.ID] = true
					way := cmp.Or(r.PlannedStart.Compare(last.PlannedStart), cmp.Compare(r.ID, last.ID))
					if last.ID != "" && (way < 0) != tc.q.Newest {
						t.Fatalf("%s at %v came after %s at %v", r.ID, r.PlannedStart, last.ID, last.PlannedStart)
					}
					last = r
				}
				if next == "" {
					break
				}
				tc.q.After = next
			}
			if len(seen) != tc.want {
				t.Errorf("%d records, want %d", len(seen), tc.want)
			}
		})
	}
	if _, _, err := log.List(t.Context(), Query{After: "nonsense", Limit: 1}); err == nil {
		t.Error("a cursor that is none was taken")
	}
}

// Truncated, a sound that began 10 µs early would be told as a millisecond before its time.
func TestTimesAreRounded(t *testing.T) {
	log, p := newLog(t), play(noon, "r")
	p.StartedAt, p.EndedAt = noon.Add(-10*time.Microsecond), noon.Add(time.Minute+499*time.Microsecond)
	skipped := play(noon, "s")
	skipped.StartedAt, skipped.EndedAt = time.Time{}, time.Time{}
	_, fresh, err := log.Insert(t.Context(), "agent", "hoang-hoa", []broadcast.Play{p, skipped})
	if err != nil || len(fresh) != 2 {
		t.Fatal(fresh, err)
	}
	if !fresh[0].StartedAt.Equal(noon) || !fresh[0].EndedAt.Equal(noon.Add(time.Minute)) || !fresh[1].StartedAt.IsZero() || !fresh[1].EndedAt.IsZero() {
		t.Errorf("got %v to %v, %v", fresh[0].StartedAt, fresh[0].EndedAt, fresh[1].StartedAt)
	}
}

func TestReach(t *testing.T) {
	log := newLog(t)
	silent := play(noon, "r1")
	silent.Outcome, silent.Reason = broadcast.Skipped, broadcast.ReasonCollision
	for agent, plays := range map[string][]broadcast.Play{
		"a1": {play(noon, "r1"), play(noon.Add(time.Hour), "r1"), play(noon, "r2")},
		"a2": {play(noon, "r1")},
		"a3": {silent},
	} {
		if _, _, err := log.Insert(t.Context(), agent, "area-"+agent, plays); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name          string
		query         Query
		agents, plays int
	}{
		{"everywhere", Query{Report: "r1"}, 2, 3},
		{"in one area", Query{Report: "r1", Areas: []string{"area-a2", "area-a3"}}, 1, 1},
		{"in no area", Query{Report: "r1", Areas: []string{}}, 0, 0},
		{"never heard", Query{Report: "r9"}, 0, 0},
	} {
		if agents, plays, err := log.Reach(t.Context(), c.query); err != nil || agents != c.agents || plays != c.plays {
			t.Errorf("%s: %d agents, %d plays, %v; want %d and %d", c.name, agents, plays, err, c.agents, c.plays)
		}
	}
}
