package console

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// village is a desk whose plan has a morning that is over, an evening with four programmes, and an item at 15:00 sharp;
// it is 10:30. What is decided holds at once.
type village struct {
	*desk
	plan *broadcast.Plan
}

func newCommune(t *testing.T, rules broadcast.Rules) *village {
	t.Helper()
	c := &village{desk: newDesk(t)}
	hash := broadcast.Hash(strings.Repeat("a", 64))
	order := 0
	cand := func(id string, class broadcast.Class, owner broadcast.Owner, minutes int64) broadcast.Candidate {
		order++
		return broadcast.Candidate{Broadcast: id, Version: 1, Title: id, Class: class, Owner: owner, ApprovedAt: day.Add(-time.Hour), Daypart: "chiều", Order: order,
			Lateness: broadcast.Lateness{Rule: broadcast.LateSkip}, Items: []broadcast.Item{{Report: id, Title: id, Audio: hash, Manifest: hash, DurationMS: minutes * 60_000}}}
	}
	sharp := cand("sharp", broadcast.Normal, broadcast.OwnerHub, 10)
	at := day.Add(5 * time.Hour)
	sharp.Daypart, sharp.At = "", &at
	evening := day.Add(7 * time.Hour) // 17:00
	head := broadcast.Head{Audience: "a", Version: 1, IssuedAt: day, Expires: day.Add(35 * 24 * time.Hour), Zone: "Asia/Ho_Chi_Minh", Rules: rules,
		Days: []broadcast.DayRef{{Date: "2026-11-24", Hash: hash, Size: 1}}}
	p, err := broadcast.NewPlan(head, []broadcast.Day{{Date: "2026-11-24", Dayparts: []broadcast.Occurrence{
		{Name: "sáng", Start: day.Add(-5 * time.Hour), End: day.Add(-4 * time.Hour)}, {Name: "chiều", Start: evening, End: evening.Add(time.Hour)}},
		Candidates: []broadcast.Candidate{cand("law", broadcast.Priority, broadcast.OwnerHub, 10), cand("flood", broadcast.Priority, broadcast.OwnerCommune, 10),
			cand("health", broadcast.Normal, broadcast.OwnerHub, 10), cand("market", broadcast.Normal, broadcast.OwnerCommune, 10), sharp}}})
	if err != nil {
		t.Fatal(err)
	}
	c.plan = p
	s := c.sources()
	s.Plan = func() *broadcast.Plan { return c.plan }
	s.Plays = func(time.Time, time.Time) ([]broadcast.Play, error) { return nil, nil }
	s.Decide = func(d broadcast.Decision) error {
		d.Source = "pc"
		d = d.Knowing(c.plan.Head.Decisions)
		if err := d.Check(); err != nil {
			return err
		}
		c.made, c.plan = append(c.made, d), c.plan.WithDecisions(d)
		return nil
	}
	c.sources = func() Sources { return s }
	c.pin = c.lock(filepath.Join(t.TempDir(), "pin.json"))
	if err := c.pin.Choose("", "2468"); err != nil {
		t.Fatal(err)
	}
	return c
}

func usual() broadcast.Rules { return broadcast.Inherit() }

// fixed is a policy under which the commune may move nothing of the hub's.
func fixed() broadcast.Rules {
	no := false
	return broadcast.Inherit(broadcast.Policy{CommuneMayMove: &no})
}

func (c *village) slot(id string) broadcast.Slot {
	for _, sl := range c.plan.Slots("2026-11-24", nil) {
		if sl.Broadcast == id {
			return sl
		}
	}
	return broadcast.Slot{}
}

// want sends what has PIN and reason and holds the answer against status and code.
func (c *village) want(t *testing.T, action, fields string, status int, code string) {
	t.Helper()
	w := c.post("/api/v1/"+action, `{"pin":"2468","reason":"theo ý xã",`+fields+`}`, nil)
	if w.Code != status || !strings.Contains(w.Body.String(), code) {
		t.Errorf("%s %s: %d %s, want %d %s", action, fields, w.Code, w.Body, status, code)
	}
}

func TestAnItemMovesWithinTheRule(t *testing.T) {
	c := newCommune(t, usual())
	health, sharp := c.slot("health").ID, c.slot("sharp").ID
	for _, tc := range []struct {
		name, fields string
		status       int
		code         string
	}{
		{"no time", `"slot":"` + health + `","to":"soon"`, 422, "MOVE_TIME"},
		{"the past", `"slot":"` + health + `","to":"09:00"`, 422, "MOVE_TIME"},
		{"at night", `"slot":"` + health + `","to":"22:00"`, 409, "MOVE_NO_PLACE"},
		{"onto another's time", `"slot":"` + health + `","to":"15:05"`, 409, "MOVE_NO_PLACE"},
		{"a priority item of the hub", `"slot":"` + c.slot("law").ID + `","to":"16:00"`, 409, "SLOT_NOT_COMMUNES"},
		{"no item", `"slot":"none","to":"16:00"`, 422, "SLOT_UNKNOWN"},
		{"to a free time", `"slot":"` + health + `","to":"16:00"`, 200, ""},
		{"an exact time", `"slot":"` + sharp + `","to":"15:30"`, 200, ""},
	} {
		t.Run(tc.name, func(t *testing.T) { c.want(t, "move", tc.fields, tc.status, tc.code) })
	}
	if got := c.slot("health"); got.Skip != "" || !got.Start.Equal(day.Add(6*time.Hour)) {
		t.Errorf("health is at %v: %q", got.Start, got.Skip)
	}
	if len(c.made) != 2 {
		t.Errorf("what was refused holds: %+v", c.made)
	}
}

func TestAMoveTakesNoOthersPlace(t *testing.T) {
	c := newCommune(t, broadcast.Inherit(broadcast.Policy{MinutesPerDaypart: pointer(40)}))
	// The evening is as full as the policy lets it be: what comes into it puts the last one out.
	c.want(t, "move", `"slot":"`+c.slot("sharp").ID+`","to":"17:10"`, 409, "MOVE_COSTS")
	if len(c.made) != 0 {
		t.Errorf("%+v", c.made)
	}
}

func pointer[T any](v T) *T { return &v }

func TestWhereThePolicyIsFixedOnlyTheCommunesOwnMoves(t *testing.T) {
	c := newCommune(t, fixed())
	c.want(t, "move", `"slot":"`+c.slot("health").ID+`","to":"16:00"`, 409, "SLOT_NOT_COMMUNES")
	c.want(t, "skip", `"slot":"`+c.slot("health").ID+`"`, 409, "SLOT_NOT_COMMUNES")
	c.want(t, "move", `"slot":"`+c.slot("market").ID+`","to":"16:00"`, 200, "")
}

func TestTheCommuneOrdersCollidingPriorityItems(t *testing.T) {
	c := newCommune(t, fixed())
	law, flood, health, market := c.slot("law").Key, c.slot("flood").Key, c.slot("health").Key, c.slot("market").Key
	if !c.slot("law").Start.Before(c.slot("flood").Start) {
		t.Fatal("the hub's is not first to begin with")
	}
	list := func(keys ...string) string {
		return `"daypart":"2026-11-24/chiều","order":["` + strings.Join(keys, `","`) + `"]`
	}
	c.want(t, "order", list(law, flood), 422, "ORDER_INVALID")
	c.want(t, "order", list(law, law, health, market), 422, "ORDER_INVALID")
	c.want(t, "order", list(law, flood, market, health), 409, "ORDER_NO_EFFECT") // normal items: the policy is fixed
	c.want(t, "order", `"daypart":"2026-11-24/sáng","order":[]`, 409, "ORDER_DAYPART")
	c.want(t, "order", list(flood, law, health, market), 200, "")
	if !c.slot("flood").Start.Before(c.slot("law").Start) || len(c.made) != 1 {
		t.Errorf("flood %v, law %v: %+v", c.slot("flood").Start, c.slot("law").Start, c.made)
	}
	now := c.sources().Status()
	now.At = c.slot("flood").Start.Add(-broadcast.OrderLead + time.Second)
	s := c.sources()
	s.Status = func() broadcast.Status { return now }
	c.sources = func() Sources { return s }
	c.want(t, "order", list(law, flood, health, market), 409, "ORDER_DAYPART")
}

func TestTheFormOrdersByTheNumbersTyped(t *testing.T) {
	c := newCommune(t, usual())
	page := ask(c.Console, "/order?lang=en", nil).Body.String()
	var form []string
	for i, id := range []string{"law", "flood", "health", "market"} {
		key := c.slot(id).Key
		if !strings.Contains(page, `value="`+strings.ReplaceAll(key, "+", "&#43;")+`"`) {
			t.Errorf("%s is not on the page:\n%s", key, page)
		}
		form = append(form, "key="+key, "place="+[]string{"2", "1", "3", "4"}[i])
	}
	body := strings.Join(append(form, "daypart=2026-11-24/chiều", "pin=2468", "reason=lũ"), "&")
	if w := c.post("/order", body, nil); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if !c.slot("flood").Start.Before(c.slot("law").Start) {
		t.Error("the order is the old one")
	}
	if got := inPlace([]string{"a", "b", "c"}, []string{"x", "1"}); strings.Join(got, "") != "bac" {
		t.Errorf("%v", got)
	}
}

func TestTheVolumeStaysUnderTheCeiling(t *testing.T) {
	c := newCommune(t, broadcast.Inherit(broadcast.Policy{Volume: []broadcast.VolumeRule{{Start: 0, End: broadcast.EndOfDay, MaxPercent: 70}}}))
	c.want(t, "volume", `"percent":0`, 422, "VOLUME_INVALID")
	c.want(t, "volume", `"percent":101`, 422, "VOLUME_INVALID")
	c.want(t, "volume", `"percent":71`, 422, "VOLUME_CEILING")
	c.want(t, "volume", `"percent":40`, 200, `"volume_percent":40,"ceiling_percent":70`)
	c.want(t, "volume", `"percent":70`, 200, `"volume_percent":70`)
	if w := c.post("/volume?lang=en", "pin=2468&reason=x&percent=loud", nil); w.Code != 422 || !strings.Contains(w.Body.String(), "VOLUME_INVALID") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestToneAndClockAskForThePIN(t *testing.T) {
	c := newCommune(t, usual())
	tones, set := 0, time.Time{}
	s := c.sources()
	s.StartTone = func() error { tones++; return nil }
	s.Tone = func() Tone { return Tone{State: "heard", At: day.Add(29 * time.Minute), ReachedMS: 3000} }
	s.SetClock = func(at time.Time) error { set = at; return nil }
	c.sources = func() Sources { return s }
	for _, path := range []string{"/api/v1/tone", "/api/v1/clock"} {
		if w := c.post(path, `{"pin":"1111","at":"2026-11-24T05:30"}`, nil); w.Code != 403 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if tones != 0 || !set.IsZero() {
		t.Fatal("done without the PIN")
	}
	if w := c.post("/api/v1/tone", `{"pin":"2468"}`, nil); w.Code != 200 || tones != 1 || !strings.Contains(w.Body.String(), `"heard"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := c.post("/api/v1/clock", `{"pin":"2468","at":"half past five"}`, nil); w.Code != 422 || !strings.Contains(w.Body.String(), "CLOCK_FORM") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := c.post("/clock", "pin=2468&at=2026-11-24T05:30", nil); w.Code != 303 || !set.Equal(day.Add(-4*time.Hour-30*time.Minute)) {
		t.Errorf("%d, %v", w.Code, set)
	}
	for lang, word := range map[string]string{"vi": "Tiếng thử đã ra cạc âm thanh", "en": "reached the sound card"} {
		if body := ask(c.Console, "/?lang="+lang, nil).Body.String(); !strings.Contains(body, word) {
			t.Errorf("%q is not on the page", word)
		}
	}
}
