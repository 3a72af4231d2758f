package hubs

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/faults"
)

// outside starts two NATS servers that are joined by one route, and gives what hubs need to have half of them at each.
func outside(s *scene, hubs int) (settings [][]string) {
	s.Helper()
	var addresses []string
	var routes []*url.URL
	for range 2 {
		n, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, Routes: routes,
			Cluster: server.ClusterOpts{Name: "loa", Host: "127.0.0.1", Port: -1, NoAdvertise: true, PoolSize: -1}})
		s.must(err)
		go n.Start()
		s.Cleanup(func() { n.Shutdown(); n.WaitForShutdown() })
		if !n.ReadyForConnections(30 * time.Second) {
			s.Fatal("NATS does not start")
		}
		addresses = append(addresses, n.ClientURL())
		if len(routes) == 0 {
			routes = []*url.URL{{Scheme: "nats-route", Host: s.newRoute("127.0.0.1:0", n.ClusterAddr().String())}}
			continue
		}
		s.await("the NATS servers are joined", 30*time.Second, func() bool { return n.NumRoutes() > 0 })
	}
	for i := range hubs {
		settings = append(settings, []string{"--bus", addresses[i%2]})
	}
	return settings
}

// own gives hubs what they need to join each other. They reach each other by routes that can be cut, which have the hubs' ports:
// it is there as well that one hub tells another where a third one is.
func own(s *scene, hubs int) (settings [][]string) {
	s.Helper()
	var listen, reached []string
	for i := range hubs {
		addr, err := rig.FreeAddr()
		s.must(err)
		_, port, err := net.SplitHostPort(addr)
		s.must(err)
		listen = append(listen, fmt.Sprintf("127.0.0.%d:%s", i+2, port))
		reached = append(reached, s.newRoute(addr, listen[i]))
	}
	for _, addr := range listen {
		settings = append(settings, []string{"--bus", "hubs", "--bus-listen", addr, "--bus-hubs", strings.Join(reached, ",")})
	}
	return settings
}

// newRoute makes a route that can be cut, and gives where it begins.
func (s *scene) newRoute(from, to string) string {
	s.Helper()
	r := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "route", from, to)
	s.must(r.Start())
	s.Cleanup(r.Stop)
	s.routes = append(s.routes, r)
	return r.Listen
}

func (s *scene) cutRoutes() {
	for _, r := range s.routes {
		r.Stop()
	}
}

func (s *scene) mendRoutes() {
	s.Helper()
	for _, r := range s.routes {
		s.must(r.Start())
	}
}

// killAndJoin kills a hub with -9 and starts it again: it joins the others by itself, and each sees all agents.
func killAndJoin(s *scene) {
	s.Helper()
	for range faults.Count(1, 3) {
		victim := s.hubs[s.random.IntN(len(s.hubs))]
		victim.Kill()
		s.allConnected(time.Now(), victim)
		for _, h := range s.hubs {
			if h != victim {
				s.await(h.name+" misses it", time.Minute, func() bool { return s.hears(h) == len(s.hubs)-1 })
			}
		}
		s.start(victim)
		for _, h := range s.hubs {
			took := s.await(h.name+" hears all", time.Minute, func() bool { return s.hears(h) == len(s.hubs) })
			s.Logf("%s hears all after %v", h.name, took.Round(10*time.Millisecond))
			s.await(h.name+" sees all agents", delivered, func() bool { return s.online(h) == len(s.stations)+1 })
		}
		askAcross(s)
	}
}

// openDoors sees to it that each hub listens where its settings say, and nowhere else.
func openDoors(s *scene) {
	s.Helper()
	for _, h := range s.hubs {
		want := []string{h.args[slices.Index(h.args, "--listen")+1], h.args[slices.Index(h.args, "--bus-listen")+1]}
		slices.Sort(want)
		if got := s.listens(h); !slices.Equal(got, want) {
			s.Errorf("%s listens on %v, want %v", h.name, got, want)
		}
	}
}

// listens gives the addresses on which a hub listens, those of IPv6 as the kernel writes them (proc(5), /proc/net/tcp).
func (s *scene) listens(h *hub) (addresses []string) {
	s.Helper()
	proc := fmt.Sprint("/proc/", h.PID())
	fds, err := filepath.Glob(proc + "/fd/*")
	s.must(err)
	mine := map[string]bool{}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil { // else it was closed meanwhile
			mine[to] = true
		}
	}
	for _, table := range []string{"/net/tcp", "/net/tcp6"} {
		f, err := os.Open(proc + table)
		s.must(err)
		for lines := bufio.NewScanner(f); lines.Scan(); {
			field := strings.Fields(lines.Text())
			if len(field) < 10 || field[3] != "0A" || !mine["socket:["+field[9]+"]"] {
				continue
			}
			var a, b, c, d, port int
			if _, err := fmt.Sscanf(field[1], "%2x%2x%2x%2x:%4x", &d, &c, &b, &a, &port); err != nil {
				addresses = append(addresses, field[1])
				continue
			}
			addresses = append(addresses, fmt.Sprintf("%d.%d.%d.%d:%d", a, b, c, d, port))
		}
		s.check(f.Close())
	}
	slices.Sort(addresses)
	return addresses
}
