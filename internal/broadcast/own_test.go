package broadcast_test

import (
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// ownWorld is an evening of 45 minutes with 40 of the hub's, and an item of the commune of 4 minutes.
func ownWorld(t *testing.T, second bool) (*broadcast.Plan, broadcast.Decision) {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 24, hour, minute, 0, 0, zone) }
	hash := broadcast.Hash(strings.Repeat("a", 64))
	p, err := broadcast.NewPlan(broadcast.Head{Audience: "a", Version: 1, IssuedAt: at(1, 0), Expires: at(23, 0), Zone: "Asia/Ho_Chi_Minh",
		Rules: broadcast.Inherit(broadcast.Policy{SecondPerson: &second}), Days: []broadcast.DayRef{{Date: "2026-11-24", Hash: hash, Size: 1}}},
		[]broadcast.Day{{Date: "2026-11-24", Dayparts: []broadcast.Occurrence{{Name: "evening", Start: at(17, 0), End: at(17, 45)}},
			Candidates: []broadcast.Candidate{{Broadcast: "law", Version: 1, Class: broadcast.Normal, Owner: broadcast.OwnerHub, ApprovedAt: at(1, 0), Daypart: "evening",
				Order: 9, Lateness: broadcast.Lateness{Rule: broadcast.LateSkip},
				Items: []broadcast.Item{{Report: "law", Audio: hash, Manifest: hash, DurationMS: (40 * time.Minute).Milliseconds()}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return p, broadcast.Decision{Kind: "own", Subject: broadcast.OwnKey("1", "2026-11-24", "evening"), Who: "xã", When: at(10, 0), Counter: 1, Source: "pc",
		Own: &broadcast.Own{Title: "Lịch tiêm", Audio: broadcast.Hash(strings.Repeat("b", 64)), DurationMS: (4 * time.Minute).Milliseconds()}}
}

func ownSlot(p *broadcast.Plan) (found broadcast.Slot) {
	for _, sl := range p.Slots("2026-11-24", nil) {
		if sl.Owner == broadcast.OwnerCommune {
			found = sl
		}
	}
	return found
}

func TestAnOwnItemComesAfterTheHubsAndNeverWithoutItsApproval(t *testing.T) {
	p, d := ownWorld(t, false)
	sl := ownSlot(p.WithDecisions(d))
	if sl.ID != broadcast.OwnSlot(d.Subject) || sl.Skip != "" || !sl.Start.Equal(d.When.Add(7*time.Hour+40*time.Minute)) || sl.Class != broadcast.Normal {
		t.Errorf("%+v", sl)
	}
	if ownSlot(p).ID != "" {
		t.Error("the plan itself is another")
	}

	p, d = ownWorld(t, true)
	if sl := ownSlot(p.WithDecisions(d)); sl.ID != "" {
		t.Errorf("without the second person: %+v", sl)
	}
	allow := broadcast.Decision{Kind: "allow", Subject: d.Subject, Who: "minh", When: d.When.Add(time.Hour), Counter: 1, Source: "hub"}
	if sl := ownSlot(p.WithDecisions(d, allow)); sl.ID == "" || sl.Skip != "" {
		t.Errorf("allowed: %+v", sl)
	}
	late := allow
	late.When = d.When.Add(7*time.Hour + 42*time.Minute) // it can not end any more
	if sl := ownSlot(p.WithDecisions(d, late)); sl.Skip != broadcast.ReasonDaypartFull {
		t.Errorf("allowed too late: %+v", sl)
	}
	forged := allow
	forged.Source = "pc"
	if sl := ownSlot(p.WithDecisions(d, forged)); sl.ID != "" || forged.Check() == nil {
		t.Errorf("allowed at the PC: %+v", sl)
	}
	other := allow
	other.Subject = broadcast.OwnKey("2", "2026-11-24", "evening")
	if sl := ownSlot(p.WithDecisions(d, other)); sl.ID != "" {
		t.Errorf("by the approval of another: %+v", sl)
	}
}

func TestAnOwnItemIsRemovedAndHasNoPlaceWhereThereIsNone(t *testing.T) {
	p, d := ownWorld(t, false)
	skip := broadcast.Decision{Kind: "skip", Subject: broadcast.OwnSlot(d.Subject), Who: "xã", When: d.When.Add(time.Minute), Counter: 1, Source: "pc"}
	if sl := ownSlot(p.WithDecisions(d, skip)); sl.Skip != broadcast.ReasonDecision {
		t.Errorf("removed: %+v", sl)
	}
	long := d
	long.Own = &broadcast.Own{Title: "dài", Audio: d.Own.Audio, DurationMS: (6 * time.Minute).Milliseconds()}
	q := p.WithDecisions(long)
	if sl := ownSlot(q); sl.Skip != broadcast.ReasonDaypartFull {
		t.Errorf("longer than the place: %+v", sl)
	}
	for _, sl := range q.Slots("2026-11-24", nil) {
		if sl.Owner == broadcast.OwnerHub && sl.Skip != "" {
			t.Errorf("the hub's yields: %+v", sl)
		}
	}
	elsewhere := d
	elsewhere.Subject = broadcast.OwnKey("1", "2027-01-01", "evening")
	if sl := ownSlot(p.WithDecisions(elsewhere)); sl.ID != "" {
		t.Errorf("on a day without a plan: %+v", sl)
	}
}

func TestWhatIsNoOwnItem(t *testing.T) {
	_, good := ownWorld(t, false)
	for name, spoil := range map[string]func(d *broadcast.Decision){
		"nothing is wrong":       func(*broadcast.Decision) {},
		"made on the hub":        func(d *broadcast.Decision) { d.Source = "hub" },
		"no item":                func(d *broadcast.Decision) { d.Own = nil },
		"an item with a skip":    func(d *broadcast.Decision) { d.Kind = "skip" },
		"no place":               func(d *broadcast.Decision) { d.Subject = "evening" },
		"another's id":           func(d *broadcast.Decision) { d.Subject = "law/1@2026-11-24/evening" },
		"an id of two parts":     func(d *broadcast.Decision) { d.Subject = "own-a b/1@2026-11-24/evening" },
		"no such date":           func(d *broadcast.Decision) { d.Subject = "own-1/1@2026-13-24/evening" },
		"no title":               func(d *broadcast.Decision) { d.Own.Title = " " },
		"no audio":               func(d *broadcast.Decision) { d.Own.Audio = "" },
		"eleven minutes":         func(d *broadcast.Decision) { d.Own.DurationMS = (11 * time.Minute).Milliseconds() },
		"no length":              func(d *broadcast.Decision) { d.Own.DurationMS = 0 },
		"an approval of nothing": func(d *broadcast.Decision) { d.Kind, d.Own, d.Source, d.Subject = "allow", nil, "hub", "x" },
	} {
		d := good
		item := *good.Own
		d.Own = &item
		spoil(&d)
		if err := d.Check(); (err == nil) != (name == "nothing is wrong") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
