package decisions

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.FixedZone("", 7*3600))

// disk keeps entries; while it is full it takes nothing.
type disk struct {
	kept map[string][]byte
	full bool
}

func (d *disk) Load() (map[string][]byte, error) { return d.kept, nil }

func (d *disk) Write(put map[string][]byte, drop []string) error {
	if d.full {
		return errors.New("no space left on device")
	}
	for id, raw := range put {
		d.kept[id] = raw
	}
	for _, id := range drop {
		delete(d.kept, id)
	}
	return nil
}

func open(t *testing.T, d *disk) *Book {
	t.Helper()
	b, err := Open(d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// evening is a plan with one daypart, 11:30-13:00, and one item in it.
func evening(t *testing.T, decided ...broadcast.Decision) *broadcast.Plan {
	t.Helper()
	hash := broadcast.Hash(strings.Repeat("a", 64))
	p, err := broadcast.NewPlan(broadcast.Head{Audience: "a", Version: 1, IssuedAt: noon.Add(-time.Hour), Expires: noon.Add(35 * 24 * time.Hour),
		Zone: "Asia/Ho_Chi_Minh", Rules: broadcast.Inherit(), Decisions: decided, Days: []broadcast.DayRef{{Date: "2026-11-24", Hash: hash, Size: 1}}},
		[]broadcast.Day{{Date: "2026-11-24", Dayparts: []broadcast.Occurrence{{Name: "noon", Start: noon.Add(-30 * time.Minute), End: noon.Add(time.Hour)}}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func stop(p *broadcast.Plan, at time.Time) broadcast.Decision {
	d := p.Stop(at, time.Time{})
	d.Who = "PC"
	return d
}

func refusedWith(err error, code string) bool {
	var p *problem.Error
	return errors.As(err, &p) && p.Code == code
}

func TestAStopHoldsTheDaypartUntilItIsReleased(t *testing.T) {
	b, plan := open(t, &disk{kept: map[string][]byte{}}), evening(t)
	if _, err := b.Add(plan, stop(plan, noon)); err != nil {
		t.Fatal(err)
	}
	if until, held := b.Over(plan).Held(noon); !held || !until.Equal(noon.Add(time.Hour)) {
		t.Errorf("held %v until %v, want to the end of the daypart", held, until)
	}
	if _, held := b.Over(plan).Held(noon.Add(time.Hour)); held {
		t.Error("the stop outlasts its daypart")
	}
	if _, err := b.Add(plan, broadcast.Decision{Kind: "release", Who: "PC", When: noon.Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if _, held := b.Over(plan).Held(noon.Add(2 * time.Minute)); held {
		t.Error("continue does not release the stop")
	}
	if _, err := b.Add(plan, stop(plan, noon.Add(3*time.Minute))); err != nil {
		t.Fatal(err)
	}
	if _, held := b.Over(plan).Held(noon.Add(4 * time.Minute)); !held {
		t.Error("a second stop after a continue does not hold")
	}
}

// The hub's release has a counter of its own; a stop at the PC after it must count more.
func TestTheCounterGoesOnWhereTheHubIs(t *testing.T) {
	plan := evening(t, broadcast.Decision{Kind: "release", Who: "lan", When: noon.Add(-time.Minute), Counter: 7, Source: "hub"})
	b := open(t, &disk{kept: map[string][]byte{}})
	e, err := b.Add(plan, stop(plan, noon))
	if err != nil {
		t.Fatal(err)
	}
	if e.Decision.Counter != 8 || e.Decision.Source != "pc" {
		t.Errorf("counter %d of %s, want 8 of pc", e.Decision.Counter, e.Decision.Source)
	}
	if _, held := b.Over(plan).Held(noon); !held {
		t.Error("the stop loses against an older release")
	}
}

func TestWhatWasDecidedOutlivesAPowerCut(t *testing.T) {
	d, plan := &disk{kept: map[string][]byte{}}, evening(t)
	if _, err := open(t, d).Add(plan, stop(plan, noon)); err != nil {
		t.Fatal(err)
	}
	d.kept["damaged"] = []byte("{")
	b := open(t, d)
	if _, held := b.Over(plan).Held(noon); !held || len(b.List()) != 1 {
		t.Errorf("after a start anew the stop does not hold: %+v", b.List())
	}
}

func TestAFullDiskKeepsNobodyFromStopping(t *testing.T) {
	d, plan := &disk{kept: map[string][]byte{}, full: true}, evening(t)
	b := open(t, d)
	until := noon.Add(time.Hour)
	_, err := b.Add(plan, broadcast.Decision{Kind: "mute", Until: &until, Who: "PC", When: noon})
	if !refusedWith(err, "DECISION_NOT_KEPT") {
		t.Errorf("a mute that is not on the disk: %v", err)
	}
	if _, muted := b.Over(plan).Muted(noon); muted {
		t.Error("what was refused holds")
	}
	if _, err := b.Add(plan, stop(plan, noon)); err != nil {
		t.Fatal(err)
	}
	if _, held := b.Over(plan).Held(noon); !held {
		t.Error("the stop does not hold")
	}
	d.full = false
	if err := b.Acked(nil); err != nil {
		t.Fatal(err)
	}
	if _, held := open(t, d).Over(plan).Held(noon); !held {
		t.Error("the stop was not written when the disk had room again")
	}
}

func TestTheHubIsToldUntilItHasIt(t *testing.T) {
	d, plan := &disk{kept: map[string][]byte{}}, evening(t)
	b := open(t, d)
	first, _ := b.Add(plan, stop(plan, noon))
	second, _ := b.Add(plan, broadcast.Decision{Kind: "release", Who: "PC", When: noon.Add(time.Minute)})
	if p := b.Pending(1); len(p) != 1 || p[0].ID != first.ID {
		t.Errorf("%+v, want the oldest alone", p)
	}
	if err := b.Acked([]string{first.ID, "unknown"}); err != nil {
		t.Fatal(err)
	}
	b = open(t, d)
	if p := b.Pending(9); len(p) != 1 || p[0].ID != second.ID {
		t.Errorf("%+v, want the one the hub has not", p)
	}
	// Weeks later: what the hub has is forgotten, what it has not is kept.
	if _, err := b.Add(plan, stop(plan, noon.Add(keep+time.Hour))); err != nil {
		t.Fatal(err)
	}
	if l := open(t, d).List(); len(l) != 2 || l[0].ID != second.ID {
		t.Errorf("%+v", l)
	}
}

func TestTheVolumeHoldsUntilThereIsAnother(t *testing.T) {
	d := &disk{kept: map[string][]byte{}}
	b := open(t, d)
	volume := func(percent int, at time.Time) {
		e, err := b.Add(nil, broadcast.Decision{Kind: "volume", Percent: percent, Who: "PC", When: at})
		if err == nil {
			err = b.Acked([]string{e.ID})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	volume(40, noon)
	volume(60, noon.Add(time.Hour))
	later := noon.Add(10 * keep)
	if _, err := b.Add(nil, broadcast.Decision{Kind: "unmute", Who: "PC", When: later}); err != nil {
		t.Fatal(err)
	}
	if l := open(t, d).List(); len(l) != 2 || l[0].Decision.Percent != 60 {
		t.Errorf("%+v", l)
	}
}

func TestWhatIsNoDecision(t *testing.T) {
	b := open(t, &disk{kept: map[string][]byte{}})
	for name, d := range map[string]broadcast.Decision{
		"unknown kind":    {Kind: "louder", When: noon},
		"without instant": {Kind: "hold"},
		"move to nowhere": {Kind: "move", Subject: "x", When: noon},
		"too long":        {Kind: "skip", Subject: strings.Repeat("x", 301), When: noon},
	} {
		if _, err := b.Add(nil, d); !refusedWith(err, "DECISION_INVALID") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(b.List()) != 0 {
		t.Errorf("%+v", b.List())
	}
}
