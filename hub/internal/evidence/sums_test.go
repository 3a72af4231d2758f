package evidence

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
)

// world is what the log should know, as plain lists.
type world struct {
	log     *Log
	plays   []Record
	unheard []Owed
	n       int
}

// at draws an instant near a border of months in the fleet's zone, now and then far from one.
func at(t *rapid.T) time.Time {
	month := time.Month(rapid.IntRange(1, 5).Draw(t, "month"))
	off := time.Duration(rapid.SampledFrom([]int64{0, -1, 1, -7 * 3_600_000, 7 * 3_600_000, 12 * 86_400_000, 14 * 86_400_000, 14*86_400_000 - 1}).Draw(t, "off")) * time.Millisecond
	return time.Date(2026, month, 1, 0, 0, 0, 0, vietnam).Add(off)
}

func (w *world) draw(t *rapid.T, agent string) broadcast.Play {
	w.n++
	start := at(t)
	p := broadcast.Play{ID: fmt.Sprint("p", w.n), Slot: fmt.Sprint("s", rapid.IntRange(0, 30).Draw(t, "slot")), Report: rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "report"),
		Class:        rapid.SampledFrom([]broadcast.Class{broadcast.Normal, broadcast.Urgent}).Draw(t, "class"),
		PlannedStart: start, PlannedEnd: start.Add(time.Duration(rapid.IntRange(0, 60_000).Draw(t, "planned")) * time.Millisecond),
		Outcome: rapid.SampledFrom([]broadcast.Outcome{broadcast.Played, broadcast.Cut, broadcast.Skipped}).Draw(t, "outcome")}
	if p.Outcome != broadcast.Played {
		p.Reason = rapid.SampledFrom([]string{broadcast.ReasonCollision, broadcast.ReasonQuietHours}).Draw(t, "reason")
	}
	p.ReachedMS = rapid.Int64Range(0, 60_000).Draw(t, "heard")
	return p
}

func areaOf(agent string) string { return "area-" + agent }

// insert sends some new records, and some that were sent before.
func (w *world) insert(t *rapid.T) {
	agent := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "agent")
	var batch []broadcast.Play
	for range rapid.IntRange(0, 6).Draw(t, "new") {
		batch = append(batch, w.draw(t, agent))
	}
	for _, r := range w.plays {
		if r.Agent == agent && rapid.Bool().Draw(t, "again") {
			batch = append(batch, r.Play)
		}
	}
	known := map[string]bool{}
	for _, r := range w.plays {
		known[r.ID] = true
	}
	_, fresh, err := w.log.Insert(t.Context(), agent, areaOf(agent), batch)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range batch {
		if known[p.ID] {
			continue
		}
		known[p.ID] = true
		n++
		w.plays = append(w.plays, Record{Play: p, Agent: agent, Area: areaOf(agent)})
		w.unheard = slices.DeleteFunc(w.unheard, func(o Owed) bool { return o.Agent == agent && o.ID == p.Slot })
	}
	if len(fresh) != n {
		t.Fatalf("%d fresh, want %d", len(fresh), n)
	}
}

// settle looks for records of slots, known and unknown ones.
func (w *world) settle(t *rapid.T) {
	var owed []Owed
	for range rapid.IntRange(0, 8).Draw(t, "owed") {
		agent, start := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "agent"), at(t)
		o := Owed{Agent: agent, Area: areaOf(agent), Slot: broadcast.Slot{ID: fmt.Sprint("s", rapid.IntRange(0, 30).Draw(t, "slot")), Class: broadcast.Normal,
			Item: broadcast.Item{Report: "r1"}, Start: start, End: start.Add(time.Minute)}}
		same := func(q Owed) bool { return q.Agent == o.Agent && q.ID == o.ID }
		if slices.ContainsFunc(owed, same) {
			continue
		}
		owed = append(owed, o)
		if !slices.ContainsFunc(w.unheard, same) && !slices.ContainsFunc(w.plays, func(r Record) bool { return r.Agent == o.Agent && r.Slot == o.ID }) {
			w.unheard = append(w.unheard, o)
		}
	}
	for range rapid.IntRange(1, 2).Draw(t, "times") {
		if err := w.log.Settle(t.Context(), "2026-01-01", owed); err != nil {
			t.Fatal(err)
		}
	}
}

// scan is what Sums should give, from the lists.
func (w *world) scan(q Query, by []By) map[Sum]Count {
	out := map[Sum]Count{}
	add := func(start time.Time, area, report, class, reason string, c Count) {
		if start.Before(q.From) || !start.Before(q.To) || q.Areas != nil && !slices.Contains(q.Areas, area) || q.Report != "" && report != q.Report {
			return
		}
		var k Sum
		for _, b := range by {
			switch b {
			case ByMonth:
				k.Month = start.In(vietnam).Format("2006-01")
			case ByArea:
				k.Area = area
			case ByReport:
				k.Report = report
			case ByClass:
				k.Class = class
			case ByReason:
				k.Reason = reason
			}
		}
		have := out[k]
		have.Add(c)
		out[k] = have
	}
	for _, r := range w.plays {
		c := Count{Planned: 1, PlannedMS: r.PlannedEnd.Sub(r.PlannedStart).Milliseconds(), HeardMS: r.ReachedMS}
		switch r.Outcome {
		case broadcast.Played:
			c.Played = 1
		case broadcast.Cut:
			c.Cut = 1
		case broadcast.Skipped:
			c.Skipped = 1
		}
		add(r.PlannedStart, r.Area, r.Report, string(r.Class), r.Reason, c)
	}
	for _, o := range w.unheard {
		add(o.Start, o.Area, o.Item.Report, string(o.Class), "", Count{Planned: 1, Unknown: 1, PlannedMS: o.End.Sub(o.Start).Milliseconds()})
	}
	return out
}

func (w *world) check(t *rapid.T) {
	by := rapid.SampledFrom([][]By{nil, {ByMonth}, {ByArea, ByMonth}, {ByReport}, {ByReason, ByClass}, {ByArea}}).Draw(t, "by")
	q := Query{From: at(t), To: at(t), Areas: rapid.SampledFrom([][]string{nil, {"area-a"}, {"area-b", "area-c"}, {}}).Draw(t, "areas"),
		Report: rapid.SampledFrom([]string{"", "", "r2"}).Draw(t, "of")}
	got, err := w.log.Sums(t.Context(), q, by...)
	if err != nil {
		t.Fatal(err)
	}
	found := map[Sum]Count{}
	for _, s := range got {
		c := s.Count
		s.Count = Count{}
		found[s] = c
	}
	if want := w.scan(q, by); !reflect.DeepEqual(found, want) {
		t.Fatalf("by %v of %+v:\ngot  %v\nwant %v", by, q, found, want)
	}
}

// Whatever came in, once or again, early or late: the sums say what a walk through all records says.
func TestSumsAreWhatTheRecordsSay(t *testing.T) {
	log := newLog(t)
	if err := log.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		for _, table := range []string{"plays", "unheard", "play_sums"} {
			if _, err := log.db.ExecContext(rt.Context(), "DELETE FROM "+table); err != nil {
				rt.Fatal(err)
			}
		}
		w := &world{log: log}
		rt.Repeat(map[string]func(*rapid.T){
			"insert": w.insert, "settle": w.settle, "": w.check,
			"rebuild": func(t *rapid.T) {
				if err := log.Rebuild(t.Context()); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

func TestPrepareBuildsWhatIsMissingAndFollowsTheZone(t *testing.T) {
	log := newLog(t)
	lateOnTheLast := time.Date(2026, 10, 31, 20, 0, 0, 0, time.UTC) // 1 November in Vietnam
	if _, _, err := log.Insert(t.Context(), "a", "north", []broadcast.Play{play(lateOnTheLast, "r1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := log.db.ExecContext(t.Context(), "DELETE FROM play_sums"); err != nil { // records of a version that had no sums
		t.Fatal(err)
	}
	year := Query{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		zone  *time.Location
		month string
	}{{vietnam, "2026-11"}, {time.UTC, "2026-10"}, {time.UTC, "2026-10"}, {vietnam, "2026-11"}} {
		log.zone = c.zone
		if err := log.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := log.Sums(t.Context(), year, ByMonth)
		if err != nil || len(got) != 1 || got[0].Month != c.month || got[0].Played != 1 {
			t.Errorf("in %s: %+v, %v; want one play in %s", c.zone, got, err, c.month)
		}
	}
	if date, err := log.Settled(t.Context()); date != "" || err != nil {
		t.Errorf("settled %q, %v", date, err)
	}
}

func TestARecordThatComesLateEndsTheUnknown(t *testing.T) {
	log := newLog(t)
	p := play(noon, "r1")
	owed := []Owed{{Agent: "a", Area: "north", Slot: broadcast.Slot{ID: p.Slot, Class: broadcast.Normal, Item: broadcast.Item{Report: "r1", Title: "Luật"}, Start: noon, End: noon.Add(time.Minute)}}}
	day := Query{From: noon.Add(-time.Hour), To: noon.Add(time.Hour)}
	for _, c := range []struct {
		name string
		do   func() error
		want Count
	}{
		{"a day later nothing has come", func() error { return log.Settle(t.Context(), "2026-11-24", owed) }, Count{Planned: 1, Unknown: 1, PlannedMS: 60_000}},
		{"looked at again", func() error { return log.Settle(t.Context(), "2026-11-24", owed) }, Count{Planned: 1, Unknown: 1, PlannedMS: 60_000}},
		{"it comes", func() error {
			_, _, err := log.Insert(t.Context(), "a", "north", []broadcast.Play{p})
			return err
		}, Count{Planned: 1, Played: 1, PlannedMS: 60_000, HeardMS: 60_000}},
		{"looked at once more", func() error { return log.Settle(t.Context(), "2026-11-24", owed) }, Count{Planned: 1, Played: 1, PlannedMS: 60_000, HeardMS: 60_000}},
	} {
		if err := c.do(); err != nil {
			t.Fatal(c.name, err)
		}
		got, err := log.Sums(t.Context(), day)
		if err != nil || len(got) != 1 || got[0].Count != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	if date, err := log.Settled(t.Context()); date != "2026-11-24" || err != nil {
		t.Errorf("settled %q, %v", date, err)
	}
}
