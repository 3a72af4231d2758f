package e2e

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	agentapp "github.com/loa-vn/loa/agent/app"

	"github.com/loa-vn/loa/agent/agenttest"
	hubapp "github.com/loa-vn/loa/hub/app"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/mono"
)

const (
	communes = 5
	clusters = 10 // in each commune
)

// TestFiftyAgentsPlayADaypartWithoutTheHub is a district in one process: a hub, five communes of ten clusters,
// each with a fake sound card. A report is put into every commune's evening but the last one's; the hub is gone
// before the evening begins, and learns afterwards what was heard.
func TestFiftyAgentsPlayADaypartWithoutTheHub(t *testing.T) {
	needs(t, "ffmpeg", "espeak-ng")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	d := newDistrict(t, ctx)
	d.pairAll()

	wav := filepath.Join(d.dir, "speech.wav")
	out, err := exec.CommandContext(ctx, "espeak-ng", "-v", "vi", "-s", "180", "-w", wav, words).CombinedOutput()
	if err != nil {
		t.Fatalf("espeak-ng: %v\n%s", err, out)
	}
	report, err := d.site.Ingest(ctx, wav, "Tìm hiểu pháp luật", nil)
	d.must(err)
	d.must(d.site.Approve(ctx, "reports/"+report.ID))
	d.must(d.site.AwaitAgents(ctx, communes*clusters))

	first := d.versions()
	evening := time.Now().Add(25 * time.Second).Truncate(time.Second)
	d.evening(evening)
	d.must(rig.Await(ctx, "every agent knows its evening", func(context.Context) (bool, error) {
		for name, version := range d.versions() {
			if version <= first[name] {
				return false, nil
			}
		}
		return true, nil
	}))
	before := d.versions()
	broadcast, err := d.site.Schedule(ctx, report.ID, "Tìm hiểu pháp luật",
		map[string]any{"daypart": "evening", "date": evening.In(fleet).Format(time.DateOnly)}, commune(0), commune(1), commune(2), commune(3))
	d.must(err)
	d.must(d.site.AwaitArmed(ctx, broadcast))
	after := d.versions()
	d.stopHub()

	instant := mono.Now().Add(time.Until(evening))
	d.heard(instant, audio.Frames(length(report)))
	d.startHub()
	d.records(broadcast, evening, report)
	for name, version := range after {
		want := before[name] + 1
		if !d.target(name) {
			want = before[name] // only those whom it concerns get a new plan
		}
		if version != want {
			t.Errorf("%s went from plan version %d to %d, want %d", name, before[name], version, want)
		}
	}
}

// target tells whether the broadcast means an agent.
func (d *district) target(name string) bool { return !strings.HasPrefix(name, commune(communes-1)) }

var fleet = time.FixedZone("", 7*3600)

func commune(i int) string { return fmt.Sprintf("xa-%d", i) }

type district struct {
	t    *testing.T
	ctx  context.Context //nolint:containedctx // a test's own, handed to every call of it
	dir  string
	site *rig.Site

	hub     *hubapp.App
	listen  string
	hubStop func()

	mu    sync.Mutex
	cards map[string]*agenttest.Card // by agent's name
	ids   map[string]string
}

func newDistrict(t *testing.T, ctx context.Context) *district { //nolint:revive // a helper takes its test first
	d := &district{t: t, ctx: ctx, dir: t.TempDir(), listen: "127.0.0.1:0", cards: map[string]*agenttest.Card{}, ids: map[string]string{}}
	for _, p := range rig.People() {
		var errs bytes.Buffer
		code := hubapp.Main(ctx, hubapp.Process{Args: append(p.Args(), "--data", d.hubDir()), In: strings.NewReader(p.Password + "\n"), Out: &errs, Err: &errs})
		if code != 0 {
			t.Fatal(errs.String())
		}
	}
	d.startHub()
	t.Cleanup(func() { d.stopHub() })
	var err error
	d.site, err = rig.Visit(ctx, "http://"+d.listen, d.dir)
	d.must(err)
	for i := range communes {
		d.must(d.site.Chief.Call(ctx, "POST", "areas", map[string]any{"code": commune(i), "name": "Xã " + fmt.Sprint(i),
			"policy": map[string]any{"windows": []map[string]any{{"start": "00:00", "end": "24:00"}}}}, nil))
	}
	return d
}

func (d *district) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *district) hubDir() string { return filepath.Join(d.dir, "hub") }

// startHub starts the hub, the second time on the address of the first.
func (d *district) startHub() {
	d.t.Helper()
	hub, err := hubapp.New(d.ctx, hubapp.Options{Listen: d.listen, Data: d.hubDir(), Logger: d.log("hub")})
	d.must(err)
	d.hub, d.listen = hub, hub.Addr()
	d.hubStop = d.start("hub", hub.Run)
}

func (d *district) stopHub() {
	d.hubStop()
	d.hubStop = func() {}
}

// start runs a job until the function it gives is called, which waits.
func (d *district) start(name string, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(d.ctx)
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Errorf("%s: %v", name, err)
		}
	}
}

func (d *district) log(name string) *slog.Logger {
	return slog.New(slog.NewTextHandler(d.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})).With("who", name)
}

// pairAll pairs and starts all agents, ten at a time.
func (d *district) pairAll() {
	d.t.Helper()
	var group errgroup.Group
	group.SetLimit(10)
	for i := range communes * clusters {
		group.Go(func() error {
			return d.agent(commune(i/clusters), fmt.Sprintf("%s-cum-%d", commune(i/clusters), i%clusters))
		})
	}
	d.must(group.Wait())
}

func (d *district) agent(area, name string) error {
	settings := config.Agent{Data: filepath.Join(d.dir, name), Hub: "http://" + d.listen, Console: config.ConsoleOff, Name: name, CacheLimit: 1 << 30}
	id, err := d.site.Pair(d.ctx, area, name, func(code string) (string, error) {
		var out bytes.Buffer
		err := agentapp.Pair(d.ctx, settings, code, true, agentapp.Terminal{In: strings.NewReader(""), Out: &out}, d.log(name))
		return out.String(), err
	})
	if err != nil {
		return err
	}
	card := agenttest.NewCard()
	app, err := agentapp.New(agentapp.Options{Config: settings, Version: "test", Log: d.log(name), Output: card})
	if err != nil {
		return err
	}
	d.t.Cleanup(d.start(name, app.Run))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cards[name], d.ids[name] = card, id
	return nil
}

// evening gives every commune an evening of two minutes from an instant on.
func (d *district) evening(start time.Time) {
	d.t.Helper()
	clock := func(t time.Time) string { return t.In(fleet).Format(time.TimeOnly) }
	for i := range communes {
		d.must(d.site.Chief.Call(d.ctx, "PATCH", "areas/"+commune(i), map[string]any{
			"dayparts": []map[string]any{{"name": "evening", "start": clock(start), "end": clock(start.Add(2 * time.Minute))}}}, nil))
	}
}

// versions gives the plan version that each agent has active.
func (d *district) versions() map[string]uint64 {
	d.t.Helper()
	var page struct {
		Items []struct {
			Name        string
			PlanVersion uint64 `json:"plan_version"`
		}
	}
	d.must(d.site.Chief.Call(d.ctx, "GET", "agents?limit=100", nil, &page))
	versions := map[string]uint64{}
	for _, a := range page.Items {
		versions[a.Name] = a.PlanVersion
	}
	return versions
}

// heard checks what each card got: the targets' the whole report at its instant, the others' nothing.
func (d *district) heard(instant mono.Instant, frames int64) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, instant.Add(audio.Duration(frames)+10*time.Second).Sub(mono.Now()))
	defer cancel()
	for name, card := range d.cards {
		if !d.target(name) {
			continue
		}
		sounded := card.WaitSounded(ctx, 1)
		if len(sounded) != 1 {
			d.t.Errorf("%s: %d stretches sounded, want one: %+v", name, len(sounded), sounded)
			continue
		}
		s := sounded[0]
		if late := s.At.Sub(instant); late.Abs() > 100*time.Millisecond || s.From > audio.Rate/10 || frames-s.To > audio.Rate/10 {
			d.t.Errorf("%s: frames %d to %d of %d, %v late", name, s.From, s.To, frames, late)
		}
	}
	for name, card := range d.cards {
		if !d.target(name) && len(card.Sounded()) > 0 {
			d.t.Errorf("%s was no target and played %+v", name, card.Sounded())
		}
	}
}

// records checks the hub's play log: one record for each target, none for the others.
func (d *district) records(broadcast string, planned time.Time, report rig.Report) {
	d.t.Helper()
	for name, id := range d.ids {
		want := 1
		if !d.target(name) {
			want = 0
		}
		plays, err := d.site.AwaitPlays(d.ctx, id, broadcast, want)
		d.must(err)
		if len(plays) != want {
			d.t.Errorf("%s: %d records, want %d", name, len(plays), want)
		}
		for _, p := range plays {
			if p.Outcome != "played" || !p.PlannedStart.Equal(planned) || report.DurationMS-p.ReachedMS > 100 {
				d.t.Errorf("%s: %s/%s planned %v, %d of %d ms reached the card", name, p.Outcome, p.Reason, p.PlannedStart, p.ReachedMS, report.DurationMS)
			}
		}
	}
}
