package cache

import (
	"fmt"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Status is what the agent says of its cache.
func (c *Cache) Status() broadcast.CacheStatus {
	needs := c.currentNeeds()
	free, freeErr := c.o.Free(c.o.Dir)
	trusted := c.o.Trusted()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := broadcast.CacheStatus{State: "ok", UsedBytes: c.used, LimitBytes: c.o.Limit, FreeBytes: free}
	if head := c.plans.active; head != nil {
		s.ArmedUntil = head.doc.Expires
	}
	waiting, until := c.countMissing(&s, needs, trusted)
	switch {
	case freeErr != nil:
		s.State, s.Detail = "unknown", freeErr.Error()
	case c.writeErr != nil && time.Since(c.begun)-c.writeFailed < retryAfter:
		s.State, s.Detail = "full", c.writeErr.Error()
	case s.Missing > 0 && c.full != "":
		s.State, s.Detail = "full", c.full
	case s.Missing > 0 || c.plans.pending != nil:
		s.State = "fetching"
		if waiting > 0 {
			s.Detail = c.waitDetail(waiting, until)
		}
		if waiting == s.Missing && c.plans.pending == nil {
			s.State = "waiting"
		}
	case c.damaged > 0:
		s.Detail = fmt.Sprintf("%d damaged chunks were found since the start and fetched again", c.damaged)
	}
	return s
}

// waitDetail says why audio is not fetched now; the caller holds mu.
func (c *Cache) waitDetail(files int, until time.Time) string {
	if until.IsZero() {
		return fmt.Sprintf("%d audio files wait for a time that can be trusted, as download_hours is set", files)
	}
	return fmt.Sprintf("%d audio files wait for download_hours, from %s", files, until.In(c.zone).Format("15:04"))
}

// countMissing adds up the audio that is needed and not whole, and how much of it waits for the hours of a metered
// line; the caller holds mu.
func (c *Cache) countMissing(s *broadcast.CacheStatus, needs []need, trusted time.Time) (waiting int, until time.Time) {
	for _, n := range needs {
		if n.kind != kindAudio {
			continue
		}
		f := c.files[n.hash]
		if f != nil && f.Whole {
			continue
		}
		s.Missing++
		if m := c.plans.manifests[n.hash].Manifest; m != nil {
			missing := m.Size
			if f != nil {
				missing -= f.prefix(false)
			}
			s.MissingBytes += missing
			if r := c.rationOf(n, missing, trusted); r.waits {
				waiting, until = waiting+1, r.until
			}
		}
		if n.use.Before(s.ArmedUntil) {
			s.ArmedUntil = n.use
		}
	}
	return waiting, until
}
