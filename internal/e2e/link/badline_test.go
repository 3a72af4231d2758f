package link

import (
	"bytes"
	"context"
	"crypto/ed25519"
	crand "crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/agent/agenttest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/faults"
	"github.com/loa-vn/loa/internal/mono"
)

// doubleToxic is a line that says things twice: of every chunk that passes it may repeat a stretch. Without TLS
// nothing below the websocket notices.
type doubleToxic struct {
	Chance float64 `json:"chance"`
}

// Pipe implements toxics.Toxic.
func (d *doubleToxic) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			if len(c.Data) > 0 && rand.Float64() < d.Chance {
				from := rand.IntN(len(c.Data))
				to := from + 1 + rand.IntN(len(c.Data)-from)
				if rand.IntN(4) == 0 {
					from, to = 0, len(c.Data) // often whole messages: what is told twice is well formed
				}
				c = &stream.StreamChunk{Data: append(bytes.Clone(c.Data[:to]), c.Data[from:]...), Timestamp: c.Timestamp}
			}
			stub.Output <- c
		}
	}
}

// ill gives a fault of the line at random.
func ill(r *rand.Rand) string {
	direction := []string{"downstream", "upstream"}[r.IntN(2)]
	return fmt.Sprintf([]string{
		`{"name":"ill","type":"bandwidth","stream":"downstream","attributes":{"rate":2}}`,
		`{"name":"ill","type":"timeout","stream":"%s","attributes":{"timeout":0}}`,
		`{"name":"ill","type":"reset_peer","stream":"%s","attributes":{"timeout":10}}`,
		`{"name":"ill","type":"double","stream":"%s","attributes":{"chance":0.3}}`,
		`{"name":"ill","type":"double","stream":"%s","attributes":{"chance":1}}`,
		`{"name":"ill","type":"slicer","stream":"%s","attributes":{"average_size":100,"size_variation":90,"delay":500}}`,
		`{"name":"ill","type":"latency","stream":"%s","attributes":{"latency":150,"jitter":100}}`,
		`{"name":"ill","type":"limit_data","stream":"%s","attributes":{"bytes":20000}}`,
	}[r.IntN(8)]+"%.0s", direction)
}

// TestBadLineFault brings agents with real caches to their plans over lines that stall, reset, double and slow to
// 2 KB/s. Once the line is good again nothing may be lost, and nothing wrong may ever have been kept.
func TestBadLineFault(t *testing.T) {
	random, runs := faults.Random(t), faults.Count(20, 500)
	h, p := newHub(t), newPlanner(t)
	h.trusts = [][]byte{p.trust.Envelope()}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(40)
	for i := range runs {
		run := badLine{h: h, p: p, id: fmt.Sprintf("agent-%d", i), dir: t.TempDir(), rand: rand.New(rand.NewPCG(random.Uint64(), 0))}
		work.Go(func() error {
			if err := run.do(ctx); err != nil {
				return fmt.Errorf("%s: %w", run.id, err)
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		t.Error(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	again := 0
	for _, n := range h.plays {
		again += n - 1
	}
	t.Logf("%d runs, %d play records, %d of them sent again", runs, len(h.plays), again)
	if len(h.broken) > 0 {
		t.Errorf("records came twice and differed: %v", h.broken)
	}
}

// badLine is one run: an agent, its line, its plan.
type badLine struct {
	h     *hub
	p     *planner
	id    string
	dir   string
	rand  *rand.Rand
	cache *agenttest.Cache
	log   *agenttest.PlayLog
	line  *toxiproxy.Proxy
	told  []broadcast.Play
}

func (b *badLine) do(ctx context.Context) (err error) {
	if err := b.open(); err != nil {
		return err
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	b.line = toxiproxy.NewProxy(server, b.id, "127.0.0.1:0", strings.TrimPrefix(b.h.url, "http://"))
	if err := b.line.Start(); err != nil {
		return err
	}
	defer b.line.Stop()
	link, err := b.link()
	if err != nil {
		return err
	}
	first, err := b.p.plan(b.h, b.id, 1, random(b.rand.Uint64(), 100_000), random(b.rand.Uint64(), 30_000))
	if err != nil {
		return err
	}
	b.h.setHead(b.id, 1, string(first.envelope))
	over, stop := context.WithCancel(ctx)
	running, over := errgroup.WithContext(over)
	running.Go(func() error { return b.cache.Run(over) })
	running.Go(func() error { return link.Run(over) })
	last, err := b.suffer(ctx)
	if err == nil {
		err = b.recovers(ctx, last)
	}
	stop()
	if runErr := running.Wait(); err == nil {
		err = runErr
	}
	if closeErr := b.cache.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (b *badLine) open() (err error) {
	if err := agenttest.PinTrust(b.dir, b.p.trust.Envelope()); err != nil {
		return err
	}
	b.cache, err = agenttest.OpenCache(agenttest.CacheOptions{Dir: b.dir, Agent: b.id, Limit: 1 << 30, Now: time.Now, Trusted: time.Now,
		Verified: func(time.Time) {}, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		b.log, err = agenttest.OpenPlayLog(b.cache)
	}
	return err
}

func (b *badLine) link() (*agenttest.Link, error) {
	public, key, err := ed25519.GenerateKey(crand.Reader)
	if err != nil {
		return nil, err
	}
	b.h.mu.Lock()
	b.h.keys[string(public)] = b.id
	b.h.mu.Unlock()
	return agenttest.NewLink(agenttest.LinkOptions{
		Hub: "http://" + b.line.Listen, Identity: agenttest.LinkIdentity{Agent: b.id, Key: key}, Software: "test", OS: "test", Boot: "1",
		Plans: b.cache, Blobs: blobs{b.cache}, Outbox: b.log, Reporter: b, Clock: b,
	})
}

// blobs is the cache as link asks it.
type blobs struct{ *agenttest.Cache }

func (b blobs) NextWant(skip func(broadcast.Hash) bool) (agenttest.Want, bool) {
	w, ok := b.Cache.NextWant(skip)
	return agenttest.Want(w), ok
}

// suffer makes the line ill some times, while the plan changes and reports are played. It gives the last plan.
func (b *badLine) suffer(ctx context.Context) (planned, error) {
	var last planned
	bouts := 2 + b.rand.IntN(3)
	for bout := range bouts {
		if err := b.pause(ctx, 200*time.Millisecond); err != nil {
			return last, err
		}
		if _, err := b.line.Toxics.AddToxicJson(strings.NewReader(ill(b.rand))); err != nil {
			return last, err
		}
		if bout == bouts/2 {
			var err error
			last, err = b.p.plan(b.h, b.id, 2, random(b.rand.Uint64(), 70_000+b.rand.IntN(100_000)), random(b.rand.Uint64(), 1000))
			if err != nil {
				return last, err
			}
			b.h.setHead(b.id, 2, string(last.envelope))
		}
		if err := b.play(1 + b.rand.IntN(20)); err != nil {
			return last, err
		}
		if err := b.pause(ctx, 1200*time.Millisecond); err != nil {
			return last, err
		}
		b.line.Toxics.ResetToxics(ctx)
	}
	// Mostly the line comes back with a new connection; without one it takes the link up to 50 s to give up on a
	// message that lost its end.
	if !faults.Full() || b.rand.IntN(5) > 0 {
		b.line.Stop()
		if err := b.line.Start(); err != nil {
			return last, err
		}
	}
	return last, nil
}

func (b *badLine) pause(ctx context.Context, most time.Duration) error {
	select {
	case <-time.After(time.Duration(b.rand.Int64N(int64(most)))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// play adds records to the outbox.
func (b *badLine) play(n int) error {
	records := make([]broadcast.Play, n)
	for i := range records {
		at := time.Now().UTC().Truncate(time.Millisecond)
		id := fmt.Sprintf("%s-%d", b.id, len(b.told)+i)
		records[i] = broadcast.Play{ID: id, Slot: "slot " + id, Broadcast: "b0", Version: 1, Report: "r", Title: "Tìm hiểu pháp luật", Class: broadcast.Normal,
			Audio: hashOf([]byte(id)), PlannedStart: at, PlannedEnd: at.Add(time.Minute), StartedAt: at, EndedAt: at.Add(time.Minute),
			Outcome: broadcast.Played, Reason: broadcast.ReasonComplete, ReachedMS: 60_000, Clock: "synced"}
	}
	b.told = append(b.told, records...)
	return b.log.Add(records...)
}

// recovers waits until the agent has everything and the hub every record, and looks at each byte.
func (b *badLine) recovers(ctx context.Context, plan planned) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !b.complete(plan) {
		select {
		case <-ctx.Done():
			version, _, _ := b.cache.Held()
			return fmt.Errorf("not complete: head %d, outbox %d, cache %+v", version, b.log.Len(), b.cache.Status())
		case <-tick.C:
		}
	}
	for audio, meant := range plan.audios {
		source, err := b.cache.Open(audio)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(io.NewSectionReader(source, 0, source.Size()))
		_ = source.Close()
		if err != nil || !bytes.Equal(got, meant) {
			return fmt.Errorf("audio %s is not what was sent: %w", audio, err)
		}
	}
	b.h.mu.Lock()
	defer b.h.mu.Unlock()
	for _, p := range b.told {
		if got, ok := b.h.records[p.ID]; !ok || !reflect.DeepEqual(got, p) {
			return fmt.Errorf("record %s is at the hub as %+v", p.ID, got)
		}
	}
	return nil
}

func (b *badLine) complete(plan planned) bool {
	p := b.cache.Plan()
	if p == nil || p.Head.Version != 2 || b.log.Len() > 0 {
		return false
	}
	for audio := range plan.audios {
		if !b.cache.Whole(audio) {
			return false
		}
	}
	return true
}

func (b *badLine) Status() broadcast.Status {
	return broadcast.Status{At: time.Now(), Software: "test", Outbox: b.log.Len(), Cache: b.cache.Status()}
}
func (b *badLine) StatusChanged() <-chan struct{}                 { return nil }
func (b *badLine) OfferTime(_, _ []byte, _, _ mono.Instant) error { return nil }
