package pages

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/fleet"
	"github.com/loa-vn/loa/internal/e2e/rig"
)

// TestFleetPages is the admin's watch over clusters: simulated ones that speak the real protocol, and a real agent for
// what a person asks of one.
func TestFleetPages(t *testing.T) {
	t.Parallel()
	abroad, env := tellAbroad(t)
	ctx, site, _ := hub(t, 5*time.Minute, append(env, "LOA_HUB_ALARM_OFFLINE=4s"))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(site.Hub.Stop()) // agents are written past it
	s := &stand{t: t, site: site, groups: map[string]*crowd{}}
	for area, n := range map[string]int{"hoang-dao": 240, "lien-chau": 60} {
		agents, err := hubtest.Enroll(ctx, site.HubData(), area, n)
		must(err)
		s.groups[area] = &crowd{agents: agents}
	}
	must(site.StartHub(ctx))
	must(site.SignIn(ctx))
	var err error
	s.trust, err = hubtest.TrustOf(site.HubData())
	must(err)
	real, err := site.AddAgent(ctx, "hoang-dao", "Cụm loa nhà văn hóa", "PULSE_SERVER=unix:/nowhere")
	must(err)
	for area := range s.groups {
		must(s.connect(ctx, area))
	}
	defer s.cutAll()
	control := httptest.NewServer(http.HandlerFunc(s.do))
	defer control.Close()

	page, line := newLine(t, strings.TrimPrefix(site.URL, "http://"))
	err = playwright(ctx, t, "fleet", []string{"LOA_URL=" + page, "LOA_HUB_URL=" + site.URL, "LOA_LINE=" + line, "LOA_SPEECH=none", "LOA_STAND=" + control.URL, "LOA_TOLD=" + abroad.address,
		"LOA_AGENT=" + real.ID, "LOA_AGENT_BIN=" + site.Program("loa-agent")})
	if err != nil {
		t.Errorf("%v\nhub:\n%s\nagent:\n%s", err, site.Hub.Tail(), real.Tail())
	}
}

// stand is what the browser's tests move the simulated clusters by.
type stand struct {
	t      *testing.T
	site   *rig.Site
	trust  []byte
	groups map[string]*crowd // by area
}

// crowd is the simulated clusters of one area, which a cut takes all at once.
type crowd struct {
	agents []hubtest.Enrolled
	fleet  *fleet.Fleet
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// do follows /cut?area=, /mend?area= and /say?area=&n=&card=&clock=: cluster n of an area tells its state; for all
// others of it n is -1.
func (s *stand) do(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	area, err := q.Get("area"), error(nil)
	switch r.URL.Path {
	case "/cut":
		s.groups[area].cut()
	case "/mend":
		err = s.connect(context.WithoutCancel(r.Context()), area)
	case "/say":
		n := -1
		_, _ = fmt.Sscan(q.Get("n"), &n)
		for i, a := range s.groups[area].agents {
			if n == -1 || n == i {
				err = s.groups[area].fleet.Say(a.ID, state(q.Get("card"), q.Get("clock")))
			}
		}
	}
	if err == nil {
		return
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

func state(card, clock string) broadcast.Status {
	now := time.Now()
	if card == "" {
		card = "ok"
	}
	if clock == "" {
		clock = "synced"
	}
	return broadcast.Status{At: now, Software: "fleet", PlanExpires: now.AddDate(0, 0, 35), Clock: broadcast.ClockStatus{Trust: clock, OffsetMS: 3, ErrorMS: 5},
		Cache: broadcast.CacheStatus{State: "ok", UsedBytes: 70 << 20, LimitBytes: 8 << 30, FreeBytes: 50 << 30, ArmedUntil: now.AddDate(0, 0, 7)},
		Card:  broadcast.CardStatus{State: card, Since: now}}
}

func (s *stand) connect(ctx context.Context, area string) error {
	c := s.groups[area]
	o := fleet.Options{Hub: s.site.URL, Trust: s.trust, Lost: func(_ string, err error) { s.t.Errorf("fleet of %s: %v", area, err) }}
	for _, a := range c.agents {
		o.Agents = append(o.Agents, fleet.Identity(a))
	}
	var err error
	if c.fleet, err = fleet.New(o); err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	c.wait.Go(func() { c.fleet.Run(running) })
	err = rig.Await(ctx, "the clusters of "+area+" are connected", func(context.Context) (bool, error) {
		return c.fleet.Connected() == len(c.agents), nil
	})
	if err != nil {
		return err
	}
	for _, a := range c.agents {
		if err := c.fleet.Say(a.ID, state("", "")); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) cut() {
	if c.cancel != nil {
		c.cancel()
		c.wait.Wait()
	}
}

func (s *stand) cutAll() {
	for _, c := range s.groups {
		c.cut()
	}
}
