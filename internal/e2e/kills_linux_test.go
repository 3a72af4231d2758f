package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/faults"
	"github.com/loa-vn/loa/internal/mono"
)

// The pattern of a kill run: three slots back to back, one of each lateness rule, then room for a late one.
const (
	killRound = 13 * time.Second
	killAhead = 10 * time.Second // a round is planned so long before it begins
	// offBeat is how far from its place a sound may be found: where the machine is so busy that the card runs dry, the
	// sound is shifted until the speaker notices. Slots of one chirp are much further apart.
	offBeat = time.Second
	// lastBreath is how long what the sound server has already goes on after a kill.
	lastBreath = 700 * time.Millisecond
)

// killRules are the rules of a round's slots, in their order; slot i plays chirp i.
func killRules() []string { return []string{"join", "skip", "whole:1"} }

// kills is a hub and agents that are killed again and again.
type kills struct {
	*station
	wanted  int64
	done    atomic.Int64
	inSound atomic.Int64
	reports [chirps]rig.Report
	noises  []rig.Report
	victims []*victim

	mu    sync.Mutex
	slots []killSlot
	later []string // broadcasts of tomorrow: audio that is always being fetched
}

// victim is one agent with its card.
type victim struct {
	*rig.Agent
	card *soundcard.Card
	rec  *soundcard.Recording
	rand *rand.Rand

	killed []time.Time
}

type killSlot struct {
	broadcast string
	chirp     chirp
	rule      string
	start     time.Time
}

// TestKilledFault kills the real agent at random moments, while it fetches, changes plan, plays and reports: a
// thousand times in the long form. The recordings of the cards say what was heard, the hub's play log what was told.
func TestKilledFault(t *testing.T) {
	needs(t, "ffmpeg", "pulseaudio")
	k := newKills(t, faults.Count(10, 1000), faults.Count(1, 3))
	first := time.Now().Add(killAhead).Truncate(time.Second)
	k.plan(first)
	for _, sl := range k.slots {
		k.must(k.AwaitArmed(k.ctx, sl.broadcast))
	}
	work, ctx := errgroup.WithContext(k.ctx)
	over, stopPlanning := context.WithCancel(ctx)
	work.Go(func() error { return k.planRounds(over, first) })
	work.Go(func() error {
		defer stopPlanning()
		if err := sleep(ctx, time.Until(first.Add(-time.Second))); err != nil {
			return err
		}
		killing, ctx := errgroup.WithContext(ctx)
		for _, v := range k.victims {
			killing.Go(func() error { return k.kill(ctx, v) })
		}
		return killing.Wait()
	})
	k.must(work.Wait())
	t.Logf("%d kills, %d of them while a slot sounded, %d slots, %d agents", k.done.Load(), k.inSound.Load(), len(k.slots), len(k.victims))
	k.settle()
	for _, v := range k.victims {
		k.judge(v)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newKills(t *testing.T, wanted, agents int) *kills {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	t.Cleanup(cancel)
	s := &station{t: t, ctx: ctx, dir: t.TempDir()}
	k := &kills{station: s, wanted: int64(wanted)}
	var err error
	s.Site, err = rig.NewSite(ctx, rig.SiteOptions{Bin: bin, Dir: s.dir})
	s.must(err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("hub:\n%s", s.Hub.Tail())
			for _, v := range k.victims {
				t.Logf("agent %s:\n%s", v.Name, v.Tail())
			}
		}
	})
	s.Line = slowLine(t, s.URL, 30)
	s.must(s.Chief.Call(ctx, "POST", "areas", map[string]any{
		"code": "hoang-dao", "name": "Xã Hoằng Đạo",
		"policy": map[string]any{"windows": []map[string]any{{"start": "00:00", "end": "24:00"}}},
	}, nil))
	for c := range chirp(chirps) {
		file := filepath.Join(s.dir, fmt.Sprintf("chirp%d.wav", c))
		s.must(c.write(file))
		k.reports[c] = s.approved(file)
		c.readable(t, s.meant)
	}
	for i := range agents {
		k.noises = append(k.noises, s.approved(s.noise(40*time.Second+time.Duration(i)*time.Second)))
	}
	random := faults.Random(t)
	for i := range agents {
		v := &victim{rand: rand.New(rand.NewPCG(random.Uint64(), 0))}
		v.card, err = soundcard.Start(ctx, filepath.Join(s.dir, fmt.Sprintf("card%d", i)))
		s.must(err)
		t.Cleanup(func() { _ = v.card.Close() })
		v.Agent, err = s.AddAgent(ctx, "hoang-dao", fmt.Sprintf("loa-%d", i), "PULSE_SERVER="+v.card.Server())
		s.must(err)
		v.rec, err = v.card.Record(ctx)
		s.must(err)
		t.Cleanup(v.rec.Stop)
		k.victims = append(k.victims, v)
	}
	return k
}

// slowLine is a proxy to the hub that lets so many KB pass in a second towards the agents.
func slowLine(t *testing.T, hub string, rate int) string {
	t.Helper()
	line := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "line", "127.0.0.1:0", strings.TrimPrefix(hub, "http://"))
	if err := line.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(line.Stop)
	_, err := line.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"type":"bandwidth","stream":"downstream","attributes":{"rate":%d}}`, rate)))
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + line.Listen
}

// plan plans the round that begins at start, and something to fetch.
func (k *kills) plan(start time.Time) {
	k.t.Helper()
	k.must(k.planRound(k.ctx, start))
}

func (k *kills) planRound(ctx context.Context, start time.Time) error {
	for i, rule := range killRules() {
		sl := killSlot{chirp: chirp(i), rule: rule, start: start.Add(time.Duration(i) * chirpLength)}
		var err error
		if sl.broadcast, err = k.schedule(ctx, k.reports[i], rule, sl.start); err != nil {
			return err
		}
		k.mu.Lock()
		k.slots = append(k.slots, sl)
		k.mu.Unlock()
	}
	if n := len(k.later); n < len(k.noises) {
		id, err := k.schedule(ctx, k.noises[n], "join", start.Add(24*time.Hour))
		if err != nil {
			return err
		}
		k.later = append(k.later, id)
	}
	return nil
}

func (k *kills) schedule(ctx context.Context, report rig.Report, rule string, at time.Time) (string, error) {
	var b struct{ ID string }
	err := k.Author.Call(ctx, "POST", "broadcasts", map[string]any{
		"title": "Tìm hiểu pháp luật", "class": "normal", "items": []map[string]string{{"report": report.ID}}, "lateness": rule,
		"when": map[string]any{"at": at.In(fleet).Format("2006-01-02T15:04:05")}, "targets": map[string]any{"areas": []string{"hoang-dao"}},
	}, &b)
	if err != nil {
		return "", err
	}
	return b.ID, k.Approve(ctx, "broadcasts/"+b.ID)
}

// planRounds plans round after round until ctx ends, so that the plan changes all the time.
func (k *kills) planRounds(ctx context.Context, first time.Time) error {
	for next := first.Add(killRound); ; next = next.Add(killRound) {
		select {
		case <-time.After(time.Until(next.Add(-killAhead))):
		case <-ctx.Done():
			return nil
		}
		if err := k.planRound(context.WithoutCancel(ctx), next); err != nil {
			return err
		}
	}
}

// kill kills one agent and starts it again, until all kills are done.
func (k *kills) kill(ctx context.Context, v *victim) error {
	for k.done.Add(1) <= k.wanted {
		life := time.Duration(v.rand.Int64N(int64(1600 * time.Millisecond)))
		if v.rand.IntN(5) == 0 {
			life += time.Duration(v.rand.Int64N(int64(4 * time.Second)))
		}
		select {
		case <-time.After(life):
		case <-v.Done():
			return fmt.Errorf("the agent ended by itself:\n%s", v.Tail())
		case <-ctx.Done():
			return ctx.Err()
		}
		if k.sounds(time.Now()) {
			k.inSound.Add(1)
		}
		v.killed = append(v.killed, time.Now())
		v.Kill()
		if err := v.Launch(); err != nil {
			return err
		}
	}
	k.done.Add(-1)
	return v.Ready(ctx)
}

func (k *kills) sounds(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.slots, func(sl killSlot) bool { return !now.Before(sl.start) && now.Before(sl.start.Add(chirpLength)) })
}

// settle waits until everything is fetched, over and told.
func (k *kills) settle() {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.ctx, 2*time.Minute)
	defer cancel()
	for _, id := range k.later {
		k.must(k.AwaitArmed(ctx, id))
	}
	last := k.slots[len(k.slots)-1]
	for _, v := range k.victims {
		_, err := k.AwaitPlays(ctx, v.ID, last.broadcast, 1)
		k.must(err)
		k.must(rig.Await(ctx, "every record is acknowledged", func(ctx context.Context) (bool, error) {
			var agent struct {
				Online bool
				Outbox int
				Clock  struct{ Trust string }
			}
			err := k.Chief.Call(ctx, "GET", "agents/"+v.ID, nil, &agent)
			return agent.Online && agent.Outbox == 0 && agent.Clock.Trust == "synced", err
		}))
		k.must(v.rec.Wait(ctx, mono.Now()))
	}
}

// judge holds what the card got and what the hub was told against the plan.
func (k *kills) judge(v *victim) {
	k.t.Helper()
	var told []*toldSlot
	outcomes := map[string]int{}
	for _, sl := range k.slots {
		plays, err := k.Plays(k.ctx, v.ID, sl.broadcast)
		k.must(err)
		if len(plays) != 1 {
			k.t.Errorf("%s: the slot at %s has %d records: %+v", v.Name, sl.start.Format(time.TimeOnly), len(plays), plays)
			continue
		}
		told = append(told, &toldSlot{killSlot: sl, play: plays[0]})
		outcomes[sl.rule+" "+plays[0].Outcome+"/"+plays[0].Reason]++
	}
	k.t.Logf("%s: %v", v.Name, outcomes)
	k.listen(v, told)
	for _, sl := range told {
		if err := sl.judge(v.killed); err != nil {
			k.t.Errorf("%s: %s at %s: %v\n%+v", v.Name, sl.rule, sl.start.Format("15:04:05.000"), err, sl.play)
		}
	}
}

// toldSlot is a slot with its record and what the card got of it.
type toldSlot struct {
	killSlot
	play  rig.Play
	heard []time.Time // moments, 20 ms apart
}

// began is where the beginning of its audio belongs: one that is late and plays whole begins late, any other is at
// the position where it would be (broadcast.Grace).
func (sl *toldSlot) began() time.Time {
	if sl.rule == "whole:1" && sl.late() > 2*time.Second {
		return sl.play.StartedAt
	}
	return sl.start
}

func (sl *toldSlot) late() time.Duration {
	if sl.play.StartedAt.IsZero() {
		return 0
	}
	return sl.play.StartedAt.Sub(sl.start)
}

// listen sorts what the card got by slots. A sound that is not in the place of any is an error.
func (k *kills) listen(v *victim, told []*toldSlot) {
	k.t.Helper()
	fit, now, wall := v.rec.Fit(), mono.Now(), time.Now()
	k.t.Logf("%s: the recording's clock: %v off, %.0f ppm", v.Name, fit.Residue, fit.Drift)
	seen, strange := glimpses(v.rec.PCM())
	heardAt := func(frame int) time.Time { return wall.Add(fit.Instant(float64(frame)).Sub(now)) }
	if len(strange) > 0 {
		k.t.Errorf("%s: %d moments of a sound that is none of the reports, from %s on", v.Name, len(strange), heardAt(strange[0]).Format("15:04:05.000"))
	}
	lost, shifted := 0, 0
	for _, g := range seen {
		at := heardAt(g.frame)
		i := slices.IndexFunc(told, func(sl *toldSlot) bool {
			return sl.chirp == g.chirp && at.Add(-g.at).Sub(sl.began()).Abs() <= offBeat
		})
		if i >= 0 && at.Add(-g.at).Sub(told[i].began()).Abs() > 100*time.Millisecond {
			if shifted++; shifted <= 3 {
				k.t.Logf("%s: at %s the card got %v of chirp %d, %v from its place", v.Name, at.Format("15:04:05.000"), g.at, g.chirp, at.Add(-g.at).Sub(told[i].began()))
			}
		}
		if i >= 0 {
			told[i].heard = append(told[i].heard, at)
			continue
		}
		if lost++; lost <= 10 {
			k.t.Errorf("%s: at %s the card got %v of chirp %d, which is the place of no slot", v.Name, at.Format("15:04:05.000"), g.at, g.chirp)
		}
	}
	k.t.Logf("%s: of %d moments with sound %d were more than 100 ms from their place", v.Name, len(seen), shifted)
	if lost > 10 {
		k.t.Errorf("%s: and %d more", v.Name, lost-10)
	}
}

// judge says what is wrong with a slot's record and sound.
func (sl *toldSlot) judge(killed []time.Time) error {
	var errs []error
	if sl.play.Outcome == "skipped" {
		if len(sl.heard) > 0 {
			errs = append(errs, fmt.Errorf("skipped, and heard from %v to %v", sl.heard[0], sl.heard[len(sl.heard)-1]))
		}
		return errors.Join(errs...)
	}
	latest := map[string]time.Duration{"join": chirpLength, "skip": 2 * time.Second, "whole:1": time.Minute}[sl.rule]
	if late := sl.late(); late < -offBeat || late > latest+100*time.Millisecond {
		errs = append(errs, fmt.Errorf("started %v late", late))
	}
	if sl.play.Reason == "urgent" {
		errs = append(errs, errors.New("its record names an urgent bulletin, and there was none"))
	}
	for _, kill := range killed {
		if n := len(sl.heard); n > 0 && sl.rule != "join" && sl.heard[0].Before(kill) && sl.heard[n-1].After(kill.Add(lastBreath)) {
			errs = append(errs, fmt.Errorf("heard from %v to %v, over the kill at %v, which only join may", sl.heard[0], sl.heard[n-1], kill))
		}
	}
	sound := time.Duration(len(sl.heard)) * 20 * time.Millisecond
	if claimed := time.Duration(sl.play.ReachedMS) * time.Millisecond; claimed > sound+300*time.Millisecond {
		errs = append(errs, fmt.Errorf("the record says that %v reached the card, which got %v", claimed, sound))
	}
	return errors.Join(errs...)
}
