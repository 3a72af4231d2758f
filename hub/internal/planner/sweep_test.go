package planner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
)

// A broadcast approved while a sweep reads is in its heads, and they say so: whoever asks whether an agent's plan has what
// was approved goes by the head's time, and no later sweep finds anything to issue.
func TestAHeadIsNotOlderThanWhatItHas(t *testing.T) {
	w := newWorld(t)
	w.sweep(3)
	var b Broadcast
	w.clock.set("2026-11-24T08:00:00+07:00")
	w.Agents = &meanwhile{w.agents, func() {
		w.clock.set("2026-11-24T08:00:00.003+07:00")
		b = w.approve(spec(When{Daypart: "evening", Date: "2026-11-24"}, "TL", "r1"))
	}}
	w.sweep(2)
	w.sweep(0)
	plan, sealed := w.plan("a1")
	if got := heard(plan, "2026-11-24"); len(got) != 1 || sealed.IssuedAt.Before(b.Approved.At) || plan.Head.IssuedAt.Before(b.Approved.At) {
		t.Errorf("heard %v, by a head of %v, approved at %v", got, sealed.IssuedAt, b.Approved.At)
	}
}

func TestSweepIssuesOnlyWhatChanged(t *testing.T) {
	w := newWorld(t)
	w.sweep(3) // every agent gets a first plan
	w.sweep(0)

	b := w.approve(spec(When{Daypart: "evening", RRule: "FREQ=WEEKLY;BYDAY=TU,TH,SU"}, "TL", "r1", "r2"))
	w.sweep(2) // a1 and a3 only
	plan, sealed := w.plan("a1")
	if sealed.Version != 2 || len(plan.Days) != horizon+daysKept {
		t.Fatalf("version %d with %d days", sealed.Version, len(plan.Days))
	}
	for date, want := range map[broadcast.Date][]string{
		"2026-11-24": {"17:00 r1", "17:05 r2"}, "2026-11-25": {}, "2026-11-26": {"17:00 r1", "17:05 r2"}, "2026-12-27": {"17:00 r1", "17:05 r2"},
	} {
		if got := heard(plan, date); !slices.Equal(got, want) {
			t.Errorf("on %s a1 hears %v, want %v", date, got, want)
		}
	}
	other, _ := w.plan("a3")
	for i, ref := range plan.Head.Days {
		if other.Head.Days[i] != ref {
			t.Fatalf("agents in equal position have unequal documents of %s", ref.Date)
		}
	}

	edited := b.Spec
	edited.Title = "Pháp luật và đời sống"
	if _, err := w.Edit(context.Background(), b.ID, b.Version, edited, ann); err != nil {
		t.Fatal(err)
	}
	w.sweep(0) // what was approved stays as it is, until the edit is approved
	if plan, _ := w.plan("a1"); len(heard(plan, "2026-11-24")) != 2 || plan.Days["2026-11-24"].Candidates[0].Title != b.Title {
		t.Errorf("a version that nobody approved is in the plan: %+v", plan.Days["2026-11-24"].Candidates)
	}
	if _, err := w.Approve(context.Background(), b.ID, 2, binh); err != nil {
		t.Fatal(err)
	}
	w.sweep(2)
	if _, err := w.Cancel(context.Background(), b.ID, 0, ann); err != nil {
		t.Fatal(err)
	}
	w.sweep(2)

	w.agents.list = append(w.agents.list, AgentRef{ID: "a4", Area: "HD"})
	w.sweep(1)
	policy := broadcast.Policy{CommuneMayMove: new(bool)}
	if _, err := w.EditArea(context.Background(), "HD", 0, AreaChange{Policy: &policy}); err != nil {
		t.Fatal(err)
	}
	w.sweep(2)
	if plan, _ := w.plan("a4"); plan.Head.Rules.CommuneMayMove {
		t.Error("the new policy is not in the plan")
	}
}

func TestSweepEachDay(t *testing.T) {
	w := newWorld(t)
	w.approve(spec(When{At: "2026-11-24T09:00:00"}, "QN", "r1"))
	w.sweep(3)
	first, sealed := w.plan("a1")
	if got := sealed.Expires.Sub(sealed.IssuedAt); got != planDays*24*time.Hour {
		t.Fatalf("the head holds for %v", got)
	}
	w.clock.set("2026-11-25T00:00:01+07:00")
	w.sweep(3)
	second, _ := w.plan("a1")
	if got := heard(second, "2026-11-24"); !slices.Equal(got, []string{"09:00 r1"}) {
		t.Errorf("after midnight yesterday holds %v", got)
	}
	if a, b := first.Head.Days[1], second.Head.Days[0]; a != b {
		t.Errorf("a past day became another document: %v, %v", a, b)
	}
	w.clock.set("2026-11-25T12:00:00+07:00")
	w.sweep(0)

	// Documents that no plan names any more are cleared away after some days, those in use stay.
	w.clock.set("2026-11-30T00:00:01+07:00")
	w.sweep(3)
	w.clock.set("2026-12-01T00:00:01+07:00")
	w.sweep(3)
	w.clock.set("2026-12-04T00:00:01+07:00")
	w.sweep(3)
	if has, err := w.blobs.Has(context.Background(), first.Head.Days[0].Hash); has || err != nil {
		t.Errorf("an old day document is still there (%v)", err)
	}
	w.plan("a1")
}

// A head of a clock that ran ahead is refused by every agent: when the clock is right again it is made anew.
func TestAClockThatRanAhead(t *testing.T) {
	w := newWorld(t)
	w.clock.set("2026-11-24T20:00:00+07:00")
	w.sweep(3)
	w.clock.set("2026-11-24T08:00:00+07:00")
	w.sweep(3)
	if _, sealed := w.plan("a1"); sealed.IssuedAt.After(w.clock.now()) {
		t.Errorf("issued at %s", sealed.IssuedAt)
	}
	w.sweep(0)
}

func TestRestartIssuesNothingNew(t *testing.T) {
	w := newWorld(t)
	w.approve(spec(When{Daypart: "morning", RRule: "FREQ=DAILY"}, "QN", "r1"))
	w.sweep(3)
	w.Planner = New(w.Deps)
	w.sweep(0)
}

// However many reports are taken back in a day, those that stay keep their slots: an item whose place became another
// slot's would sound twice, or never.
func TestManyWithdrawalsMoveNoSlot(t *testing.T) {
	w := newWorld(t)
	w.approve(spec(When{Daypart: "evening"}, "TL", "r1", "r2"))
	var others []string
	for i := range 3 * recentWithdrawals {
		others = append(others, fmt.Sprintf("old%d", i))
		w.reports.put(others[i], 1, broadcast.ReportApproved)
	}
	w.approve(spec(When{At: "2026-11-24T12:00:00"}, "QN", others...))
	w.sweep(3)
	w.clock.set("2026-11-24T10:00:00+07:00")
	w.reports.withdraw("r1", w.clock.now())
	for _, id := range others {
		w.clock.set("2026-11-24T11:00:00+07:00")
		w.reports.withdraw(id, w.clock.now())
	}
	w.sweep(3)
	plan, _ := w.plan("a1")
	if got := heard(plan, "2026-11-24"); !slices.Equal(got, []string{"17:00 r2"}) {
		t.Errorf("today is heard %v", got)
	}
	for _, s := range plan.Slots("2026-11-24", nil) {
		if s.Item.Report == "r2" && !strings.HasSuffix(s.ID, "#1") {
			t.Errorf("the report that stays has the slot %s", s.ID)
		}
	}
	// An agent whose head has room for no withdrawal is silent all the same.
	plan.Head.Withdrawals = nil
	bare, err := broadcast.NewPlan(plan.Head, slices.Collect(maps.Values(plan.Days)))
	if err != nil {
		t.Fatal(err)
	}
	if got := heard(bare, "2026-11-24"); !slices.Equal(got, []string{"17:00 r2"}) {
		t.Errorf("without withdrawals in the head %v is heard", got)
	}
}

func TestWithdrawal(t *testing.T) {
	w := newWorld(t)
	w.approve(spec(When{Daypart: "evening", RRule: "FREQ=DAILY"}, "TL", "r1", "r2"))
	w.approve(spec(When{Daypart: "evening", RRule: "FREQ=DAILY"}, "HD", "r3"))
	w.sweep(3)
	w.clock.set("2026-11-24T10:00:00+07:00")
	w.reports.withdraw("r1", w.clock.now())
	w.sweep(2) // only agents whose plans held it
	plan, _ := w.plan("a1")
	if n := len(plan.Head.Withdrawals); n != 1 || plan.Head.Withdrawals[0].Report != "r1" {
		t.Fatalf("withdrawals %+v", plan.Head.Withdrawals)
	}
	if got := heard(plan, "2026-11-24"); !slices.Equal(got, []string{"17:00 r2"}) {
		t.Errorf("today is heard %v", got)
	}
	for _, s := range plan.Slots("2026-11-24", nil) {
		if s.Item.Report == "r1" && s.Skip != broadcast.ReasonWithdrawn {
			t.Errorf("today's slot of the withdrawn report says %q", s.Skip)
		}
		if s.Item.Report == "r2" && !strings.HasSuffix(s.ID, "#1") {
			t.Errorf("the other report's slot is now %s", s.ID)
		}
	}
	for _, c := range plan.Days["2026-11-25"].Candidates {
		if len(c.Items) != 1 || c.Items[0].Report != "r2" {
			t.Errorf("tomorrow holds %+v", c.Items)
		}
	}

	// Many withdrawals never make the head too large, and none of them leaves a report playable.
	for i := range 40 {
		id := "w" + strings.Repeat("x", i)
		w.reports.put(id, 1, broadcast.ReportApproved)
		w.approve(spec(When{Daypart: "evening", RRule: "FREQ=DAILY"}, "TL", id))
		w.reports.withdraw(id, w.clock.now())
	}
	w.sweep(2)
	plan, sealed := w.plan("a1")
	if len(sealed.Envelope) > maxEnvelope {
		t.Errorf("the envelope has %d bytes", len(sealed.Envelope))
	}
	for date := range plan.Days {
		for _, h := range heard(plan, date) {
			if !strings.HasSuffix(h, "r2") {
				t.Fatalf("on %s is heard %s", date, h)
			}
		}
	}
}

func TestReportLosesItsApproval(t *testing.T) {
	w := newWorld(t)
	w.approve(spec(When{Daypart: "evening", RRule: "FREQ=DAILY"}, "TL", "r1", "r2"))
	w.sweep(2 + 1)
	w.reports.put("r2", 5, broadcast.ReportDraft)
	w.sweep(2)
	if plan, _ := w.plan("a1"); len(heard(plan, "2026-11-24")) != 0 {
		t.Error("a programme with an unapproved report is heard")
	}
}

func TestTwoHubsNeverSealOneVersionTwice(t *testing.T) {
	w := newWorld(t)
	w.approve(spec(When{Daypart: "evening", RRule: "FREQ=DAILY"}, "QN", "r1"))
	other := New(w.Deps)
	var wg sync.WaitGroup
	for _, p := range []*Planner{w.Planner, other} {
		wg.Go(func() {
			for range 3 {
				if _, err := p.Sweep(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var rows []planRow
	if err := w.DB.NewSelect().Model(&rows).Scan(context.Background()); err != nil {
		t.Fatal(err)
	}
	var versions uint64
	for _, r := range rows {
		versions += r.Reserved
	}
	if int(versions) != w.sealer.seals {
		t.Errorf("%d versions were reserved and %d heads sealed", versions, w.sealer.seals)
	}
	w.sweep(0)
}

// After a rotation agents stop believing the old key: every head is sealed anew, without any other change.
func TestANewKeySealsEveryHeadAnew(t *testing.T) {
	w := newWorld(t)
	w.approve(spec(When{Daypart: "evening", RRule: "FREQ=DAILY"}, "TL", "r1"))
	w.sweep(2 + 1)
	w.sweep(0)
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	w.sealer.key = key
	w.sweep(2 + 1)
	w.sweep(0)
}

// Of many agents at once the same is known as of each, but for what the heads say.
func TestHeads(t *testing.T) {
	w := newWorld(t)
	w.sweep(3)
	agents := []string{"a1", "a2", "a3", "a4"} // a4 has no plan
	for i := range batch {
		agents = append(agents, fmt.Sprint("nobody", i))
	}
	heads, err := w.Heads(t.Context(), agents)
	if err != nil || len(heads) != 3 {
		t.Fatalf("%d heads: %v", len(heads), err)
	}
	for _, agent := range agents[:3] {
		_, want := w.plan(agent)
		if want.Envelope = []byte{}; !reflect.DeepEqual(heads[agent], want) {
			t.Errorf("%s: %+v, want %+v", agent, heads[agent], want)
		}
	}
}

// An agent is given the newest head unless it has that very one, whoever asks at the same time.
func TestNewer(t *testing.T) {
	for name, alone := range map[string]bool{"known from SQL": false, "known from memory": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Alone = alone
			for range 2 { // the second time with heads that are newer than what was known
				key, err := seal.NewKey()
				if err != nil {
					t.Fatal(err)
				}
				w.sealer.key = key
				w.sweep(3)
				newer(t, w)
			}
			w.Planner = New(w.Deps)
			w.sweep(0) // after a restart
			newer(t, w)
		})
	}
}

func newer(t *testing.T, w *world) {
	t.Helper()
	var newest [4]SealedHead
	for i := range 3 {
		_, newest[i] = w.plan(fmt.Sprint("a", 1+i))
	}
	var all sync.WaitGroup
	for i, head := range newest {
		agent := fmt.Sprint("a", 1+i) // a4 has no plan
		if _, sure := w.remembered(agent, headID{head.Version, head.SHA256}); sure != (w.Alone && head.Version > 0) {
			t.Errorf("%s has the newest, as far as memory knows: %v", agent, sure)
		}
		for what, ask := range map[string]struct {
			version uint64
			sha256  broadcast.Hash
			want    SealedHead
		}{
			"none":                          {0, "", head},
			"an older one":                  {max(1, head.Version) - 1, "00", head},
			"this one":                      {head.Version, head.SHA256, SealedHead{}},
			"another of this version":       {head.Version, "00", head},
			"one of a hub before a restore": {head.Version + 7, head.SHA256, head},
		} {
			all.Go(func() {
				got, err := w.Newer(t.Context(), agent, ask.version, ask.sha256)
				if err != nil || !reflect.DeepEqual(got, ask.want) {
					t.Errorf("%s has %s: got version %d, %v, want %d", agent, what, got.Version, err, ask.want.Version)
				}
			})
		}
	}
	all.Wait()
}

// The last heads that were sealed are given from memory, once.
func TestFreshHeads(t *testing.T) {
	w := newWorld(t)
	w.Alone = true
	w.agents.list = nil
	for i := range freshMost + 10 {
		w.agents.list = append(w.agents.list, AgentRef{ID: fmt.Sprintf("a%04d", i), Area: "HD"})
	}
	w.sweep(len(w.agents.list))
	if err := w.DB.Close(); err != nil {
		t.Fatal(err)
	}
	given := 0
	for _, a := range w.agents.list {
		head, err := w.Newer(t.Context(), a.ID, 0, "")
		if err != nil {
			continue
		}
		if given++; head.Version != 1 || len(head.Envelope) == 0 || broadcast.Hash(hash(head.Envelope)) != head.SHA256 {
			t.Errorf("%s is given version %d in %d bytes", a.ID, head.Version, len(head.Envelope))
		}
		if _, err := w.Newer(t.Context(), a.ID, 0, ""); err == nil {
			t.Errorf("%s is given its head twice", a.ID)
		}
	}
	if given != freshMost {
		t.Errorf("%d heads were given from memory", given)
	}
}

func TestSealerFails(t *testing.T) {
	w := newWorld(t)
	w.sealer.fail = errors.New("no key")
	if n, err := w.Sweep(context.Background()); n != 0 || err == nil {
		t.Fatalf("sweep gives %d, %v", n, err)
	}
	if _, err := w.Head(context.Background(), "a1"); !errors.Is(err, ErrNoPlan) {
		t.Fatalf("head gives %v", err)
	}
	w.sealer.fail = nil
	w.sweep(3)
	if _, sealed := w.plan("a1"); sealed.Version != 2 {
		t.Errorf("a version that was reserved is used again: %d", sealed.Version)
	}
}

func TestHeadFits(t *testing.T) {
	w := newWorld(t)
	d := daypart("noon", "11:00", "11:45")
	if _, err := w.EditArea(context.Background(), "TL", 0, AreaChange{Dayparts: &[]broadcast.Daypart{d}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"morning", "noon", "evening"} {
		w.approve(spec(When{Daypart: name, RRule: "FREQ=DAILY"}, "TL", "r1", "r2", "r3"))
	}
	w.sweep(3)
	plan, sealed := w.plan("a1")
	if len(sealed.Envelope) > maxEnvelope {
		t.Fatalf("three dayparts over %d days make %d bytes", planDays, len(sealed.Envelope))
	}
	t.Logf("sealed head: %d bytes", len(sealed.Envelope))
	if got := heard(plan, "2026-12-28"); len(got) != 9 {
		t.Errorf("a day with three dayparts of three reports has %v", got)
	}
}

func TestRun(t *testing.T) {
	w := newWorld(t)
	plans := w.Bus.Subscribe(bus.Plan)
	defer plans.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	next := func() string {
		t.Helper()
		select {
		case e := <-plans.C():
			if area := map[string]string{"a1": "TL", "a2": "HD", "a3": "TL"}[e.Agent]; e.Area != area {
				t.Errorf("the plan of %s is told to %q, not to %s", e.Agent, e.Area, area)
			}
			return e.Agent
		case <-time.After(10 * time.Second):
			t.Fatal("no plan was announced")
			return ""
		}
	}
	first := []string{next(), next(), next()}
	slices.Sort(first)
	if !slices.Equal(first, []string{"a1", "a2", "a3"}) {
		t.Fatalf("first plans for %v", first)
	}
	w.approve(spec(When{Daypart: "evening", RRule: "FREQ=DAILY"}, "HD", "r1"))
	if got := next(); got != "a2" {
		t.Fatalf("a plan for %s", got)
	}
	w.reports.withdraw("r1", w.clock.now())
	w.Bus.Publish(bus.Event{Topic: bus.Report, ID: "r1"})
	if got := next(); got != "a2" {
		t.Fatalf("a plan for %s", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// BenchmarkSweep is a fleet of 2,000 agents in 200 communes with 60 broadcasts, when nothing changed.
func BenchmarkSweep(b *testing.B) {
	w := newWorld(b)
	w.agents.list = nil
	for i := range 200 {
		name := fmt.Sprintf("C%03d", i)
		w.area(name, "QN")
		for j := range 10 {
			w.agents.list = append(w.agents.list, AgentRef{ID: fmt.Sprintf("%s-%d", name, j), Area: name})
		}
	}
	for i := range 60 {
		w.approve(spec(When{Daypart: "evening", RRule: "FREQ=WEEKLY;BYDAY=TU,TH,SU"}, fmt.Sprintf("C%03d", i*3), "r1", "r2"))
	}
	began := time.Now()
	w.sweep(2000)
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "first-ms")
	for b.Loop() {
		w.sweep(0)
	}
}
