package scheduler

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/internal/broadcast"
)

// enough of what should have sounded must have reached the card for a slot to be called played, in percent:
// a listener who missed a tenth still heard the report, one who missed more did not.
const enough = 90

// finish takes a run's end and writes the slot's record, unless the slot goes on later.
func (s *Scheduler) finish(e ended) {
	r := s.runs[e.slot]
	delete(s.runs, e.slot)
	r.cancel()
	snd := s.sounds[e.slot]
	if e.result.Reached == 0 && e.result.Damaged {
		// Nothing was heard: fetched again, it may still come in time.
		s.unsound(e.slot)
		s.lack(r.cue.Slot, broadcast.ReasonAudioDamaged)
		if s.o.Store.Whole(r.cue.Slot.Item.Audio) {
			delete(s.lacking, e.slot) // every byte is right and it is no sound: no fetching mends that
		}
		return
	}
	if r.stop != nil && e.result.Reached == 0 && e.result.Missed < shifted {
		s.unsound(e.slot) // it was only armed
		return
	}
	s.closeSegment(r, snd, e.result)
	switch {
	case e.result.Cut && r.stop != nil && r.stop.Resume:
		s.leaveOpen(e.slot, r.stop.Reason)
	case snd.reached() == 0 && !snd.broken():
		s.record(e.slot, broadcast.Skipped, broadcast.ReasonCardMissing)
	case e.result.Cut && r.stop != nil: // else the cut came when all of it had been heard
		s.record(e.slot, broadcast.Cut, r.stop.Reason)
	case e.result.Damaged:
		s.record(e.slot, broadcast.Cut, broadcast.ReasonAudioDamaged)
	default:
		outcome, reason := judge(snd)
		s.record(e.slot, outcome, reason)
	}
}

// leaveOpen keeps a slot that will be taken up again: after an urgent bulletin, or as a slot that sounded when the
// agent ended. Only a bulletin may be named as what cut it, should it never be taken up.
func (s *Scheduler) leaveOpen(slot, reason string) {
	if reason == broadcast.ReasonUrgent {
		s.state.Interrupt(slot)
	} else {
		pr := s.state.Journal[slot]
		pr.Sounding = false
		s.state.Journal[slot] = pr
	}
	s.writeOrLog(slot)
}

// closeSegment adds what was heard of a run.
func (s *Scheduler) closeSegment(r *run, snd *sound, res Result) {
	snd.Open = nil
	snd.MissedMS += res.Missed.Milliseconds()
	seg := broadcast.Segment{OffsetMS: r.offset.Milliseconds(), ReachedMS: res.Reached.Milliseconds(), Ended: segmentEnd(r, res)}
	if res.StartedAt != 0 {
		seg.StartedAt, seg.EndedAt = s.o.Clock.Time(res.StartedAt), s.o.Clock.Time(res.EndedAt)
		seg.OffsetMS += max(0, res.StartedAt.Sub(r.at)).Milliseconds() // it joined where it was then
	} else {
		seg.StartedAt = r.cue.Begin
		seg.EndedAt = s.o.Clock.Time(res.EndedAt)
	}
	snd.Segments = append(snd.Segments, seg)
}

func segmentEnd(r *run, res Result) string {
	switch {
	case res.Cut && r.stop != nil:
		return r.stop.Reason
	case res.Damaged:
		return broadcast.ReasonAudioDamaged
	case short(res.Reached.Milliseconds(), res.Missed.Milliseconds()):
		return broadcast.ReasonCardMissing
	}
	return broadcast.ReasonComplete
}

// judge says what a slot that ran to its end was.
func judge(snd *sound) (broadcast.Outcome, string) {
	switch {
	case short(snd.reached(), snd.MissedMS):
		return broadcast.Cut, broadcast.ReasonCardMissing
	case snd.reached() == 0: // what was heard went with the power
		return broadcast.Cut, broadcast.ReasonPower
	}
	return broadcast.Played, snd.Reason
}

func short(reached, missed int64) bool { return reached*100 < (reached+missed)*enough }

func (s *sound) reached() int64 {
	var ms int64
	for _, seg := range s.Segments {
		ms += seg.ReachedMS
	}
	return ms
}

// broken tells whether the power went in the middle: a little more was heard then than is known.
func (s *sound) broken() bool {
	return slices.ContainsFunc(s.Segments, func(seg broadcast.Segment) bool { return seg.Ended == broadcast.ReasonPower })
}

// settle writes the records of slots that will not sound (any more); false when the disk did not take them.
func (s *Scheduler) settle(verdicts []broadcast.Verdict) bool {
	if len(verdicts) == 0 {
		return true
	}
	records := make([]broadcast.Play, len(verdicts))
	for i, v := range verdicts {
		records[i] = s.newRecord(v.Slot, v.Outcome, v.Reason)
	}
	if err := s.o.Records.Add(records...); err != nil {
		s.o.Log.Error("play records are not kept yet", "records", len(records), "error", err)
		return false
	}
	slots := make([]string, len(verdicts))
	for i, v := range verdicts {
		slots[i] = v.Slot.ID
		s.state.Settle(v)
		s.over(v.Slot.ID)
		s.o.Log.Info("slot is settled", "slot", v.Slot.ID, "outcome", v.Outcome, "reason", records[i].Reason)
	}
	if err := s.write(slots...); err != nil { // the records say it as well, at the next start
		s.o.Log.Error("journal", "error", err)
	}
	return true
}

// record writes a slot's record. If the disk does not take it, it is kept in memory and tried again.
func (s *Scheduler) record(slot string, outcome broadcast.Outcome, reason string) {
	s.unsaved = append(s.unsaved, s.newRecord(s.state.Journal[slot].Slot, outcome, reason))
	s.state.End(slot)
	s.save()
}

// save writes the records that wait, then closes their slots in the journal.
func (s *Scheduler) save() {
	if len(s.unsaved) == 0 {
		return
	}
	if err := s.o.Records.Add(s.unsaved...); err != nil {
		s.o.Log.Error("play records are not kept yet", "records", len(s.unsaved), "error", err)
		return
	}
	slots := make([]string, len(s.unsaved))
	for i, p := range s.unsaved {
		slots[i] = p.Slot
		s.over(p.Slot)
		s.o.Log.Info("slot is recorded", "slot", p.Slot, "outcome", p.Outcome, "reason", p.Reason, "reached_ms", p.ReachedMS, "missed_ms", p.MissedMS)
	}
	s.unsaved = nil
	if err := s.write(slots...); err != nil {
		s.o.Log.Error("journal", "error", err)
	}
}

// over forgets what only a slot without a record needs.
func (s *Scheduler) over(slot string) {
	delete(s.sounds, slot)
	delete(s.lacking, slot)
	delete(s.state.Lacking, slot)
}

// newRecord makes the one record of a slot.
func (s *Scheduler) newRecord(slot broadcast.Slot, outcome broadcast.Outcome, reason string) broadcast.Play {
	p := broadcast.Play{ID: newID(), Slot: slot.ID, Broadcast: slot.Broadcast, Version: slot.Version, Report: slot.Item.Report,
		Title: slot.Item.Title, Class: slot.Class, Audio: slot.Item.Audio, PlannedStart: slot.Start, PlannedEnd: slot.End,
		Outcome: outcome, Reason: reason}
	if slot.Owner == broadcast.OwnerCommune {
		p.Owner = slot.Owner
	}
	snd := s.sounds[slot.ID]
	if snd == nil {
		_, p.Clock = s.o.Clock.Now()
		return p
	}
	p.Volume, p.Clock, p.Segments, p.MissedMS, p.ReachedMS = snd.Volume, snd.Clock, snd.Segments, snd.MissedMS, snd.reached()
	for _, seg := range snd.Segments {
		if seg.ReachedMS == 0 && seg.Ended != broadcast.ReasonPower {
			continue // nothing of it was heard
		}
		if p.StartedAt.IsZero() {
			p.StartedAt = seg.StartedAt
		}
		p.EndedAt = later(p.EndedAt, seg.EndedAt)
	}
	return p
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func newID() string {
	// NewV7 fails only when the system has no randomness, and then nothing of Loa works.
	return uuid.Must(uuid.NewV7()).String()
}
