package hubs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/app"
	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/faults"
	"github.com/loa-vn/loa/internal/postgres"
	"github.com/loa-vn/loa/internal/s3"
	"github.com/loa-vn/loa/internal/seal"
)

// childEnv makes this test program a loa-hub, which a test can kill.
const childEnv = "LOA_TEST_IS_HUB"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(app.Main(context.Background(), app.Process{Version: "test", Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	// The proxy leaves the data of connections that broke in its pipes.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write"))
}

// scene is hubs that serve one fleet, with all they share.
type scene struct {
	*testing.T
	ctx      context.Context
	random   *rand.Rand
	database *postgres.Server
	routes   []*toxiproxy.Proxy // by which the servers of the bus are joined
	hubs     []*hub
	stations []*station
	site     *rig.Site // its people, at the first hub
	balancer *balancer
	agent    *rig.Agent // a real one, by the balancer
	noise    string     // a file of a minute
	report   rig.Report
}

// hub is one in a process of its own.
type hub struct {
	name, url string
	args      []string
	dir       string
	*rig.Process
}

// newScene starts so many hubs on a bus with so many stations, each connected to one of them.
func newScene(t *testing.T, hubs int, bus func(s *scene, hubs int) [][]string, stations int) *scene {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	t.Cleanup(cancel)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	s := &scene{T: t, ctx: ctx, random: faults.Random(t)}
	s.makeNoise()
	var err error
	if s.database, err = postgres.Start(ctx); errors.Is(err, postgres.ErrMissing) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	s.must(err)
	t.Cleanup(func() { s.check(s.database.Stop()) })
	joined, blobs := bus(s, hubs), s3.Start(t)
	enrolled, err := hubtest.EnrollIn(ctx, s.database.URL("postgres"), "", "xa", stations)
	s.must(err)
	for i := range hubs {
		h := s.newHub(i, append(joined[i], "--database", s.database.URL("postgres"), "--blobs", blobs)...)
		if i > 0 {
			s.copyKeys(s.hubs[0].data(), h.data())
		}
		s.hubs = append(s.hubs, h)
		s.start(h)
	}
	s.settle(enrolled)
	return s
}

func (s *scene) newHub(i int, shared ...string) *hub {
	s.Helper()
	addr, err := rig.FreeAddr()
	s.must(err)
	h := &hub{name: fmt.Sprint("hub-", i), url: "http://" + addr, dir: filepath.Join(s.TempDir(), fmt.Sprint("hub-", i))}
	h.args = append([]string{"--data", h.data(), "--listen", addr}, shared...)
	s.Cleanup(func() {
		if h.Process == nil {
			return
		}
		h.Kill()
		if s.Failed() {
			s.Logf("%s:\n%s", h.name, h.Tail())
		}
	})
	return h
}

func (h *hub) data() string { return filepath.Join(h.dir, "data") }

// start starts a hub, again after it was killed.
func (s *scene) start(h *hub) {
	s.Helper()
	program, err := os.Executable()
	s.must(err)
	h.Process, err = rig.Start(program, append([]string{"serve"}, h.args...), []string{childEnv + "=1"}, h.dir+"/log")
	s.must(err)
	s.await(h.name+" serves", time.Minute, func() bool {
		ok, err := rig.Reachable(s.ctx, h.url+"/readyz")
		return ok && err == nil
	})
}

// copyKeys does what docs/operating.md has people do for a second hub.
func (s *scene) copyKeys(from, to string) {
	s.Helper()
	for _, pattern := range []string{"*-key", "trust/*"} {
		files, err := filepath.Glob(filepath.Join(from, pattern))
		s.must(err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			s.must(err)
			copied := filepath.Join(to, strings.TrimPrefix(file, from))
			s.must(os.MkdirAll(filepath.Dir(copied), 0o700))
			s.must(os.WriteFile(copied, text, 0o600))
		}
	}
}

// settle makes people, an area, a report and the stations, and waits until all are connected and have a plan.
func (s *scene) settle(enrolled []hubtest.Enrolled) {
	s.Helper()
	first := s.hubs[0]
	program, err := os.Executable()
	s.must(err)
	for _, p := range rig.People() {
		_, err := rig.Run(s.ctx, program, append(p.Args(), first.args...), []string{childEnv + "=1"}, strings.NewReader(p.Password+"\n"))
		s.must(err)
	}
	s.site, err = rig.VisitWith(s.ctx, first.url, rig.SiteOptions{Bin: s.buildAgent(), Dir: s.TempDir()})
	s.must(err)
	s.must(s.site.Chief.Call(s.ctx, "POST", "areas", map[string]any{"code": "xa", "name": "Xã", "policy": map[string]any{"windows": []map[string]any{{"start": "00:00", "end": "24:00"}}}}, nil))
	s.report, err = s.site.Ingest(s.ctx, s.noise, "Báo động lũ", nil)
	s.must(err)
	s.must(s.site.Approve(s.ctx, "reports/"+s.report.ID))
	trust, err := hubtest.TrustOf(first.data())
	s.must(err)
	ctx, cancel := context.WithCancel(s.ctx)
	var running sync.WaitGroup
	s.Cleanup(func() { cancel(); running.Wait() })
	var at []string
	for _, h := range s.hubs {
		at = append(at, h.url)
	}
	for _, who := range enrolled {
		pinned, err := seal.PinTrust(trust)
		s.must(err)
		a := newStation(who, pinned, at, s.random.Uint64())
		s.stations = append(s.stations, a)
		running.Go(func() { a.run(ctx) })
	}
	s.spread()
	s.balancer = newBalancer(s.T, s.hubs)
	s.balancer.prefer(s.hubs[1]) // while people confirm its pairing at the first
	s.site.Line = s.balancer.url
	s.agent, err = s.site.AddAgent(s.ctx, "xa", "cum-that", "PULSE_SERVER=/nonexistent")
	s.must(err)
	s.Cleanup(func() {
		s.check(s.site.Close())
		if s.Failed() {
			s.Logf("agent:\n%s", s.agent.Tail())
		}
	})
	s.agentBack(s.hubs[0], time.Time{})
}

// agentTo begins the real agent anew, connected to a hub: one that connects and breaks off all the time waits longer each time.
func (s *scene) agentTo(h *hub) {
	s.Helper()
	s.balancer.prefer(h)
	s.agent.Kill()
	began := time.Now()
	s.must(s.agent.Launch())
	s.agentBack(h, began)
}

// agentBack waits until a hub has heard the real agent since an instant.
func (s *scene) agentBack(at *hub, since time.Time) {
	s.Helper()
	s.await("the real agent is connected", time.Minute, func() bool {
		var a struct {
			Online   bool
			LastSeen time.Time `json:"last_seen"`
		}
		s.must(of(s.site.Chief, at).Call(s.ctx, "GET", "agents/"+s.agent.ID, nil, &a))
		return a.Online && a.LastSeen.After(since)
	})
	if since.IsZero() {
		return
	}
	took := time.Since(since)
	if took > backAgain {
		s.Errorf("the real agent is connected again after %v", took)
	}
	s.Logf("the real agent is connected after %v", took.Round(10*time.Millisecond))
}

func (s *scene) buildAgent() string {
	s.Helper()
	dir := s.TempDir()
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "loa-agent"), "github.com/loa-vn/loa/agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("build agent: %v\n%s", err, out)
	}
	return dir
}

// spread brings the stations to all hubs, as many to each.
func (s *scene) spread() {
	s.Helper()
	s.await("each station is where it belongs", time.Minute, func() bool {
		all := true
		for i, a := range s.stations {
			to := i % len(s.hubs)
			a.move(to)
			all = all && a.is(func() bool { return a.conn != nil && a.hub == s.hubs[to].url })
		}
		return all
	})
}

func (s *scene) makeNoise() {
	s.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil && os.Getenv("CI") == "" {
		s.Skip("ffmpeg is not installed: make setup")
	}
	s.noise = filepath.Join(s.TempDir(), "noise.wav")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=d=60:c=pink:a=0.3:seed=8", "-ac", "1", s.noise).CombinedOutput()
	if err != nil {
		s.Fatalf("ffmpeg: %v\n%s", err, out)
	}
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *scene) check(err error) {
	s.Helper()
	if err != nil {
		s.Error(err)
	}
}

// await fails when something is not so in time; it gives how long that took.
func (s *scene) await(what string, patience time.Duration, is func() bool) time.Duration {
	s.Helper()
	began := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Since(began) > patience || s.ctx.Err() != nil {
			s.Fatalf("not so within %v: %s", patience, what)
		}
		<-tick.C
	}
	return time.Since(began)
}

// of gives a person at a hub.
func of(person *rig.Client, h *hub) *rig.Client {
	there := *person
	there.Base = h.url
	return &there
}

// allConnected waits until every station is connected, to a hub that is not dead, which must be so in time after a fault.
func (s *scene) allConnected(since time.Time, dead *hub) {
	s.Helper()
	s.await("all are connected", time.Minute, func() bool {
		for _, a := range s.stations {
			if !a.connected(dead) {
				return false
			}
		}
		return true
	})
	took := time.Since(since)
	if took > backAgain {
		s.Errorf("all agents connected again after %v", took)
	}
	s.Logf("all %d agents connected after %v", len(s.stations), took.Round(10*time.Millisecond))
}

// tus asks a hub about an upload in pieces.
func (s *scene) tus(h *hub, method, path string, body io.Reader, header ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(s.ctx, method, h.url+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.site.Author.Do(req)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return resp, err
}
