package broadcast

import "time"

// Begin notes that a cue was given to the player (armed or sounding). The agent writes the journal with it
// before the first sound.
func (s *State) Begin(c Cue) {
	pr := s.Journal[c.Slot.ID]
	if pr.Slot.ID == "" {
		pr.Slot = c.Slot
	}
	if pr.Began.IsZero() {
		pr.Began = c.Begin
	}
	pr.Cued, pr.Ends, pr.Sounding, pr.Interrupted = c.Begin, c.Ends, true, false
	s.put(pr)
}

// Interrupt notes that an urgent bulletin silenced the slot, which may resume.
func (s *State) Interrupt(slot string) {
	if pr, ok := s.Journal[slot]; ok {
		pr.Sounding, pr.Interrupted = false, true
		s.put(pr)
	}
}

// End notes that the slot's record is written: it sounded to its end, was cut, or failed.
func (s *State) End(slot string) {
	if pr, ok := s.Journal[slot]; ok {
		pr.Sounding, pr.Interrupted, pr.Ended = false, false, true
		s.put(pr)
	}
}

// Settle notes that a verdict's record is written.
func (s *State) Settle(v Verdict) {
	pr := s.Journal[v.Slot.ID]
	if pr.Slot.ID == "" {
		pr.Slot = v.Slot
	}
	pr.Sounding, pr.Interrupted, pr.Ended = false, false, true
	s.put(pr)
}

// Forget takes back a Begin of which nothing was heard.
func (s *State) Forget(slot string) { delete(s.Journal, slot) }

// Restarted is called once when the agent starts: nothing sounds any more.
func (s *State) Restarted(now time.Time) {
	for id, pr := range s.Journal {
		pr.Sounding = false
		s.Journal[id] = pr
	}
	s.Running = now
	if s.Accounted.IsZero() {
		s.Accounted = now // a new agent owes no records of a time before it
	}
}

// SetBack notes that it is earlier than was thought: what was closed by a time that has not come is open again.
func (s *State) SetBack(now time.Time) {
	s.Accounted, s.Running = earlier(s.Accounted, now), earlier(s.Running, now)
}

// keep is how much longer than Accounted the journal remembers a slot: a new plan may place a slot anew
// within its day, and then it must be known that it has its record.
const keep = 24 * time.Hour

// CloseUntil moves Accounted on, never back, and forgets what ended well before and has its record.
func (s *State) CloseUntil(t time.Time) {
	s.Accounted = later(s.Accounted, t)
	for id, pr := range s.Journal {
		if pr.Ended && !later(pr.Slot.closes(), pr.Ends).Add(keep).After(s.Accounted) {
			delete(s.Journal, id)
		}
	}
}

func (s *State) put(pr Progress) {
	if s.Journal == nil {
		s.Journal = map[string]Progress{}
	}
	s.Journal[pr.Slot.ID] = pr
}

// closes is when the slot can no longer begin and its sound would have ended.
func (s Slot) closes() time.Time {
	if s.Class == Urgent {
		return later(s.End, s.Until)
	}
	if s.Lateness.Rule == LateWhole && s.Skip == "" {
		return later(s.End, s.Start.Add(time.Duration(s.Lateness.Minutes)*time.Minute))
	}
	return s.End
}
