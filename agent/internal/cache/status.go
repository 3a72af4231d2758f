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
	c.mu.Lock()
	defer c.mu.Unlock()
	s := broadcast.CacheStatus{State: "ok", UsedBytes: c.used, LimitBytes: c.o.Limit, FreeBytes: free}
	if head := c.plans.active; head != nil {
		s.ArmedUntil = head.doc.Expires
	}
	c.countMissing(&s, needs)
	switch {
	case freeErr != nil:
		s.State, s.Detail = "unknown", freeErr.Error()
	case c.writeErr != nil && time.Since(c.begun)-c.writeFailed < retryAfter:
		s.State, s.Detail = "full", c.writeErr.Error()
	case s.Missing > 0 && c.full != "":
		s.State, s.Detail = "full", c.full
	case s.Missing > 0 || c.plans.pending != nil:
		s.State = "fetching"
	case c.damaged > 0:
		s.Detail = fmt.Sprintf("%d damaged chunks were found since the start and fetched again", c.damaged)
	}
	return s
}

// countMissing adds up the audio that is needed and not whole; the caller holds mu.
func (c *Cache) countMissing(s *broadcast.CacheStatus, needs []need) {
	for _, n := range needs {
		if n.kind != kindAudio {
			continue
		}
		f := c.files[n.hash]
		if f != nil && f.Whole {
			continue
		}
		s.Missing++
		if m := c.plans.manifests[n.hash]; m != nil {
			s.MissingBytes += m.Size
			if f != nil {
				s.MissingBytes -= f.prefix(false)
			}
		}
		if n.use.Before(s.ArmedUntil) {
			s.ArmedUntil = n.use
		}
	}
}
