package broadcast_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/conformance"
)

// one is a plan with an exact time of ten minutes at 12:00, the rest of a daypart at 17:00, and a bulletin.
func one(t *testing.T, lateness string) (*broadcast.Plan, *conformance.Scenario) {
	s := &conformance.Scenario{Days: []conformance.Day{{Dayparts: []broadcast.Daypart{{Name: "evening", Start: 17 * 3600, End: 18 * 3600}},
		Candidates: []conformance.Candidate{{ID: "x", At: "12:00", Lateness: lateness, Items: []string{"10m"}}, {ID: "d", Daypart: "evening", Items: []string{"10m"}}}}},
		Bulletins: []conformance.Bulletin{{ID: "u", Issued: "12:05", Until: "12:30", Items: []string{"1m"}}}}
	p, err := s.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

func TestWhyOfThePastGoesByTheRecords(t *testing.T) {
	p, s := one(t, "join")
	x := p.Slots(s.Base(), nil)[0]
	play := broadcast.Play{Slot: x.ID, Broadcast: "x", Version: 1, Class: x.Class, PlannedStart: x.Start, PlannedEnd: x.End,
		StartedAt: x.Start, EndedAt: s.Time("12:05"), Outcome: broadcast.Cut, Reason: broadcast.ReasonUrgent,
		Segments: []broadcast.Segment{{StartedAt: x.Start, EndedAt: s.Time("12:05")}}}
	bulletin := broadcast.Play{Slot: "u@0#0", Broadcast: "u", Class: broadcast.Urgent, PlannedStart: s.Time("12:05"), PlannedEnd: s.Time("12:06"),
		StartedAt: s.Time("12:05"), EndedAt: s.Time("12:06"), Outcome: broadcast.Played, Reason: broadcast.ReasonComplete}
	gone := broadcast.Play{Slot: "gone/3@2026-11-24T14:00:00+07:00#0", Broadcast: "gone", Version: 3, PlannedStart: s.Time("14:00"), PlannedEnd: s.Time("14:10"),
		StartedAt: s.Time("14:00"), EndedAt: s.Time("14:10"), Outcome: broadcast.Played, Reason: broadcast.ReasonComplete}
	for _, c := range []struct{ name, at, winner, loser, reason, silence string }{
		{"it sounded", "12:02", x.ID, "", "", ""},
		{"the bulletin took its time", "12:05", "u@0#0", x.ID, "urgent", ""},
		{"it was dropped", "12:08", "", x.ID, "urgent", "urgent"},
		{"in the plan no more, but it sounded", "14:05", gone.Slot, "", "", ""},
		{"planned", "17:05", p.Slots(s.Base(), nil)[1].ID, "", "", ""},
		{"nothing", "13:00", "", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := p.Why(s.Time(c.at), broadcast.State{}, []broadcast.Play{play, bulletin, gone})
			winner, loser, reason := "", "", ""
			if a.Winner != nil {
				winner = a.Winner.Slot.ID
			}
			if len(a.Losers) > 0 {
				loser, reason = a.Losers[0].Slot.ID, a.Losers[0].Reason
			}
			if winner != c.winner || loser != c.loser || reason != c.reason || a.Silence != c.silence {
				t.Errorf("winner %q loser %q %q silence %q", winner, loser, reason, a.Silence)
			}
		})
	}
}

// People ask by the second, and no card begins on the nanosecond: "why at 17:00" is no silence for 4 ms.
func TestWhyIsAskedByTheSecond(t *testing.T) {
	p, s := one(t, "join")
	x := p.Slots(s.Base(), nil)[0]
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for _, c := range []struct {
		name        string
		late, early time.Duration // of the sound's two ends
		at          time.Time
		heard       bool
	}{
		{"it began some milliseconds late", ms(4), 0, x.Start, true},
		{"not before its plan", ms(4), 0, x.Start.Add(-1), false},
		{"it ended some milliseconds early", 0, ms(7), x.End.Add(-ms(1)), true},
		{"not after its plan", 0, ms(7), x.End, false},
		{"it joined seconds late", ms(3000), 0, x.Start, false},
		{"it was cut seconds before its end", 0, ms(3000), x.End.Add(-ms(1)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			play := broadcast.Play{Slot: x.ID, Broadcast: "x", Version: 1, Class: x.Class, PlannedStart: x.Start, PlannedEnd: x.End,
				StartedAt: x.Start.Add(c.late), EndedAt: x.End.Add(-c.early), Outcome: broadcast.Played, Reason: broadcast.ReasonComplete}
			for _, segments := range [][]broadcast.Segment{nil, {{StartedAt: play.StartedAt, EndedAt: x.Start.Add(time.Minute)}, {StartedAt: x.Start.Add(2 * time.Minute), EndedAt: play.EndedAt}}} {
				play.Segments = segments
				if a := p.Why(c.at, broadcast.State{}, []broadcast.Play{play}); (a.Winner != nil) != c.heard {
					t.Errorf("of %d segments: winner %v, silence %q", len(segments), a.Winner, a.Silence)
				}
			}
		})
	}
}

func TestAudioThatIsLackingSilencesNothing(t *testing.T) {
	p, s := one(t, "join")
	var state broadcast.State
	state.Restarted(s.Time("11:59"))
	state.Lacking = map[string]string{"u@0#0": broadcast.ReasonAudioMissing}
	r := p.Decide(s.Time("12:00"), state)
	if r.Sound == nil || conformance.Short(r.Sound.Slot) != "x#0" {
		t.Fatalf("sounds %v", r.Sound)
	}
	state.Begin(*r.Sound)
	if r = p.Decide(s.Time("12:05"), state); len(r.Stop) > 0 {
		t.Errorf("a bulletin without audio stops %v", r.Stop)
	}
	state.End(r.Sound.Slot.ID)
	r = p.Decide(s.Time("12:30"), state)
	if len(r.Settled) != 1 || r.Settled[0].Reason != broadcast.ReasonAudioMissing {
		t.Errorf("settled %v", r.Settled)
	}
}

func TestAudioThatArrivesInTimeJoins(t *testing.T) {
	p, s := one(t, "join")
	var state broadcast.State
	state.Restarted(s.Time("11:59"))
	x := p.Slots(s.Base(), nil)[0].ID
	state.Lacking = map[string]string{x: broadcast.ReasonAudioMissing}
	if r := p.Decide(s.Time("12:01"), state); r.Sound != nil || len(r.Settled) > 0 {
		t.Fatalf("sounds %v, settled %v", r.Sound, r.Settled)
	}
	delete(state.Lacking, x)
	if r := p.Decide(s.Time("12:02"), state); r.Sound == nil || r.Sound.Offset != 2*time.Minute {
		t.Fatalf("sounds %v", r.Sound)
	}
}

func TestCancelledWhileItSounds(t *testing.T) {
	p, s := one(t, "join")
	var state broadcast.State
	state.Restarted(s.Time("11:59"))
	state.Begin(*p.Decide(s.Time("12:00"), state).Sound)
	without := *s
	without.Days = []conformance.Day{{}}
	without.Bulletins = nil
	q, err := without.Plan()
	if err != nil {
		t.Fatal(err)
	}
	if r := q.Decide(s.Time("12:01"), state); len(r.Stop) != 1 || r.Stop[0].Reason != broadcast.ReasonCancelled || r.Stop[0].Resume || r.Sound != nil {
		t.Errorf("%+v", r)
	}
}

func TestStateKeepsAcrossAProcess(t *testing.T) {
	p, s := one(t, "join")
	var state broadcast.State
	state.Restarted(s.Time("11:59"))
	state.Begin(*p.Decide(s.Time("12:00"), state).Sound)
	raw, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	var again broadcast.State
	if err := json.Unmarshal(raw, &again); err != nil {
		t.Fatal(err)
	}
	again.Restarted(s.Time("12:03"))
	if r := p.Decide(s.Time("12:03"), again); r.Sound == nil || r.Sound.Reason != broadcast.ReasonResumed || r.Sound.Offset != 3*time.Minute {
		t.Errorf("after the restart %+v", r.Sound)
	}
	before := again.Accounted
	again.CloseUntil(s.Time("10:00"))
	if !again.Accounted.Equal(before) {
		t.Error("the watermark went back")
	}
}

func TestDecisionsOfThePCThatTheHeadLacks(t *testing.T) {
	p, s := one(t, "join")
	q := p.WithDecisions(broadcast.Decision{Kind: "mute", When: s.Time("11:00"), Source: "pc", Counter: 1})
	if got := q.Slots(s.Base(), nil)[0].Skip; got != broadcast.ReasonMuted {
		t.Errorf("muted slot is %q", got)
	}
	if got := p.Slots(s.Base(), nil)[0].Skip; got != "" {
		t.Errorf("the plan it came from changed: %q", got)
	}
}

func TestWhatATestToneMayNotCross(t *testing.T) {
	p, s := one(t, "join")
	span := func(from, to string) broadcast.Span { return broadcast.Span{Start: s.Time(from), End: s.Time(to)} }
	until := s.Time("13:00")
	held := p.WithDecisions(broadcast.Decision{Kind: "hold", When: s.Time("12:00"), Until: &until, Source: "pc", Counter: 1})
	muted := p.WithDecisions(broadcast.Decision{Kind: "mute", When: s.Time("12:00"), Source: "pc", Counter: 1})
	for want, got := range map[string]string{
		"":                         p.Forbids(span("12:00", "12:01")),
		broadcast.ReasonQuietHours: p.Forbids(span("20:59", "21:01")),
		broadcast.ReasonStopped:    held.Forbids(span("12:30", "12:31")),
		broadcast.ReasonMuted:      muted.Forbids(span("15:00", "15:01")),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAVolumeThatIsNone(t *testing.T) {
	good := broadcast.Decision{Kind: "volume", Percent: 60, When: time.Now(), Source: "pc", Counter: 1}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*broadcast.Decision){
		"silence is a mute":        func(d *broadcast.Decision) { d.Percent = 0 },
		"louder than all":          func(d *broadcast.Decision) { d.Percent = 101 },
		"with an end":              func(d *broadcast.Decision) { d.Until = &d.When },
		"another kind with volume": func(d *broadcast.Decision) { d.Kind = "unmute" },
	} {
		d := good
		change(&d)
		if d.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestOnlyTheHubTakesAPINBack(t *testing.T) {
	p, s := one(t, "join")
	d := broadcast.Decision{Kind: "pin", When: s.Time("11:00"), Source: "pc", Counter: 1}
	if d.Check() == nil {
		t.Error("a PC takes its own PIN back")
	}
	d.Source = "hub"
	if err := d.Check(); err != nil {
		t.Error(err)
	}
	again := d
	again.When, again.Counter = s.Time("11:30"), 2
	if at := p.WithDecisions(again, d).PINTakenBack(); !at.Equal(again.When) || !p.PINTakenBack().IsZero() {
		t.Errorf("%v, %v", at, p.PINTakenBack())
	}
}
