package hubs

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/faults"
)

// Bounds of what people and agents notice.
const (
	backAgain = 15 * time.Second // until every agent is connected again after a fault
	delivered = 15 * time.Second // until every agent has an urgent bulletin that was approved in the middle of one
	takenOver = 90 * time.Second // until a recording is done whose hub was killed over it: its lease, and all of the work
)

// TestFaultsOfHubs: whatever happens to one hub, the database or the bus, agents are soon connected again, an urgent bulletin
// reaches each once, and no play record and no upload is lost or doubled. The short form is that of make test.
func TestFaultsOfHubs(t *testing.T) {
	newScene(t, 2+faults.Count(0, 1), outside, 6).play([]part{
		{"nothing happens", askAcross}, {"a hub is killed", killHubs}, {"the database is restarted", restartDatabase}, {"the bus is cut in two", cutBus},
	})
}

// TestFaultsOnTheHubsOwnBus: three hubs that join each other, whichever of them dies and whatever is cut between them.
func TestFaultsOnTheHubsOwnBus(t *testing.T) {
	newScene(t, 3, own, 6).play([]part{
		{"nothing happens", askAcross}, {"only what the settings say is open", openDoors}, {"a hub is killed", killAndJoin}, {"the routes are cut", cutBus},
	})
}

// part is one of the things that happen to a scene.
type part struct {
	name string
	run  func(s *scene)
}

func (s *scene) play(parts []part) {
	t := s.T
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			s.T = t
			defer func() { s.T = nil }()
			s.spread()
			part.run(s)
			s.settleRecords()
		})
	}
	s.T = t
}

// askAcross asks each hub about agents of the others: how many took a bulletin, and a command for one.
func askAcross(s *scene) {
	s.Helper()
	id := s.bulletin(s.hubs[0])
	s.must(of(s.site.Chief, s.hubs[1]).Call(s.ctx, "POST", "urgent/"+id+"/approve", nil, nil))
	for i, h := range s.hubs {
		s.await(h.name+" knows that all took the bulletin", delivered, func() bool {
			var b struct{ Reach struct{ Taken int } }
			s.must(of(s.site.Author, h).Call(s.ctx, "GET", "urgent/"+id, nil, &b))
			return b.Reach.Taken == len(s.stations)+1
		})
		a := s.stations[(i+1)%len(s.hubs)]
		var answer struct{ Code string }
		s.must(of(s.site.Chief, h).Call(s.ctx, "POST", "agents/"+a.ID+"/commands", map[string]string{"do": "tone"}, &answer))
		if answer.Code != "" {
			s.Errorf("%s: the agent would not: %s", h.name, answer.Code)
		}
	}
	s.orderedOnce(id)
	s.cancel(id, s.hubs[0])
}

// killHubs kills one of the hubs with -9 while it has work of each kind, and starts it again: all at once, in the long form
// also each by itself, many times.
func killHubs(s *scene) {
	s.Helper()
	rounds := [][]work{{&urgent{}, &urgent{atVictim: true}, &transfer{}, &upload{}, &recording{}}}
	if faults.Full() {
		for range 5 {
			rounds = append(rounds, []work{&urgent{}}, []work{&urgent{atVictim: true}}, []work{&transfer{}}, []work{&upload{}},
				[]work{&upload{whole: true}}, []work{&recording{}}, rounds[0])
		}
	}
	for i, all := range rounds {
		victim, other := s.hubs[i%len(s.hubs)], s.hubs[(i+1)%len(s.hubs)]
		s.spread()
		s.agentTo(victim)
		for _, w := range all {
			w.begin(s, victim)
		}
		wait(s.ctx, time.Duration(s.random.IntN(100))*time.Millisecond)
		victim.Kill()
		killed := time.Now()
		s.allConnected(killed, victim)
		s.agentBack(other, killed)
		for _, w := range all {
			w.end(s, other)
		}
		s.start(victim)
	}
}

// restartDatabase kills PostgreSQL while a bulletin is approved and an upload comes in, and starts it again.
func restartDatabase(s *scene) {
	s.Helper()
	for range faults.Count(1, 10) {
		id := s.bulletin(s.hubs[0])
		up := &upload{}
		up.begin(s, s.hubs[1])
		s.must(s.database.Kill())
		approved := make(chan error, 1)
		go func() { approved <- s.approveAtLast(id) }()
		wait(s.ctx, time.Duration(s.random.IntN(1000))*time.Millisecond)
		s.must(s.database.Resume(s.ctx))
		back := time.Now()
		s.must(<-approved)
		s.allConnected(back, nil)
		s.heardByAll(id)
		up.end(s, s.hubs[0])
		s.cancel(id, s.hubs[1])
	}
}

// approveAtLast does what people do: they try again.
func (s *scene) approveAtLast(id string) (err error) {
	for range 100 {
		if err = s.site.Chief.Call(s.ctx, "POST", "urgent/"+id+"/approve", nil, nil); err == nil {
			return nil
		}
		wait(s.ctx, 200*time.Millisecond)
	}
	return err
}

// cutBus cuts the routes between the servers of the bus, with a hub on each side.
func cutBus(s *scene) {
	s.Helper()
	for i := range faults.Count(1, 10) {
		here, there := s.hubs[i%2], s.hubs[(i+1)%2]
		s.spread()
		s.cutRoutes()
		cut := time.Now()
		during := s.bulletin(here)
		s.must(of(s.site.Chief, here).Call(s.ctx, "POST", "urgent/"+during+"/approve", nil, nil))
		s.heardByAll(during)
		for _, a := range s.stations {
			if crossed := a.is(func() bool { return a.hub == there.url && a.orders[during] > 0 }); crossed {
				s.Error("an order crossed the bus that was cut")
			}
		}
		s.allConnected(cut, nil)
		s.cutOff(here, there)
		for _, h := range []*hub{here, there} {
			s.await(h.name+" misses the other", time.Minute, func() bool { return s.hears(h) < len(s.hubs) })
			s.await(h.name+" sees all agents, by what the other writes", time.Minute, func() bool { return s.online(h) == len(s.stations)+1 })
		}
		s.mendRoutes()
		s.await("the hubs hear each other again", time.Minute, func() bool { return s.hears(here) == len(s.hubs) && s.hears(there) == len(s.hubs) })
		s.await("both see all agents", delivered, func() bool { return s.online(here) == len(s.stations)+1 && s.online(there) == len(s.stations)+1 })
		s.cutOff(here, there)
		after := s.bulletin(there)
		s.must(of(s.site.Chief, there).Call(s.ctx, "POST", "urgent/"+after+"/approve", nil, nil))
		s.heardByAll(after)
		s.orderedOnce(during)
		s.cancel(during, here)
		s.cancel(after, here)
	}
}

// cutOff blocks, at one hub, an agent that another has, and lets it in again.
func (s *scene) cutOff(here, there *hub) {
	s.Helper()
	var a *station
	for _, one := range s.stations {
		if one.is(func() bool { return one.conn != nil && one.hub == there.url }) {
			a = one
		}
	}
	if a == nil {
		s.Fatal("no agent is connected to the other hub")
	}
	chief := of(s.site.Chief, here)
	s.must(chief.Call(s.ctx, "POST", "agents/"+a.ID+"/block", nil, nil))
	took := s.await("the blocked agent is cut off", delivered, func() bool { return !a.connected(nil) })
	s.Logf("the blocked agent is cut off after %v", took.Round(10*time.Millisecond))
	s.must(chief.Call(s.ctx, "POST", "agents/"+a.ID+"/unblock", nil, nil))
	s.allConnected(time.Now(), nil)
	if !a.is(func() bool { return strings.Contains(strings.Join(a.why, " "), "AGENT_BLOCKED") }) {
		s.Errorf("it was told %v", a.why)
	}
}

func (s *scene) online(h *hub) int {
	var all struct{ Items []struct{ ID string } }
	s.must(of(s.site.Chief, h).Call(s.ctx, "GET", "agents?online=true", nil, &all))
	return len(all.Items)
}

// hears is how many hubs one hears.
func (s *scene) hears(h *hub) (n int) {
	resp, err := http.Get(h.url + "/metrics")
	s.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	s.must(err)
	_, line, _ := strings.Cut(string(text), "\nloa_hubs ")
	_, err = fmt.Sscan(line, &n)
	s.must(err)
	return n
}

// settleRecords waits until all play records are acknowledged, and looks that the hubs have each once. It sees to it as well
// that no hub did to an agent what none may.
func (s *scene) settleRecords() {
	s.Helper()
	for _, a := range s.stations {
		a.is(func() bool {
			for _, err := range a.faults {
				s.Errorf("agent %s: %v", a.ID, err)
			}
			a.quiet = true
			return true
		})
	}
	s.await("all play records are acknowledged", time.Minute, func() bool {
		for _, a := range s.stations {
			if !a.is(func() bool { return len(a.unacked) == 0 }) {
				return false
			}
		}
		return true
	})
	total := 0
	for _, a := range s.stations {
		kept := s.records(a.ID)
		for id := range a.made {
			if kept[id] != 1 {
				s.Errorf("the hubs have record %s of agent %s %d times", id, a.ID, kept[id])
			}
		}
		if len(kept) != len(a.made) {
			s.Errorf("the hubs have %d records of agent %s, which made %d", len(kept), a.ID, len(a.made))
		}
		total += len(kept)
	}
	s.Logf("%d play records, each once", total)
	for _, a := range s.stations {
		a.is(func() bool { a.quiet = false; return true })
	}
}

func (s *scene) records(agent string) map[string]int {
	s.Helper()
	kept := map[string]int{}
	query := "plays?limit=200&agent=" + agent
	for cursor := ""; ; {
		var page struct {
			Items []struct{ ID string }
			Next  string
		}
		s.must(s.site.Chief.Call(s.ctx, "GET", query+"&cursor="+url.QueryEscape(cursor), nil, &page))
		for _, p := range page.Items {
			kept[p.ID]++
		}
		if cursor = page.Next; cursor == "" {
			return kept
		}
	}
}
