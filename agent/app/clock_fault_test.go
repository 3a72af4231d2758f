package app

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// night is a station that lost its power at 20:00 and gets it back at 03:15, with one report of a minute at 05:00 each
// morning. Times of the story are those of the morning.
type night struct {
	*station
	zone    *time.Location
	morning broadcast.Date
}

// at lets time go on until a time of the morning.
func (n *night) at(clock string) {
	n.t.Helper()
	<-time.After(n.on(clock).Sub(n.now()))
	synctest.Wait()
}

func (n *night) on(clock string) time.Time {
	n.t.Helper()
	tod, err := broadcast.ParseTimeOfDay(clock)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.morning.At(tod, n.zone)
}

// from is a hardware clock that shows t now and goes on.
func (n *night) from(t time.Time) func() time.Time {
	now := n.now()
	return func() time.Time { return t.Add(n.now().Sub(now)) }
}

// restored is by how much the system clock is wrong that was set to 04:59 from a file.
func (n *night) restored() time.Duration { return n.on("04:59").Sub(n.now()) }

func (n *night) hub() { n.sync() }

func (n *night) jump(d time.Duration) { n.set.Add(int64(d)) }

// boot starts machine and agent.
func (n *night) boot(rtc func() time.Time, set time.Duration) {
	n.power(rtc, set)
	n.start()
}

// TestFaultClockInTheNight drives the real clock and scheduler through a night and counts what the card got of it, to the
// sample and by true time.
func TestFaultClockInTheNight(t *testing.T) {
	const whole = "05:00:00 from 0s, 2880000 samples" // a minute at 48 kHz
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	sound := reports(60)
	ago := func(n *night, d time.Duration) func() time.Time { return n.from(n.on("04:59").Add(d)) }
	const year = 365 * 24 * time.Hour
	type story struct {
		name    string
		morning broadcast.Date // 2026-11-25 where empty
		live    func(*night)
		want    []string
	}
	stories := []story{
		{"planted: no hardware clock, the restored system clock says 04:59", "", func(n *night) { n.boot(nil, n.restored()) }, nil},
		{"planted: the battery is dead, the hardware clock says 2000", "", func(n *night) {
			n.boot(n.from(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), n.restored())
		}, nil},
		{"a boot in the year 2000, both clocks", "", func(n *night) {
			y2k := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
			n.boot(n.from(y2k), y2k.Sub(n.now()))
		}, nil},
		{"the hardware clock is a day below the floor", "", func(n *night) { n.boot(ago(n, -24*time.Hour), n.restored()) }, nil},
		{"the hardware clock is thirty years below", "", func(n *night) { n.boot(ago(n, -30*year), n.restored()) }, nil},
		{"the hardware clock is 61 days ahead", "", func(n *night) { n.boot(ago(n, 61*24*time.Hour), n.restored()) }, nil},
		{"the hardware clock is thirty years ahead", "", func(n *night) { n.boot(ago(n, 30*year), n.restored()) }, nil},
		{"the hardware clock is good, the restored system clock is not", "", func(n *night) { n.boot(n.now, n.restored()) }, []string{whole}},
		{"planted, and the restored time is written into the hardware clock, then the agent starts again", "", func(n *night) {
			n.boot(nil, n.restored())
			n.at("03:15:30")
			n.rtc = n.from(n.on("04:59"))
			n.kill()
			n.start()
		}, nil},
		{"planted, the hub comes at 04:30", "", func(n *night) {
			n.boot(nil, n.restored())
			n.at("04:30")
			n.hub()
		}, []string{whole}},
		{"planted, a time service of the machine synchronises at 04:30", "", func(n *night) {
			n.boot(nil, n.restored())
			n.at("04:30")
			n.set.Store(0)
			n.ntp.Store(true)
		}, []string{whole}},
		{"planted, the time service tells a time of years ago", "", func(n *night) {
			n.boot(nil, -3*year)
			n.ntp.Store(true)
		}, nil},
		{"planted, the operator sets the time at 04:30", "", func(n *night) {
			n.boot(nil, n.restored())
			n.at("04:30")
			if err := n.clock.SetByOperator(n.now()); err != nil {
				n.t.Error(err)
			}
		}, []string{whole}},
		{"planted, the operator sets a time of last year", "", func(n *night) {
			n.boot(nil, n.restored())
			if err := n.clock.SetByOperator(n.now().Add(-year)); err == nil {
				n.t.Error("it was taken")
			}
		}, nil},
		{"the zone of the PC is another", "", func(n *night) {
			time.Local = time.FixedZone("elsewhere", -11*3600)
			n.boot(n.now, 0)
		}, []string{whole}},
		{"29 February", "2028-02-29", func(n *night) { n.boot(n.now, 0) }, []string{whole}},
		{"the day after 28 February of another year", "2027-03-01", func(n *night) { n.boot(n.now, 0) }, []string{whole}},
		{"the machine sleeps from four to half past", "", func(n *night) {
			n.boot(n.now, 0)
			n.at("04:00")
			n.suspend(30 * time.Minute)
		}, []string{whole}},
		{"the machine sleeps for 20 s in the middle of the sound: noticed at once, it goes on where it would be", "", func(n *night) {
			n.boot(n.now, 0)
			n.at("05:00:10")
			n.suspend(20 * time.Second)
		}, []string{"05:00:00 from 0s, 480000 samples", "05:00:30 from 10s, 12000 samples", "05:00:30 from 30s, 1428000 samples"}},
		{"the machine sleeps over the whole sound", "", func(n *night) {
			n.boot(n.now, 0)
			n.at("04:59:30")
			n.suspend(10 * time.Minute)
		}, nil},
	}
	for _, d := range []time.Duration{time.Second, 4 * time.Second} {
		for _, by := range []time.Duration{d, -d} {
			stories = append(stories, story{fmt.Sprintf("the system clock is set by %s", by), "", func(n *night) {
				n.boot(n.now, 0)
				n.at("04:00")
				n.jump(by)
			}, []string{whole}})
		}
	}
	for _, d := range []time.Duration{6 * time.Second, 7 * time.Hour, 24 * time.Hour, 30 * year} {
		for _, by := range []time.Duration{d, -d} {
			stories = append(stories,
				story{fmt.Sprintf("plausible, the system clock is set by %s", by), "", func(n *night) {
					n.boot(n.now, 0)
					n.at("04:00")
					n.jump(by)
				}, nil},
				story{fmt.Sprintf("plausible, both clocks are set by %s and the agent starts again", by), "", func(n *night) {
					n.boot(n.now, 0)
					n.at("04:00")
					n.jump(by)
					n.rtc = n.from(n.now().Add(by))
					n.kill()
					n.start()
				}, nil},
				story{fmt.Sprintf("plausible, both clocks are set by %s and the agent is stopped at once", by), "", func(n *night) {
					n.boot(n.now, 0)
					n.at("04:00")
					n.jump(by)
					n.rtc = n.from(n.now().Add(by))
					n.stop()
					n.start()
				}, nil},
				story{fmt.Sprintf("synced, the system clock is set by %s", by), "", func(n *night) {
					n.boot(n.now, 0)
					n.hub()
					n.at("04:00")
					n.jump(by)
				}, []string{whole}},
			)
		}
	}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			dir := memory(t)
			time.Local = local
			synctest.Test(t, func(t *testing.T) {
				if s.morning == "" {
					s.morning = "2026-11-25"
				}
				evening := s.morning.AddDays(-1).At(19*3600, zone)
				n := &night{station: newStation(t, dir, evening, sound), zone: zone, morning: s.morning}
				n.ticks = true
				n.evening(evening)
				s.live(n)
				n.at("09:00")
				n.stop()
				n.compare(s.want)
			})
		})
	}
}

// evening gives the station its plan and the hub's time, and takes its power away at 20:00.
func (n *night) evening(from time.Time) {
	n.boot(n.now, 0)
	n.hub()
	head := broadcast.Head{Audience: "agent", Version: 1, IssuedAt: from, Expires: from.AddDate(0, 0, 35), Zone: n.zone.String(), Rules: broadcast.Inherit()}
	var days []broadcast.Day
	for i := range 36 {
		date := broadcast.DateOf(from, n.zone).AddDays(i)
		at := date.At(5*3600, n.zone)
		days = append(days, broadcast.Day{Date: date, Candidates: []broadcast.Candidate{{Broadcast: "b", Version: 1, Title: "b", Class: broadcast.Normal,
			Owner: broadcast.OwnerHub, ApprovedAt: from.AddDate(0, 0, -1), At: &at, Lateness: broadcast.Lateness{Rule: broadcast.LateJoin},
			Items: []broadcast.Item{{Report: "r", Title: "r", Audio: audioOf(60), Manifest: audioOf(60), DurationMS: 60_000}}}}})
		head.Days = append(head.Days, broadcast.DayRef{Date: date, Hash: audioOf(60)})
	}
	p, err := broadcast.NewPlan(head, days)
	if err != nil {
		n.t.Fatal(err)
	}
	n.give(p)
	<-time.After(time.Hour)
	n.kill()
	if len(n.heard) > 0 {
		n.t.Errorf("heard in the evening: %+v", n.heard)
	}
	n.at("03:15")
}

func (n *night) compare(want []string) {
	n.t.Helper()
	if len(want) != len(n.heard) {
		n.t.Fatalf("the card got %+v, want %q", n.heard, want)
	}
	for i, h := range n.heard {
		begin := h.at.In(n.zone)
		offset := time.Duration(h.from) * time.Second / 48000
		got := fmt.Sprintf("%s from %s, %d samples", begin.Format("15:04:05"), offset.Round(time.Second), h.to-h.from)
		if got != want[i] {
			n.t.Errorf("the card got %q, want %q", got, want[i])
		}
	}
}
