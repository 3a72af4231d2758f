package orders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

var (
	ann  = Person{"p-ann", "An"}
	binh = Person{"p-binh", "Bình"}
)

// world is a desk on a real database, with reports and places played by itself.
type world struct {
	*Desk
	t       testing.TB
	at      time.Time
	reports map[string]broadcast.Report
	second  bool
	full    error
	within  func() // happens once while room is looked for
	events  *bus.Subscription
}

func newWorld(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), storetest.Database(t, dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, at: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), reports: map[string]broadcast.Report{}, second: true}
	b := bus.NewLocal()
	w.events = b.Subscribe(bus.Urgent)
	t.Cleanup(w.events.Close)
	w.Desk = New(Deps{DB: db.DB, Bus: b, Reports: w, Places: w, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.at }})
	for i, state := range []broadcast.ReportState{broadcast.ReportApproved, broadcast.ReportDraft, broadcast.ReportWithdrawn, broadcast.ReportFailed} {
		r := broadcast.Report{ID: string(state), Title: "Báo động lũ", State: state, DurationMS: 30_000,
			Audio: broadcast.Hash(fmt.Sprintf("%064d", i)), Manifest: broadcast.Hash(fmt.Sprintf("%064d", 10+i))}
		w.reports[r.ID] = r
	}
	return w
}

func (w *world) Reports(_ context.Context, ids []string) (map[string]broadcast.Report, error) {
	out := map[string]broadcast.Report{}
	for _, id := range ids {
		if r, ok := w.reports[id]; ok {
			out[id] = r
		}
	}
	return out, nil
}

var errNowhere = problem.New("TARGET_UNKNOWN", 422, "", "")

func (w *world) Where(_ context.Context, t Targets) (Where, error) {
	if slices.Contains(t.Areas, "nowhere") {
		return Where{}, errNowhere
	}
	return Where{Area: "TL", SecondPerson: w.second}, nil
}

func (w *world) Room(context.Context, Aimed) error {
	err := w.full
	if meanwhile := w.within; meanwhile != nil {
		w.within = nil
		meanwhile()
	}
	return err
}

// flood is a live bulletin for one area.
func flood() Spec {
	return Spec{Kind: Live, Reports: []string{"approved"}, Targets: Targets{Areas: []string{"TL"}}}
}

func (w *world) write(s Spec) Bulletin {
	w.t.Helper()
	b, err := w.Create(w.t.Context(), s, ann)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) approve(id string) Bulletin {
	w.t.Helper()
	b, err := w.Approve(w.t.Context(), id, binh)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// inForce gives the ids of what heads have now.
func (w *world) inForce() []string {
	w.t.Helper()
	list, err := w.InForce(w.t.Context(), w.at)
	if err != nil {
		w.t.Fatal(err)
	}
	out := []string{}
	for _, a := range list {
		out = append(out, a.ID)
	}
	return out
}

// told takes the states that the bus was told of.
func (w *world) told() string {
	var out []string
	for {
		select {
		case e := <-w.events.C():
			data, _ := e.Data.(map[string]any)
			out = append(out, fmt.Sprint(data["state"]))
		default:
			return strings.Join(out, " ")
		}
	}
}

func code(err error) string {
	var p *problem.Error
	switch {
	case errors.As(err, &p) && p.Field != "":
		return p.Code + " " + p.Field
	case errors.As(err, &p):
		return p.Code
	case err != nil:
		return err.Error()
	}
	return ""
}

func TestCreate(t *testing.T) {
	w := newWorld(t)
	soon, later := w.at.Add(30*time.Minute), w.at.Add(2*time.Hour)
	expiring, coming := w.reports["approved"], w.reports["approved"]
	expiring.ID, expiring.ValidUntil = "expiring", &soon
	coming.ID, coming.ValidFrom = "coming", &soon
	w.reports["expiring"], w.reports["coming"] = expiring, coming
	for _, tc := range []struct {
		name string
		with func(*Spec)
		want string
	}{
		{"live", func(*Spec) {}, ""},
		{"drill", func(s *Spec) { s.Kind = Drill }, ""},
		{"another kind", func(s *Spec) { s.Kind = "test" }, "BULLETIN_INVALID kind"},
		{"long title", func(s *Spec) { s.Title = strings.Repeat("ữ", 201) }, "BULLETIN_INVALID title"},
		{"title of two lines", func(s *Spec) { s.Title = "lũ\nlên" }, "BULLETIN_INVALID title"},
		{"no reports", func(s *Spec) { s.Reports = nil }, "BULLETIN_INVALID items"},
		{"too many reports", func(s *Spec) { s.Reports = make([]string, 11) }, "BULLETIN_INVALID items"},
		{"unknown report", func(s *Spec) { s.Reports = []string{"approved", "x"} }, "REPORT_UNKNOWN items[1].report"},
		{"draft report", func(s *Spec) { s.Reports[0] = "draft" }, "REPORT_NOT_APPROVED items[0].report"},
		{"withdrawn report", func(s *Spec) { s.Reports[0] = "withdrawn" }, "REPORT_UNUSABLE items[0].report"},
		{"failed report", func(s *Spec) { s.Reports[0] = "failed" }, "REPORT_UNUSABLE items[0].report"},
		{"report that expires in between", func(s *Spec) { s.Reports[0] = "expiring" }, "REPORT_EXPIRED items[0].report"},
		{"report that expires at its end", func(s *Spec) { s.Reports[0], s.Until = "expiring", soon }, ""},
		{"report not yet valid", func(s *Spec) { s.Reports[0], s.Until = "coming", later }, "REPORT_EXPIRED items[0].report"},
		{"no targets", func(s *Spec) { s.Targets = Targets{Except: []string{"a"}} }, "BULLETIN_INVALID targets"},
		{"unknown target", func(s *Spec) { s.Targets.Areas = []string{"nowhere"} }, "TARGET_UNKNOWN"},
		{"until now", func(s *Spec) { s.Until = w.at }, "UNTIL_INVALID until"},
		{"until a day from now", func(s *Spec) { s.Until = w.at.Add(24 * time.Hour) }, ""},
		{"until later", func(s *Spec) { s.Until = w.at.Add(24*time.Hour + time.Second) }, "UNTIL_INVALID until"},
		{"repeated", func(s *Spec) { s.Repeat = &Repeat{60, 100} }, ""},
		{"repeated too soon", func(s *Spec) { s.Repeat = &Repeat{59, 2} }, "BULLETIN_INVALID repeat"},
		{"repeated too late", func(s *Spec) { s.Repeat = &Repeat{86_401, 2} }, "BULLETIN_INVALID repeat"},
		{"repeated never", func(s *Spec) { s.Repeat = &Repeat{60, 0} }, "BULLETIN_INVALID repeat"},
		{"repeated too often", func(s *Spec) { s.Repeat = &Repeat{60, 101} }, "BULLETIN_INVALID repeat"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := flood()
			tc.with(&s)
			b, err := w.Create(t.Context(), s, ann)
			if code(err) != tc.want {
				t.Fatalf("got %q, want %q", code(err), tc.want)
			}
			if err != nil {
				return
			}
			if kept, err := w.Bulletin(t.Context(), b.ID); err != nil || text(kept) != text(b) {
				t.Errorf("kept is\n%s, given was\n%s (%v)", text(kept), text(b), err)
			}
		})
	}
	b := w.write(flood())
	if b.State != Draft || b.Title != "Báo động lũ" || b.Area != "TL" || !b.Until.Equal(w.at.Add(time.Hour)) || len(w.inForce()) != 0 {
		t.Errorf("a new one is %+v", b)
	}
}

func text(v any) string {
	out, _ := json.Marshal(v)
	return string(out)
}

// The room that was found must be there still when the approval is written: another hub may have given it away.
func TestRoomIsNotGivenAwayTwice(t *testing.T) {
	w := newWorld(t)
	first, second := w.write(flood()), w.write(flood())
	other := New(w.Deps) // another hub's, on the same database
	w.within = func() {
		if _, err := other.Approve(t.Context(), first.ID, binh); err != nil {
			t.Fatal(err)
		}
		w.full = errNowhere // that took the last of it
	}
	if _, err := w.Approve(t.Context(), second.ID, binh); code(err) != "TARGET_UNKNOWN" {
		t.Errorf("the second: %v", err)
	}
	if got := w.inForce(); len(got) != 1 || got[0] != first.ID {
		t.Errorf("in force: %v", got)
	}
	w.full = nil
	third := w.write(flood())
	w.within = func() {
		if _, err := other.Approve(t.Context(), third.ID, binh); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Approve(t.Context(), second.ID, binh); err != nil || len(w.inForce()) != 3 {
		t.Errorf("where there is room for both: %v, in force %v", err, w.inForce())
	}
}

func TestApprove(t *testing.T) {
	for _, tc := range []struct {
		name string
		kind Kind
		with func(*world, Bulletin)
		by   Person
		want string
	}{
		{"another person", Live, func(*world, Bulletin) {}, binh, ""},
		{"the author", Live, func(*world, Bulletin) {}, ann, "SELF_APPROVAL"},
		{"the author of a drill", Drill, func(*world, Bulletin) {}, ann, "SELF_APPROVAL"},
		{"the author where one is enough", Live, func(w *world, _ Bulletin) { w.second = false }, ann, ""},
		{"after a cancel", Live, func(w *world, b Bulletin) { _, _ = w.Cancel(context.Background(), b.ID, "", ann) }, binh, "BULLETIN_CANCELLED"},
		{"after its end", Live, func(w *world, _ Bulletin) { w.at = w.at.Add(time.Hour) }, binh, "BULLETIN_ENDED"},
		{"with a report withdrawn", Live, func(w *world, _ Bulletin) {
			w.report(func(r *broadcast.Report) { r.State = broadcast.ReportWithdrawn })
		},
			binh, "REPORT_UNUSABLE items[0].report"},
		{"with other audio", Live, func(w *world, _ Bulletin) { w.report(func(r *broadcast.Report) { r.Audio = "other" }) }, binh, "REPORT_CHANGED"},
		{"with no room", Live, func(w *world, _ Bulletin) { w.full = problem.New("BULLETINS_FULL", 409, "", "") }, binh, "BULLETINS_FULL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			s := flood()
			s.Kind = tc.kind
			b := w.write(s)
			tc.with(w, b)
			got, err := w.Approve(t.Context(), b.ID, tc.by)
			if code(err) != tc.want {
				t.Fatalf("got %q, want %q", code(err), tc.want)
			}
			if err != nil {
				if len(w.inForce()) != 0 {
					t.Error("it is in force although it was refused")
				}
				return
			}
			if got.State != Approved || got.Approved.By != tc.by || !got.IssuedAt.Equal(w.at) || !slices.Equal(w.inForce(), []string{b.ID}) {
				t.Errorf("got %+v", got)
			}
			w.told()
			w.at = w.at.Add(time.Minute)
			if again, err := w.Approve(t.Context(), b.ID, binh); err != nil || text(again) != text(got) || w.told() != "" {
				t.Errorf("approved again it is %+v (%v)", again, err)
			}
		})
	}
	if _, err := newWorld(t).Approve(t.Context(), "x", binh); code(err) != "BULLETIN_NOT_FOUND" {
		t.Errorf("an unknown one: %v", err)
	}
}

func (w *world) report(change func(*broadcast.Report)) {
	r := w.reports["approved"]
	change(&r)
	w.reports["approved"] = r
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	b := w.write(flood())
	w.approve(b.ID)
	if _, err := w.Cancel(t.Context(), b.ID, strings.Repeat("x", 501), ann); code(err) != "BULLETIN_INVALID reason" {
		t.Errorf("a long reason: %v", err)
	}
	got, err := w.Cancel(t.Context(), b.ID, "nước đã rút", ann)
	if err != nil || got.State != Cancelled || got.Cancelled.By != ann || got.Cancelled.Reason != "nước đã rút" || len(w.inForce()) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	if told := w.told(); told != "draft approved cancelled" {
		t.Errorf("the bus was told %q", told)
	}
	if again, err := w.Cancel(t.Context(), b.ID, "again", binh); err != nil || text(again) != text(got) || w.told() != "" {
		t.Errorf("cancelled again it is %+v (%v)", again, err)
	}
	tail := w.write(flood())
	w.approve(tail.ID)
	w.at = tail.Until.Add(20 * time.Second) // its last sound may not have ended
	if got, err := w.Cancel(t.Context(), tail.ID, "", ann); err != nil || got.State != Cancelled {
		t.Errorf("cancelled while its last sound goes on: %+v, %v", got, err)
	}
	old := w.write(flood())
	w.at = old.Until.Add(2 * time.Minute)
	if _, err := w.Cancel(t.Context(), old.ID, "", ann); code(err) != "BULLETIN_ENDED" {
		t.Errorf("long after its end: %v", err)
	}
}

func TestWhatABulletinNeeds(t *testing.T) {
	w := newWorld(t)
	b, err := w.Create(t.Context(), flood(), ann)
	if err != nil {
		t.Fatal(err)
	}
	needs := func(sha256 broadcast.Hash) bool {
		t.Helper()
		needed, err := w.Needs(t.Context(), sha256)
		if err != nil {
			t.Fatal(err)
		}
		return needed
	}
	if needs(b.Items[0].Audio) {
		t.Error("needed before it is approved")
	}
	w.approve(b.ID)
	if it := b.Items[0]; !needs(it.Audio) || !needs(it.Manifest) || needs("another") {
		t.Errorf("of %+v needed: audio %v, manifest %v, another %v", it, needs(it.Audio), needs(it.Manifest), needs("another"))
	}
	if _, err := w.Cancel(t.Context(), b.ID, "", ann); err != nil {
		t.Fatal(err)
	}
	if needs(b.Items[0].Audio) {
		t.Error("needed after its cancel")
	}
}

func TestABulletinLeavesHeadsAfterItsLastSound(t *testing.T) {
	w := newWorld(t)
	b := w.write(flood())
	w.approve(b.ID)
	for _, tc := range []struct {
		after time.Duration
		state State
		holds bool
	}{{59 * time.Minute, Approved, true}, {time.Hour, Ended, true}, {time.Hour + 89*time.Second, Ended, true}, {time.Hour + 90*time.Second, Ended, false}} {
		now := newAt(w, b.Created.Add(tc.after))
		got, err := w.Bulletin(t.Context(), b.ID)
		if err != nil || got.State != tc.state || (len(w.inForce()) == 1) != tc.holds {
			t.Errorf("at %v it is %s, in force %v (%v)", now, got.State, w.inForce(), err)
		}
	}
}

func newAt(w *world, t time.Time) time.Time {
	w.at = t
	return t
}

func TestList(t *testing.T) {
	w := newWorld(t)
	short := flood()
	short.Until = w.at.Add(time.Minute)
	drafts := []Bulletin{w.write(flood()), w.write(flood()), w.write(short), w.write(flood()), w.write(flood())}
	w.approve(drafts[1].ID)
	_, err := w.Cancel(t.Context(), drafts[4].ID, "", ann)
	if err != nil {
		t.Fatal(err)
	}
	w.at = w.at.Add(2 * time.Minute)
	for _, tc := range []struct {
		name string
		f    Filter
		want []int
	}{
		{"all", Filter{}, []int{4, 3, 2, 1, 0}},
		{"drafts", Filter{State: Draft}, []int{3, 0}},
		{"approved", Filter{State: Approved}, []int{1}},
		{"ended", Filter{State: Ended}, []int{2}},
		{"cancelled", Filter{State: Cancelled}, []int{4}},
		{"of an area", Filter{Areas: []string{"TL", "x"}}, []int{4, 3, 2, 1, 0}},
		{"of another area", Filter{Areas: []string{"x"}}, nil},
		{"of no area", Filter{Areas: []string{}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []int
			for tc.f.Limit = 2; ; {
				p, err := w.List(t.Context(), tc.f)
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range p.Items {
					got = append(got, slices.IndexFunc(drafts, func(d Bulletin) bool { return d.ID == b.ID }))
				}
				if tc.f.Cursor = p.Next; p.Next == "" {
					break
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	if _, err := w.List(t.Context(), Filter{Cursor: "x"}); code(err) != "CURSOR_INVALID cursor" {
		t.Errorf("a bad cursor: %v", err)
	}
}

// What the desk approves an agent must take: a head with a bulletin that makes no sense would be refused whole.
func TestAgentsTakeWhatIsApproved(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := flood()
		s.Kind = rapid.SampledFrom([]Kind{Live, Drill}).Draw(rt, "kind")
		s.Title = rapid.StringOf(rapid.RuneFrom(nil, unicode.PrintRanges...)).Draw(rt, "title")
		s.Reports = slices.Repeat(s.Reports, rapid.IntRange(1, 10).Draw(rt, "reports"))
		s.Until = w.at.Add(time.Duration(rapid.Int64Range(1, 25*3600*1000).Draw(rt, "until")) * time.Millisecond)
		if rapid.Bool().Draw(rt, "repeats") {
			s.Repeat = &Repeat{Every: rapid.Int64Range(0, 90_000).Draw(rt, "every"), Count: rapid.IntRange(0, 120).Draw(rt, "count")}
		}
		b, err := w.Create(t.Context(), s, ann)
		if err != nil {
			rt.Skip(code(err))
		}
		w.approve(b.ID)
		list, err := w.InForce(t.Context(), w.at)
		if err != nil {
			rt.Fatal(err)
		}
		head := broadcast.Head{Audience: "a1", Version: 1, IssuedAt: w.at, Expires: w.at.Add(time.Hour), Zone: "Asia/Ho_Chi_Minh", Rules: broadcast.Inherit()}
		for _, a := range list {
			head.Bulletins = append(head.Bulletins, a.Bulletin)
		}
		if _, err := broadcast.NewPlan(head, nil); err != nil {
			rt.Fatal(err)
		}
		if _, err := w.Cancel(t.Context(), b.ID, "", ann); err != nil { // the next head is empty again
			rt.Fatal(err)
		}
	})
}
