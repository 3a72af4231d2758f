package planner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ann  = Person{"p-ann", "An"}
	binh = Person{"p-binh", "Bình"}
)

// morningOf is a Tuesday.
const morningOf = "2026-11-24T08:00:00+07:00"

// world is a planner on a real database, with everything around it played by fakes.
type world struct {
	*Planner
	t       testing.TB
	clock   *clock
	reports *fakeReports
	agents  *fakeAgents
	sealer  *keySealer
	blobs   store.Blobs
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) set(s string) {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

type fakeReports struct {
	mu        sync.Mutex
	m         map[string]broadcast.Report
	withdrawn []broadcast.Withdrawal
}

func (f *fakeReports) Reports(_ context.Context, ids []string) (map[string]broadcast.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]broadcast.Report{}
	for _, id := range ids {
		if r, ok := f.m[id]; ok {
			out[id] = r
		}
	}
	return out, nil
}

func (f *fakeReports) Withdrawals(_ context.Context, since time.Time) ([]broadcast.Withdrawal, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []broadcast.Withdrawal
	for _, w := range f.withdrawn {
		if !w.At.Before(since) {
			out = append(out, w)
		}
	}
	slices.SortStableFunc(out, func(a, b broadcast.Withdrawal) int { return b.At.Compare(a.At) })
	return out, nil
}

func (f *fakeReports) put(id string, minutes int, state broadcast.ReportState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.m[id] = broadcast.Report{ID: id, Title: "Phóng sự " + id, State: state, Audio: broadcast.Hash(hash([]byte(id))),
		Manifest: broadcast.Hash(hash([]byte("manifest " + id))), DurationMS: int64(minutes) * 60_000}
}

func (f *fakeReports) withdraw(id string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.m[id]
	r.State = broadcast.ReportWithdrawn
	f.m[id] = r
	f.withdrawn = append(f.withdrawn, broadcast.Withdrawal{Report: id, Audio: r.Audio, At: at, Reason: "luật đã thay đổi"})
}

type fakeAgents struct{ list []AgentRef }

func (f *fakeAgents) List(context.Context) ([]AgentRef, error) { return slices.Clone(f.list), nil }

// keySealer seals as the hub does, and counts.
type keySealer struct {
	key   seal.Key
	mu    sync.Mutex
	seals int
	fail  error
}

func (k *keySealer) HeadKey() string { return k.key.ID() }

func (k *keySealer) SealHead(payload []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return nil, k.fail
	}
	k.seals++
	return seal.Seal(seal.TypePlanHead, payload, k.key)
}

// memory is store.Blobs without a disk: the real folder syncs every file, which a thousand sweeps feel.
type memory struct {
	mu sync.Mutex
	m  map[broadcast.Hash][]byte
}

type memoryBlob struct{ *bytes.Reader }

func (memoryBlob) Close() error { return nil }

func (m *memory) Put(_ context.Context, r io.Reader) (broadcast.Hash, int64, error) {
	text, err := io.ReadAll(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	h := broadcast.Hash(hash(text))
	m.m[h] = text
	return h, int64(len(text)), err
}

func (m *memory) PutFile(context.Context, string) (broadcast.Hash, int64, error) {
	return "", 0, errors.ErrUnsupported
}

func (m *memory) Open(_ context.Context, h broadcast.Hash) (store.Blob, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, ok := m.m[h]
	if !ok {
		return nil, store.ErrNoBlob
	}
	return memoryBlob{bytes.NewReader(text)}, nil
}

func (m *memory) Has(_ context.Context, h broadcast.Hash) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.m[h]
	return ok, nil
}

func (m *memory) Delete(_ context.Context, h broadcast.Hash) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.m, h)
	return nil
}

func (m *memory) Walk(context.Context, func(store.BlobInfo) error) error {
	return errors.ErrUnsupported
}

// newWorld has two communes in a province, an agent in each and a third in the first, and reports r1 to r3 of
// five minutes each.
func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	db, err := store.Open(ctx, storetest.Database(t, dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	blobs := &memory{m: map[broadcast.Hash][]byte{}}
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: &clock{}, reports: &fakeReports{m: map[string]broadcast.Report{}}, agents: &fakeAgents{},
		sealer: &keySealer{key: key}, blobs: blobs}
	w.clock.set(morningOf)
	w.Planner = New(Deps{DB: db.DB, Blobs: blobs, Bus: bus.NewLocal(), Reports: w.reports, Agents: w.agents, Sealer: w.sealer,
		Zone: zone, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: w.clock.now})
	w.agents.list = []AgentRef{{ID: "a1", Area: "TL"}, {ID: "a2", Area: "HD"}, {ID: "a3", Area: "TL"}}
	for _, id := range []string{"r1", "r2", "r3"} {
		w.reports.put(id, 5, broadcast.ReportApproved)
	}
	w.area("QN", "", daypart("morning", "05:00", "05:45"), daypart("evening", "17:00", "17:30"))
	w.area("TL", "QN")
	w.area("HD", "QN", daypart("evening", "18:00", "18:30"))
	return w
}

func daypart(name, start, end string) broadcast.Daypart {
	d := broadcast.Daypart{Name: name}
	d.Start, _ = broadcast.ParseTimeOfDay(start)
	d.End, _ = broadcast.ParseTimeOfDay(end)
	return d
}

func (w *world) area(code, parent string, dayparts ...broadcast.Daypart) {
	w.t.Helper()
	if _, err := w.CreateArea(context.Background(), Area{Code: code, Name: "Địa bàn " + code, Parent: parent, Dayparts: dayparts}); err != nil {
		w.t.Fatal(err)
	}
}

// spec is a broadcast of reports to areas.
func spec(when When, areas string, reports ...string) Spec {
	s := Spec{Title: "Tìm hiểu pháp luật", When: when, Targets: Targets{Areas: strings.Fields(areas)}}
	for _, r := range reports {
		s.Items = append(s.Items, ItemRef{r})
	}
	return s
}

func (w *world) create(s Spec) Broadcast {
	w.t.Helper()
	b, err := w.Create(context.Background(), s, ann)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) approve(s Spec) Broadcast {
	w.t.Helper()
	b, err := w.Approve(context.Background(), w.create(s).ID, 0, binh)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) sweep(want int) {
	w.t.Helper()
	if n, err := w.Sweep(context.Background()); err != nil || n != want {
		w.t.Fatalf("sweep issued %d, %v; want %d", n, err, want)
	}
}

// plan opens what was sealed for an agent, as the agent would.
func (w *world) plan(agent string) (*broadcast.Plan, SealedHead) {
	w.t.Helper()
	ctx := context.Background()
	sealed, err := w.Head(ctx, agent)
	if err != nil {
		w.t.Fatal(err)
	}
	var envelope struct{ Payload []byte }
	var head broadcast.Head
	if err := errors.Join(json.Unmarshal(sealed.Envelope, &envelope), json.Unmarshal(envelope.Payload, &head)); err != nil {
		w.t.Fatal(err)
	}
	if head.Version != sealed.Version || head.Audience != agent {
		w.t.Fatalf("head of %s, version %d in an envelope of %s, version %d", head.Audience, head.Version, agent, sealed.Version)
	}
	var days []broadcast.Day
	for _, ref := range head.Days {
		text := w.blob(ref.Hash)
		if int64(len(text)) != ref.Size {
			w.t.Fatalf("day document of %d bytes, said to be %d", len(text), ref.Size)
		}
		day, err := seal.Strict[broadcast.Day](text, 1<<20)
		if err != nil {
			w.t.Fatal(err)
		}
		days = append(days, day)
	}
	plan, err := broadcast.NewPlan(head, days)
	if err != nil {
		w.t.Fatal(err)
	}
	return plan, sealed
}

func (w *world) blob(h broadcast.Hash) []byte {
	w.t.Helper()
	blob, err := w.blobs.Open(context.Background(), h)
	if err != nil {
		w.t.Fatal(err)
	}
	defer blob.Close()
	text, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// heard gives what of a plan has a place on a date, as "05:00 r1".
func heard(p *broadcast.Plan, date broadcast.Date) []string {
	out := []string{}
	for _, s := range p.Slots(date, nil) {
		if s.Skip == "" {
			out = append(out, fmt.Sprintf("%s %s", s.Start.In(p.Zone).Format("15:04"), s.Item.Report))
		}
	}
	return out
}

func code(err error) string {
	var p *problem.Error
	if errors.As(err, &p) {
		return p.Code
	}
	if err != nil {
		return "not a problem: " + err.Error()
	}
	return ""
}
