package conformance

import (
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Record is what a driven slot leaves, the short form of a play record.
type Record struct {
	Slot    broadcast.Slot
	Outcome broadcast.Outcome
	Reason  string
	Sound   []Sound
	At      time.Time // when it was written
}

// Sound is one stretch of sound.
type Sound struct {
	From, To time.Time
	Offset   time.Duration
	Volume   int
}

// Drive is an agent without audio: it asks a plan at each wake-up and does what the ruling says.
type Drive struct {
	Plan func(now time.Time) *broadcast.Plan // may change in the course
	Off  []broadcast.Span                    // spans in which the agent is dead
	// Keep is how far Accounted stays behind, two days when 0.
	Keep time.Duration
	// Arm is how long before its instant the agent gives what comes next to its player.
	Arm time.Duration
	// Jitter, if set, gives how much earlier than Wake the agent asks again.
	Jitter func() time.Duration

	State    broadcast.State
	Records  []Record
	Rulings  int
	Disarmed int // how often something armed was taken back
	sound    map[string]*sounding
}

type sounding struct {
	cue  broadcast.Cue
	past []Sound
	on   bool
}

// Run drives from one instant to another. It fails when a ruling breaks the agent's ground: two sounds at
// once, a second record, a wake-up that does not advance.
func (d *Drive) Run(from, to time.Time) error {
	d.sound = map[string]*sounding{}
	for now, dead := from, true; now.Before(to); {
		if i := slices.IndexFunc(d.Off, func(s broadcast.Span) bool { return s.Has(now) }); i >= 0 {
			d.silence(now)
			now, dead = d.Off[i].End, true
			continue
		}
		if dead {
			d.State.Restarted(now)
			dead = false
		}
		d.finish(now)
		r := d.Plan(now).Decide(now, d.State)
		d.Rulings++
		if err := d.obey(now, r); err != nil {
			return fmt.Errorf("at %s: %w", now.Format(time.DateTime), err)
		}
		keep := d.Keep
		if keep == 0 {
			keep = 48 * time.Hour
		}
		d.State.CloseUntil(now.Add(-keep))
		next := d.wake(now, r.Wake)
		if r.Next != nil {
			if arm := r.Next.Begin.Add(-d.Arm); arm.After(now) && arm.Before(next) {
				next = arm
			}
		}
		if !next.After(now) {
			return fmt.Errorf("at %s: wake-up %s does not advance", now, next)
		}
		now = next
	}
	return nil
}

func (d *Drive) wake(now, wake time.Time) time.Time {
	if d.Jitter != nil {
		if early := wake.Add(-d.Jitter()); early.After(now) {
			wake = early
		}
	}
	for _, s := range d.sound {
		if s.on && s.cue.Ends.After(now) && s.cue.Ends.Before(wake) {
			wake = s.cue.Ends
		}
	}
	for _, off := range d.Off {
		if off.Start.After(now) && off.Start.Before(wake) {
			wake = off.Start
		}
	}
	return wake
}

// silence is death: what sounded ends unrecorded.
func (d *Drive) silence(now time.Time) {
	for id, s := range d.sound {
		if s.on {
			if s.cue.Begin.After(now) {
				d.disarm(id) // an agent knows from its journal that it was not heard
			} else {
				s.stop(earlier(now, s.cue.Ends))
			}
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (s *sounding) stop(now time.Time) {
	s.on = false
	s.past = append(s.past, Sound{From: s.cue.Begin, To: now, Offset: s.cue.Offset, Volume: s.cue.VolumePercent})
}

// finish records what sounded to its end.
func (d *Drive) finish(now time.Time) {
	for id, s := range d.sound {
		if s.on && !now.Before(s.cue.Ends) {
			s.stop(s.cue.Ends)
			d.State.End(id)
			d.record(Record{Slot: s.cue.Slot, Outcome: broadcast.Played, Reason: s.cue.Reason, At: now})
		}
	}
}

func (d *Drive) record(r Record) {
	if s := d.sound[r.Slot.ID]; s != nil {
		r.Sound = s.past
		delete(d.sound, r.Slot.ID)
	}
	d.Records = append(d.Records, r)
}

func (d *Drive) obey(now time.Time, r broadcast.Ruling) error {
	for _, stop := range r.Stop {
		s := d.sound[stop.Slot]
		if s == nil || !s.on {
			return fmt.Errorf("stop of %s, which does not sound", stop.Slot)
		}
		if s.cue.Begin.After(now) {
			d.disarm(stop.Slot)
			continue
		}
		s.stop(now)
		if stop.Resume {
			d.State.Interrupt(stop.Slot)
		} else {
			d.State.End(stop.Slot)
			d.record(Record{Slot: s.cue.Slot, Outcome: broadcast.Cut, Reason: stop.Reason, At: now})
		}
	}
	for _, v := range r.Settled {
		if d.State.Journal[v.Slot.ID].Ended {
			return fmt.Errorf("second record of %s", v.Slot.ID)
		}
		d.State.Settle(v)
		d.record(Record{Slot: v.Slot, Outcome: v.Outcome, Reason: v.Reason, At: now})
	}
	if err := d.start(now, r); err != nil {
		return err
	}
	if r.Next != nil && r.Next.Begin.Sub(now) <= d.Arm && !d.with(r.Next.Slot.ID) {
		return d.begin(*r.Next)
	}
	return nil
}

// with tells whether the player holds a slot.
func (d *Drive) with(id string) bool { return d.sound[id] != nil && d.sound[id].on }

// disarm takes a slot back from the player before it was heard.
func (d *Drive) disarm(id string) {
	d.Disarmed++
	if s := d.sound[id]; len(s.past) > 0 {
		s.on = false
		d.State.Interrupt(id)
		return
	}
	delete(d.sound, id)
	d.State.Forget(id)
}

func (d *Drive) start(now time.Time, r broadcast.Ruling) error {
	for id, s := range d.sound {
		if s.on && s.cue.Begin.After(now) {
			if !names(r.Sound, s.cue) && !names(r.Next, s.cue) {
				d.disarm(id)
			}
			continue
		}
		if s.on && (r.Sound == nil || r.Sound.Slot.ID != id) {
			return fmt.Errorf("%s sounds but the ruling does not say so", id)
		}
	}
	if r.Sound == nil || d.with(r.Sound.Slot.ID) {
		return nil
	}
	return d.begin(*r.Sound)
}

func names(cue *broadcast.Cue, armed broadcast.Cue) bool {
	return cue != nil && cue.Slot.ID == armed.Slot.ID && cue.Begin.Equal(armed.Begin)
}

func (d *Drive) begin(c broadcast.Cue) error {
	if d.State.Journal[c.Slot.ID].Ended {
		return fmt.Errorf("sound of %s, which has its record", c.Slot.ID)
	}
	s := d.sound[c.Slot.ID]
	if s == nil {
		s = &sounding{}
		d.sound[c.Slot.ID] = s
	}
	s.cue, s.on = c, true
	d.State.Begin(c)
	return nil
}
