package console

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/commune"
)

// look gives the programme as the operator at this PC looks at it. It needs a plan.
func look(s Sources, plan *broadcast.Plan, status broadcast.Status) commune.Desk {
	return commune.Desk{Plan: plan, Now: status.At, Playing: status.NowPlaying, Source: "pc", Plays: s.Plays}
}

// decide makes what a desk gives, as the request's person.
func (in request) decide(s Sources, of func(commune.Desk) (broadcast.Decision, error)) error {
	plan, status := s.Plan(), s.Status()
	if plan == nil {
		return errNoPlan
	}
	made, err := of(look(s, plan, status))
	if err != nil {
		return err
	}
	return s.Decide(in.sign(made))
}

// volume needs no plan: without one there is no ceiling yet.
func (c *Console) volume(s Sources, in request) error {
	made, err := look(s, s.Plan(), s.Status()).Volume(in.Percent)
	if err != nil {
		return err
	}
	return s.Decide(in.sign(made))
}

// skip leaves out an item of today that is still to come or sounds now.
func (c *Console) skip(s Sources, in request) error {
	v, err := Make(s, true)
	if err != nil {
		return err
	}
	if o, found := v.ownItem(in.Slot); found { // one that waits for its approval is on no list yet
		return s.Decide(in.sign(broadcast.Decision{Kind: "skip", Subject: o.Slot, When: v.At}))
	}
	return in.decide(s, func(d commune.Desk) (broadcast.Decision, error) { return d.Skip(in.Slot) })
}

// move gives an item of today another time of today, written 15:04.
func (c *Console) move(s Sources, in request) error {
	return in.decide(s, func(d commune.Desk) (broadcast.Decision, error) {
		to, err := time.ParseInLocation("2006-01-02 15:04", string(d.Today())+" "+in.To, d.Plan.Zone)
		if err != nil {
			to = time.Time{} // which is no time to move to
		}
		return d.Move(in.Slot, to)
	})
}

// order gives a daypart to come another order.
func (c *Console) order(s Sources, in request) error {
	return in.decide(s, func(d commune.Desk) (broadcast.Decision, error) { return d.Order(in.Daypart, in.Order) })
}

// inPlace gives keys in the order of the places typed beside them; a place that is no number is the last.
func inPlace(keys, places []string) []string {
	place := map[string]int{}
	for i, key := range keys {
		place[key] = len(keys) + 1
		if i < len(places) {
			if n, err := strconv.Atoi(places[i]); err == nil {
				place[key] = n
			}
		}
	}
	out := slices.Clone(keys)
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(place[a], place[b]) })
	return out
}
