package fleet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// events keeps what was published.
type events struct {
	mu   sync.Mutex
	list []bus.Event
}

func (e *events) Publish(event bus.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

// take gives what was published since the last call, as "area what" lines.
func (e *events) take() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var lines []string
	for _, event := range e.list {
		switch data := event.Data.(type) {
		case Event:
			lines = append(lines, fmt.Sprintf("%s %s %v", event.Area, data.What, data.Online))
		case PairingEvent:
			lines = append(lines, fmt.Sprintf("%s pairing %s", event.Area, data.State))
		}
	}
	e.list = nil
	return strings.Join(lines, ", ")
}

// world is a Fleet on a database of its own.
type world struct {
	*Fleet
	events       *events
	db           *store.DB
	mu           sync.Mutex
	now          time.Time
	disconnected []string
	alone        bool // from the next open on
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// migrated is an empty database with its schema, made once: migrations take most of a second.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "hub.db"), "")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.Migrate(ctx), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "hub.db"))
})

func newWorld(t *testing.T) *world {
	t.Helper()
	empty, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hub.db"), empty, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(context.Background(), storetest.Database(t, dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w := &world{events: &events{}, db: db, now: time.Now().Truncate(time.Millisecond).UTC()}
	w.open(t)
	return w
}

// open begins anew with what is in the database, as after a restart.
func (w *world) open(t *testing.T) {
	t.Helper()
	var err error
	w.Fleet, err = Open(context.Background(), Options{
		DB: w.db, Events: w.events, Now: w.clock, Alone: w.alone, Trust: func(context.Context) ([][]byte, error) { return [][]byte{trust(t)}, nil },
		Disconnect: func(agent, code string) { w.disconnected = append(w.disconnected, agent+" "+code) },
	})
	if err != nil {
		t.Fatal(err)
	}
}

func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(n byte) ed25519.PublicKey {
	k, _ := key(n).Public().(ed25519.PublicKey)
	return k
}

// add puts an agent into the fleet, as a confirmed pairing does.
func (w *world) add(t *testing.T, area, name string, n byte) string {
	t.Helper()
	ctx := t.Context()
	p, err := w.CreatePairing(ctx, area, name, "admin")
	if err != nil {
		t.Fatal(err)
	}
	row, err := w.answered(ctx, p.ID, [6]string{"a", "b", "c", "d", "e", "f"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := w.agentFor(ctx, row)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&attempt{f: w.Fleet, row: row, key: hex.EncodeToString(public(n))}).adopt(ctx, id); err != nil {
		t.Fatal(err)
	}
	w.events.take()
	w.disconnected = nil
	return id
}

func code(err error) string {
	var p *problem.Error
	if errors.As(err, &p) {
		return p.Code
	}
	return fmt.Sprint(err)
}

func TestAgentsLife(t *testing.T) {
	for name, alone := range map[string]bool{"known from SQL": false, "known from memory": true} {
		t.Run(name, func(t *testing.T) { agentsLife(t, alone) })
	}
}

func agentsLife(t *testing.T, alone bool) {
	w, ctx := newWorld(t), t.Context()
	w.alone = alone
	w.open(t)
	id := w.add(t, "xa-01", "Loa thôn 3", 1)
	if area, err := w.AreaOf(ctx, "none"); code(err) != "AGENT_UNKNOWN" {
		t.Errorf("of no agent: %s, %v", area, err)
	}
	got, name, area, err := w.ByKey(ctx, public(1))
	if err != nil || got != id || name != "Loa thôn 3" || area != "xa-01" {
		t.Fatalf("by key: %s %s %s %v", got, name, area, err)
	}
	if _, _, _, err := w.ByKey(ctx, public(2)); code(err) != "AGENT_UNKNOWN" {
		t.Errorf("an unknown key: %v", err)
	}
	steps := []struct {
		name   string
		do     func() error
		events string
		key    string // what ByKey says
		gone   string // disconnected with
	}{
		{"renamed", func() error { return w.Rename(ctx, id, "  Loa   thôn 4 ") }, "xa-01 place false", "<nil>", ""},
		{"moved", func() error { return w.Move(ctx, id, "xa-02") }, "xa-02 place false, xa-01 place false", "<nil>", ""},
		{"blocked", func() error { return w.Block(ctx, id) }, "xa-02 state false", "AGENT_BLOCKED", "AGENT_BLOCKED"},
		{"unblocked", func() error { return w.Unblock(ctx, id) }, "xa-02 state false", "<nil>", ""},
		{"revoked", func() error { return w.Revoke(ctx, id) }, "xa-02 state false", "AGENT_REVOKED", "AGENT_REVOKED"},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := w.events.take(); got != step.events {
			t.Errorf("%s: published %q", step.name, got)
		}
		if _, _, _, err := w.ByKey(ctx, public(1)); code(err) != step.key {
			t.Errorf("%s: by key %v", step.name, err)
		}
		if _, _, _, known := w.admitted(public(1)); known != (alone && step.key == "<nil>") {
			t.Errorf("%s: memory admits it: %v", step.name, known)
		}
		gone := strings.TrimPrefix(strings.Join(w.disconnected, ","), id+" ")
		if w.disconnected = nil; gone != step.gone {
			t.Errorf("%s: disconnected with %q", step.name, gone)
		}
	}
	if err := w.Unblock(ctx, id); code(err) != "AGENT_REVOKED" {
		t.Errorf("a revoked agent was unblocked: %v", err)
	}
	a, err := w.Agent(ctx, id)
	if err != nil || a.Name != "Loa thôn 4" || a.Area != "xa-02" || a.State != Revoked {
		t.Errorf("agent is %+v, %v", a, err)
	}
	if area, err := w.AreaOf(ctx, id); err != nil || area != "xa-02" {
		t.Errorf("it is in %s, %v", area, err)
	}
}

func TestEditsThatCannotBe(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	id := w.add(t, "xa-01", "one", 1)
	w.add(t, "xa-01", "two", 2)
	w.add(t, "xa-02", "one", 3)
	tests := map[string]struct {
		err  error
		code string
	}{
		"nobody":          {w.Rename(ctx, "x", "y"), "AGENT_UNKNOWN"},
		"a taken name":    {w.Rename(ctx, id, "two"), "AGENT_NAME_TAKEN"},
		"a taken place":   {w.Move(ctx, id, "xa-02"), "AGENT_NAME_TAKEN"},
		"no name":         {w.Rename(ctx, id, " \t"), "AGENT_NAME"},
		"a long name":     {w.Rename(ctx, id, strings.Repeat("ậ", 101)), "AGENT_NAME"},
		"a reversed name": {w.Rename(ctx, id, "abc\u202exyz"), "AGENT_NAME"},
		"a control":       {w.Rename(ctx, id, "abc\x00"), "AGENT_NAME"},
		"no area":         {w.Move(ctx, id, ""), "AGENT_AREA"},
	}
	for name, test := range tests {
		if code(test.err) != test.code {
			t.Errorf("%s: %v", name, test.err)
		}
	}
	if got := w.events.take(); got != "" {
		t.Errorf("published %q", got)
	}
	if _, err := w.Agent(ctx, "x"); code(err) != "AGENT_UNKNOWN" {
		t.Errorf("nobody: %v", err)
	}
}

func TestPairingAgainReplacesTheKey(t *testing.T) {
	for name, test := range map[string]struct {
		before func(context.Context, *world, string) error
		want   string
	}{
		"an active agent":       {func(context.Context, *world, string) error { return nil }, "<nil>"},
		"a revoked one":         {func(ctx context.Context, w *world, id string) error { return w.Revoke(ctx, id) }, "<nil>"},
		"a blocked one remains": {func(ctx context.Context, w *world, id string) error { return w.Block(ctx, id) }, "AGENT_BLOCKED"},
	} {
		t.Run(name, func(t *testing.T) {
			w, ctx := newWorld(t), t.Context()
			w.alone = true
			w.open(t)
			id := w.add(t, "xa-01", "Loa thôn 3", 1)
			if err := test.before(ctx, w, id); err != nil {
				t.Fatal(err)
			}
			if again := w.add(t, "xa-01", "Loa thôn 3", 2); again != id {
				t.Errorf("the cluster became another: %s, %s", id, again)
			}
			if _, _, _, err := w.ByKey(ctx, public(1)); code(err) != "AGENT_REVOKED" {
				t.Errorf("the old key: %v", err)
			}
			if _, _, _, err := w.ByKey(ctx, public(2)); code(err) != test.want {
				t.Errorf("the new key: %v", err)
			}
		})
	}
}

func TestListAndFilters(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	var ids []string
	for i, area := range []string{"xa-01", "xa-01", "xa-02", "xa-03", "xa-03"} {
		ids = append(ids, w.add(t, area, fmt.Sprintf("Loa %d", i), byte(i+1)))
	}
	w.Online(ids[1], 1, &wire.Hello{}, "")
	w.Online(ids[4], 2, &wire.Hello{}, "")
	if err := w.Block(ctx, ids[2]); err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	tests := map[string]struct {
		filter Filter
		want   []int
	}{
		"all":              {Filter{}, []int{0, 1, 2, 3, 4}},
		"areas":            {Filter{Areas: []string{"xa-01", "xa-02"}}, []int{0, 1, 2}},
		"no area":          {Filter{Areas: []string{}}, nil},
		"ids":              {Filter{IDs: []string{ids[3], ids[0]}}, []int{0, 3}},
		"state":            {Filter{State: Blocked}, []int{2}},
		"online":           {Filter{Online: &yes}, []int{1, 4}},
		"offline":          {Filter{Online: &no, Areas: []string{"xa-03"}}, []int{3}},
		"text":             {Filter{Text: "oa 3"}, []int{3}},
		"text with %":      {Filter{Text: "%"}, nil},
		"the first":        {Filter{Limit: 2}, []int{0, 1}},
		"the next":         {Filter{Limit: 2, After: ids[1]}, []int{2, 3}},
		"online, by pages": {Filter{Online: &yes, Limit: 1, After: ids[1]}, []int{4}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := w.Agents(ctx, test.filter)
			if err != nil {
				t.Fatal(err)
			}
			var numbers []int
			for _, a := range got {
				for i, id := range ids {
					if id == a.ID {
						numbers = append(numbers, i)
					}
				}
			}
			if fmt.Sprint(numbers) != fmt.Sprint(test.want) {
				t.Errorf("listed %v, not %v", numbers, test.want)
			}
		})
	}
}

func TestRunWritesInBatches(t *testing.T) {
	w := newWorld(t)
	id := w.add(t, "xa-01", "Loa", 1)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		w.Status(id, broadcast.Status{Software: "1.0"})
		seen := func() int64 {
			var row agentRow
			if err := w.db.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx); err != nil {
				t.Fatal(err)
			}
			return row.StatusAt
		}
		if seen() != 0 {
			t.Error("a status was written at once")
		}
		<-time.After(flushEvery + time.Second)
		if seen() == 0 {
			t.Error("a status was not written in time")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestStatusIsPublishedWhenItSaysSomethingNew(t *testing.T) {
	w := newWorld(t)
	id := w.add(t, "xa-01", "Loa", 1)
	s := broadcast.Status{At: w.now, Card: broadcast.CardStatus{State: "ok"}}
	w.Status(id, s)
	w.events.take()
	s.At, s.Clock.OffsetMS, s.Cache.FreeBytes = s.At.Add(time.Minute), 5, 100
	w.Status(id, s)
	if got := w.events.take(); got != "" {
		t.Errorf("published %q for the time going on", got)
	}
	s.Card.State = "missing"
	w.Status(id, s)
	if got := w.events.take(); got != "xa-01 status false" {
		t.Errorf("published %q for a missing card", got)
	}
}

func hash(c rune) broadcast.Hash { return broadcast.Hash(strings.Repeat(string(c), 64)) }

func TestReady(t *testing.T) {
	w := newWorld(t)
	id := w.add(t, "xa-01", "Loa", 1)
	a, b, c := hash('a'), hash('b'), hash('c')
	w.Holdings(id, wire.Holdings{Full: true, Items: []wire.Holding{
		{SHA256: a, Have: 10, Size: 10, Whole: true}, {SHA256: b, Have: 5, Size: 10},
	}})
	tests := map[string]struct {
		blobs []broadcast.Hash
		want  Ready
	}{
		"whole":           {[]broadcast.Hash{a}, Ready{Verified, 100}},
		"half":            {[]broadcast.Hash{b}, Ready{Receiving, 50}},
		"whole and half":  {[]broadcast.Hash{a, b}, Ready{Receiving, 75}},
		"whole, and none": {[]broadcast.Hash{a, c}, Ready{Receiving, 50}},
		"none":            {[]broadcast.Hash{c}, Ready{Queued, 0}},
		"nothing needed":  {nil, Ready{Verified, 100}},
		"no hash":         {[]broadcast.Hash{"xyz"}, Ready{Queued, 0}},
	}
	for name, test := range tests {
		if got := w.Ready(id, test.blobs); got != test.want {
			t.Errorf("%s: %+v, not %+v", name, got, test.want)
		}
	}
	if got := w.Ready("nobody", []broadcast.Hash{a}); got != (Ready{Queued, 0}) {
		t.Errorf("nobody: %+v", got)
	}
	w.Holdings(id, wire.Holdings{Items: []wire.Holding{{SHA256: a}, {SHA256: c, Have: 1, Size: 1, Whole: true}}})
	if got := w.Ready(id, []broadcast.Hash{a}); got.State != Queued {
		t.Errorf("a dropped blob: %+v", got)
	}
	w.Holdings(id, wire.Holdings{Full: true})
	if got := w.Ready(id, []broadcast.Hash{c}); got.State != Queued {
		t.Errorf("after an empty full list: %+v", got)
	}
}
