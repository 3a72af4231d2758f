package hubs

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/fleet"
	"github.com/loa-vn/loa/internal/faults"
)

// TestFaultThousandsAtEachHub: hubs that begin together with thousands of agents each soon know all of them, also what they say
// all at once, and do not go on asking each other.
func TestFaultThousandsAtEachHub(t *testing.T) {
	s := newScene(t, 2, outside, 2)
	each := faults.Count(1500, 6000)
	s.must(s.site.Chief.Call(s.ctx, "POST", "areas", map[string]any{"code": "xa-dong", "name": "Xã đông"}, nil))
	enrolled, err := hubtest.EnrollIn(s.ctx, s.database.URL("postgres"), "", "xa-dong", len(s.hubs)*each)
	s.must(err)
	for _, h := range s.hubs {
		h.Kill()
		s.start(h)
	}
	trust, err := hubtest.TrustOf(s.hubs[0].data())
	s.must(err)
	ctx, cancel := context.WithCancel(s.ctx)
	var running sync.WaitGroup
	defer func() { cancel(); running.Wait() }()
	var fleets []*fleet.Fleet
	for i, h := range s.hubs {
		o := fleet.Options{Hub: h.url, Trust: trust}
		for _, e := range enrolled[i*each : (i+1)*each] {
			o.Agents = append(o.Agents, fleet.Identity(e))
		}
		f, err := fleet.New(o)
		s.must(err)
		fleets = append(fleets, f)
		running.Go(func() { f.Run(ctx) })
	}
	s.await("all are connected", time.Minute, func() bool { return fleets[0].Connected()+fleets[1].Connected() == len(enrolled) })
	s.seen("all are seen", len(enrolled), func(c cluster) bool { return c.Online })

	for i, f := range fleets {
		for _, e := range enrolled[i*each : (i+1)*each] {
			s.must(f.Say(e.ID, broadcast.Status{At: time.Now(), Software: "fleet", Card: broadcast.CardStatus{State: "ok"}}))
		}
	}
	s.seen("all are seen to have said something new", len(enrolled), func(c cluster) bool { return c.Card == "ok" })
	for _, h := range s.hubs {
		log, err := os.ReadFile(h.dir + "/log")
		s.must(err)
		if n := strings.Count(string(log), "events of other hubs may be lost"); n > 8 { // of the starts and the kill
			s.Errorf("%s lost word of the other hub %d times", h.name, n)
		}
	}
}

// cluster is one as the page of all shows it.
type cluster struct {
	Area   string
	Online bool
	Card   string
}

// seen waits until every hub's page has so many of the thousands as is says.
func (s *scene) seen(what string, n int, is func(cluster) bool) {
	s.Helper()
	for _, h := range s.hubs {
		took := s.await(h.name+": "+what, backAgain, func() bool {
			var all struct{ Items []cluster }
			s.must(of(s.site.Chief, h).Call(s.ctx, "GET", "fleet", nil, &all))
			have := 0
			for _, c := range all.Items {
				if c.Area == "xa-dong" && is(c) {
					have++
				}
			}
			return have == n
		})
		s.Logf("%s: %s after %v", h.name, what, took.Round(10*time.Millisecond))
	}
}
