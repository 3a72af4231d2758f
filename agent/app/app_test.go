package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/clock"
	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/agent/internal/link"
	"github.com/loa-vn/loa/agent/internal/player/playertest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/seal"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun")) // it has no end
}

// hub seals what a hub would; nothing listens at its address.
type hub struct {
	t   *testing.T
	key seal.Key
}

func (h *hub) joined() link.Paired {
	role := seal.RoleKeys{Keys: []string{h.key.ID()}, Threshold: 1}
	trust, err := seal.NewTrust(seal.TrustDoc{Version: 1, IssuedAt: time.Now().Add(-time.Minute), Expires: time.Now().Add(24 * time.Hour),
		Roles: seal.Roles{Root: role, Planner: role, Urgent: role, Time: role}, Keys: map[string]seal.PublicKey{h.key.ID(): h.key.Public()}}, h.key)
	if err != nil {
		h.t.Fatal(err)
	}
	return link.Paired{Agent: "agent-1", Name: "Xã A", Area: "a", Trust: [][]byte{trust.Envelope()}}
}

func hash(b []byte) broadcast.Hash {
	sum := sha256.Sum256(b)
	return broadcast.Hash(hex.EncodeToString(sum[:]))
}

// give brings an agent a plan with one report at an instant, and all of its parts.
func (h *hub) give(a *App, at time.Time, length time.Duration) {
	h.t.Helper()
	audio, err := io.ReadAll(playertest.Report(length))
	if err != nil {
		h.t.Fatal(err)
	}
	zone, _ := time.LoadLocation("Asia/Ho_Chi_Minh")
	day := broadcast.Day{Date: broadcast.DateOf(at, zone), Candidates: []broadcast.Candidate{{Broadcast: "b", Version: 1, Title: "b", Class: broadcast.Normal,
		Owner: broadcast.OwnerHub, ApprovedAt: at.Add(-time.Hour), At: &at, Lateness: broadcast.Lateness{Rule: broadcast.LateJoin},
		Items: []broadcast.Item{{Report: "r", Title: "Bản tin", Audio: hash(audio), Manifest: hash(h.manifest(audio, length)), DurationMS: length.Milliseconds()}}}}}
	head := broadcast.Head{Audience: "agent-1", Version: 1, IssuedAt: time.Now().Add(-time.Minute), Expires: time.Now().Add(24 * time.Hour), Zone: zone.String(),
		Rules: broadcast.Inherit(broadcast.Policy{Windows: []broadcast.Window{{Start: 0, End: broadcast.EndOfDay}}})}
	h.bring(a.paired.cache, head, []broadcast.Day{day}, audio, h.manifest(audio, length))
}

func (h *hub) manifest(audio []byte, length time.Duration) []byte {
	m := broadcast.Manifest{Audio: hash(audio), Size: int64(len(audio)), DurationMS: length.Milliseconds(), ChunkSize: broadcast.ChunkSize}
	for i := 0; i < len(audio); i += broadcast.ChunkSize {
		m.Chunks = append(m.Chunks, hash(audio[i:min(len(audio), i+broadcast.ChunkSize)]))
	}
	return h.marshal(m)
}

func (h *hub) marshal(v any) []byte {
	b, err := seal.Marshal(v)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// bring seals a head over its days, offers it, and brings what of these and of other blobs is wanted.
func (h *hub) bring(c *cache.Cache, head broadcast.Head, days []broadcast.Day, others ...[]byte) {
	h.t.Helper()
	blobs := map[broadcast.Hash][]byte{}
	for _, b := range others {
		blobs[hash(b)] = b
	}
	for _, day := range days {
		b := h.marshal(day)
		blobs[hash(b)] = b
		head.Days = append(head.Days, broadcast.DayRef{Date: day.Date, Hash: hash(b), Size: int64(len(b))})
	}
	envelope, err := seal.Seal(seal.TypePlanHead, h.marshal(head), h.key)
	if err != nil {
		h.t.Fatal(err)
	}
	if st := c.Offer(h.t.Context(), envelope); st.Code != "" {
		h.t.Fatalf("plan: %+v", st)
	}
	for {
		w, ok := c.NextWant(func(broadcast.Hash) bool { return false })
		if !ok {
			return
		}
		b := blobs[w.SHA256]
		for i := int64(0); i < int64(len(b)); i += broadcast.ChunkSize {
			end := min(i+broadcast.ChunkSize, int64(len(b)))
			if err := c.Put(h.t.Context(), w.SHA256, i, b[i:end], end == int64(len(b))); err != nil {
				h.t.Fatal(err)
			}
		}
	}
}

// machine is this one with a good hardware clock.
func machine(id string) *clock.Machine {
	m := clock.System("")
	m.BootID = id
	m.Hardware = func() (time.Time, error) { return time.Now(), nil }
	return &m
}

type agent struct {
	*App
	card *playertest.Card
	stop func()
}

func start(t *testing.T, dir string, m *clock.Machine) *agent {
	t.Helper()
	c, err := config.LoadAgent("", func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.Console = dir, "127.0.0.1:0"
	return startWith(t, c, m)
}

func startWith(t *testing.T, c config.Agent, m *clock.Machine) *agent {
	t.Helper()
	card := playertest.New(mono.Now)
	a, err := New(Options{Config: c, Version: "test", Built: time.Now().Add(-time.Hour), Log: slog.New(slog.DiscardHandler), Output: card, Machine: m})
	if err != nil {
		t.Fatal(err)
	}
	return runs(t, a, card)
}

// runs runs an agent until the test ends.
func runs(t *testing.T, a *App, card *playertest.Card) *agent {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stopped := false
	ag := &agent{App: a, card: card}
	ag.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(ag.stop)
	return ag
}

func (a *agent) view(t *testing.T) (v console.View) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	res, err := client.Get("http://" + a.ConsoleAddr() + "/api/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func pair(t *testing.T, dir string) *hub {
	t.Helper()
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	own, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, key: key}
	if err := keepPairing(dir, "http://127.0.0.1:1", "", own, h.joined()); err != nil {
		t.Fatal(err)
	}
	return h
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestAnAgentWaitsForItsPairingThenPlaysWithoutItsHub(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir, machine("1"))
	if v := a.view(t); v.Paired || v.Status != nil || !v.Running {
		t.Errorf("before the pairing: %+v", v)
	}
	h := pair(t, dir)
	select {
	case <-a.Started():
	case <-within(t, 10*time.Second).Done():
		t.Fatal("the pairing was not noticed")
	}
	at := time.Now().Add(1500 * time.Millisecond)
	h.give(a.App, at, time.Second)
	sounded := a.card.WaitSounded(within(t, 10*time.Second), 1)
	if len(sounded) != 1 {
		t.Fatalf("the card got %+v", sounded)
	}
	if late := a.clock.Time(sounded[0].At).Sub(at); late.Abs() > 50*time.Millisecond {
		t.Errorf("began %v after its instant", late)
	}
	for limit, v := within(t, 5*time.Second), a.view(t); ; v = a.view(t) {
		if len(v.Today) == 1 && v.Today[0].State == "done" && v.Outbox == 1 {
			if v.Today[0].Outcome != broadcast.Played || v.Clock.Trust != "plausible" || v.Connection.Connected {
				t.Errorf("%+v", v.Today)
			}
			break
		}
		if limit.Err() != nil {
			t.Fatalf("no record, or not in the outbox: %+v, %d", v.Today, v.Outbox)
		}
		<-time.After(20 * time.Millisecond)
	}
	a.stop()
	if _, err := New(a.o); err != nil {
		t.Errorf("its address and files are not free again: %v", err)
	}
}

func TestAStoppedAgentGoesOnInTheSameRecord(t *testing.T) {
	dir := t.TempDir()
	h := pair(t, dir)
	a := start(t, dir, machine("1"))
	<-a.Started()
	at := time.Now().Add(500 * time.Millisecond)
	h.give(a.App, at, 4*time.Second)
	<-time.After(1500 * time.Millisecond)
	a.stop()
	first := a.card.Sounded()
	b := start(t, dir, machine("1"))
	second := b.card.WaitSounded(within(t, 10*time.Second), 1)
	if len(first) != 1 || len(second) != 1 {
		t.Fatalf("the card got %+v, then %+v", first, second)
	}
	if second[0].From < first[0].To {
		t.Errorf("frames %d to %d sounded twice", second[0].From, first[0].To)
	}
	// Position and instant belong together, whatever happened in between.
	if d := second[0].At.Sub(first[0].At) - time.Duration(second[0].From-first[0].From)*time.Second/48000; d.Abs() > 5*time.Millisecond {
		t.Errorf("resumed %v beside its place", d)
	}
	<-b.Started()
	for {
		plays, err := b.paired.playlog.Pending(10, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(plays) == 1 {
			if p := plays[0]; p.Outcome != broadcast.Played || p.Reason != broadcast.ReasonResumed || len(p.Segments) != 2 {
				t.Errorf("%+v", p)
			}
			break
		}
		<-time.After(20 * time.Millisecond)
	}
}

func TestANewPairingTakesNothingOfTheOldOne(t *testing.T) {
	dir := t.TempDir()
	h := pair(t, dir)
	a := start(t, dir, machine("1"))
	<-a.Started()
	h.give(a.App, time.Now().Add(time.Hour), time.Second)
	if a.view(t).Plan == nil {
		t.Fatal("no plan")
	}
	c := a.o.Config
	err := Pair(t.Context(), withHub(c), "0000-0000-0000", true, Terminal{In: strings.NewReader(""), Out: io.Discard}, a.o.Log)
	if err == nil || !strings.Contains(err.Error(), "DATA_IN_USE") {
		t.Errorf("pairing beside an agent that runs: %v", err)
	}
	a.stop()
	pair(t, dir)
	b := start(t, dir, machine("1"))
	<-b.Started()
	if v := b.view(t); v.Plan != nil || v.PlanVersion != 0 {
		t.Errorf("the old hub's plan: %+v", v.Plan)
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, "before-*", "state.db")); len(aside) != 1 {
		t.Errorf("set aside: %v", aside)
	}
}

func withHub(c config.Agent) config.Agent {
	c.Hub = "http://127.0.0.1:1"
	return c
}

func TestStatusOfAnAgentThatDoesNotRun(t *testing.T) {
	dir := t.TempDir()
	h := pair(t, dir)
	a := start(t, dir, machine("1"))
	<-a.Started()
	h.give(a.App, time.Now().Add(time.Hour), time.Second)
	o := a.o
	o.Config.Console = a.ConsoleAddr()
	if v, err := Status(t.Context(), o); err != nil || !v.Running || v.Plan == nil || v.Name != "Xã A" {
		t.Errorf("while it runs: %+v, %v", v, err)
	}
	http.DefaultClient.CloseIdleConnections()
	a.stop()
	o.Config.Console = "127.0.0.1:1"
	v, err := Status(t.Context(), o)
	if err != nil || v.Running || !v.Paired || v.Plan == nil || v.Name != "Xã A" {
		t.Errorf("%+v, %v", v, err)
	}
	if words := inWords(v); !strings.Contains(words, "Xã A") || !strings.Contains(words, "version 1") {
		t.Error(words)
	}
	found := fmt.Sprint(Doctor(t.Context(), o))
	for _, want := range []string{"DOCTOR_STOPPED", "card ok", "connection refused"} {
		if !strings.Contains(found, want) {
			t.Errorf("the doctor does not say %q: %s", want, found)
		}
	}
}

func TestTheToneReachesTheCard(t *testing.T) {
	if testing.Short() {
		t.Skip("three seconds of sound")
	}
	card := playertest.New(mono.Now)
	reached, err := TestTone(t.Context(), Options{Output: card, Log: slog.New(slog.DiscardHandler)})
	if err != nil || (toneTime-reached).Abs() > 5*time.Millisecond {
		t.Errorf("%v, %v", reached, err)
	}
	buf := make([]float32, 48000)
	_, _ = tone{100}.ReadAt(buf, 0)
	var peak float32
	for _, v := range buf {
		peak = max(peak, v)
	}
	if peak < 0.125 || peak > 0.126 { // -18 dBFS is 0.1259
		t.Errorf("peak %v", peak)
	}
}

func TestWordsAreAskedFor(t *testing.T) {
	words := strings.Fields("one two three four five six")
	for answer, want := range map[string]bool{"y\n": true, "Có\n": true, "n\n": false, "\n": false, "": false, "yes": true} {
		var out strings.Builder
		if got := shown(words, false, Terminal{In: strings.NewReader(answer), Out: &out}); got != want {
			t.Errorf("%q: %v", answer, got)
		}
		if !strings.Contains(out.String(), "one two three four five six") {
			t.Error(out.String())
		}
	}
	if !shown(words, true, Terminal{In: strings.NewReader(""), Out: io.Discard}) {
		t.Error("--yes was asked")
	}
}

func TestAStampThatIsBrokenFallsBackToTheSource(t *testing.T) {
	made := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		stamp string
		want  time.Time
	}{
		"a commit":          {fmt.Sprint(made.Unix()), made.Add(-stampSlack)},
		"none":              {"", born()},
		"no number":         {"$(git log)", born()},
		"with a line's end": {fmt.Sprint(made.Unix()) + "\n", born()},
		"the epoch":         {"0", born()},
		"negative":          {"-5", born()},
		"before the source": {fmt.Sprint(born().Add(-time.Hour).Unix()), born()},
		"in milliseconds":   {fmt.Sprint(made.UnixMilli()), born()},
		"beyond int64":      {"99999999999999999999", born()},
		"the largest":       {fmt.Sprint(math.MaxInt64), born()},
	} {
		if got := builtAt(c.stamp); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestTheCommandLine(t *testing.T) {
	run := func(args ...string) (string, error) {
		cmd := Command("v1.2.3", "", func(int) {})
		var out strings.Builder
		cmd.SetArgs(args)
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		return out.String(), cmd.ExecuteContext(t.Context())
	}
	for name, args := range map[string][]string{
		"PAIR_HUB_MISSING":  {"pair", "--data", t.TempDir(), "--code", "x"},
		"PAIR_CODE_MISSING": {"pair", "--data", t.TempDir(), "--hub", "http://127.0.0.1:1"},
		"CONFIG_INVALID":    {"run", "--data", t.TempDir(), "--console", "0.0.0.0:1"},
		"unknown command":   {"dance"},
		"unknown flag":      {"run", "--loud"},
	} {
		if _, err := run(args...); err == nil || !strings.Contains(Explain(err), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := run("status", "--json", "--data", t.TempDir(), "--console", "127.0.0.1:1"); err != nil {
		t.Error(err)
	}
	if text := Explain(errors.New("plain")); text != "loa-agent: plain" {
		t.Error(text)
	}
}
