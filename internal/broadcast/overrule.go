package broadcast

import "slices"

// A commune decides in two places, at its PC and on the hub's pages, and neither knows at once what the other did. What of it holds
// is said here alone (docs/decisions/0031), the same in both places:
//
//   - within one place, the later decision, by its counter: a place knows its own order whatever its clock showed;
//   - between the places, the one that was made in knowledge of the other; where neither knew of the other the later by true time,
//     and of two at the same instant the PC's;
//   - a stop holds until somebody releases it who knew of it. Stops do not overrule each other.

// alike tells whether two decisions are counted together: those about the same thing, and all stops with all releases.
func (d *Decision) alike(o *Decision) bool {
	return d.family() == o.family() && (d.family() == "hold" || d.Subject == o.Subject)
}

func (d *Decision) family() string {
	switch d.Kind {
	case "release":
		return "hold"
	case "unmute":
		return "mute"
	case "move":
		return "skip"
	}
	return d.Kind
}

// Knowing gives d, whose Source is set, its counters: it comes after everything of its kind that is known where it is made.
func (d Decision) Knowing(known []Decision) Decision {
	d.Counter, d.Seen = 1, 0
	for i := range known {
		o := &known[i]
		if !d.alike(o) {
			continue
		}
		d.Counter = max(d.Counter, o.Counter+1)
		if o.Source == d.Source {
			d.Seen = max(d.Seen, o.Seen)
		} else {
			d.Seen = max(d.Seen, o.Counter)
		}
	}
	return d
}

// lifts tells whether a release ends a stop.
func (d *Decision) lifts(hold *Decision) bool {
	switch {
	case d.Kind != "release" || hold.Kind != "hold" || d.Subject != "" && d.Subject != hold.Subject:
		return false
	case d.Source == hold.Source:
		return d.Counter > hold.Counter
	}
	return d.Seen >= hold.Counter
}

// overrules tells whether d holds and not o, which is about the same thing and no stop.
func (d *Decision) overrules(o *Decision) bool {
	switch {
	case d.Source == o.Source && d.Counter != o.Counter:
		return d.Counter > o.Counter
	case d.Source != o.Source && d.Seen >= o.Counter:
		return true
	case d.Source != o.Source && o.Seen >= d.Counter:
		return false
	case !d.When.Equal(o.When):
		return d.When.After(o.When)
	}
	return d.Source == "pc" && o.Source != "pc"
}

// holding gives of the decisions that match, which are about one thing and no stops, the one that holds: nil when there is none. The
// last of each place is found first: clocks that differ could otherwise let three decisions overrule each other in a ring.
func holding(all []Decision, match func(*Decision) bool) *Decision {
	var pc, hub *Decision
	for i := range all {
		d := &all[i]
		last := &hub
		if d.Source == "pc" {
			last = &pc
		}
		if match(d) && (*last == nil || d.overrules(*last)) {
			*last = d
		}
	}
	if hub == nil || pc != nil && !hub.overrules(pc) {
		return pc
	}
	return hub
}

// Standing gives of decisions, in their order, those that hold. A release stays until its place releases again: the other may keep the
// stop that it ended.
func Standing(all []Decision) []Decision {
	var out []Decision
	for i := range all {
		if all[i].stands(all) {
			out = append(out, all[i])
		}
	}
	return out
}

func (d *Decision) stands(all []Decision) bool {
	switch d.Kind {
	case "hold":
		return !slices.ContainsFunc(all, func(o Decision) bool { return o.lifts(d) })
	case "release":
		return !slices.ContainsFunc(all, func(o Decision) bool {
			return o.Kind == "release" && o.Source == d.Source && o.Counter > d.Counter && (o.Subject == "" || o.Subject == d.Subject)
		})
	}
	return holding(all, d.alike).Is(*d) // it may come twice, from the head and from where it was made
}

// Is tells whether two are the same decision, whatever of the reason a head has room for.
func (d *Decision) Is(o Decision) bool {
	return d.Source == o.Source && d.Kind == o.Kind && d.Subject == o.Subject && d.Counter == o.Counter && d.When.UnixMilli() == o.When.UnixMilli()
}
