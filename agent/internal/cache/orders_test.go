package cache

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
)

// order seals what the hub would hurry to agents.
func (h *hub) order(sequence uint64, kind seal.OrderKind, body any, change func(*seal.Order)) []byte {
	h.t.Helper()
	o := seal.Order{Sequence: sequence, IssuedAt: now, Expires: now.Add(5 * time.Minute), Kind: kind,
		Audience: seal.OrderAudience{Agents: []string{"other", "agent"}}, Body: h.marshal(body)}
	if change != nil {
		change(&o)
	}
	envelope, err := seal.SealOrder(o, h.key)
	if err != nil {
		h.t.Fatal(err)
	}
	return envelope
}

func flood(id, kind string, it broadcast.Item) broadcast.Bulletin {
	return broadcast.Bulletin{ID: id, Kind: kind, Title: id, IssuedAt: now, Until: now.Add(time.Hour), Items: []broadcast.Item{it}}
}

func (r *rig) order(envelope []byte) string {
	_, code := r.cache.Order(r.t.Context(), envelope)
	return code
}

// bulletins are those of the plan in force.
func (r *rig) bulletins() string {
	r.t.Helper()
	p := r.cache.Plan()
	if p == nil {
		return "no plan"
	}
	var ids []string
	for _, b := range p.Head.Bulletins {
		ids = append(ids, b.Kind+" "+b.ID)
	}
	return strings.Join(ids, ", ")
}

func TestAnOrderActsAtOnceAndTheHeadSaysTheSame(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 100)
	told := r.cache.SubscribePlan()
	warning := h.report(3 * chunk)
	b := flood("flood", "live", warning)
	if code := r.order(h.order(1, seal.OrderLive, b, nil)); code != "" {
		t.Fatal(code)
	}
	select {
	case <-told:
	default:
		t.Error("the scheduler was not told")
	}
	if got := r.bulletins(); got != "live flood" {
		t.Errorf("in force: %s", got)
	}
	w, ok := r.cache.NextWant(never)
	if !ok || w.SHA256 != warning.Manifest {
		t.Errorf("wanted first: %+v", w)
	}
	r.fetch(h, 2)
	if err := r.read(h, warning); err != nil {
		t.Errorf("its audio: %v", err)
	}

	r.kill()
	r.open()
	if got := r.bulletins(); got != "live flood" {
		t.Errorf("after a restart: %s", got)
	}
	if err := r.read(h, warning); err != nil {
		t.Errorf("its audio after a restart: %v", err)
	}
	// An older head that was on its way when the order overtook it takes nothing back.
	r.offer(h.head(func(d *broadcast.Head) { d.IssuedAt = now.Add(-time.Second) }, it))
	r.fetch(h, 100)
	if got := r.bulletins(); got != "live flood" {
		t.Errorf("after a head of before: %s", got)
	}
	if err := r.read(h, warning); err != nil {
		t.Errorf("its audio after a head of before: %v", err)
	}
	// The next head has it too: it is one bulletin, not two.
	r.offer(h.head(func(d *broadcast.Head) { d.IssuedAt, d.Bulletins = now, []broadcast.Bulletin{b} }, it))
	r.fetch(h, 100)
	if got := r.bulletins(); got != "live flood" {
		t.Errorf("by head and by order: %s", got)
	}

	if code := r.order(h.order(2, seal.OrderCancel, broadcast.Cancellation{Bulletin: "flood"}, func(o *seal.Order) { o.IssuedAt = now.Add(time.Second) })); code != "" {
		t.Fatal(code)
	}
	if got := r.bulletins(); got != "" {
		t.Errorf("after its cancel: %s", got)
	}
	r.kill()
	r.open()
	if got := r.bulletins(); got != "" {
		t.Errorf("after its cancel and a restart: %s", got)
	}
	// A later head is the full state, whatever the orders said.
	r.offer(h.head(func(d *broadcast.Head) {
		d.IssuedAt, d.Bulletins = now.Add(2*time.Second), []broadcast.Bulletin{flood("storm", "drill", warning)}
	}, it))
	r.fetch(h, 100)
	if got := r.bulletins(); got != "drill storm" {
		t.Errorf("by a later head: %s", got)
	}
}

// lines gathers what is logged.
type lines struct{ bytes.Buffer }

func (l *lines) refusals() (codes []string) {
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, "document refused") {
			_, code, _ := strings.Cut(line, "code=")
			code, _, _ = strings.Cut(code, " ")
			codes = append(codes, code)
		}
	}
	l.Reset()
	return codes
}

// kept is everything that a refusal must leave as it is.
func (r *rig) kept() string {
	r.t.Helper()
	floors, err := os.ReadFile(filepath.Join(r.dir, floorFile))
	if err != nil {
		r.t.Fatal(err)
	}
	trust, err := os.ReadFile(filepath.Join(r.dir, trustFile))
	if err != nil {
		r.t.Fatal(err)
	}
	version, sha, trusted := r.cache.Held()
	r.cache.mu.Lock()
	defer r.cache.mu.Unlock()
	return fmt.Sprintln(hashOf(floors), hashOf(trust), version, sha, trusted, len(r.cache.plans.orders), r.cache.plans.floors)
}

func TestOrdersThatAreRefused(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	warning := h.report(chunk)
	b := flood("flood", "live", warning)
	r.offer(h.head(func(d *broadcast.Head) { d.Area = "xa-1" }, h.report(chunk)))
	r.fetch(h, 100)
	log := &lines{}
	r.cache.o.Log = slog.New(slog.NewTextHandler(log, nil))
	if code := r.order(h.order(7, seal.OrderLive, flood("first", "live", warning), nil)); code != "" {
		t.Fatal(code)
	}
	mean := func(change func(*seal.Order)) []byte { return h.order(8, seal.OrderLive, b, change) }
	foreign, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	stranger := *h
	stranger.key = foreign
	for name, c := range map[string]struct {
		envelope []byte
		want     string
	}{
		"replayed":               {h.order(7, seal.OrderLive, flood("first", "live", warning), nil), "SEAL_ORDER_REPLAYED"},
		"older":                  {h.order(3, seal.OrderLive, b, nil), "SEAL_ORDER_REPLAYED"},
		"a jump":                 {h.order(8+seal.MaxJump, seal.OrderLive, b, nil), "SEAL_VERSION_JUMP"},
		"over":                   {mean(func(o *seal.Order) { o.IssuedAt, o.Expires = now.Add(-10*time.Minute), now }), "SEAL_EXPIRED"},
		"from the future":        {mean(func(o *seal.Order) { o.IssuedAt, o.Expires = now.Add(2*time.Hour), now.Add(125*time.Minute) }), "SEAL_FROM_FUTURE"},
		"for another agent":      {mean(func(o *seal.Order) { o.Audience = seal.OrderAudience{Agents: []string{"other"}} }), "SEAL_AUDIENCE"},
		"for another area":       {mean(func(o *seal.Order) { o.Audience = seal.OrderAudience{Areas: []string{"xa-2"}} }), "SEAL_AUDIENCE"},
		"of a stranger's key":    {stranger.order(8, seal.OrderLive, b, nil), "SEAL_KEY_ROLE"},
		"a head instead":         {h.head(nil), "SEAL_TYPE_UNKNOWN"},
		"a drill in a live body": {h.order(8, seal.OrderDrill, b, nil), "ORDER_INVALID"},
		"a live in a drill body": {h.order(8, seal.OrderLive, flood("x", "drill", warning), nil), "ORDER_INVALID"},
		"a cancel of nothing":    {h.order(8, seal.OrderCancel, broadcast.Cancellation{}, nil), "ORDER_INVALID"},
		"a bulletin of nothing":  {h.order(8, seal.OrderLive, broadcast.Bulletin{ID: "x", Kind: "live", IssuedAt: now, Until: now.Add(time.Hour)}, nil), "ORDER_INVALID"},
		"an unknown field":       {h.order(8, seal.OrderLive, map[string]any{"id": "x", "louder": true}, nil), "ORDER_INVALID"},
		"nothing":                {nil, "SEAL_MALFORMED"},
	} {
		before := r.kept()
		if code := r.order(c.envelope); code != c.want {
			t.Errorf("%s: %q, want %q", name, code, c.want)
		}
		if after := r.kept(); after != before || r.bulletins() != "live first" {
			t.Errorf("%s: something changed: %s", name, r.bulletins())
		}
		if got := log.refusals(); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: audit lines %v", name, got)
		}
	}
	// The floor outlives the database: a recorded order is refused by a cache that was deleted.
	recorded := h.order(7, seal.OrderLive, flood("first", "live", warning), nil)
	r.close()
	for _, db := range []string{"state.db", "audio.db"} {
		if err := os.Remove(filepath.Join(r.dir, db)); err != nil {
			t.Fatal(err)
		}
	}
	r.open()
	if code := r.order(recorded); code != "SEAL_ORDER_REPLAYED" {
		t.Errorf("after the databases were deleted: %q", code)
	}
}

func TestAnOrderNeedsATrustedClockAndRoom(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 100)
	trusted := r.cache.o.Trusted
	r.cache.o.Trusted = func() time.Time { return time.Time{} }
	if code := r.order(h.order(1, seal.OrderLive, flood("a", "live", it), nil)); code != "SEAL_CLOCK_UNTRUSTED" {
		t.Errorf("without a clock: %q", code)
	}
	r.cache.o.Trusted = trusted
	sequence := uint64(0)
	next := func(kind seal.OrderKind, body any) string {
		sequence++
		return r.order(h.order(sequence, kind, body, nil))
	}
	for i := range 3 * maxOrders { // of what no plan has, each makes room for the next
		if code := next(seal.OrderCancel, broadcast.Cancellation{Bulletin: fmt.Sprint("x", i)}); code != "" {
			t.Fatalf("cancel %d: %s", i, code)
		}
	}
	for i := range maxOrders {
		if code := next(seal.OrderLive, flood(fmt.Sprint("b", i), "live", it)); code != "" {
			t.Fatalf("bulletin %d: %s", i, code)
		}
	}
	if code := next(seal.OrderLive, flood("late", "live", it)); code != codeOrdersMany {
		t.Errorf("one too many: %q", code)
	}
	sequence--
	if code := next(seal.OrderCancel, broadcast.Cancellation{Bulletin: "b0"}); code != "" || strings.Contains(r.bulletins(), "live b0,") {
		t.Errorf("its cancel where there is no room: %q, in force %s", code, r.bulletins())
	}
	r.offer(h.head(func(d *broadcast.Head) { d.IssuedAt = now }, it)) // says all of it
	r.fetch(h, 100)
	if code := r.order(h.order(sequence+1, seal.OrderLive, flood("a", "live", it), func(o *seal.Order) { o.IssuedAt = now.Add(time.Second) })); code != "" {
		t.Errorf("after a head that says them all: %q", code)
	}
	if got := r.bulletins(); got != "live a" {
		t.Errorf("in force: %s", got)
	}
}

// A command is followed once, by the one agent that it names, and leaves orders and plan as they are.
func TestACommandIsCountedAndHandedOn(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	r.offer(h.head(nil, h.report(chunk)))
	r.fetch(h, 100)
	only := func(o *seal.Order) { o.Audience.Agents = []string{"agent"} }
	if code := r.order(h.order(1, seal.OrderLive, flood("flood", "live", h.report(chunk)), nil)); code != "" {
		t.Fatal(code)
	}
	tone := h.order(2, seal.OrderCommand, broadcast.Command{Do: broadcast.DoTone}, only)
	command, code := r.cache.Order(t.Context(), tone)
	if code != "" || command == nil || command.Do != broadcast.DoTone {
		t.Fatalf("command %+v, %s", command, code)
	}
	if got := r.bulletins(); got != "live flood" {
		t.Errorf("in force after it: %s", got)
	}
	for name, tc := range map[string]struct {
		envelope []byte
		code     string
	}{
		"again":           {tone, string(seal.OrderReplayed)},
		"unknown":         {h.order(3, seal.OrderCommand, broadcast.Command{Do: "format"}, only), codeOrderInvalid},
		"no command":      {h.order(3, seal.OrderCommand, map[string]string{"do": "tone", "x": "y"}, only), codeOrderInvalid},
		"another agent's": {h.order(3, seal.OrderCommand, broadcast.Command{Do: broadcast.DoRestart}, func(o *seal.Order) { o.Audience.Agents = []string{"other"} }), string(seal.Audience)},
	} {
		if command, code := r.cache.Order(t.Context(), tc.envelope); command != nil || code != tc.code {
			t.Errorf("%s: %+v, %s", name, command, code)
		}
	}
	_, err := seal.SealOrder(seal.Order{Sequence: 3, IssuedAt: now, Expires: now.Add(time.Minute), Kind: seal.OrderCommand, Body: h.marshal(broadcast.Command{Do: broadcast.DoRestart}),
		Audience: seal.OrderAudience{Agents: []string{"agent", "other"}}}, h.key)
	if seal.CodeOf(err) != seal.Malformed {
		t.Errorf("a command for two: %v", err)
	}
}
