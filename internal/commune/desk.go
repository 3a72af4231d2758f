package commune

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Desk is an agent's programme as one looks at it now.
type Desk struct {
	Plan    *broadcast.Plan
	Now     time.Time
	Playing *broadcast.Sounding // nil for nothing
	Source  string              // pc | hub: where this desk stands
	// Plays gives the play records of slots planned to start in [from, to).
	Plays func(from, to time.Time) ([]broadcast.Play, error)
}

// Slot is one line of a day's list.
type Slot struct {
	Slot      string            `json:"slot"`
	Title     string            `json:"title"`
	Class     broadcast.Class   `json:"class"`
	Owner     broadcast.Owner   `json:"owner,omitempty"` // hub | commune; "" for what is in the plan no more
	Daypart   string            `json:"daypart,omitempty"`
	Start     time.Time         `json:"start"`
	End       time.Time         `json:"end"`
	State     string            `json:"state"` // planned | playing | done
	Outcome   broadcast.Outcome `json:"outcome,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	ReachedMS int64             `json:"reached_card_ms,omitempty"`
	MaySkip   bool              `json:"may_skip,omitempty"` // the commune has a say in it
	MayMove   bool              `json:"may_move,omitempty"` // and it has not begun
}

// Today is the date it is.
func (d Desk) Today() broadcast.Date { return broadcast.DateOf(d.Now, d.Plan.Zone) }

// Day gives the slots of a date in time, with what became of them.
func (d Desk) Day(date broadcast.Date) ([]Slot, error) {
	done, pins, err := d.heard(date)
	if err != nil {
		return nil, err
	}
	out := []Slot{}
	for _, sl := range d.Plan.Slots(date, pins) {
		one := d.slot(sl, done)
		one.MaySkip = one.State != "done" && one.Outcome == "" && d.Plan.Head.Rules.CommuneDecides(sl.Class, sl.Owner)
		one.MayMove = one.MaySkip && one.State == "planned" && sl.Start.After(d.Now)
		out = append(out, one)
		delete(done, sl.ID)
	}
	for _, p := range done { // bulletins, and what is in the plan no more
		out = append(out, Slot{Slot: p.Slot, Title: p.Title, Class: p.Class, Start: p.PlannedStart, End: p.PlannedEnd,
			State: "done", Outcome: p.Outcome, Reason: p.Reason, ReachedMS: p.ReachedMS})
	}
	slices.SortStableFunc(out, func(a, b Slot) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Slot, b.Slot)) })
	return out, nil
}

// heard gives what was heard of a date by slot, and as pins.
func (d Desk) heard(date broadcast.Date) (done map[string]broadcast.Play, pins []broadcast.Pin, err error) {
	plays, err := d.Plays(date.At(0, d.Plan.Zone), date.AddDays(1).At(0, d.Plan.Zone))
	done = map[string]broadcast.Play{}
	for _, p := range plays {
		done[p.Slot] = p
		if !p.StartedAt.IsZero() {
			pins = append(pins, broadcast.PinOf(p))
		}
	}
	return done, pins, err
}

func (d Desk) slot(sl broadcast.Slot, done map[string]broadcast.Play) Slot {
	out := Slot{Slot: sl.ID, Title: sl.Item.Title, Class: sl.Class, Owner: sl.Owner, Start: sl.Start, End: sl.End, State: "planned", Reason: sl.Skip}
	_, out.Daypart, _ = strings.Cut(sl.Occurrence, "/")
	if out.Reason != "" {
		out.Outcome = broadcast.Skipped
	}
	switch p, ok := done[sl.ID]; {
	case ok:
		out.State, out.Outcome, out.Reason, out.ReachedMS = "done", p.Outcome, p.Reason, p.ReachedMS
	case d.Playing != nil && d.Playing.Slot == sl.ID:
		out.State = "playing"
	}
	return out
}

// Orderable is a daypart whose order the commune can still change.
type Orderable struct {
	Occurrence string      `json:"occurrence"`
	Name       string      `json:"name"`
	Start      time.Time   `json:"start"`
	Programmes []Programme `json:"programmes" nullable:"false"`
}

// Programme is a broadcast in a daypart: its items stay together.
type Programme struct {
	Key   string          `json:"key"`
	Title string          `json:"title"`
	Class broadcast.Class `json:"class"`
	Owner broadcast.Owner `json:"owner"`
	Place int             `json:"place"`
}

// Orderables lists them for today and tomorrow: what is to be heard at 05:00 is ordered the evening before.
func (d Desk) Orderables() []Orderable {
	out := []Orderable{}
	for _, date := range []broadcast.Date{d.Today(), d.Today().AddDays(1)} {
		for _, o := range d.Plan.Days[date].Dayparts {
			if o.Start.Add(-broadcast.OrderLead).After(d.Now) {
				if one := d.programmes(date, o); len(one.Programmes) > 1 {
					out = append(out, one)
				}
			}
		}
	}
	return out
}

func (d Desk) programmes(date broadcast.Date, o broadcast.Occurrence) Orderable {
	out := Orderable{Occurrence: broadcast.OccurrenceKey(date, o.Name), Name: o.Name, Start: o.Start}
	slots := d.Plan.Slots(date, nil)
	slices.SortStableFunc(slots, func(a, b broadcast.Slot) int { return cmp.Compare(min(len(a.Skip), 1), min(len(b.Skip), 1)) }) // without a place last
	for _, sl := range slots {
		known := slices.ContainsFunc(out.Programmes, func(p Programme) bool { return p.Key == sl.Key })
		if sl.Occurrence == out.Occurrence && !known {
			out.Programmes = append(out.Programmes, Programme{Key: sl.Key, Title: sl.Title, Class: sl.Class, Owner: sl.Owner, Place: len(out.Programmes) + 1})
		}
	}
	return out
}
