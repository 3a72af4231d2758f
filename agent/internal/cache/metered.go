package cache

import (
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

const (
	// hoursLead: what is used so soon after the hours open is not left until then.
	hoursLead = time.Hour
	// limitSpare is how long before its use audio is to be whole for the limit to hold.
	limitSpare = 10 * time.Minute
)

// Metered are the operator's wishes for a line that is paid for by the byte. They hold for audio that can wait; never
// for documents, urgent bulletins, and audio whose slot would be missed.
type Metered struct {
	// Start and End of the hours in which audio is fetched, in the fleet's zone; over midnight when End is not after
	// Start, every hour when both are zero.
	Start, End broadcast.TimeOfDay
	Limit      int64 // bytes of audio a second, 0 for none
}

// ration is what Metered allows one need.
type ration struct {
	waits bool
	until time.Time // when the hours open; zero while the time is not known
	limit int64     // bytes a second, 0 for none
}

// ration rules on a need of which so many bytes are missing. now is the trusted time, zero when there is none: nothing
// scheduled plays then, so that nothing is missed by waiting.
func (m Metered) ration(n need, missing int64, now time.Time, zone *time.Location) ration {
	if n.kind != kindAudio || n.urgent {
		return ration{}
	}
	var takes time.Duration // at the limit
	if m.Limit > 0 {
		takes = time.Duration(float64(missing) / float64(m.Limit) * float64(time.Second))
	}
	r := ration{limit: m.Limit}
	if !now.IsZero() && n.use.Before(now.Add(takes+limitSpare)) {
		r.limit = 0
	}
	if m.Start == 0 && m.End == 0 {
		return r
	}
	if now.IsZero() {
		return ration{waits: true, limit: r.limit}
	}
	if open, opens := m.hours(now, zone); !open && !n.use.Before(opens.Add(takes+hoursLead)) {
		r.waits, r.until = true, opens
	}
	return r
}

// hours tells whether an instant is within the hours, and when they open next.
func (m Metered) hours(now time.Time, zone *time.Location) (open bool, opens time.Time) {
	today := broadcast.DateOf(now, zone)
	for days := -1; days <= 2; days++ {
		start, end := today.AddDays(days).At(m.Start, zone), today.AddDays(days).At(m.End, zone)
		if m.End <= m.Start {
			end = today.AddDays(days+1).At(m.End, zone)
		}
		open = open || !now.Before(start) && now.Before(end)
		if opens.IsZero() && start.After(now) {
			opens = start
		}
	}
	return open, opens
}

// rationOf is what the metered line allows a need; the caller holds mu.
func (c *Cache) rationOf(n need, missing int64, now time.Time) ration {
	zone := c.zone
	if zone == nil {
		zone = time.UTC // without a plan there is no audio to fetch
	}
	return c.o.Metered.ration(n, missing, now, zone)
}
