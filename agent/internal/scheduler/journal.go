package scheduler

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
)

// accountedKey cannot be a slot's id, which has no control characters.
const accountedKey = "\x00accounted"

// sound is what the journal knows of a slot beside its Progress: what its record will be made of.
type sound struct {
	Segments []broadcast.Segment `json:"segments,omitempty"`
	MissedMS int64               `json:"missed_ms,omitempty"`
	Volume   int                 `json:"volume_percent"`
	Clock    string              `json:"clock"`
	Reason   string              `json:"reason"` // of its last cue
	Open     *open               `json:"open,omitempty"`
}

// open is a segment that began and whose end is not known; what it says of the sound is true up to Seen.
type open struct {
	At        time.Time `json:"at"`
	Seen      time.Time `json:"seen"`                // the last sound that the card confirmed
	StartedAt time.Time `json:"started_at,omitzero"` // the first
	OffsetMS  int64     `json:"offset_ms"`
	ReachedMS int64     `json:"reached_card_ms,omitempty"`
	MissedMS  int64     `json:"missed_ms,omitempty"`
}

// broken is the segment that is left of an open one when the agent died in it.
func (o *open) broken() broadcast.Segment {
	seg := broadcast.Segment{StartedAt: o.At, EndedAt: o.Seen, OffsetMS: o.OffsetMS, ReachedMS: o.ReachedMS, Ended: broadcast.ReasonPower}
	if !o.StartedAt.IsZero() {
		seg.StartedAt = o.StartedAt
	}
	return seg
}

// entry is the journal's form.
type entry struct {
	Progress broadcast.Progress `json:"progress"`
	Sound    *sound             `json:"sound,omitempty"`
}

// load reads the journal. A slot that has its record has ended, whatever the journal says: the record is
// written first.
func (s *Scheduler) load() error {
	raw, err := s.o.Journal.Load()
	if err != nil {
		return fmt.Errorf("start scheduler: %w", err)
	}
	s.state.Journal = map[string]broadcast.Progress{}
	for key, text := range raw {
		if key == accountedKey {
			if err := s.state.Accounted.UnmarshalText(text); err != nil {
				s.o.Log.Error("journal's close is damaged", "error", err)
			}
			continue
		}
		var e entry
		if err := json.Unmarshal(text, &e); err != nil || e.Progress.Slot.ID != key {
			s.o.Log.Error("journal entry is damaged", "slot", key, "error", err)
			continue
		}
		if err := s.adopt(key, e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scheduler) adopt(slot string, e entry) error {
	if !e.Progress.Ended {
		recorded, err := s.o.Records.Has(slot)
		if err != nil {
			return fmt.Errorf("start scheduler: %w", err)
		}
		e.Progress.Ended = recorded
	}
	s.state.Journal[slot] = e.Progress
	if !e.Progress.Ended && e.Sound != nil {
		s.sounds[slot] = e.Sound
	}
	return nil
}

// begin is the first moment with a plan and a trusted time: what was open when the agent died ended then.
func (s *Scheduler) begin(now time.Time) {
	for slot, snd := range s.sounds {
		if snd.Open == nil || s.runs[slot] != nil {
			continue
		}
		if snd.Open.At.After(now) { // it was armed and never sounded
			s.unsound(slot)
			continue
		}
		snd.Segments = append(snd.Segments, snd.Open.broken())
		snd.MissedMS += snd.Open.MissedMS
		snd.Open = nil
	}
	s.state.Restarted(now)
	for slot := range s.runs { // the trust was away for a moment: the player still has it
		pr := s.state.Journal[slot]
		pr.Sounding = true
		s.state.Journal[slot] = pr
	}
	s.started = true
	s.close(s.state.Accounted)
}

// unsound takes back that a slot began. One that sounded before stays open; another is as if never touched.
func (s *Scheduler) unsound(slot string) {
	snd := s.sounds[slot]
	snd.Open = nil
	if n := len(snd.Segments); n > 0 {
		s.leaveOpen(slot, snd.Segments[n-1].Ended)
		return
	}
	s.state.Forget(slot)
	delete(s.sounds, slot)
	if err := s.o.Journal.Write(nil, []string{slot}); err != nil {
		s.o.Log.Error("journal", "slot", slot, "error", err)
	}
}

// opened notes the segment that is about to sound.
func (s *Scheduler) opened(cue broadcast.Cue, offset time.Duration, trust string) {
	snd := s.sounds[cue.Slot.ID]
	if snd == nil {
		snd = &sound{Clock: trust}
		s.sounds[cue.Slot.ID] = snd
	}
	snd.Volume, snd.Reason = cue.VolumePercent, cue.Reason
	snd.Open = &open{At: cue.Begin, Seen: cue.Begin, OffsetMS: offset.Milliseconds()}
}

// beat keeps in the journal what has reached the card of what sounds, so that after a power cut the record can say
// it, and gives the time until the next beat. The pause is counted from the end of the writes: a slow disk must leave
// the loop time for the rest.
func (s *Scheduler) beat() time.Duration {
	wait := longest
	for slot, r := range s.runs {
		if r.stop != nil {
			continue
		}
		if s.present().Sub(r.beaten) >= beatEvery {
			s.keep(slot, r)
			r.beaten = s.present()
		}
		wait = min(wait, r.beaten.Add(beatEvery).Sub(s.present()))
	}
	return max(wait, time.Millisecond)
}

// present is this instant of the player's clock.
func (s *Scheduler) present() mono.Instant {
	now, _ := s.o.Clock.Now()
	return s.o.Clock.Instant(now)
}

// keep writes what is new of a run.
func (s *Scheduler) keep(slot string, r *run) {
	heard := r.heard.Load()
	if heard == r.kept && !r.unwritten {
		return
	}
	if snd := s.sounds[slot]; heard != nil && snd != nil && snd.Open != nil {
		s.learn(snd.Open, r, *heard)
	}
	err := s.write(slot)
	if err != nil {
		s.o.Log.Error("journal", "slot", slot, "error", err)
	}
	r.kept, r.unwritten = heard, err != nil
}

// learn takes into an open segment what the card has confirmed.
func (s *Scheduler) learn(o *open, r *run, heard Progress) {
	o.ReachedMS, o.MissedMS = heard.Reached.Milliseconds(), heard.Missed.Milliseconds()
	if heard.StartedAt != 0 {
		o.StartedAt, o.Seen = s.o.Clock.Time(heard.StartedAt), s.o.Clock.Time(heard.EndedAt)
		o.OffsetMS = (r.offset + max(0, heard.StartedAt.Sub(r.at))).Milliseconds() // it joined where it was then
	}
}

func (s *Scheduler) writeOrLog(slot string) {
	if err := s.write(slot); err != nil {
		s.o.Log.Error("journal", "slot", slot, "error", err)
	}
}

// write makes a slot's entry durable.
func (s *Scheduler) write(slots ...string) error {
	put := make(map[string][]byte, len(slots))
	for _, slot := range slots {
		pr := s.state.Journal[slot]
		raw, err := json.Marshal(entry{Progress: pr, Sound: s.sounds[slot]})
		if err != nil {
			return fmt.Errorf("encode journal: %w", err)
		}
		put[slot] = raw
	}
	return s.o.Journal.Write(put, nil)
}

// tidy closes what is long over, now and then.
func (s *Scheduler) tidy(now time.Time) {
	if now.Sub(s.tidied).Abs() < time.Hour {
		return
	}
	s.tidied = now
	s.close(now.Add(-closeAfter))
	if err := s.o.Records.Prune(now); err != nil {
		s.o.Log.Warn("play log is not pruned", "error", err)
	}
}

// close moves Accounted and drops from the journal what that closes.
func (s *Scheduler) close(until time.Time) {
	before := make([]string, 0, len(s.state.Journal))
	for slot := range s.state.Journal {
		before = append(before, slot)
	}
	s.state.CloseUntil(until)
	var drop []string
	for _, slot := range before {
		if _, kept := s.state.Journal[slot]; !kept {
			drop = append(drop, slot)
		}
	}
	text, err := s.state.Accounted.MarshalText()
	if err == nil {
		err = s.o.Journal.Write(map[string][]byte{accountedKey: text}, drop)
	}
	if err != nil {
		s.o.Log.Warn("journal is not closed", "error", err)
	}
}
