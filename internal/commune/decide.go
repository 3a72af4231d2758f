package commune

import (
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// longestMute is how long a mute may be: what is forgotten ends by itself.
const longestMute = 24 * time.Hour

// Stop ends the sound and holds the rest of the daypart, outside of dayparts an hour or until what sounds would have ended.
func (d Desk) Stop() broadcast.Decision {
	var sounds time.Time
	if d.Playing != nil {
		sounds = d.Playing.End
	}
	return d.Plan.Stop(d.Now, sounds)
}

// Mute silences what is scheduled until an instant.
func (d Desk) Mute(until time.Time) (broadcast.Decision, error) {
	if !until.After(d.Now) || until.Sub(d.Now) > longestMute {
		return broadcast.Decision{}, ErrMute
	}
	return broadcast.Decision{Kind: "mute", When: d.Now, Until: &until}, nil
}

// Volume turns what is scheduled down, or up again to what the policy lets.
func (d Desk) Volume(percent int) (broadcast.Decision, error) {
	switch {
	case percent < broadcast.LeastVolume || percent > 100:
		return broadcast.Decision{}, ErrVolume
	case d.Plan != nil && percent > d.Plan.Head.Rules.VolumeAt(d.Now, d.Plan.Zone):
		return broadcast.Decision{}, errCeiling
	}
	return broadcast.Decision{Kind: "volume", When: d.Now, Percent: percent}, nil
}

// Skip leaves out an item of today or tomorrow that is still to come or sounds now.
func (d Desk) Skip(slot string) (broadcast.Decision, error) {
	sl, _, err := d.coming(slot)
	return broadcast.Decision{Kind: "skip", When: d.Now, Subject: sl.Slot}, err
}

// coming gives an item that is still to come, or sounds, and in which the commune has a say: of today or of tomorrow, for what is to be
// heard at 05:00 is decided the evening before.
func (d Desk) coming(slot string) (Slot, broadcast.Date, error) {
	for _, date := range []broadcast.Date{d.Today(), d.Today().AddDays(1)} {
		list, err := d.Day(date)
		if err != nil {
			return Slot{}, date, err
		}
		for _, sl := range list {
			switch {
			case sl.Slot != slot || sl.State == "done":
			case !sl.MaySkip:
				return sl, date, errNotCommunes
			default:
				return sl, date, nil
			}
		}
	}
	return Slot{}, d.Today(), errSlot
}

// Move gives an item another time of its day.
func (d Desk) Move(slot string, to time.Time) (broadcast.Decision, error) {
	sl, date, err := d.coming(slot)
	if err != nil {
		return broadcast.Decision{}, err
	}
	if !sl.MayMove {
		return broadcast.Decision{}, errSlot
	}
	if !to.After(d.Now) || broadcast.DateOf(to, d.Plan.Zone) != date {
		return broadcast.Decision{}, errMoveTime
	}
	made := broadcast.Decision{Kind: "move", When: d.Now, Subject: sl.Slot, To: &to}
	before, after, err := d.tried(made, date)
	if err != nil {
		return broadcast.Decision{}, err
	}
	if reason := after[sl.Slot].Skip; reason != "" {
		return broadcast.Decision{}, noPlace(reason)
	}
	for id, other := range before {
		if other.Skip == "" && after[id].Skip != "" {
			return broadcast.Decision{}, errMoveCosts
		}
	}
	return made, nil
}

// Order gives a daypart to come another order of its programmes, by their keys.
func (d Desk) Order(occurrence string, keys []string) (broadcast.Decision, error) {
	list := d.Orderables()
	i := slices.IndexFunc(list, func(o Orderable) bool { return o.Occurrence == occurrence })
	if i < 0 {
		return broadcast.Decision{}, errOrderLate
	}
	var known []string
	for _, p := range list[i].Programmes {
		known = append(known, p.Key)
	}
	if !slices.Equal(slices.Sorted(slices.Values(known)), slices.Sorted(slices.Values(keys))) {
		return broadcast.Decision{}, errOrder
	}
	made := broadcast.Decision{Kind: "order", When: d.Now, Subject: occurrence, Order: keys}
	before, after, err := d.tried(made, broadcast.DateOf(list[i].Start, d.Plan.Zone))
	if err != nil {
		return broadcast.Decision{}, err
	}
	same := true
	for id, sl := range before {
		same = same && sl.Start.Equal(after[id].Start) && sl.Skip == after[id].Skip
	}
	if same {
		return broadcast.Decision{}, errOrderSame
	}
	return made, nil
}

// tried gives a date's slots by id, as they are and as they would be with a decision, and more.
func (d Desk) tried(made broadcast.Decision, date broadcast.Date, more ...broadcast.Decision) (before, after map[string]broadcast.Slot, err error) {
	_, pins, err := d.heard(date)
	if err != nil {
		return nil, nil, err
	}
	made.Source = d.Source
	made = made.Knowing(d.Plan.Head.Decisions)
	byID := func(p *broadcast.Plan) map[string]broadcast.Slot {
		out := map[string]broadcast.Slot{}
		for _, sl := range p.Slots(date, pins) {
			out[sl.ID] = sl
		}
		return out
	}
	return byID(d.Plan), byID(d.Plan.WithDecisions(append(more, made)...)), nil
}
