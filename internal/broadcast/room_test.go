package broadcast_test

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

func TestRoom(t *testing.T) {
	dayparts := []broadcast.Occurrence{
		{Name: "morning", Start: minute(5 * 60), End: minute(5*60 + 45), Reserved: []broadcast.Span{{Start: minute(5 * 60), End: minute(5*60 + 15)}}},
		{Name: "evening", Start: minute(17 * 60), End: minute(18 * 60)},
		{Name: "late", Start: minute(20*60 + 30), End: minute(21*60 + 30)},
	}
	for _, c := range []struct {
		name, daypart string
		policy        broadcast.Policy
		room          time.Duration
		bound         string
	}{
		{"its length without the relay", "morning", broadcast.Policy{}, 30 * time.Minute, broadcast.BoundDaypart},
		{"its length", "evening", broadcast.Policy{}, time.Hour, broadcast.BoundDaypart},
		{"up to the quiet hours", "late", broadcast.Policy{}, 30 * time.Minute, broadcast.BoundWindow},
		{"the policy's minutes", "evening", broadcast.Policy{MinutesPerDaypart: new(15)}, 15 * time.Minute, broadcast.BoundMinutes},
		{"more minutes than it has", "morning", broadcast.Policy{MinutesPerDaypart: new(40)}, 30 * time.Minute, broadcast.BoundDaypart},
		{"beyond the number a day may have", "evening", broadcast.Policy{DaypartsPerDay: new(1)}, 0, broadcast.BoundDayparts},
		{"none of that name", "noon", broadcast.Policy{}, 0, broadcast.BoundDaypart},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{head: broadcast.Head{Audience: "agent", Version: 1, IssuedAt: minute(0), Expires: minute(3000), Zone: zone.String(),
				Rules: broadcast.Inherit(c.policy), Days: []broadcast.DayRef{{Date: day, Hash: audio[0]}}}, day: broadcast.Day{Date: day, Dayparts: dayparts}}
			if room, bound := w.plan(t).Room(day, c.daypart); room != c.room || bound != c.bound {
				t.Errorf("room of %v by %s, want %v by %s", room, bound, c.room, c.bound)
			}
		})
	}
}

func TestOutsideAndGap(t *testing.T) {
	w := &world{head: broadcast.Head{Audience: "agent", Version: 1, IssuedAt: minute(0), Expires: minute(3000), Zone: zone.String(), Rules: broadcast.Inherit(),
		Days: []broadcast.DayRef{{Date: day, Hash: audio[0]}}}, day: broadcast.Day{Date: day, Dayparts: []broadcast.Occurrence{
		{Name: "evening", Start: minute(17 * 60), End: minute(18 * 60), Reserved: []broadcast.Span{{Start: minute(17*60 + 10), End: minute(17*60 + 20)}}}}}}
	p := w.plan(t)
	for want, span := range map[time.Duration]broadcast.Span{
		90 * time.Second:  {Start: minute(20*60 + 58), End: minute(21 * 60).Add(90 * time.Second)},
		time.Minute:       {Start: minute(22 * 60), End: minute(22*60 + 1)},
		0:                 {Start: minute(6 * 60), End: minute(7 * 60)},
		300 * time.Second: {Start: minute(4*60 + 55), End: minute(5*60 + 5)},
	} {
		if got := p.Outside(span); got != want {
			t.Errorf("%v of %v lies outside, want %v", got, span, want)
		}
	}
	taken := []broadcast.Span{{Start: minute(17*60 + 22), End: minute(17*60 + 25).Add(10 * time.Second)}}
	for _, c := range []struct {
		from   int
		length time.Duration
		want   int
	}{{17 * 60, 9 * time.Minute, 17 * 60}, {17*60 + 8, 3 * time.Minute, 17*60 + 26}, {17*60 + 8, 2 * time.Minute, 17*60 + 8}, {20*60 + 59, 2 * time.Minute, -1}, {0, time.Minute, 5 * 60}} {
		at, ok := p.Gap(day, minute(c.from), c.length, taken)
		if ok != (c.want >= 0) || ok && !at.Equal(minute(c.want)) {
			t.Errorf("from %d: %v %v, want minute %d", c.from, at, ok, c.want)
		}
	}
}
