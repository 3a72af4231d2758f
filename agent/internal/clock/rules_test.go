package clock

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

var build = at("2026-11-01T00:00:00Z")

const boot = "boot-1"

func TestBegin(t *testing.T) {
	// Before: an agent that knew its time well, at 20:00, when the power went.
	before := saved{BootID: boot, Time: at("2026-11-24T20:00:00+07:00"), Elapsed: time.Hour, Wall: at("2026-11-24T20:00:00+07:00"), Trust: Synced,
		Floor: at("2026-11-24T20:00:00+07:00"), Probable: at("2026-11-24T20:00:00+07:00")}
	dead := func(s saved) saved { s.BootID = "an earlier boot"; return s }
	cases := map[string]struct {
		saved saved
		now   reading
		trust Trust
		time  time.Time // zero: not looked at
	}{
		"planted: off at 20:00, on at 03:15, the restored clock says 04:59, battery dead": {
			dead(before), reading{"boot-2", time.Minute, at("2026-11-25T04:59:00+07:00"), at("2000-01-01T00:00:30Z"), false}, Untrusted, time.Time{}},
		"planted, and no hardware clock at all": {
			dead(before), reading{"boot-2", time.Minute, at("2026-11-25T04:59:00+07:00"), time.Time{}, false}, Untrusted, time.Time{}},
		"planted, but the hardware clock is good": {
			dead(before), reading{"boot-2", time.Minute, at("2026-11-25T04:59:00+07:00"), at("2026-11-25T03:15:00+07:00"), false}, Plausible, at("2026-11-25T03:15:00+07:00")},
		"good hardware clock, and a system clock that agrees is the finer one": {
			dead(before), reading{"boot-2", time.Minute, at("2026-11-25T03:15:00.7+07:00"), at("2026-11-25T03:15:00+07:00"), false}, Plausible, at("2026-11-25T03:15:00.7+07:00")},
		"hardware clock a second before the floor": {
			dead(before), reading{"boot-2", time.Minute, at("2026-11-24T19:59:59+07:00"), at("2026-11-24T19:59:59+07:00"), false}, Untrusted, before.Floor},
		"hardware clock 60 days after the floor": {
			dead(before), reading{"boot-2", time.Minute, at("2027-01-23T20:00:00+07:00"), at("2027-01-23T20:00:00+07:00"), false}, Plausible, at("2027-01-23T20:00:00+07:00")},
		"hardware clock more than 60 days after the floor": {
			dead(before), reading{"boot-2", time.Minute, at("2027-01-23T20:00:01+07:00"), at("2027-01-23T20:00:01+07:00"), false}, Untrusted, time.Time{}},
		"a new agent with a good hardware clock": {
			saved{}, reading{"boot-1", time.Minute, at("2026-11-24T20:00:00+07:00"), at("2026-11-24T20:00:00+07:00"), false}, Plausible, at("2026-11-24T20:00:00+07:00")},
		"a new agent whose clock is before its own build": {
			saved{}, reading{"boot-1", time.Minute, at("2026-10-24T20:00:00+07:00"), at("2026-10-24T20:00:00+07:00"), false}, Untrusted, build},
		"restarted within the boot: what was known goes on by the boot-time clock": {
			before, reading{boot, 3 * time.Hour, at("2031-01-01T00:00:00Z"), time.Time{}, false}, Synced, at("2026-11-24T22:00:00+07:00")},
		"the boot-time clock went back: it was another boot": {
			before, reading{boot, time.Minute, at("2026-11-24T20:00:00+07:00"), time.Time{}, false}, Untrusted, time.Time{}},
		"no boot id: nothing is kept": {
			func() saved { s := before; s.BootID = ""; return s }(), reading{"", 3 * time.Hour, at("2026-11-24T22:00:00+07:00"), time.Time{}, false}, Untrusted, time.Time{}},
		"plausible within the boot, the system clock set in between": {
			func() saved { s := before; s.Trust = Plausible; return s }(), reading{boot, 3 * time.Hour, at("2026-11-24T23:00:00+07:00"), time.Time{}, false}, Untrusted, time.Time{}},
		"plausible within the boot": {
			func() saved { s := before; s.Trust = Plausible; return s }(), reading{boot, 3 * time.Hour, at("2026-11-24T22:00:00+07:00"), time.Time{}, false}, Plausible, at("2026-11-24T22:00:00+07:00")},
		"untrusted within the boot stays untrusted": {
			func() saved { s := before; s.Trust = Untrusted; return s }(), reading{boot, 3 * time.Hour, at("2026-11-24T22:00:00+07:00"), time.Time{}, false}, Untrusted, time.Time{}},
		"started again after a jump, and the hardware clock was set with the system clock": {
			func() saved { s := before; s.Trust = Plausible; return s }(), reading{boot, 3 * time.Hour, at("2026-11-25T04:59:00+07:00"), at("2026-11-25T04:59:00+07:00"), false}, Untrusted, time.Time{}},
		"untrusted within the boot, and the restored time was written into the hardware clock since": {
			func() saved { s := before; s.Trust = Untrusted; return s }(), reading{boot, 3 * time.Hour, at("2026-11-25T04:59:00+07:00"), at("2026-11-25T04:59:00+07:00"), false}, Untrusted, time.Time{}},
		"the agent was off for a year": {
			dead(before), reading{"boot-2", time.Minute, at("2027-11-24T20:00:00+07:00"), at("2027-11-24T20:00:00+07:00"), false}, Untrusted, time.Time{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			st := begin(build, c.saved, c.now)
			if st.trust != c.trust {
				t.Errorf("trust %s (%s), want %s", st.trust, st.detail, c.trust)
			}
			if got := st.now(c.now.elapsed); !c.time.IsZero() && !got.Equal(c.time) {
				t.Errorf("time %v, want %v", got, c.time)
			}
		})
	}
}

func plausible() state {
	now := at("2026-11-25T03:15:00+07:00")
	return begin(build, saved{}, reading{boot, time.Minute, now, now, false})
}

func TestAJumpEndsPlausibleTime(t *testing.T) {
	for _, jump := range []time.Duration{time.Second, -time.Second, 4 * time.Second, 6 * time.Second, -6 * time.Second, time.Hour, -24 * time.Hour,
		30 * 365 * 24 * time.Hour, -26 * 365 * 24 * time.Hour} {
		st := plausible()
		start := st.anchor
		st.look(reading{boot, 2 * time.Minute, start.Add(time.Minute), time.Time{}, false})
		st.look(reading{boot, 3 * time.Minute, start.Add(2*time.Minute + jump), time.Time{}, false})
		if want := jump > -jumpLimit && jump < jumpLimit; (st.trust == Plausible) != want {
			t.Errorf("after a jump of %v: %s", jump, st.trust)
		}
		synced := plausible()
		if err := synced.sync(start, time.Minute, time.Minute); err != nil {
			t.Fatal(err)
		}
		synced.look(reading{boot, 3 * time.Minute, start.Add(2*time.Minute + jump), time.Time{}, false})
		if got := synced.now(3 * time.Minute); synced.trust != Synced || !got.Equal(start.Add(2*time.Minute)) {
			t.Errorf("synced time after a jump of %v: %s %v", jump, synced.trust, got)
		}
	}
}

func TestSync(t *testing.T) {
	now := at("2026-11-25T03:15:00Z")
	cases := map[string]struct {
		signed     time.Time
		trip       time.Duration
		ok         bool
		afterwards time.Time
	}{
		"quick":                            {now, 40 * time.Millisecond, true, now.Add(20 * time.Millisecond)},
		"at the limit":                     {now, maxRoundTrip, true, now.Add(maxRoundTrip / 2)},
		"too slow":                         {now, maxRoundTrip + 1, false, time.Time{}},
		"an answer before its question":    {now, -1, false, time.Time{}},
		"before a document the hub signed": {build.Add(-time.Hour), 0, false, time.Time{}},
		"two clocks that differ a little":  {build.Add(-4 * time.Second), 0, true, build},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			st := begin(build, saved{}, reading{boot, time.Hour, now, time.Time{}, false})
			err := st.sync(c.signed, time.Hour-c.trip, time.Hour)
			if (err == nil) != c.ok || (st.trust == Synced) != c.ok {
				t.Fatalf("%v, %s", err, st.trust)
			}
			if got := st.now(time.Hour); c.ok && !got.Equal(c.afterwards) {
				t.Errorf("now %v, want %v", got, c.afterwards)
			}
		})
	}
}

func TestASlowAnswerDoesNotMoveAGoodClock(t *testing.T) {
	st := begin(build, saved{}, reading{boot, 0, build, time.Time{}, false})
	now := at("2026-11-25T03:15:00Z")
	if err := st.sync(now, 0, 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	before := st.now(time.Minute)
	if err := st.sync(now.Add(time.Minute-time.Second), time.Minute-2*time.Second, time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := st.now(time.Minute); !got.Equal(before) {
		t.Errorf("moved by %v", got.Sub(before))
	}
	// After weeks without a hub the same answer is the better clock.
	late := 40 * 24 * time.Hour
	if err := st.sync(now.Add(late), late-2*time.Second, late); err != nil {
		t.Fatal(err)
	}
	if got := st.now(late); !got.Equal(now.Add(late + time.Second)) {
		t.Errorf("after weeks %v", got)
	}
}

func TestADocumentFromTheFutureDoesNotTakeASyncedClockAlong(t *testing.T) {
	now := at("2026-11-25T03:15:00Z")
	st := begin(build, saved{}, reading{boot, 0, build, time.Time{}, false})
	if err := st.sync(now, 0, 0); err != nil {
		t.Fatal(err)
	}
	st.verified(now.Add(50*time.Minute), time.Minute)
	if got := st.now(time.Minute); !got.Equal(now.Add(time.Minute)) {
		t.Errorf("now %v", got)
	}
	st = begin(build, saved{}, reading{boot, 0, build, time.Time{}, false})
	st.verified(now, 0)
	if got := st.now(0); got.Before(now) {
		t.Errorf("an untrusted clock stays at %v", got)
	}
}

// Held at the floor, it would stand still until the hardware clock catches up.
func TestAPlausibleClockThatADocumentProvesSlowGoesOn(t *testing.T) {
	slow := at("2026-11-25T03:15:00Z")
	st := begin(build, saved{}, reading{boot, 0, slow, slow, false})
	issued := slow.Add(time.Hour)
	st.verified(issued, time.Minute)
	if got := st.now(2 * time.Minute); st.trust != Plausible || !got.Equal(issued.Add(time.Minute)) {
		t.Errorf("%s, a minute after %v it is %v", st.trust, issued, got)
	}
	st.verified(slow, 3*time.Minute)
	if got := st.now(3 * time.Minute); !got.Equal(issued.Add(2 * time.Minute)) {
		t.Errorf("an older document moved it to %v", got)
	}
}

func TestAHubPutsRightAPlausibleTimeThatWasAhead(t *testing.T) {
	ahead := at("2026-12-20T00:00:00Z")
	st := begin(build, saved{}, reading{boot, 0, ahead, ahead, false})
	st.tick(time.Hour)
	now := at("2026-11-25T03:15:00Z")
	if err := st.sync(now, time.Hour, time.Hour); err != nil || !st.now(time.Hour).Equal(now) {
		t.Fatalf("%v, now %v", err, st.now(time.Hour))
	}
	next := begin(build, st.save(reading{bootID: boot, elapsed: 2 * time.Hour}), reading{"boot-2", time.Minute, now.Add(3 * time.Hour), now.Add(3 * time.Hour), false})
	if next.trust != Plausible {
		t.Errorf("after the next boot: %s, %s", next.trust, next.detail)
	}
}

// A hub whose clock was ahead takes its agents along. Once it is right again they follow it back, unless it was wrong only now.
func TestAHubThatWasAheadIsFollowedBack(t *testing.T) {
	now := at("2026-11-25T03:15:00Z")
	st := begin(build, saved{}, reading{boot, 0, build, time.Time{}, false})
	if err := st.sync(now.Add(20*time.Minute), 0, 0); err != nil {
		t.Fatal(err)
	}
	st.tick(time.Hour)
	for ask := range 10 { // a hub that has just been switched on
		if err := st.sync(now.Add(time.Duration(ask)*time.Minute), time.Hour, time.Hour+time.Duration(ask)*time.Minute); err == nil {
			t.Fatalf("followed after %d minutes", ask)
		}
	}
	elapsed := 2 * time.Hour
	if err := st.sync(now.Add(20*time.Minute+elapsed), elapsed, elapsed); err != nil {
		t.Fatalf("then it was right: %v", err)
	}
	var err error
	for ask := 0; ask <= 20; ask++ {
		elapsed += time.Minute
		st.tick(elapsed)
		if err = st.sync(now.Add(elapsed), elapsed, elapsed); err == nil {
			break
		}
	}
	if got := st.now(elapsed); err != nil || st.trust != Synced || !got.Equal(now.Add(elapsed)) {
		t.Errorf("%s, it is %v instead of %v: %v", st.trust, got, now.Add(elapsed), err)
	}
	st.verified(now.Add(elapsed), elapsed)
	for ask := range 60 {
		if err := st.sync(now.Add(-time.Hour), elapsed, elapsed+time.Duration(ask)*time.Minute); err == nil {
			t.Fatal("followed to before a document")
		}
	}
}

// A hub that started with a wrong year sealed plans by it. Once it is right again they must not keep a fleet silent for a year.
func TestAHubThatSealedPlansWhileItWasAheadIsFollowedBack(t *testing.T) {
	now := at("2026-11-25T03:15:00Z")
	st := begin(build, saved{}, reading{boot, 0, build, time.Time{}, false})
	if err := st.sync(now.AddDate(1, 0, 0), 0, 0); err != nil {
		t.Fatal(err)
	}
	st.verified(now.AddDate(1, 0, 0), 0)
	elapsed, err := time.Duration(0), error(nil)
	for range 25 {
		elapsed += time.Hour
		st.tick(elapsed)
		if err = st.sync(now.Add(elapsed), elapsed, elapsed); err == nil {
			break
		}
	}
	if got := st.now(elapsed); err != nil || !got.Equal(now.Add(elapsed)) || elapsed < 24*time.Hour {
		t.Errorf("after %v it is %v: %v", elapsed, got, err)
	}
	for hour := range 100 { // a dead battery, and no network of its own
		elapsed += time.Hour
		if err := st.sync(at("2020-01-01T00:00:00Z").Add(time.Duration(hour)*time.Hour), elapsed, elapsed); err == nil {
			t.Fatal("followed to before the program was made")
		}
	}
}

// Whatever happens to the clocks, time never goes below the floor and a restart keeps it.
func TestTimeNeverGoesBelowTheFloor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wall, elapsed, id := at("2026-11-25T03:15:00Z"), time.Duration(0), 1
		years := func(label string) time.Duration {
			return time.Duration(rapid.Int64Range(-30*365*86400, 30*365*86400).Draw(t, label)) * time.Second
		}
		read := func() reading { return reading{string(rune('0' + id)), elapsed, wall, wall, false} }
		st := begin(build, saved{}, read())
		floor := st.floor
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			switch rapid.IntRange(0, 5).Draw(t, "event") {
			case 0: // time passes
				d := time.Duration(rapid.Int64Range(0, 86400).Draw(t, "passes")) * time.Second
				elapsed, wall = elapsed+d, wall.Add(d)
			case 1: // somebody sets the clock
				wall = wall.Add(years("jump"))
				st.look(read())
			case 2: // the hub answers
				signed := build.Add(years("signed"))
				if st.sync(signed, elapsed, elapsed+time.Second) == nil && signed.Before(floor) {
					floor = build // a hub that insists is followed back
				}
			case 3: // a document is verified
				st.verified(build.Add(rapid.SampledFrom([]time.Duration{0, time.Hour, 24 * time.Hour}).Draw(t, "issued")), elapsed)
			case 4: // the agent starts again
				st.tick(elapsed)
				st = begin(build, st.save(read()), read())
			case 5: // the machine starts again
				st.tick(elapsed)
				s := st.save(read())
				id, elapsed = id%9+1, time.Minute
				st = begin(build, s, read())
			}
			if st.floor.Before(floor) || st.now(elapsed).Before(floor) {
				t.Fatalf("floor was %v, is %v; now %v", floor, st.floor, st.now(elapsed))
			}
			floor = st.floor
		}
	})
}

func TestASystemClockThatATimeServiceKeeps(t *testing.T) {
	before := saved{BootID: boot, Time: at("2026-11-24T20:00:00+07:00"), Floor: at("2026-11-24T20:00:00+07:00"), Probable: at("2026-11-24T20:00:00+07:00")}
	restored, right := at("2026-11-25T04:59:00+07:00"), at("2026-11-25T03:15:10+07:00")
	st := begin(build, before, reading{"boot-2", time.Minute, restored, time.Time{}, false})
	st.look(reading{"boot-2", 61 * time.Second, restored.Add(time.Second), time.Time{}, false})
	if st.trust != Untrusted {
		t.Fatalf("a restored time is %s", st.trust)
	}
	st.look(reading{"boot-2", 70 * time.Second, right, time.Time{}, true})
	if now := st.now(80 * time.Second); st.trust != Plausible || !now.Equal(right.Add(10*time.Second)) {
		t.Fatalf("%s %v: %s", st.trust, now, st.detail)
	}
	st.look(reading{"boot-2", 80 * time.Second, right.Add(time.Hour), time.Time{}, false})
	if st.trust != Untrusted {
		t.Errorf("set by hand it is %s", st.trust)
	}
	for name, wall := range map[string]time.Time{"before the floor": before.Floor.Add(-time.Second), "61 days ahead": before.Floor.Add(61 * 24 * time.Hour)} {
		st := begin(build, before, reading{"boot-2", time.Minute, wall, time.Time{}, true})
		if st.look(reading{"boot-2", time.Minute, wall, time.Time{}, true}); st.trust != Untrusted {
			t.Errorf("%s: %s", name, st.trust)
		}
	}
}

func TestTheOperatorSetsTheTime(t *testing.T) {
	floor := at("2026-11-24T20:00:00+07:00")
	before := saved{BootID: boot, Floor: floor, Probable: floor.Add(20 * 24 * time.Hour)} // a hardware clock was ahead
	for name, c := range map[string]struct {
		t    time.Time
		want error
	}{
		"now":                          {floor.Add(8 * time.Hour), nil},
		"the year 2000":                {at("2000-01-01T00:00:00Z"), errImplausible},
		"before a verified document":   {floor.Add(-time.Minute), errImplausible},
		"months after the known time":  {floor.Add(81 * 24 * time.Hour), errImplausible},
		"at the end of what is likely": {floor.Add(80 * 24 * time.Hour), nil},
	} {
		r := reading{"boot-2", time.Minute, at("2000-01-01T00:00:30Z"), time.Time{}, false}
		st := begin(build, before, r)
		err := st.byHand(c.t, r)
		if !errors.Is(err, c.want) || (st.trust == Plausible) != (c.want == nil) {
			t.Errorf("%s: %v, %s", name, err, st.trust)
		}
		if now := st.now(2 * time.Minute); c.want == nil && !now.Equal(c.t.Add(time.Minute)) {
			t.Errorf("%s: a minute later it is %v", name, now)
		}
	}
	r := reading{"boot-2", time.Minute, at("2000-01-01T00:00:30Z"), time.Time{}, false}
	st := begin(build, saved{BootID: boot, Floor: floor.Add(20 * time.Second), Probable: floor.Add(20 * time.Second)}, r)
	if err := st.byHand(floor, r); err != nil || !st.now(2*time.Minute).Equal(floor.Add(80*time.Second)) {
		t.Errorf("the minute in which a document was verified, as people write it: %v, %v", err, st.now(2*time.Minute))
	}
	st = plausible()
	if err := st.sync(st.anchor, time.Minute, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := st.byHand(st.anchor.Add(time.Hour), reading{}); !errors.Is(err, errSynced) {
		t.Errorf("a synced clock was set: %v", err)
	}
}
