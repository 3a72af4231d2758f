package scheduler

import (
	"context"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// halt fades a slot out; its end comes through results.
func (s *Scheduler) halt(stop broadcast.Stop) {
	if r := s.runs[stop.Slot]; r != nil && r.stop == nil {
		r.stop = &stop
		r.cancel()
	}
}

// sound starts what is to sound now and is not with the player yet.
func (s *Scheduler) sound(players *sync.WaitGroup, cue *broadcast.Cue, now time.Time, trust string) {
	if cue == nil || s.runs[cue.Slot.ID] != nil || s.state.Lacking[cue.Slot.ID] != "" {
		return
	}
	begin, offset := cue.Begin, cue.Offset
	if earliest := now.Add(s.o.Player.Lead()); begin.Before(earliest) {
		if fromItsBeginning(*cue) {
			cue.Ends = cue.Ends.Add(earliest.Sub(begin))
		} else {
			offset += earliest.Sub(begin) // it keeps its place in time and goes on from where it would be then
		}
		begin = earliest
	}
	if !begin.Before(cue.Ends) { // over before a sound can begin: the timetable settles it
		return
	}
	if offset < 0 { // it sounded by a time that turned out to be ahead: not twice
		s.record(cue.Slot.ID, broadcast.Cut, broadcast.ReasonClock)
		s.again = true
		return
	}
	s.start(players, *cue, begin, offset, trust)
}

// fromItsBeginning tells whether nothing of a cue may be lost although it begins a little later: a bulletin,
// and what is played whole although late. Everything else has its place in time, and others behind it.
func fromItsBeginning(c broadcast.Cue) bool {
	return c.Offset == 0 && (c.Slot.Class == broadcast.Urgent || c.Reason == broadcast.ReasonLateWhole)
}

// arm gives what comes next to the player when it is near, and tells how long that is still to go.
func (s *Scheduler) arm(players *sync.WaitGroup, cue *broadcast.Cue, now time.Time, trust string) time.Duration {
	if cue == nil || s.runs[cue.Slot.ID] != nil || s.state.Lacking[cue.Slot.ID] != "" {
		return longest
	}
	if ahead := cue.Begin.Sub(now) - max(armAhead, 2*s.o.Player.Lead()); ahead > 0 {
		return ahead
	}
	s.start(players, *cue, cue.Begin, cue.Offset, trust)
	return longest
}

// realign holds what the player has against the ruling and the time, which may have been put right and which goes
// on while the machine sleeps, when the player's clock stands still.
func (s *Scheduler) realign(ruling broadcast.Ruling, now time.Time) {
	cues := map[string]*broadcast.Cue{}
	for _, c := range []*broadcast.Cue{ruling.Sound, ruling.Next} {
		if c != nil {
			cues[c.Slot.ID] = c
		}
	}
	present := s.o.Clock.Instant(now)
	for slot, r := range s.runs {
		if r.stop != nil {
			continue
		}
		off := s.o.Clock.Instant(r.cue.Begin).Sub(r.at)
		if ahead := r.at.Sub(present); ahead > shifted { // only armed
			c := cues[slot]
			moved := c == nil || !c.Begin.Equal(r.cue.Begin) || off.Abs() > shifted
			if moved || c.VolumePercent != r.cue.VolumePercent && ahead > s.o.Player.Lead() {
				s.halt(broadcast.Stop{Slot: slot, Reason: broadcast.ReasonCancelled, Resume: true})
			}
			continue
		}
		switch {
		case off > broadcast.Grace && r.cue.Begin.After(now): // its time is still to come
			s.halt(broadcast.Stop{Slot: slot, Reason: broadcast.ReasonClock})
		case off < -broadcast.Grace && r.cue.Slot.Lateness.Rule == broadcast.LateJoin: // it is behind its place
			s.halt(broadcast.Stop{Slot: slot, Reason: broadcast.ReasonClock, Resume: true})
		}
	}
}

// start journals a cue and gives it to the player.
func (s *Scheduler) start(players *sync.WaitGroup, cue broadcast.Cue, begin time.Time, offset time.Duration, trust string) {
	slot := cue.Slot.ID
	if recorded, err := s.o.Records.Has(slot); err != nil { // a sick disk must not silence a commune
		s.o.Log.Error("slot begins without a look at its record", "slot", slot, "error", err)
	} else if recorded {
		s.forgotten(cue.Slot)
		return
	}
	audio, err := s.o.Store.Open(cue.Slot.Item.Audio)
	if err != nil {
		s.lack(cue.Slot, broadcast.ReasonAudioMissing)
		return
	}
	cue.Begin = begin
	s.state.Begin(cue)
	s.opened(cue, offset, trust)
	unwritten := false
	if err := s.write(slot); err != nil {
		unwritten = true
		// A full disk must not silence a commune: it sounds, and the journal is tried again with the next beat.
		s.o.Log.Error("slot begins without its journal", "slot", slot, "error", err)
	}
	if now, _ := s.o.Clock.Now(); fromItsBeginning(cue) {
		if late := now.Add(s.o.Player.Lead()).Sub(begin); late > 0 { // the disk took its time
			begin, cue.Begin, cue.Ends = begin.Add(late), begin.Add(late), cue.Ends.Add(late)
			s.state.Begin(cue)
			s.sounds[slot].Open.At = begin
		}
	}
	ctx, cancel := context.WithCancel(context.Background()) // cancelled in finish, whatever ends it
	r := &run{cue: cue, at: s.o.Clock.Instant(begin), offset: offset, cancel: cancel, unwritten: unwritten}
	r.beaten = r.at
	s.runs[slot] = r
	s.o.Log.Info("slot is armed", "slot", slot, "title", cue.Slot.Item.Title, "at", begin, "offset", offset, "volume", cue.VolumePercent)
	players.Go(func() { s.results <- ended{slot, s.play(ctx, r, audio)} })
}

// forgotten closes a slot that has its record and of which the journal knows nothing: its entry was damaged or not written.
func (s *Scheduler) forgotten(slot broadcast.Slot) {
	s.o.Log.Warn("slot has its record already", "slot", slot.ID)
	s.state.Settle(broadcast.Verdict{Slot: slot})
	s.over(slot.ID)
	s.writeOrLog(slot.ID)
	s.again = true
}

// lack tells the timetable that a slot cannot sound for now.
func (s *Scheduler) lack(slot broadcast.Slot, reason string) {
	if s.state.Lacking == nil {
		s.state.Lacking = map[string]string{}
	}
	if s.state.Lacking[slot.ID] == "" {
		s.o.Log.Warn("slot lacks its audio", "slot", slot.ID, "title", slot.Item.Title, "reason", reason)
		s.again = true
	}
	s.state.Lacking[slot.ID], s.lacking[slot.ID] = reason, slot.Item.Audio
}

// arrived takes back what lack said where the audio has come.
func (s *Scheduler) arrived() {
	for slot, audio := range s.lacking {
		if s.o.Store.Ready(audio) {
			delete(s.lacking, slot)
			delete(s.state.Lacking, slot)
		}
	}
}

// play is the part of a run that blocks.
func (s *Scheduler) play(ctx context.Context, r *run, audio Audio) Result {
	defer audio.Close()
	if err := audio.Check(); err != nil { // so that no sound breaks off for a damage that could be seen before
		s.o.Log.Error("audio is damaged", "slot", r.cue.Slot.ID, "error", err)
		return Result{Damaged: true}
	}
	return s.o.Player.Play(ctx, Cue{Slot: r.cue.Slot.ID, Audio: audio, At: r.at, Offset: r.offset,
		VolumePercent: r.cue.VolumePercent, GainDB: audio.GainDB(), Progress: func(p Progress) { r.heard.Store(&p) }})
}
