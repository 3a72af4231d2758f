package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/agent/internal/link"
	"github.com/loa-vn/loa/agent/internal/player/playertest"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/seal"
)

// TestFaultThirtyFiveDaysWithoutANetwork boots an agent cold beside a plan and its audio, with a hardware clock and no
// line, and lets it play: real cache on bbolt, clock, scheduler, player and play log, a fake card. It plays 35 days, each
// item at its sample, by the commune's own dayparts; then it is silent and says why.
func TestFaultThirtyFiveDaysWithoutANetwork(t *testing.T) {
	dir, sound := memory(t), reports(lengths...)
	synctest.Test(t, func(t *testing.T) {
		m := &month{pc: newStation(t, dir, time.Date(2026, 12, 1, 0, 0, 0, 0, time.FixedZone("", 7*3600)), sound), dir: dir}
		m.hub = &hub{t: t, key: newKey(t)}
		if err := keepPairing(dir, "http://127.0.0.1:1", "", newKey(t), m.paired()); err != nil {
			t.Fatal(err)
		}
		first := m.pc.now()
		m.boot() // the hub was there for an hour
		if err := m.app.clock.Sync(first, m.pc.instant(), m.pc.instant()); err != nil {
			t.Fatal(err)
		}
		m.plan(first)
		<-time.After(time.Hour)
		m.off()
		<-time.After(time.Hour)

		m.boot()
		<-time.After(35*24*time.Hour - 2*time.Hour - time.Minute)
		m.playing()
		<-time.After(time.Minute + 40*time.Hour)
		m.silent()
		m.off()
		m.compare(first)
	})
}

// month is an agent in a synctest bubble, with all its parts but the link, the console's port and health's clockwork.
type month struct {
	pc    *station
	dir   string
	hub   *hub
	app   *App
	card  *playertest.Card
	stop  context.CancelFunc
	jobs  *errgroup.Group
	heard []stretch
}

func newKey(t *testing.T) seal.Key {
	t.Helper()
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (m *month) paired() link.Paired {
	role, now := seal.RoleKeys{Keys: []string{m.hub.key.ID()}, Threshold: 1}, m.pc.now()
	trust, err := seal.NewTrust(seal.TrustDoc{Version: 1, IssuedAt: now.Add(-time.Minute), Expires: now.AddDate(1, 0, 0),
		Roles: seal.Roles{Root: role, Planner: role, Urgent: role, Time: role}, Keys: map[string]seal.PublicKey{m.hub.key.ID(): m.hub.key.Public()}}, m.hub.key)
	if err != nil {
		m.pc.t.Fatal(err)
	}
	return link.Paired{Agent: "agent-1", Name: "Xã A", Area: "a", Trust: [][]byte{trust.Envelope()}}
}

// boot starts the machine, with a good hardware clock, and on it the agent.
func (m *month) boot() {
	t := m.pc.t
	m.pc.power(m.pc.now, 0)
	machine := m.pc.machine()
	m.card = playertest.New(m.pc.instant)
	m.card.TellEvery = 5 * time.Second
	var err error
	m.app, err = New(Options{Config: config.Agent{Data: m.dir, Console: config.ConsoleOff, CacheLimit: 1 << 30}, Version: "test", Output: m.card,
		Machine: &machine, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	who, err := loadIdentity(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.app.paired, err = m.app.assemble(who); err != nil {
		t.Fatal(err)
	}
	m.app.who = who
	ctx, cancel := context.WithCancel(t.Context())
	m.stop, m.jobs = cancel, &errgroup.Group{}
	p := m.app.paired
	for _, run := range []func(context.Context) error{p.cache.Run, p.player.Run, p.scheduler.Run} {
		m.jobs.Go(func() error { return named("part", run(ctx)) })
	}
}

// off ends the agent and takes down what the card got.
func (m *month) off() {
	m.stop()
	if err := m.jobs.Wait(); err != nil {
		m.pc.t.Error(err)
	}
	if err := m.app.clock.Save(); err != nil {
		m.pc.t.Error(err)
	}
	if err := m.app.paired.cache.Close(); err != nil {
		m.pc.t.Error(err)
	}
	for _, h := range m.card.Sounded() {
		m.heard = append(m.heard, m.pc.pieces(h)...)
	}
}

// The commune's dayparts and what is in them, by time and seconds.
func dayparts() []broadcast.Daypart {
	return []broadcast.Daypart{
		{Name: "morning", Start: 5 * 3600, End: 5*3600 + 900, Reserved: []broadcast.Reserved{{Start: 5 * 3600, End: 5*3600 + 300, Label: "VOV"}}},
		{Name: "evening", Start: 17*3600 + 1800, End: 18 * 3600, Days: 0b0111111}, // not on Sundays
	}
}

// plan brings 36 days of it, good for 35.
func (m *month) plan(now time.Time) {
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		m.pc.t.Fatal(err)
	}
	head := broadcast.Head{Audience: "agent-1", Version: 1, IssuedAt: now, Expires: now.AddDate(0, 0, 35), Zone: zone.String(), Rules: broadcast.Inherit()}
	var blobs [][]byte
	item := func(seconds int) broadcast.Item {
		file, length := m.pc.sound[audioOf(seconds)], time.Duration(seconds)*time.Second
		manifest := m.hub.manifest(file, length)
		blobs = append(blobs, file, manifest)
		return broadcast.Item{Report: fmt.Sprint("r", seconds), Title: "Tìm hiểu pháp luật", Audio: hash(file), Manifest: hash(manifest), DurationMS: length.Milliseconds()}
	}
	candidate := func(id string, lateness broadcast.LatenessRule, items ...broadcast.Item) broadcast.Candidate {
		return broadcast.Candidate{Broadcast: id, Version: 1, Title: id, Class: broadcast.Normal, Owner: broadcast.OwnerHub, ApprovedAt: now.AddDate(0, 0, -1),
			Lateness: broadcast.Lateness{Rule: lateness}, Items: items}
	}
	var days []broadcast.Day
	for i := range 36 {
		date := broadcast.DateOf(now, zone).AddDays(i)
		morning, evening, noon := candidate("m", broadcast.LateSkip, item(20), item(33)), candidate("e", broadcast.LateSkip, item(45)), candidate("x", broadcast.LateJoin, item(10))
		at := date.At(12*3600, zone)
		morning.Daypart, evening.Daypart, noon.At = "morning", "evening", &at
		days = append(days, broadcast.Day{Date: date, Dayparts: broadcast.Occurrences(dayparts(), date, zone), Candidates: []broadcast.Candidate{morning, evening, noon}})
	}
	m.hub.bring(m.app.paired.cache, head, days, blobs...)
}

func (m *month) view() console.View {
	m.pc.t.Helper()
	v, err := console.Make(m.app.sources(), true)
	if err != nil {
		m.pc.t.Fatal(err)
	}
	return v
}

func (m *month) playing() {
	v := m.view()
	if v.Clock.Trust != "plausible" || v.Cache.Missing != 0 || v.Plan == nil || v.Silence != "" {
		m.pc.t.Errorf("a minute before the end: %+v, clock %+v, cache %+v", v, v.Clock, v.Cache)
	}
}

// silent: status, why and words say that the plan ran out.
func (m *month) silent() {
	v, t := m.view(), m.pc.t
	if v.Silence != broadcast.ReasonPlanEnded || v.NowPlaying != nil || v.Next != nil || !v.PlanExpires.Before(m.pc.now()) {
		t.Errorf("after the end the status says %q, playing %+v, next %+v, plan until %s", v.Silence, v.NowPlaying, v.Next, v.PlanExpires)
	}
	if words := inWords(v); !strings.Contains(words, broadcast.ReasonPlanEnded) {
		t.Errorf("in words:\n%s", words)
	}
	last := v.PlanExpires.Add(5*time.Hour + 5*time.Minute + 10*time.Second) // the first item that is not heard
	if why := m.app.paired.cache.Plan().Why(last, m.app.paired.scheduler.State(), nil); why.Winner != nil || why.Silence != broadcast.ReasonPlanEnded {
		t.Errorf("why is nothing heard at %s? %+v", last, why)
	}
}

// compare holds what the card got to 35 days of the commune's dayparts, to the sample.
func (m *month) compare(first time.Time) {
	zone := time.FixedZone("", 7*3600)
	first = first.In(zone)
	var want []string
	for i := range 35 {
		day := first.AddDate(0, 0, i)
		add := func(clock string, seconds int) {
			want = append(want, fmt.Sprintf("%s %s, %d samples", day.Format(time.DateOnly), clock, seconds*audio.Rate))
		}
		add("05:05:00", 20)
		add("05:05:20", 33)
		add("12:00:00", 10)
		if day.Weekday() != time.Sunday {
			add("17:30:00", 45)
		}
	}
	var got []string
	for _, h := range m.heard {
		text := fmt.Sprintf("%s, %d samples", h.at.In(zone).Format("2006-01-02 15:04:05.999999"), h.to-h.from)
		if h.from != 0 {
			text += fmt.Sprint(" from ", h.from)
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		for i := range max(len(got), len(want)) {
			switch {
			case i >= len(got):
				m.pc.t.Errorf("not heard: %s", want[i])
			case i >= len(want):
				m.pc.t.Errorf("heard beyond what was planned: %s", got[i])
			case got[i] != want[i]:
				m.pc.t.Fatalf("item %d: heard %s, want %s", i, got[i], want[i])
			}
		}
	}
	m.pc.t.Logf("%d items in 35 days, each at its sample", len(got))
}
