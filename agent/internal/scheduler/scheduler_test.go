package scheduler

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Bubbles begin on 1 January 2000, 00:00 UTC: 07:00 in the fleet's zone.
func zone(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func item(name string, length time.Duration) broadcast.Item {
	hash := func(c string) broadcast.Hash { return broadcast.Hash(strings.Repeat(c, 64)) }
	return broadcast.Item{Report: name, Title: name, Audio: hash(name[len(name)-1:]), Manifest: hash("0"), DurationMS: length.Milliseconds()}
}

// exact is a broadcast of one item, so long after the bubble's beginning.
func exact(id string, at, length time.Duration, late broadcast.LatenessRule) broadcast.Candidate {
	begin := time.Now().Add(at)
	return broadcast.Candidate{Broadcast: id, Version: 1, Title: id, Class: broadcast.Normal, Owner: broadcast.OwnerHub,
		ApprovedAt: time.Now(), At: &begin, Lateness: broadcast.Lateness{Rule: late, Minutes: 10}, Items: []broadcast.Item{item(id, length)}}
}

func plan(t testing.TB, version uint64, bulletins []broadcast.Bulletin, cands ...broadcast.Candidate) *broadcast.Plan {
	t.Helper()
	z := zone(t)
	days := map[broadcast.Date]*broadcast.Day{}
	head := broadcast.Head{Audience: "agent", Version: version, IssuedAt: time.Now(), Expires: time.Now().Add(35 * 24 * time.Hour),
		Zone: z.String(), Bulletins: bulletins,
		Rules: broadcast.Inherit(broadcast.Policy{Windows: []broadcast.Window{{Start: 0, End: broadcast.EndOfDay}}})}
	for _, c := range cands {
		date := broadcast.DateOf(*c.At, z)
		if days[date] == nil {
			days[date] = &broadcast.Day{Date: date}
			head.Days = append(head.Days, broadcast.DayRef{Date: date, Hash: broadcast.Hash(strings.Repeat("1", 64)), Size: 1})
		}
		days[date].Candidates = append(days[date].Candidates, c)
	}
	list := []broadcast.Day{}
	for _, d := range days {
		list = append(list, *d)
	}
	p, err := broadcast.NewPlan(head, list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// slotID of an exact broadcast of one item.
func slotID(t testing.TB, c broadcast.Candidate) string {
	z := zone(t)
	return c.Key(broadcast.DateOf(*c.At, z), z) + "#0"
}

func bubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// pass lets the bubble's time go on.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

const minute = time.Minute

func TestASlotSoundsAtItsInstant(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		c := exact("a", 10*minute, 5*minute, broadcast.LateSkip)
		r.setPlan(plan(t, 1, nil, c))
		r.start()
		pass(12 * minute)
		if now, _ := r.sched.Playing(); now == nil || now.Slot != slotID(t, c) {
			t.Errorf("playing %+v", now)
		}
		pass(10 * minute)
		r.stop()
		p := r.want(slotID(t, c), broadcast.Played, broadcast.ReasonComplete)
		if h := r.player.heard; len(h) != 1 || !h[0].at.Equal(*c.At) || h[0].offset != 0 || h[0].length != 5*minute {
			t.Errorf("heard %+v", h)
		}
		if !p.StartedAt.Equal(*c.At) || !p.EndedAt.Equal(c.At.Add(5*minute)) || p.ReachedMS != 300_000 || p.MissedMS != 0 || p.Clock != "synced" || p.Volume == 0 {
			t.Errorf("record %+v", p)
		}
	})
}

func TestItemsFollowEachOtherWithoutAGap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		a, b := exact("a", 10*minute, minute, broadcast.LateSkip), exact("b", 11*minute, minute, broadcast.LateSkip)
		r.setPlan(plan(t, 1, nil, a, b))
		r.start()
		pass(20 * minute)
		r.stop()
		r.want(slotID(t, a), broadcast.Played, broadcast.ReasonComplete)
		r.want(slotID(t, b), broadcast.Played, broadcast.ReasonComplete)
		h := r.player.heard
		if len(h) != 2 || !h[1].at.Equal(h[0].at.Add(h[0].length)) {
			t.Errorf("heard %+v", h)
		}
	})
}

func TestAudioThatIsNotHere(t *testing.T) {
	cases := map[string]struct {
		rule    broadcast.LatenessRule
		arrives time.Duration // after the slot's instant; 0 for never
		damaged bool
		outcome broadcast.Outcome
		reason  string
		heard   time.Duration
	}{
		"never, skip":          {broadcast.LateSkip, 0, false, broadcast.Skipped, broadcast.ReasonAudioMissing, 0},
		"never, join":          {broadcast.LateJoin, 0, false, broadcast.Skipped, broadcast.ReasonAudioMissing, 0},
		"in the middle, join":  {broadcast.LateJoin, minute, false, broadcast.Played, broadcast.ReasonJoined, 4*minute - 300*time.Millisecond},
		"in the middle, skip":  {broadcast.LateSkip, minute, false, broadcast.Skipped, broadcast.ReasonAudioMissing, 0},
		"in the middle, whole": {broadcast.LateWhole, minute, false, broadcast.Played, broadcast.ReasonLateWhole, 5 * minute},
		// A sound begins 300 ms after it is decided (the player's lead): what counts is when it begins.
		"begins 2 s late, skip":      {broadcast.LateSkip, 1700 * time.Millisecond, false, broadcast.Played, broadcast.ReasonComplete, 5*minute - 2*time.Second},
		"begins 2 s late, whole":     {broadcast.LateWhole, 1700 * time.Millisecond, false, broadcast.Played, broadcast.ReasonComplete, 5*minute - 2*time.Second},
		"would begin later, skip":    {broadcast.LateSkip, 1800 * time.Millisecond, false, broadcast.Skipped, broadcast.ReasonAudioMissing, 0},
		"would begin later, whole":   {broadcast.LateWhole, 1800 * time.Millisecond, false, broadcast.Played, broadcast.ReasonLateWhole, 5 * minute},
		"damaged, fetched in time":   {broadcast.LateJoin, 2 * minute, true, broadcast.Played, broadcast.ReasonJoined, 3*minute - 300*time.Millisecond},
		"damaged, not fetched again": {broadcast.LateSkip, 0, true, broadcast.Skipped, broadcast.ReasonAudioDamaged, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				cand := exact("a", 10*minute, 5*minute, c.rule)
				lacks := map[broadcast.Hash]bool{cand.Items[0].Audio: true}
				if r.store.missing = lacks; c.damaged {
					r.store.missing, r.store.damaged = map[broadcast.Hash]bool{}, lacks
				}
				r.setPlan(plan(t, 1, nil, cand))
				r.start()
				if c.arrives > 0 {
					pass(10*minute + c.arrives)
					r.store.arrive(cand.Items[0].Audio)
				}
				pass(40 * minute)
				r.stop()
				r.want(slotID(t, cand), c.outcome, c.reason)
				var sum time.Duration
				for _, h := range r.player.heard {
					sum += h.length
				}
				if sum != c.heard {
					t.Errorf("heard %v, want %v", sum, c.heard)
				}
			})
		})
	}
}

func TestSilenceIsNeverASuccess(t *testing.T) {
	for share, want := range map[float64]string{
		0: "skipped/card_missing", 0.5: "cut/card_missing", 0.89: "cut/card_missing", 0.9: "played/complete", 1: "played/complete",
	} {
		t.Run(fmt.Sprint(share), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				r.player.share = share
				c := exact("a", 10*minute, 5*minute, broadcast.LateSkip)
				r.setPlan(plan(t, 1, nil, c))
				r.start()
				pass(20 * minute)
				r.stop()
				p := r.record(slotID(t, c))
				if got := fmt.Sprintf("%s/%s", p.Outcome, p.Reason); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if p.ReachedMS != int64(share*300_000) || p.ReachedMS+p.MissedMS != 300_000 {
					t.Errorf("reached %d, missed %d", p.ReachedMS, p.MissedMS)
				}
			})
		})
	}
}

func TestWithoutATrustedTimeNothingSounds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.clock.trust = untrusted
		a, b := exact("a", 10*minute, minute, broadcast.LateSkip), exact("b", 20*minute, 10*minute, broadcast.LateJoin)
		r.setPlan(plan(t, 1, nil, a, b))
		r.start()
		pass(22 * minute)
		if len(r.player.heard) > 0 || r.sched.Silence() != broadcast.ReasonClock {
			t.Errorf("heard %v, silence %q", r.player.heard, r.sched.Silence())
		}
		r.clock.set("synced")
		pass(2 * minute)
		r.clock.set(untrusted) // the trust goes in the middle of the sound
		pass(5 * minute)
		r.clock.set("synced")
		pass(20 * minute)
		r.stop()
		if p := r.record(slotID(t, b)); p.Outcome != broadcast.Cut || p.Reason != broadcast.ReasonClock {
			t.Errorf("b is %s/%s", p.Outcome, p.Reason)
		}
		if len(r.player.heard) != 1 || r.player.heard[0].length > 2*minute {
			t.Errorf("heard %+v", r.player.heard)
		}
	})
}

func TestKilledAndStartedAgain(t *testing.T) {
	cases := map[string]struct {
		rule   broadcast.LatenessRule
		kill   time.Duration // after the slot's instant
		dead   time.Duration
		term   bool // SIGTERM in the place of kill -9
		result string
		starts []time.Duration // positions in the audio from which it is heard
	}{
		"in the middle, join":          {broadcast.LateJoin, 2 * minute, minute, false, "played/resumed", []time.Duration{0, 3*minute + 300*time.Millisecond}},
		"told to stop, join":           {broadcast.LateJoin, 2 * minute, minute, true, "played/resumed", []time.Duration{0, 3*minute + 300*time.Millisecond}},
		"in the middle, skip":          {broadcast.LateSkip, 2 * minute, minute, false, "cut/power", []time.Duration{0}},
		"in the middle, whole":         {broadcast.LateWhole, 2 * minute, minute, false, "cut/power", []time.Duration{0}},
		"while armed":                  {broadcast.LateSkip, -2 * time.Second, time.Second, false, "played/complete", []time.Duration{0}},
		"while armed, back too late":   {broadcast.LateSkip, -2 * time.Second, 8 * time.Second, false, "cut/power", nil},
		"off over the whole of it":     {broadcast.LateJoin, -minute, 10 * minute, false, "skipped/agent_off", nil},
		"after its end":                {broadcast.LateJoin, 6 * minute, minute, false, "played/complete", []time.Duration{0}},
		"off until it is over, join":   {broadcast.LateJoin, 2 * minute, 10 * minute, false, "cut/power", []time.Duration{0}},
		"off a minute before, join":    {broadcast.LateJoin, -minute, 2 * minute, false, "played/joined", []time.Duration{minute + 300*time.Millisecond}},
		"off a minute before, whole":   {broadcast.LateWhole, -minute, 2 * minute, false, "played/late_whole", []time.Duration{0}},
		"told to stop while it is due": {broadcast.LateSkip, -time.Second, 500 * time.Millisecond, true, "played/complete", []time.Duration{0}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				cand := exact("a", 10*minute, 5*minute, c.rule)
				r.setPlan(plan(t, 1, nil, cand))
				r.start()
				pass(10*minute + c.kill)
				if c.term {
					r.stop()
				} else {
					r.kill()
				}
				pass(c.dead)
				r.start()
				pass(40 * minute)
				r.stop()
				p := r.record(slotID(t, cand))
				if got := fmt.Sprintf("%s/%s", p.Outcome, p.Reason); got != c.result {
					t.Errorf("got %s, want %s", got, c.result)
				}
				var starts []time.Duration
				for _, h := range r.player.heard {
					starts = append(starts, h.offset)
				}
				if fmt.Sprint(starts) != fmt.Sprint(c.starts) {
					t.Errorf("heard from %v, want %v", starts, c.starts)
				}
				if n := len(r.disk.records); n != 1 {
					t.Errorf("%d records", n)
				}
			})
		})
	}
}

func TestAFullDiskSilencesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.disk.full = true
		a, b := exact("a", 10*minute, minute, broadcast.LateSkip), exact("b", 10*minute+30*time.Second, minute, broadcast.LateSkip)
		r.setPlan(plan(t, 1, nil, a, b)) // b collides and is skipped
		r.start()
		pass(20 * minute)
		if len(r.player.heard) != 1 || len(r.disk.records) != 0 {
			t.Errorf("heard %v, records %v", r.player.heard, r.disk.records)
		}
		r.disk.mu.Lock()
		r.disk.full = false
		r.disk.mu.Unlock()
		pass(minute)
		r.stop()
		if p := r.want(slotID(t, a), broadcast.Played, broadcast.ReasonComplete); p.ReachedMS != 60_000 {
			t.Errorf("record %+v", p)
		}
		r.want(slotID(t, b), broadcast.Skipped, broadcast.ReasonCollision)
	})
}

func TestAPlanThatTakesBackWhatWasArmed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		a := exact("a", 10*minute, 5*minute, broadcast.LateSkip)
		later := exact("b", 30*minute, minute, broadcast.LateSkip)
		both := plan(t, 1, nil, a, later)
		without := plan(t, 2, nil, later)
		r.setPlan(both)
		r.start()
		pass(10*minute - time.Second)
		r.setPlan(without)
		pass(40 * minute)
		r.stop()
		if len(r.player.heard) != 1 || r.player.heard[0].slot != slotID(t, later) {
			t.Errorf("heard %+v", r.player.heard)
		}
		r.want(slotID(t, later), broadcast.Played, broadcast.ReasonComplete)
	})
}

func TestAnUrgentBulletinInterruptsAndWhatItInterruptedResumes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		a := exact("a", 10*minute, 10*minute, broadcast.LateJoin)
		r.setPlan(plan(t, 1, nil, a))
		r.start()
		pass(12 * minute)
		a.ApprovedAt = a.At.Add(-10 * minute)
		urgent := broadcast.Bulletin{ID: "u", Kind: "live", Title: "storm", IssuedAt: time.Now(), Until: time.Now().Add(time.Hour),
			Items: []broadcast.Item{item("u0", minute)}}
		p := plan(t, 2, []broadcast.Bulletin{urgent}, a)
		r.setPlan(p)
		pass(30 * minute)
		r.stop()
		u := r.want("u@0#0", broadcast.Played, broadcast.ReasonComplete)
		if u.ReachedMS != 60_000 {
			t.Errorf("bulletin reached %d ms", u.ReachedMS)
		}
		rec := r.want(slotID(t, a), broadcast.Played, broadcast.ReasonResumed)
		if len(rec.Segments) != 2 || rec.Segments[0].Ended != broadcast.ReasonUrgent || rec.Segments[1].Ended != broadcast.ReasonComplete {
			t.Errorf("segments %+v", rec.Segments)
		}
		h := r.player.heard
		if len(h) != 3 {
			t.Fatalf("heard %+v", h)
		}
		if again := h[2]; !a.At.Add(again.offset).Equal(again.at) {
			t.Errorf("resumed at %v from %v", again.at.Sub(*a.At), again.offset)
		}
	})
}

// The journal comes before the sound; on a slow disk that takes longer than a sound comes ahead.
func TestASlowDiskTakesNothingOfABulletin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.disk.slow = 2 * time.Second
		r.setPlan(plan(t, 1, nil))
		r.start()
		pass(10 * minute)
		r.setPlan(plan(t, 2, []broadcast.Bulletin{{ID: "u", Kind: "live", Title: "storm", IssuedAt: time.Now(), Until: time.Now().Add(time.Hour),
			Items: []broadcast.Item{item("u0", minute), item("u1", minute)}}}))
		pass(10 * minute)
		r.stop()
		h := r.player.heard
		if len(h) != 2 || !h[1].at.Equal(h[0].at.Add(minute)) {
			t.Fatalf("heard %+v", h)
		}
		for i, slot := range []string{"u@0#0", "u@0#1"} {
			p := r.want(slot, broadcast.Played, broadcast.ReasonComplete)
			if !p.StartedAt.Equal(h[i].at) || p.MissedMS != 0 {
				t.Errorf("heard from %v, but it began %v before", h[i].at, h[i].at.Sub(p.StartedAt))
			}
		}
	})
}

func TestAClockPutRightMovesWhatIsArmed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		c := exact("a", 10*minute, minute, broadcast.LateSkip)
		r.setPlan(plan(t, 1, nil, c))
		r.start()
		pass(10*minute - 2*time.Second)
		r.clock.put(-time.Second) // it is a second earlier than was thought
		pass(20 * minute)
		r.stop()
		r.want(slotID(t, c), broadcast.Played, broadcast.ReasonComplete)
		if h := r.player.heard; len(h) != 1 || !h[0].at.Equal(c.At.Add(time.Second)) || h[0].length != minute {
			t.Errorf("heard %+v", h)
		}
	})
}

// The record is written before the journal says so: a crash between the two must not let the slot sound again.
func TestKilledBetweenTheRecordAndTheJournal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		c := exact("a", 10*minute, 5*minute, broadcast.LateJoin)
		r.setPlan(plan(t, 1, nil, c))
		r.start()
		pass(12 * minute)
		before := r.disk.killed().journal
		r.player.setShare(1)
		r.setPlan(plan(t, 2, nil)) // it is cancelled in the middle, while its time goes on
		pass(time.Second)
		r.stop()
		r.want(slotID(t, c), broadcast.Cut, broadcast.ReasonCancelled)
		r.disk.journal = before
		r.setPlan(plan(t, 3, nil, c))
		r.start()
		pass(20 * minute)
		r.stop()
		if len(r.player.heard) != 1 || len(r.disk.records) != 1 {
			t.Errorf("heard %+v, records %v", r.player.heard, r.disk.records)
		}
	})
}

func TestADamagedJournalEntryStopsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.disk.journal = map[string][]byte{"x": []byte("{dam"), accountedKey: []byte("yesterday")}
		c := exact("a", 10*minute, minute, broadcast.LateSkip)
		r.setPlan(plan(t, 1, nil, c))
		r.start()
		pass(20 * minute)
		r.stop()
		r.want(slotID(t, c), broadcast.Played, broadcast.ReasonComplete)
	})
}

// An order and the head that says the same come one after the other, while the bulletin is armed: it sounds once.
func TestABulletinThatIsToldTwiceSoundsOnce(t *testing.T) {
	for name, slow := range map[string]time.Duration{"at once": 0, "on a slow disk": 500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				r.disk.slow = slow
				r.setPlan(plan(t, 1, nil))
				r.start()
				pass(minute)
				bulletins := []broadcast.Bulletin{{ID: "u", Kind: "live", Title: "storm", IssuedAt: time.Now(), Until: time.Now().Add(time.Hour),
					Items: []broadcast.Item{item("u0", minute)}}}
				r.setPlan(plan(t, 1, bulletins))
				for range 20 {
					pass(50 * time.Millisecond)
					r.setPlan(plan(t, 2, bulletins))
				}
				pass(10 * minute)
				r.stop()
				// What was given to the card is on its way, although it is taken back before it is due.
				if len(r.player.heard) != 1 || !r.player.heard[0].complete || r.store.opened != 1 {
					t.Errorf("given to the player %d times, heard: %+v", r.store.opened, r.player.heard)
				}
				if p := r.want("u@0#0", broadcast.Played, broadcast.ReasonComplete); p.ReachedMS != minute.Milliseconds() {
					t.Errorf("reached %d ms", p.ReachedMS)
				}
			})
		})
	}
}
