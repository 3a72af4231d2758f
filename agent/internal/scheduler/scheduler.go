package scheduler

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/change"
	"github.com/loa-vn/loa/internal/mono"
)

const (
	armAhead    = 3 * time.Second         // a cue goes to the player this long before its instant, or twice the player's lead
	shifted     = 20 * time.Millisecond   // a cue whose instant moved by more, because the clock was put right, is given anew
	retryWrite  = 5 * time.Second         // what the disk did not take is tried again
	longest     = time.Minute             // and the timetable is asked at least this often
	askSounding = 10 * time.Second        // while something sounds more often
	beatEvery   = 1500 * time.Millisecond // and the journal learns this often what reached the card: a power cut takes no more of the record
	closeAfter  = 48 * time.Hour          // slots older than this are closed for ever
)

// Scheduler is the owner of what sounds.
type Scheduler struct {
	o       Options
	changed change.Signal
	results chan ended

	// Owned by Run.
	plan    *broadcast.Plan // the timetable was asked for last
	state   broadcast.State
	sounds  map[string]*sound         // what the journal knows beside State, by slot
	runs    map[string]*run           // cues that are with the player
	lacking map[string]broadcast.Hash // audio that State.Lacking waits for, by slot
	again   bool                      // the timetable must be asked again at once: a slot turned out to lack its audio
	unsaved []broadcast.Play          // records the disk has not taken yet
	started bool                      // Restarted was called with a trusted clock
	tidied  time.Time

	round atomic.Int64 // when Run went round last, a mono.Instant

	mu      sync.Mutex
	playing *broadcast.Sounding
	next    *broadcast.Sounding
	silence string
	view    broadcast.State
}

// run is a cue with the player.
type run struct {
	cue    broadcast.Cue
	at     mono.Instant  // given to the player
	offset time.Duration // given to the player
	cancel context.CancelFunc
	stop   *broadcast.Stop // why it was cancelled, nil while it may sound

	heard     atomic.Pointer[Progress] // the player's last word
	kept      *Progress                // what the journal has of it
	beaten    mono.Instant             // when that was looked at last
	unwritten bool                     // the disk did not take the last entry
}

// ended is a run's end.
type ended struct {
	slot   string
	result Result
}

// New makes a scheduler; it does nothing before Run.
func New(o Options) *Scheduler {
	o.Log = o.Log.With("part", "scheduler")
	return &Scheduler{o: o, results: make(chan ended), sounds: map[string]*sound{}, runs: map[string]*run{}, lacking: map[string]broadcast.Hash{}}
}

// Run drives the loudspeaker until ctx ends; it then fades out what sounds and leaves its slot open in the
// journal, to be resumed by the next start.
func (s *Scheduler) Run(ctx context.Context) error {
	if err := s.load(); err != nil {
		return err
	}
	var players sync.WaitGroup
	changes, merged := change.Merge(ctx, s.o.Changes...)
	defer merged()
	for {
		wake := time.NewTimer(s.step(&players))
		for beating := true; beating; {
			s.round.Store(int64(s.present()))
			beat := time.NewTimer(s.beat())
			beating = false
			select {
			case <-ctx.Done():
				beat.Stop()
				wake.Stop()
				s.shutDown(&players)
				return nil
			case e := <-s.results:
				s.finish(e)
			case <-changes:
			case <-wake.C:
			case <-beat.C: // the timetable has nothing new to say
				beating = true
			}
			beat.Stop()
		}
		wake.Stop()
	}
}

// Round is when Run went round last, 0 before it did: at least once a minute, unless it hangs.
func (s *Scheduler) Round() mono.Instant { return mono.Instant(s.round.Load()) }

// Playing gives what sounds and what sounds next, nil for nothing.
func (s *Scheduler) Playing() (now, next *broadcast.Sounding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.playing, s.next
}

// State gives a copy of what the journal knows, for the why.
func (s *Scheduler) State() broadcast.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view
	v.Journal = maps.Clone(v.Journal)
	return v
}

// Silence says why nothing sounds although something is due, "" when nothing is.
func (s *Scheduler) Silence() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silence
}

// Subscribe gives a channel that tells when what plays is another.
func (s *Scheduler) Subscribe() <-chan struct{} { return s.changed.Subscribe() }

// step brings the player to what the timetable says now and gives how long it may wait until the next.
func (s *Scheduler) step(players *sync.WaitGroup) time.Duration {
	s.save()
	now, trust := s.o.Clock.Now()
	plan := s.o.Plan()
	if s.plan == nil {
		s.plan = plan // also while the time is not trusted: the next plan may come before the hub's time, or with it
	}
	if trust == untrusted || plan == nil {
		return s.silent(trust)
	}
	if !s.started {
		s.begin(now)
	}
	if trust == synced {
		s.state.SetBack(now) // a time that was only plausible may have been ahead
	}
	s.again = false
	s.arrived()
	known := s.former(plan)
	ruling := plan.Decide(now, s.asked(now))
	for i := range ruling.Stop {
		s.halt(ruling.Stop[i])
	}
	settled := s.settle(s.sure(ruling.Settled, trust)) && known
	if trust == synced && settled {
		s.tidy(now) // not before what passed while the agent was off has its records
	}
	s.realign(ruling, now)
	s.sound(players, ruling.Sound, now, trust)
	next := s.arm(players, ruling.Next, now, trust)
	s.show(ruling, now)
	wait := min(longest, ruling.Wake.Sub(now), next)
	if !settled || len(s.unsaved) > 0 {
		return max(min(wait, retryWrite), 100*time.Millisecond)
	}
	if s.again {
		return time.Millisecond
	}
	if len(s.runs) > 0 {
		wait = min(wait, askSounding)
	}
	// Decide's Wake may be this very instant when what it waits for is a write that failed: never spin.
	return max(wait, time.Millisecond)
}

// former settles what the plan before still owes, by the date of the new one: that is the hub's word, whatever the clock
// says. False while the disk does not take it.
func (s *Scheduler) former(plan *broadcast.Plan) bool {
	if s.plan.Head.Version != plan.Head.Version && !s.settle(s.plan.Former(plan, s.state)) {
		return false
	}
	s.plan = plan
	return true
}

// asked is the state as the timetable is to see it: a sound that is over by the player's clock has ended, although
// the player still waits for the card to confirm it. Otherwise what comes next would be held up by it.
func (s *Scheduler) asked(now time.Time) broadcast.State {
	st := s.state
	st.Lead = s.o.Player.Lead()
	present := s.o.Clock.Instant(now)
	for slot, r := range s.runs {
		if left := r.at.Add(r.cue.Ends.Sub(r.cue.Begin)).Sub(present); r.stop == nil && left < shifted {
			st.Journal = maps.Clone(st.Journal) // seldom more than one at a time
			pr := st.Journal[slot]
			pr.Sounding, pr.Ended = false, true
			st.Journal[slot] = pr
		}
	}
	return st
}

// sure keeps back what must not be settled by a time that is only plausible: were the hardware clock ahead, hours
// or weeks of programme would be written off at the start, for ever. What was due before the agent ran waits for
// the hub's time; the hub could not be told before anyway.
func (s *Scheduler) sure(verdicts []broadcast.Verdict, trust string) []broadcast.Verdict {
	if trust == synced {
		return verdicts
	}
	return slices.DeleteFunc(verdicts, func(v broadcast.Verdict) bool { return v.Slot.Start.Before(s.state.Running) })
}

// silent is what holds without a trusted time or a plan: nothing scheduled may sound.
func (s *Scheduler) silent(trust string) time.Duration {
	reason := broadcast.ReasonPlanEnded
	if trust == untrusted {
		reason = broadcast.ReasonClock
		s.started = false // what the timetable was told about the time before does not hold any more
	}
	for slot, r := range s.runs {
		if r.stop == nil {
			s.halt(broadcast.Stop{Slot: slot, Reason: reason})
		}
	}
	s.mu.Lock()
	moved := s.playing != nil || s.next != nil || s.silence != reason
	s.playing, s.next, s.silence = nil, nil, reason
	s.mu.Unlock()
	if moved {
		s.changed.Notify()
	}
	return longest
}

// shutDown ends what sounds and leaves it open.
func (s *Scheduler) shutDown(players *sync.WaitGroup) {
	for slot, r := range s.runs {
		if r.stop == nil {
			s.halt(broadcast.Stop{Slot: slot, Reason: broadcast.ReasonOff, Resume: true})
		}
	}
	for len(s.runs) > 0 {
		s.finish(<-s.results)
	}
	players.Wait()
	s.save()
	if n := len(s.unsaved); n > 0 {
		s.o.Log.Error("play records are lost: the disk took nothing", "records", n)
	}
}

// show publishes what plays for status and console.
func (s *Scheduler) show(ruling broadcast.Ruling, now time.Time) {
	var playing, next *broadcast.Sounding
	for _, r := range s.runs {
		if r.stop == nil && !r.cue.Begin.After(now) && now.Before(r.cue.Ends) && (playing == nil || r.cue.Begin.After(playing.Start)) {
			playing = sounding(r.cue)
		}
	}
	if ruling.Next != nil {
		next = sounding(*ruling.Next)
	}
	s.mu.Lock()
	moved := !same(playing, s.playing) || !same(next, s.next) || s.silence != ruling.Silence
	s.playing, s.next, s.silence = playing, next, ruling.Silence
	s.view = s.state
	s.view.Journal, s.view.Lacking = maps.Clone(s.state.Journal), maps.Clone(s.state.Lacking)
	s.mu.Unlock()
	if moved {
		s.changed.Notify()
	}
}

func sounding(c broadcast.Cue) *broadcast.Sounding {
	return &broadcast.Sounding{Slot: c.Slot.ID, Broadcast: c.Slot.Broadcast, Report: c.Slot.Item.Report, Title: c.Slot.Item.Title,
		Class: c.Slot.Class, Start: c.Begin, End: c.Ends}
}

func same(a, b *broadcast.Sounding) bool {
	return a == b || a != nil && b != nil && *a == *b
}
