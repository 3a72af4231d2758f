package broadcast_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/conformance"
)

func spanOf(sl broadcast.Slot) broadcast.Span { return broadcast.Span{Start: sl.Start, End: sl.End} }

func sounding(slots []broadcast.Slot) (out []broadcast.Slot) {
	for _, sl := range slots {
		if sl.Skip == "" {
			out = append(out, sl)
		}
	}
	return out
}

func TestPlacesKeepTheRules(t *testing.T) {
	check(t, "slots", func(t *rapid.T) {
		w := drawWorld(t)
		all := w.plan(t).Slots(day, nil)
		slots := sounding(all)
		total := 0
		for _, c := range w.day.Candidates {
			total += len(c.Items)
		}
		if len(all) != total {
			t.Fatalf("%d slots for %d items", len(all), total)
		}
		for i, a := range slots {
			if a.End.Sub(a.Start) != a.Length() {
				t.Fatalf("%s does not have its length", a.ID)
			}
			if !w.head.Rules.Allows(spanOf(a), zone) {
				t.Fatalf("%s leaves the windows", a.ID)
			}
			for _, b := range slots[i+1:] {
				if spanOf(a).Over(spanOf(b)) {
					t.Fatalf("%s and %s overlap", a.ID, b.ID)
				}
			}
			for _, o := range w.day.Dayparts {
				if slices.ContainsFunc(o.Reserved, spanOf(a).Over) {
					t.Fatalf("%s sounds where another source speaks", a.ID)
				}
				if a.Occurrence == broadcast.OccurrenceKey(day, o.Name) && (a.Start.Before(o.Start) || a.End.After(o.End)) {
					t.Fatalf("%s leaves its daypart", a.ID)
				}
			}
		}
		minutesHold(t, w, slots)
	})
}

// minutesHold: what a daypart holds stays within its minutes, as far as its own items can tell: exact times
// count, but no minutes keep them away.
func minutesHold(t *rapid.T, w *world, slots []broadcast.Slot) {
	limit := time.Duration(w.head.Rules.MinutesPerDaypart) * time.Minute
	for _, o := range w.day.Dayparts {
		var own time.Duration
		for _, sl := range slots {
			if sl.Occurrence == broadcast.OccurrenceKey(day, o.Name) {
				own += sl.Length()
			}
		}
		if limit > 0 && own > limit {
			t.Fatalf("daypart %s holds %s, more than %s", o.Name, own, limit)
		}
	}
}

func TestLaterKnowledgeChangesNothingThatBegan(t *testing.T) {
	began := func(w *world, slots []broadcast.Slot, by time.Time) map[string]time.Time {
		out := map[string]time.Time{}
		for _, sl := range sounding(slots) {
			if sl.Start.Before(by) && w.candidate(sl).ApprovedAt.Before(by) {
				out[sl.ID] = sl.Start
			}
		}
		return out
	}
	check(t, "an approval, a withdrawal and a skip", func(t *rapid.T) {
		w := drawWorld(t)
		at := minute(drawMinute(t, "known at"))
		before := began(w, w.plan(t).Slots(day, nil), at)
		c := drawCandidate(t, "a-later", at)
		w.day.Candidates = append(w.day.Candidates, c)
		victim := rapid.SampledFrom(w.day.Candidates).Draw(t, "victim")
		w.head.Withdrawals = append(w.head.Withdrawals, broadcast.Withdrawal{Audio: victim.Items[0].Audio, At: at})
		w.head.Decisions = append(w.head.Decisions, broadcast.Decision{Kind: "skip", Subject: victim.Key(day, zone) + "#0", When: at, Source: "pc", Counter: 99})
		after := began(w, w.plan(t).Slots(day, nil), at)
		for id, start := range before {
			if !after[id].Equal(start) {
				t.Fatalf("%s began at %s, and now at %s", id, start, after[id])
			}
		}
		for id, start := range after {
			if _, was := before[id]; !was && id[:7] != "a-later" {
				t.Fatalf("%s did not begin, and now at %s", id, start)
			}
		}
	})
}

func TestPinsHold(t *testing.T) {
	check(t, "what began as planned changes nothing", func(t *rapid.T) {
		p := drawWorld(t).plan(t)
		plain := p.Slots(day, nil)
		by := minute(drawMinute(t, "by"))
		var pins []broadcast.Pin
		for _, sl := range sounding(plain) {
			if sl.Start.Before(by) {
				pins = append(pins, broadcast.Pin{Slot: sl, Began: sl.Start, Ends: sl.End})
			}
		}
		// What sounds keeps its place. A slot without one may be told another reason, or be given a place that is
		// over: its rival, which was withdrawn, is known from the start to lose to what began.
		pinned, places := p.Slots(day, pins), map[string]broadcast.Slot{}
		for _, sl := range sounding(pinned) {
			places[sl.ID] = sl
		}
		for _, sl := range sounding(plain) {
			if got, ok := places[sl.ID]; !ok || !got.Start.Equal(sl.Start) {
				t.Fatalf("%s lost its place\nwithout pins %v\nwith %v", sl.ID, lines(plain), lines(pinned))
			}
			delete(places, sl.ID)
		}
		for id, sl := range places {
			if !sl.Start.Before(by) {
				t.Fatalf("%s came in\nwithout pins %v\nwith %v", id, lines(plain), lines(pinned))
			}
		}
	})
	check(t, "anything that began keeps its place", func(t *rapid.T) {
		w := drawWorld(t)
		p := w.plan(t)
		all := p.Slots(day, nil)
		sl := rapid.SampledFrom(all).Draw(t, "pinned")
		sl.Skip, sl.Against = "", nil
		sl.Start = minute(drawMinute(t, "began"))
		sl.End = sl.Start.Add(sl.Length())
		for _, got := range sounding(p.Slots(day, []broadcast.Pin{{Slot: sl, Began: sl.Start, Ends: sl.End}})) {
			if got.ID == sl.ID {
				if !got.Start.Equal(sl.Start) {
					t.Fatalf("%s moved to %s", sl.ID, got.Start)
				}
			} else if spanOf(got).Over(spanOf(sl)) {
				t.Fatalf("%s takes the time of what began", got.ID)
			}
		}
	})
}

func (w *world) candidate(sl broadcast.Slot) *broadcast.Candidate {
	for i := range w.day.Candidates {
		if w.day.Candidates[i].Key(day, zone) == sl.Key {
			return &w.day.Candidates[i]
		}
	}
	return nil
}

func lines(slots []broadcast.Slot) (out []string) {
	for _, sl := range slots {
		out = append(out, fmt.Sprintf("%s %d-%d %s", sl.ID, minuteOf(sl.Start), minuteOf(sl.End), sl.Skip))
	}
	return out
}

// drawDrive is an agent with its troubles.
func drawDrive(t *rapid.T) *conformance.Drive {
	d := &conformance.Drive{Arm: rapid.SampledFrom([]time.Duration{0, 3 * time.Second}).Draw(t, "arm"),
		Keep: rapid.SampledFrom([]time.Duration{0, 3 * time.Hour}).Draw(t, "keep")}
	jitter := rapid.SampledFrom([]time.Duration{0, 7 * time.Second}).Draw(t, "jitter")
	d.Jitter = func() time.Duration { return jitter }
	at := firstMinute - 5
	for range rapid.IntRange(0, 4).Draw(t, "power cuts") {
		start := at + rapid.IntRange(1, 50).Draw(t, "cut after")
		at = start + rapid.IntRange(1, 20).Draw(t, "dark for")
		d.Off = append(d.Off, broadcast.Span{Start: minute(start), End: minute(at)})
	}
	d.Off = append(d.Off, broadcast.Span{Start: minute(lastMinute + 120), End: minute(26*60 - 1)}) // nothing is left to sound
	d.State.Accounted = minute(0)
	return d
}

func drawBulletins(t *rapid.T, w *world) {
	for i := range rapid.IntRange(0, 2).Draw(t, "bulletins") {
		issued := minute(drawMinute(t, "issued"))
		b := broadcast.Bulletin{ID: fmt.Sprint("u", i), Kind: rapid.SampledFrom([]string{"live", "drill"}).Draw(t, "kind"), IssuedAt: issued,
			Until: issued.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "until")) * time.Minute)}
		for range rapid.IntRange(1, 2).Draw(t, "bulletin items") {
			b.Items = append(b.Items, broadcast.Item{Report: "urgent", Audio: audio[0], Manifest: audio[0], DurationMS: int64(rapid.IntRange(20, 200).Draw(t, "seconds")) * 1000})
		}
		if rapid.Bool().Draw(t, "repeats") {
			b.Repeat = &broadcast.Repeat{EveryMS: int64(rapid.IntRange(1, 15).Draw(t, "every")) * 60_000, Count: 4}
		}
		w.head.Bulletins = append(w.head.Bulletins, b)
	}
	for range rapid.IntRange(0, 3).Draw(t, "silences") {
		when := drawMinute(t, "silenced at")
		until := minute(when + rapid.IntRange(1, 40).Draw(t, "silenced for"))
		w.head.Decisions = append(w.head.Decisions, broadcast.Decision{Kind: rapid.SampledFrom([]string{"mute", "hold", "unmute", "release"}).Draw(t, "silence"),
			When: minute(when), Until: &until, Source: "pc", Counter: uint64(len(w.head.Decisions) + 1)})
	}
}

// driven holds the records of a drive to what every drive must show.
func driven(t *rapid.T, w *world, p *broadcast.Plan, d *conformance.Drive) {
	fates := map[string]int{}
	var sounds []conformance.Sound
	for _, r := range d.Records {
		fates[r.Slot.ID]++
		if r.Reason == "" || r.Outcome == broadcast.Skipped && len(r.Sound) > 0 || r.Outcome != broadcast.Skipped && len(r.Sound) == 0 {
			t.Fatalf("%s is %s %q with %d sounds", r.Slot.ID, r.Outcome, r.Reason, len(r.Sound))
		}
		for _, s := range r.Sound {
			if live := r.Slot.Class == broadcast.Urgent; !live && !s.From.Equal(s.To) && !w.head.Rules.Allows(broadcast.Span{Start: s.From, End: s.To}, zone) {
				t.Fatalf("%s sounded outside the windows from %s to %s", r.Slot.ID, s.From, s.To)
			}
		}
		sounds = append(sounds, slices.DeleteFunc(slices.Clone(r.Sound), func(s conformance.Sound) bool { return s.From.Equal(s.To) })...)
	}
	slices.SortFunc(sounds, func(a, b conformance.Sound) int { return a.From.Compare(b.From) })
	for i := 1; i < len(sounds); i++ {
		if sounds[i].From.Before(sounds[i-1].To) {
			t.Fatalf("two sounds at once: %v and %v", sounds[i-1], sounds[i])
		}
	}
	for _, sl := range p.Slots(day, nil) {
		if fates[sl.ID] != 1 {
			t.Fatalf("%s has %d records", sl.ID, fates[sl.ID])
		}
	}
	for id, n := range fates {
		if n != 1 {
			t.Fatalf("%s has %d records", id, n)
		}
	}
}

func TestEverySlotHasOneFate(t *testing.T) {
	check(t, "with power cuts, bulletins, mutes and stops", func(t *rapid.T) {
		w := drawWorld(t)
		drawBulletins(t, w)
		p := w.plan(t)
		d := drawDrive(t)
		d.Plan = func(time.Time) *broadcast.Plan { return p }
		if err := d.Run(minute(firstMinute-5), minute(26*60)); err != nil {
			t.Fatal(err)
		}
		driven(t, w, p, d)
	})
	check(t, "with plans that arrive in the course of the day", func(t *rapid.T) {
		w := drawWorld(t)
		drawBulletins(t, w)
		last := w.plan(t)
		delay := time.Duration(rapid.IntRange(0, 30).Draw(t, "delay")) * time.Minute
		d := drawDrive(t)
		d.Keep = 0 // of what it learns later than that it owes no record
		plans := map[[4]int]*broadcast.Plan{}
		d.Plan = func(now time.Time) *broadcast.Plan {
			known := w.knownBy(now.Add(-delay))
			key := [4]int{len(known.day.Candidates), len(known.head.Bulletins), len(known.head.Withdrawals), len(known.head.Decisions)}
			if plans[key] == nil {
				plans[key] = known.plan(t)
			}
			return plans[key]
		}
		if err := d.Run(minute(firstMinute-5), minute(26*60)); err != nil {
			t.Fatal(err)
		}
		driven(t, w, last, d)
	})
}

// knownBy is the plan as the agent has it: what was approved, issued and decided by then.
func (w *world) knownBy(t time.Time) *world {
	out := &world{head: w.head, day: w.day}
	out.day.Candidates = slices.DeleteFunc(slices.Clone(w.day.Candidates), func(c broadcast.Candidate) bool { return c.ApprovedAt.After(t) })
	out.head.Bulletins = slices.DeleteFunc(slices.Clone(w.head.Bulletins), func(b broadcast.Bulletin) bool { return b.IssuedAt.After(t) })
	out.head.Withdrawals = slices.DeleteFunc(slices.Clone(w.head.Withdrawals), func(x broadcast.Withdrawal) bool { return x.At.After(t) })
	out.head.Decisions = slices.DeleteFunc(slices.Clone(w.head.Decisions), func(x broadcast.Decision) bool { return x.When.After(t) })
	return out
}

func TestWhyAgreesWithTheTimetable(t *testing.T) {
	check(t, "planned", func(t *rapid.T) {
		p := drawWorld(t).plan(t)
		at := minute(drawMinute(t, "at"))
		answer := p.Why(at, broadcast.State{}, nil)
		for _, sl := range sounding(p.Slots(day, nil)) {
			here := spanOf(sl).Has(at)
			if won := answer.Winner != nil && answer.Winner.Slot.ID == sl.ID; here != won && !slices.ContainsFunc(answer.Losers, func(c broadcast.Contender) bool {
				return c.Slot.ID == sl.ID && c.Reason == broadcast.ReasonWithdrawn
			}) {
				t.Fatalf("%s: planned now %t, winner %t", sl.ID, here, won)
			}
		}
	})
}
