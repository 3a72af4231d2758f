package playlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
)

func database(t testing.TB, path string) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func open(t testing.TB, db DB) *Log {
	t.Helper()
	l, err := Open(db)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func play(n int) broadcast.Play {
	return broadcast.Play{ID: fmt.Sprintf("id-%03d", n), Slot: fmt.Sprintf("b/1@day#%d", n), Outcome: broadcast.Played, PlannedEnd: time.Unix(int64(n)*3600, 0)}
}

func ids(t testing.TB, l *Log, limit int) []string {
	t.Helper()
	plays, err := l.Pending(limit, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, p := range plays {
		out = append(out, p.ID)
	}
	return out
}

func TestASlotHasOneRecordForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := database(t, path)
	l := open(t, db)
	first, second := play(1), play(1)
	second.ID, second.Outcome = "another", broadcast.Cut
	if err := l.Add(first); err != nil {
		t.Fatal(err)
	}
	if err := l.Add(second, play(2)); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, l, 10); !slices.Equal(got, []string{"id-001", "id-002"}) || l.Len() != 2 {
		t.Errorf("pending %v, %d", got, l.Len())
	}
	if err := l.Acked([]string{"id-001", "never heard of"}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = database(t, path)
	defer db.Close()
	l = open(t, db)
	if err := l.Add(second); err != nil { // acknowledged, and still the slot's only record
		t.Fatal(err)
	}
	if got := ids(t, l, 10); !slices.Equal(got, []string{"id-002"}) || l.Len() != 1 {
		t.Errorf("after a restart pending %v, %d", got, l.Len())
	}
	if has, err := l.Has(first.Slot); err != nil || !has {
		t.Errorf("has %v, %v", has, err)
	}
}

func TestPendingSkipsAndLimits(t *testing.T) {
	db := database(t, filepath.Join(t.TempDir(), "state.db"))
	defer db.Close()
	l := open(t, db)
	for n := range 5 {
		if err := l.Add(play(4 - n)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := l.Pending(2, func(id string) bool { return id == "id-004" })
	if err != nil || len(got) != 2 || got[0].ID != "id-003" || got[1].ID != "id-002" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestADamagedRecordHoldsUpNobody(t *testing.T) {
	db := database(t, filepath.Join(t.TempDir(), "state.db"))
	defer db.Close()
	l := open(t, db)
	if err := l.Add(play(1), play(2)); err != nil {
		t.Fatal(err)
	}
	err := db.Update(func(tx *bbolt.Tx) error {
		plays, slot := tx.Bucket(bucketPlays), []byte(play(1).Slot)
		other := bytes.Replace(plays.Get(slot), []byte(`"id-001"`), []byte(`"id-007"`), 1) // one bit or two
		return plays.Put(slot, other)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(t, l, 10); !slices.Equal(got, []string{"id-002"}) {
		t.Errorf("pending %v", got)
	}
	if err := l.Prune(time.Unix(0, 0)); err != nil {
		t.Error(err)
	}
	if has, err := l.Has(play(1).Slot); err != nil || !has {
		t.Errorf("the slot is open again: %v, %v", has, err)
	}
}

func TestPruneKeepsWhatTheHubHasNot(t *testing.T) {
	db := database(t, filepath.Join(t.TempDir(), "state.db"))
	defer db.Close()
	l := open(t, db)
	if err := l.Add(play(1), play(2), play(3000)); err != nil {
		t.Fatal(err)
	}
	if err := l.Acked([]string{"id-001", "id-3000"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Prune(time.Unix(0, 0).Add(Keep + 100*time.Hour)); err != nil {
		t.Fatal(err)
	}
	var left []string
	if err := l.Each(func(p broadcast.Play) bool { left = append(left, p.ID); return true }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(left)
	if !slices.Equal(left, []string{"id-002", "id-3000"}) {
		t.Errorf("left %v", left)
	}
}

func TestARecordNeedsItsIDs(t *testing.T) {
	db := database(t, filepath.Join(t.TempDir(), "state.db"))
	defer db.Close()
	l := open(t, db)
	if err := l.Add(play(1), broadcast.Play{ID: "x"}); err == nil {
		t.Error("a record without a slot was taken")
	}
	if l.Len() != 0 {
		t.Error("half a batch was taken")
	}
}

// Whatever comes in what order: what was added and not acknowledged is pending, in the order it was added.
func TestOutbox(t *testing.T) {
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		path := filepath.Join(dir, fmt.Sprint(run))
		db := database(t, path)
		defer func() { _ = db.Close() }()
		l := open(t, db)
		var want []string
		seen := map[string]bool{}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			p := play(rapid.IntRange(0, 20).Draw(rt, "n"))
			switch rapid.IntRange(0, 2).Draw(rt, "step") {
			case 0:
				if err := l.Add(p); err != nil {
					rt.Fatal(err)
				}
				if !seen[p.Slot] {
					seen[p.Slot] = true
					want = append(want, p.ID)
				}
			case 1:
				if err := l.Acked([]string{p.ID}); err != nil {
					rt.Fatal(err)
				}
				want = slices.DeleteFunc(want, func(id string) bool { return id == p.ID })
			case 2:
				if err := db.Close(); err != nil {
					rt.Fatal(err)
				}
				db = database(t, path)
				l = open(t, db)
			}
			if got := ids(t, l, 100); !slices.Equal(got, want) && len(got)+len(want) > 0 || l.Len() != len(want) {
				rt.Fatalf("pending %v, want %v", got, want)
			}
		}
	})
}

// A line that is down for days changes nothing of a record: it is sent as it was made, however often the agent restarts,
// and goes when its own id is acknowledged.
func TestARecordSentDaysLaterKeepsItsTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := database(t, path)
	at := time.Date(2026, 11, 3, 17, 0, 0, 123_456_789, time.FixedZone("", 7*3600))
	made := broadcast.Play{ID: "id", Slot: "slot", Broadcast: "b", Version: 2, Report: "r", Title: "Tìm hiểu pháp luật", Class: broadcast.Priority,
		PlannedStart: at, PlannedEnd: at.Add(time.Minute), StartedAt: at.Add(time.Millisecond), EndedAt: at.Add(time.Minute), Outcome: broadcast.Cut,
		Reason: broadcast.ReasonPower, Volume: 80, ReachedMS: 31_000, MissedMS: 2000, Clock: "plausible",
		Segments: []broadcast.Segment{{StartedAt: at, EndedAt: at.Add(31 * time.Second), OffsetMS: 1, ReachedMS: 31_000, Ended: broadcast.ReasonPower}}}
	if err := open(t, db).Add(made); err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	for day := range 39 {
		l := open(t, db)
		if err := l.Prune(at.AddDate(0, 0, day+2)); err != nil {
			t.Fatal(err)
		}
		if err := l.Acked([]string{"slot", "id-2", ""}); err != nil {
			t.Fatal(err)
		}
		got, err := l.Pending(10, nil)
		if err != nil || len(got) != 1 {
			t.Fatalf("day %d: %v, %v", day, got, err)
		}
		if sent, err := json.Marshal(got[0]); err != nil || string(sent) != string(want) {
			t.Fatalf("day %d: sent %s, made %s", day, sent, want)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db = database(t, path)
	}
	defer db.Close()
	l := open(t, db)
	if err := l.Acked([]string{"id"}); err != nil {
		t.Fatal(err)
	}
	if l.Len() != 0 {
		t.Error("it is still there")
	}
}
