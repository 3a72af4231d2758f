package app

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/internal/clock"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/faults"
)

const stationDay = 24 * time.Hour

// TestFaultStationYears lets stations live for years: power cuts, dead batteries, clocks that are set by somebody,
// sleeps, a hub that is away for weeks, cards that come and go, officers and operators who change their mind. Whatever
// happens, to the sample: nothing sounds in quiet hours but a live bulletin, nothing of a slot sounds twice, and every
// slot leaves exactly one record. A hardware clock here is right, absent, or wrong in a way that can be seen; what
// nobody can see is named in docs/security.md.
func TestFaultStationYears(t *testing.T) {
	days, stations := 30, faults.Count(4, 300)
	if faults.Full() {
		days = 61 // 300 stations of 61 days: 50 years
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // many small worlds: half of the time would be collecting them
	sound, seeds := reports(lengths...), faults.Random(t)
	var total tally
	t.Run("stations", func(t *testing.T) {
		for n := range stations {
			seed := seeds.Uint64()&^3 | uint64(n%4) // every kind of battery, however few they are
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				dir := memory(t)
				synctest.Test(t, func(t *testing.T) { total.add(live(t, dir, seed, days, sound)) })
			})
		}
	})
	t.Logf("%.1f station-years: %d slots owed and recorded, %.0f h of sound in %d stretches, %d power cuts, %d kills, %d sleeps, %d clocks set, %d boots without a trusted time; in quiet hours %.0f s of live bulletins, and %.3f s of sound while a machine had just woken up",
		total.lived.Hours()/24/365, total.owed, total.sound.Hours(), total.stretches, total.cuts, total.kills, total.sleeps, total.jumps, total.untrusted,
		total.live.Seconds(), total.waking.Seconds())
	if !testing.Short() && (total.cuts == 0 || total.stretches == 0 || total.untrusted == 0) {
		t.Error("nothing happened: the test shows nothing")
	}
}

// tally is what lives came to.
type tally struct {
	mu                                                     sync.Mutex
	lived, sound, live, waking                             time.Duration
	owed, stretches, cuts, kills, sleeps, jumps, untrusted int
}

func (t *tally) add(o *tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lived, t.sound, t.live, t.waking = t.lived+o.lived, t.sound+o.sound, t.live+o.live, t.waking+o.waking
	t.owed, t.stretches, t.cuts, t.kills = t.owed+o.owed, t.stretches+o.stretches, t.cuts+o.cuts, t.kills+o.kills
	t.sleeps, t.jumps, t.untrusted = t.sleeps+o.sleeps, t.jumps+o.jumps, t.untrusted+o.untrusted
}

// life is one station with what befalls it.
type life struct {
	*station
	*office
	r     *rand.Rand
	tally tally
	owe   map[string]owed
	story []string
	slept time.Time

	battery int  // of the hardware clock: 0 good, 1 dead, 2 there is none, 3 wild
	online  bool // the line to the hub
	synced  time.Time
	planned broadcast.Date // of the last plan the hub issued
}

// owed is a slot that the station knew before its time.
type owed struct{ end time.Time }

func live(t *testing.T, dir string, seed uint64, days int, sound map[broadcast.Hash][]byte) *tally {
	r := rand.New(rand.NewPCG(seed, 0))
	// Any day of two years, 29 February 2028 among them.
	start := time.Date(2027, 1, 3, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(730*86400)) * time.Second)
	if r.IntN(4) == 0 {
		start = time.Date(2028, 2, 1+r.IntN(28), r.IntN(24), r.IntN(60), 0, 0, time.UTC)
	}
	l := &life{station: newStation(t, dir, start, sound), office: newOffice(t, seed), r: r, owe: map[string]owed{}, battery: int(seed % 4), online: true}
	l.power(l.now, 0)
	l.start()
	l.connect()
	for end := start.Add(time.Duration(days) * stationDay); l.now().Before(end); {
		l.pass(l.untilNext())
		l.happen()
		if t.Failed() {
			break
		}
	}
	l.settleDown()
	l.judge(start)
	if t.Failed() {
		t.Logf("seed %d, its last events:\n%s", seed, strings.Join(l.story[max(0, len(l.story)-60):], "\n"))
	}
	return &l.tally
}

func (l *life) note(format string, args ...any) {
	l.story = append(l.story, l.now().In(l.zone).Format("2006-01-02 15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// pass lets time go on, with what the agent's clock and the hub do by themselves: a look after each event, the hub's
// time, a new plan each day.
func (l *life) pass(d time.Duration) {
	for end := l.now().Add(d); ; {
		left := end.Sub(l.now())
		if left <= 0 {
			return
		}
		step := min(left, 6*time.Hour)
		<-time.After(step)
		synctest.Wait()
		if l.clock == nil {
			continue
		}
		l.clock.Look()
		l.trueOrUntrusted()
		if l.online {
			l.connect()
		}
	}
}

// trueOrUntrusted: no fault here is one that nobody can see.
func (l *life) trueOrUntrusted() {
	if now, trust := l.clock.Now(); trust != clock.Untrusted && now.Sub(l.now()).Abs() > time.Millisecond {
		l.t().Errorf("at %s the agent takes %s for the time, %s: %s", l.now(), now, trust, l.clock.Status().Detail)
	}
}

func (l *life) t() *testing.T { return l.station.t }

// untilNext is when something happens: often beside an instant at which a sound begins or ends or a window does.
func (l *life) untilNext() time.Duration {
	now := l.now()
	if l.r.IntN(2) == 0 {
		return time.Duration(l.r.Int64N(int64(36 * time.Hour)))
	}
	date := broadcast.DateOf(now, l.zone).AddDays(l.r.IntN(2))
	var near []time.Time
	if p := l.getPlan(); p != nil {
		for _, sl := range p.Slots(date, nil) {
			if sl.Skip == "" {
				near = append(near, sl.Start, sl.End)
			}
		}
	}
	for _, w := range l.rules.Windows {
		near = append(near, date.At(w.Start, l.zone), date.At(w.End, l.zone))
	}
	at := near[l.r.IntN(len(near))].Add(time.Duration(l.r.Int64N(int64(20*time.Second))) - 10*time.Second)
	if d := at.Sub(now); d > 0 {
		return d
	}
	return time.Duration(l.r.Int64N(int64(12 * time.Hour)))
}

func (l *life) happen() {
	if l.clock == nil { // the power is off; see cut
		return
	}
	switch n := l.r.IntN(20); {
	case n < 5:
		l.cut()
	case n < 7:
		l.tally.kills++
		l.note("kill -9")
		l.save()
		l.kill()
		l.pass(time.Duration(l.r.Int64N(int64(3 * time.Minute))))
		l.start()
	case n == 7:
		l.note("the agent is started anew")
		l.stop()
		l.pass(time.Duration(l.r.Int64N(int64(time.Minute))))
		l.start()
	case n < 10:
		l.jump()
	case n == 10:
		l.sleep()
	case n == 11:
		l.note("the card is away")
		l.card.Set("missing", "pulled out")
		l.pass(time.Duration(l.r.Int64N(int64(10 * time.Minute))))
		if l.clock != nil {
			l.card.Set("ok", "")
		}
	case n < 14:
		l.online = !l.online
		l.note("the line is there: %t", l.online)
		if l.online {
			l.connect()
		}
	case n == 14:
		if l.set.Load() == 0 && l.online {
			l.note("NTP")
			l.ntp.Store(true)
		}
	default:
		if what := l.act(l.now(), l.r); what != "" {
			l.note("%s", what)
			if l.online {
				l.deliver()
			}
		}
	}
}

// connect is what the hub does with an agent that is there: its time, then its plan when it has another.
func (l *life) connect() {
	if now := l.now(); now.Sub(l.synced) >= 6*time.Hour || !l.isSynced() {
		l.sync()
		l.synced = now
		<-time.After(time.Duration(l.r.IntN(3000)) * time.Millisecond)
	}
	if date := broadcast.DateOf(l.now(), l.zone); date != l.planned || l.getPlan() == nil {
		l.deliver()
	}
}

func (l *life) isSynced() bool {
	_, trust := l.clock.Now()
	return trust == clock.Synced
}

// deliver issues a plan; what it holds from today on, the station owes.
func (l *life) deliver() {
	now := l.now()
	p := l.office.plan(now)
	l.give(p)
	l.planned = broadcast.DateOf(now, l.zone)
	for date := range p.Days {
		if date < l.planned {
			continue
		}
		for _, sl := range p.Slots(date, nil) {
			if l.owe[sl.ID] = (owed{sl.End}); sl.End.Before(now) {
				delete(l.owe, sl.ID)
			}
		}
	}
	for _, b := range p.Head.Bulletins {
		for k := range max(1, repeats(b)) {
			due := b.IssuedAt
			if k > 0 {
				due = due.Add(time.Duration(k) * time.Duration(b.Repeat.EveryMS) * time.Millisecond)
			}
			if due.Before(b.Until) && b.Until.After(now) {
				l.owe[fmt.Sprintf("%s@%d#0", b.ID, k)] = owed{b.Until.Add(time.Hour)}
			}
		}
	}
	synctest.Wait()
}

func repeats(b broadcast.Bulletin) int {
	if b.Repeat == nil {
		return 1
	}
	return b.Repeat.Count
}

// cut takes the power away, and gives it back some time later.
func (l *life) cut() {
	l.tally.cuts++
	l.save() // at most three minutes ago
	l.pass(time.Duration(l.r.Int64N(int64(3 * time.Minute))))
	var off time.Duration
	switch n := l.r.IntN(20); {
	case n < 6:
		off = time.Duration(l.r.Int64N(int64(10 * time.Second)))
	case n < 13:
		off = time.Duration(l.r.Int64N(int64(time.Hour)))
	case n < 18:
		off = time.Duration(l.r.Int64N(int64(20 * time.Hour)))
	case n < 19:
		off = time.Duration(l.r.Int64N(int64(5 * stationDay)))
	default:
		off = time.Duration(l.r.Int64N(int64(30 * stationDay)))
	}
	l.kill()
	l.note("power off for %s", off)
	<-time.After(off)
	l.online = l.r.IntN(3) > 0
	rtc, set := l.hardware()
	l.power(rtc, set)
	<-time.After(5*time.Second + time.Duration(l.r.Int64N(int64(time.Minute))))
	l.start()
	_, trust := l.clock.Now()
	l.note("power on, hardware clock %s, system clock off by %s, %s, the line is there: %t", told(rtc), set, trust, l.online)
	if trust == clock.Untrusted {
		l.tally.untrusted++
	}
	<-time.After(time.Duration(l.r.Int64N(int64(20 * time.Second))))
	if l.online {
		l.connect()
	}
}

func told(rtc func() time.Time) string {
	if rtc == nil {
		return "none"
	}
	return rtc().Format(time.RFC3339)
}

// hardware gives what the hardware clock tells after a boot, and by how much the system clock is wrong: by nothing, or
// restored from a file that somebody or something wrote.
func (l *life) hardware() (rtc func() time.Time, set time.Duration) {
	now, on := l.now(), l.now
	runs := func(from time.Time) func() time.Time { return func() time.Time { return from.Add(on().Sub(now)) } }
	switch l.battery {
	case 0:
		return on, 0
	case 1:
		rtc = runs(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	case 2:
	default:
		known := l.getPlan().Head.IssuedAt
		wild := []time.Time{time.Unix(0, 0), known.Add(-2 * time.Minute), known.AddDate(-30, 0, 0),
			now.Add(61 * stationDay), now.AddDate(30, 0, 0), time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC).AddDate(4, 0, 0)}
		rtc = runs(wild[l.r.IntN(len(wild))])
	}
	return rtc, l.wrong()
}

// wrong is by how much somebody sets a clock: a second to thirty years, or to just before the next morning's programme.
func (l *life) wrong() time.Duration {
	if l.r.IntN(3) == 0 {
		now := l.now()
		return broadcast.DateOf(now, l.zone).AddDays(l.r.IntN(2)).At(4*3600+59*60, l.zone).Sub(now)
	}
	sizes := []time.Duration{time.Second, 4 * time.Second, time.Minute, time.Hour, 7 * time.Hour, stationDay, 30 * stationDay, 365 * stationDay, 30 * 365 * stationDay}
	d := sizes[l.r.IntN(len(sizes))]
	if l.r.IntN(2) == 0 {
		return -d
	}
	return d
}

// jump is somebody who sets the system clock while the agent runs, and sometimes starts it anew in the belief that
// this helps. The hardware clock goes with it, as on most machines.
func (l *life) jump() {
	l.tally.jumps++
	d := l.wrong()
	l.note("the system clock is set, off by %s", d)
	l.ntp.Store(false)
	l.set.Store(int64(d))
	if d.Abs() > 10*time.Second {
		now := l.now
		l.rtc = func() time.Time { return now().Add(d) }
	}
	<-time.After(time.Duration(l.r.Int64N(int64(time.Second))))
	l.clock.Look()
	if l.r.IntN(3) == 0 {
		l.kill()
		l.start()
	}
	if l.online {
		l.connect()
	}
}

// sleep is a machine that sleeps; the agent notices it with its next look.
func (l *life) sleep() {
	if l.now().Sub(l.slept) < time.Minute {
		return
	}
	l.tally.sleeps++
	d := time.Duration(l.r.Int64N(int64([]time.Duration{time.Minute, time.Hour, 12 * time.Hour}[l.r.IntN(3)])))
	l.note("the machine sleeps for %s", d)
	l.suspend(d)
	l.slept = l.now()
	<-time.After(time.Duration(l.r.Int64N(int64(awareness))))
	l.clock.Look()
	<-time.After(time.Minute)
}

// settleDown gives the station three quiet days with its hub.
func (l *life) settleDown() {
	if l.clock == nil {
		return
	}
	l.note("three quiet days")
	l.online = true
	l.connect()
	l.tally.lived = l.now().Sub(l.begin())
	l.pass(3 * stationDay)
	l.stop()
}

func (l *life) begin() time.Time { return l.build.Add(10 * stationDay) }
