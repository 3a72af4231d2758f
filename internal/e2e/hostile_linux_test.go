package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/mallory"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// besieged is a station whose agent believes a stranger to be its hub.
type besieged struct {
	*station
	m *mallory.Mallory

	mu     sync.Mutex
	codes  map[string]int // what the agent answered to orders and plans
	wants  []wire.Want
	synced bool
	noise  bool // wants are answered with noise
}

func besiege(t *testing.T) *besieged {
	t.Helper()
	b := &besieged{codes: map[string]int{}}
	b.station = newStation(t, func(hub string) string {
		var err error
		if b.m, err = mallory.New(hub); err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(b.m)
		t.Cleanup(server.Close)
		t.Cleanup(http.DefaultClient.CloseIdleConnections)
		b.m.Listen(b.heard)
		return server.URL
	})
	b.must(b.AwaitAgents(b.ctx, 1))
	return b
}

// heard notes what the agent says, and answers what it asks for with noise.
func (b *besieged) heard(m mallory.Message) {
	decoded, err := wire.Decode(m.Data)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch said := decoded.(type) {
	case *wire.OrderState:
		b.codes["order "+said.Code]++
	case *wire.PlanState:
		b.codes["plan "+said.Code]++
	case *wire.Status:
		b.synced = said.Clock.Trust == "synced"
	case *wire.Want:
		b.wants = append(b.wants, *said)
		if b.noise {
			go b.answer(*said) // the agent reads while it is written to
		}
	}
}

// answer sends noise for a want, as if it were the blob.
func (b *besieged) answer(w wire.Want) {
	data := make([]byte, wire.Grain)
	_, _ = rand.Read(data)
	for at := w.Offset; at < max(w.End, 1); at += int64(len(data)) {
		n := min(int64(len(data)), max(w.End, int64(len(data)))-at)
		frame, err := wire.EncodeChunk(wire.Chunk{SHA256: w.SHA256, Offset: at, Last: at+n >= w.End, Data: data[:n]})
		if err != nil || b.m.Say(b.ctx, mallory.Message{Kind: wsconn.Frame, Data: frame}) != nil {
			return
		}
	}
}

// onlyTime lets nothing through but what keeps the agent's clock right: with a wrong one it would be silent anyway.
func onlyTime(m mallory.Message) bool { return m.Type() == "time" }

// say sends messages to the agent.
func (b *besieged) tell(messages ...wire.Message) {
	b.t.Helper()
	for _, m := range messages {
		data, err := wire.Encode(m)
		b.must(err)
		b.must(b.m.Say(b.ctx, mallory.Message{Kind: wsconn.Control, Data: data}))
	}
}

func (b *besieged) await(what string, ok func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	err := rig.Await(ctx, what, func(context.Context) (bool, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return ok(), nil
	})
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.t.Fatalf("%v: the agent said %v", err, b.codes)
	}
}

// reconnect has the agent come again, with a clean slate of what it tried to fetch.
func (b *besieged) reconnect() {
	b.t.Helper()
	b.must(b.m.Say(b.ctx, mallory.Message{Kind: wsconn.Frame, Data: []byte("no frame at all")}))
}

// silent checks that not one sample was anything but silence until now.
func (b *besieged) silent(when string) {
	b.t.Helper()
	b.must(b.rec.Wait(b.ctx, mono.Now()))
	pcm := b.rec.PCM()
	sounding := 0
	for _, v := range pcm {
		if v != 0 {
			sounding++
		}
	}
	b.t.Logf("%s: %.1f s recorded, %d samples of sound", when, float64(len(pcm))/48000, sounding)
	if sounding > 0 {
		b.t.Fatalf("%s: %d samples of sound", when, sounding)
	}
}

// speaks checks that the agent could have spoken all the time: with an honest hub it does.
func (b *besieged) speaks(report rig.Report, bulletin func() mono.Instant) {
	b.t.Helper()
	b.m.Pass(nil)
	b.mu.Lock()
	b.noise = false
	b.mu.Unlock()
	b.reconnect()
	since := bulletin()
	meant, err := b.Meant(b.ctx, report.ID)
	b.must(err)
	for {
		if pcm := b.rec.PCM(); loudest(pcm) > 0 {
			break
		}
		if mono.Now().Sub(since) > 40*time.Second {
			b.t.Fatal("with an honest hub the agent does not speak")
		}
		b.must(b.rec.Wait(b.ctx, mono.Now().Add(100*time.Millisecond)))
	}
	pcm, fit := b.rec.PCM(), b.rec.Fit()
	first := slices.IndexFunc(pcm, func(v float32) bool { return v != 0 })
	began := fit.Instant(float64(first))
	b.must(b.rec.Wait(b.ctx, began.Add(length(report)+time.Second)))
	onset := soundcard.MeasureStart(b.rec, meant, began)
	b.t.Logf("with an honest hub: correlation %.4f, %v after", onset.Correlation, onset.At.Sub(since))
	if onset.Correlation < 0.99 {
		b.t.Errorf("what sounded correlates by %.4f with the bulletin", onset.Correlation)
	}
}

// forger makes documents with everything but the right keys.
type forger struct {
	t      *testing.T
	key    seal.Key
	target string
	item   broadcast.Item
}

func (f *forger) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *forger) bulletin(id, kind string) broadcast.Bulletin {
	return broadcast.Bulletin{ID: id, Kind: kind, Title: "Giả", IssuedAt: time.Now().Add(-time.Second), Until: time.Now().Add(time.Hour), Items: []broadcast.Item{f.item}}
}

func (f *forger) seal(payloadType string, v any) []byte {
	f.t.Helper()
	payload, err := seal.Marshal(v)
	f.must(err)
	envelope, err := seal.Seal(payloadType, payload, f.key)
	f.must(err)
	return envelope
}

func (f *forger) order(sequence uint64, kind seal.OrderKind, body any) []byte {
	raw, err := seal.Marshal(body)
	f.must(err)
	now := time.Now()
	envelope, err := seal.SealOrder(seal.Order{Sequence: sequence, IssuedAt: now, Expires: now.Add(5 * time.Minute), Kind: kind,
		Audience: seal.OrderAudience{Agents: []string{f.target}}, Body: raw}, f.key)
	f.must(err)
	return envelope
}

// trust names the forger for everything.
func (f *forger) trust(version uint64) []byte {
	role := seal.RoleKeys{Keys: []string{f.key.ID()}, Threshold: 1}
	trust, err := seal.NewTrust(seal.TrustDoc{Version: version, IssuedAt: time.Now(), Expires: time.Now().Add(time.Hour), Revoked: []string{},
		Roles: seal.Roles{Root: role, Planner: role, Urgent: role, Time: role}, Keys: map[string]seal.PublicKey{f.key.ID(): f.key.Public()}}, f.key)
	f.must(err)
	return trust.Envelope()
}

// doctored gives a genuine head with a bulletin that nobody approved: under its genuine signature, and under the
// forger's with the genuine key's name.
func (f *forger) doctored(envelope []byte, id string) [][]byte {
	var env struct {
		PayloadType string `json:"payloadType"`
		Payload     []byte `json:"payload"`
		Signatures  []struct {
			KeyID string `json:"keyid"`
			Sig   string `json:"sig"`
		} `json:"signatures"`
	}
	f.must(json.Unmarshal(envelope, &env))
	var head broadcast.Head
	f.must(json.Unmarshal(env.Payload, &head))
	head.Version++
	head.Bulletins = append(head.Bulletins, f.bulletin(id, "live"))
	payload, err := seal.Marshal(head)
	f.must(err)
	env.Payload = payload
	kept, err := json.Marshal(env)
	f.must(err)
	var own struct {
		Signatures []struct{ Sig string }
	}
	f.must(json.Unmarshal(f.seal(seal.TypePlanHead, head), &own))
	env.Signatures[0].Sig = own.Signatures[0].Sig
	renamed, err := json.Marshal(env)
	f.must(err)
	return [][]byte{kept, renamed, f.seal(seal.TypePlanHead, head)}
}

// recordedHead is the newest head that the hub sent.
func (b *besieged) recordedHead() []byte {
	b.t.Helper()
	for _, m := range slices.Backward(b.m.Recorded()) {
		if decoded, err := wire.Decode(m.Data); err == nil {
			if plan, ok := decoded.(*wire.Plan); ok {
				return plan.Envelope
			}
		}
	}
	b.t.Fatal("the hub sent no plan")
	return nil
}

// TestMaliciousHubGetsNoSound: a stranger in the hub's place, with a live connection, the right time and every message
// there is, cannot make the loudspeaker speak; nor can it turn a genuine bulletin into another sound.
func TestMaliciousHubGetsNoSound(t *testing.T) {
	b := besiege(t)
	warn := b.approved(b.say("warning", warning))
	b.record()
	b.await("the clock is right", func() bool { return b.synced })
	b.m.Pass(onlyTime)
	b.mu.Lock()
	b.noise = true
	b.mu.Unlock()

	key, err := seal.NewKey()
	b.must(err)
	f := &forger{t: t, key: key, target: b.agent.ID, item: broadcast.Item{Report: "forged", Title: "Giả", Audio: broadcast.Hash(strings.Repeat("a", 64)),
		Manifest: broadcast.Hash(strings.Repeat("b", 64)), DurationMS: 2000}}
	orders, plans := 0, 0
	order := func(envelope []byte) { orders++; b.tell(&wire.Order{Envelope: envelope}) }
	plan := func(envelope []byte) { plans++; b.tell(&wire.Plan{Envelope: envelope}) }
	for i := range uint64(10) {
		id := fmt.Sprint("forged-", i)
		order(f.order(i+1, seal.OrderLive, f.bulletin(id, "live")))
		order(f.order(i+1, seal.OrderDrill, f.bulletin(id, "drill")))
		order(f.seal(seal.TypePlanHead, f.bulletin(id, "live")))
		for _, envelope := range f.doctored(b.recordedHead(), id) {
			plan(envelope)
		}
		b.tell(&wire.Trust{Envelopes: [][]byte{f.trust(i + 1)}})
		nonce := make([]byte, 32)
		_, _ = rand.Read(nonce)
		envelope, err := seal.SealTime(seal.SignedTime{Nonce: nonce, Time: time.Now().AddDate(1, 0, 0), Agent: b.agent.ID}, f.key)
		b.must(err)
		b.tell(&wire.Time{Envelope: envelope}, &wire.PlaysAck{IDs: []string{id}}, &wire.Gone{SHA256: f.item.Audio})
		b.answer(wire.Want{SHA256: f.item.Audio, End: 3 * wire.Grain})
		b.answer(wire.Want{SHA256: broadcast.Hash(warn.SHA256), End: warn.Size})
		b.must(b.m.Say(b.ctx, mallory.Message{Kind: wsconn.Control, Data: []byte(`{"type":"speak","body":{"text":"nghe đây"}}`)}))
	}
	b.await("the agent answered", func() bool {
		return sum(b.codes, "order ") >= orders && b.codes["plan SEAL_KEY_ROLE"] > 0 && b.codes["plan SEAL_THRESHOLD"] > 0
	})
	for range 3 { // what breaks the protocol ends the connection; the agent comes again and is no other
		b.reconnect()
		b.tell(&wire.Order{Envelope: f.order(100, seal.OrderLive, f.bulletin("again", "live"))}) // to the old connection or to the new one
	}
	b.mu.Lock()
	t.Logf("%d orders, %d plans; the agent said %v", orders, plans, b.codes)
	if b.codes["order "] > 0 {
		t.Errorf("%d forged orders were taken", b.codes["order "])
	}
	b.mu.Unlock()
	b.must(b.rec.Wait(b.ctx, mono.Now().Add(2*time.Second)))
	b.silent("after forged documents")
	b.must(b.AwaitAgents(b.ctx, 1)) // it came again after the last breach of the protocol

	// A genuine bulletin passes, but its audio does not: noise in its place is no sound.
	b.m.Pass(func(m mallory.Message) bool { return m.Kind == wsconn.Control })
	bulletin, _ := b.urgent(warn)
	b.await("the agent took the order", func() bool { return b.codes["order "] == 1 })
	b.await("it asked for parts of it", func() bool { return len(b.wants) > 0 })
	b.must(b.rec.Wait(b.ctx, mono.Now().Add(3*time.Second)))
	b.silent("with noise for the bulletin's audio")
	b.speaks(warn, mono.Now)
	if p := b.detailed(bulletin.ID); p.Outcome != "played" {
		t.Errorf("the record says %+v", p)
	}
}

func sum(codes map[string]int, prefix string) (n int) {
	for code, k := range codes {
		if strings.HasPrefix(code, prefix) {
			n += k
		}
	}
	return n
}

// TestReplayedFramesGetNoSound records a thousand messages and frames of a hub that made the loudspeaker speak, and says
// them again: after a restart of the agent, and after its databases were deleted.
func TestReplayedFramesGetNoSound(t *testing.T) {
	const frames = 1000
	b := besiege(t)
	warn := b.approved(b.say("warning", warning))
	first, _ := b.urgent(warn)
	b.detailed(first.ID) // it was heard
	cycle := func(approve bool) string {
		var u bulletin
		b.must(b.Author.Call(b.ctx, "POST", "urgent", map[string]any{
			"kind": "live", "items": []map[string]string{{"report": warn.ID}}, "targets": map[string]any{"areas": []string{"hoang-dao"}},
		}, &u))
		if approve {
			b.must(b.Approve(b.ctx, "urgent/"+u.ID))
		}
		return u.ID
	}
	for len(b.replayable()) < frames {
		id := cycle(true)
		b.must(b.Author.Call(b.ctx, "POST", "urgent/"+id+"/cancel", nil, nil))
	}
	b.must(b.Author.Call(b.ctx, "POST", "urgent/"+first.ID+"/cancel", nil, nil))
	b.must(b.AwaitAgents(b.ctx, 1))
	recorded := b.replayable()
	orders := 0
	for _, m := range recorded {
		if m.Type() == "order" {
			orders++
		}
	}
	// One that it never got is none that comes again.
	b.await("every order was taken", func() bool { return sum(b.codes, "order ") >= orders })
	b.must(b.agent.Stop())
	b.m.Pass(onlyTime)
	b.record()

	b.replay("after a restart", recorded)
	b.must(b.agent.Stop())
	for _, name := range []string{"state.db", "audio.db"} {
		b.must(os.Remove(filepath.Join(b.agent.Dir, name)))
	}
	b.replay("after the databases were deleted", recorded)
	b.speaks(warn, func() mono.Instant {
		b.must(b.AwaitAgents(b.ctx, 1))
		cycle(true)
		return mono.Now()
	})
}

// replayable is what was recorded and can be said again within one connection.
func (b *besieged) replayable() []mallory.Message {
	return slices.DeleteFunc(b.m.Recorded(), func(m mallory.Message) bool {
		return slices.Contains([]string{"challenge", "welcome", "refused", "bye"}, m.Type())
	})
}

// replay starts the agent and says everything to it once its clock is right.
func (b *besieged) replay(when string, recorded []mallory.Message) {
	b.t.Helper()
	b.mu.Lock()
	b.synced, b.codes = false, map[string]int{}
	b.mu.Unlock()
	b.must(b.agent.Start(b.ctx))
	b.await("the clock is right", func() bool { return b.synced })
	orders, binary := 0, 0
	for _, m := range recorded {
		switch {
		case m.Kind == wsconn.Frame:
			binary++
		case m.Type() == "order":
			orders++
		}
		b.must(b.m.Say(b.ctx, m))
		if m.Type() == "order" && orders%40 == 0 { // and no faster than it reads
			b.await("the order was answered", func() bool { return sum(b.codes, "order ") >= orders })
		}
	}
	b.await("every order was answered", func() bool { return sum(b.codes, "order ") >= orders })
	b.must(b.rec.Wait(b.ctx, mono.Now().Add(2*time.Second)))
	b.mu.Lock()
	b.t.Logf("%s: %d messages and frames said again, %d of them orders, %d binary; the agent said %v", when, len(recorded), orders, binary, b.codes)
	if orders == 0 || binary == 0 || b.codes["order SEAL_ORDER_REPLAYED"] != orders {
		b.t.Errorf("%s: the agent said %v to %d orders", when, b.codes, orders)
	}
	b.mu.Unlock()
	b.silent(when)
}
