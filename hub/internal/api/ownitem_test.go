package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
)

func TestACommunesOwnItemIsAllowedByWhoMayApprove(t *testing.T) {
	b, agent, put := ownBench(t)
	b.does(t, "lan", "POST", "agents/"+agent+"/decisions", `{"kind":"allow","subject":"`+broadcast.OwnKey("1", "2026-11-24", "evening")+`"}`, "OWN_ITEM_UNKNOWN")
	key := put("1", "Lịch tiêm")
	for _, tc := range []struct{ person, code string }{{"operator", "FORBIDDEN"}, {"viewer", "FORBIDDEN"}, {"below", "FOREIGN_AREA"}, {"beside", "FOREIGN_AREA"}, {"lan", ""}, {"minh", ""}} {
		b.does(t, tc.person, "POST", "agents/"+agent+"/decisions", `{"kind":"allow","subject":"`+key+`"}`, tc.code)
	}
	b.does(t, "lan", "POST", "agents/"+agent+"/decisions", `{"kind":"own","subject":"`+key+`"}`, "VALIDATION")
	heads, err := b.Orders.Standing(t.Context(), time.Now())
	check(t, err)
	if len(heads[agent]) != 1 || heads[agent][0].Kind != "allow" || heads[agent][0].Subject != key || heads[agent][0].Who != "minh" {
		t.Errorf("the head would have %+v", heads[agent])
	}
}

// ownBench is a hub with a cluster in xa-a that puts items of its own into tomorrow's evening.
func ownBench(t *testing.T) (b *bench, agent string, put func(id, title string) (subject string)) {
	b, agent = board(t), "01a20971-da8e-7418-b973-f074ca05d9fa"
	_, err := b.DB.NewInsert().Table("agents").Model(&map[string]any{"id": agent, "name": "A", "area": "xa-a", "state": "active", "public_key": "fa", "created_at": 0}).Exec(t.Context())
	check(t, err)
	return b, agent, func(id, title string) string { return b.putsIn(t, agent, id, title) }
}

// putsIn has the PC of a cluster in xa-a put an item of its own into tomorrow's evening.
func (b *bench) putsIn(t *testing.T, agent, id, title string) (subject string) {
	t.Helper()
	evening := []broadcast.Daypart{{Name: "evening", Start: 17 * 3600, End: 18 * 3600}}
	_, err := b.Planner.EditArea(t.Context(), "tinh", 0, planner.AreaChange{Dayparts: &evening})
	check(t, err)
	subject = broadcast.OwnKey(id, broadcast.DateOf(time.Now(), time.UTC).AddDays(1), "evening")
	_, err = b.Orders.TakeDecision(t.Context(), agent, "xa-a", uuid.Must(uuid.NewV7()).String(), broadcast.Decision{Kind: "own", Subject: subject, Who: "Hà", When: time.Now(),
		Counter: 1, Source: "pc", Reason: "lịch tiêm", Own: &broadcast.Own{Title: title, Audio: broadcast.Hash(strings.Repeat("a", 64)), DurationMS: 60_000}})
	check(t, err)
	return subject
}

// waiting are the commune's items that a person sees waiting, and their titles.
func (b *bench) waiting(t *testing.T, person string) (items []OwnItemView, titles string) {
	t.Helper()
	_, _, text := b.ask(t, person, "GET", "/api/v1/own-items", "")
	var got page[OwnItemView]
	check(t, json.Unmarshal([]byte(text), &got))
	var all []string
	for _, it := range got.Items {
		all = append(all, it.Title)
	}
	return got.Items, strings.Join(all, ", ")
}

func TestOwnItemsWaitForTheirOfficers(t *testing.T) {
	b, agent, put := ownBench(t)
	first, second := put("1", "Lịch tiêm"), put("2", "Họp thôn")
	put("3", "Mời hội")
	for person, want := range map[string]string{"lan": "Lịch tiêm, Họp thôn, Mời hội", "minh": "Lịch tiêm, Họp thôn, Mời hội", "operator": "Lịch tiêm, Họp thôn, Mời hội", "below": "", "beside": ""} {
		if _, got := b.waiting(t, person); got != want {
			t.Errorf("%s sees %q, want %q", person, got, want)
		}
	}
	items, _ := b.waiting(t, "minh")
	if it := items[0]; it.AgentName != "A" || it.Area != "xa-a" || it.Who != "Hà" || it.Subject != first || it.Daypart != "evening" || it.DurationMS != 60_000 || it.Start.Hour() != 17 {
		t.Errorf("%+v", it)
	}
	b.does(t, "lan", "POST", "agents/"+agent+"/decisions", `{"kind":"allow","subject":"`+first+`"}`, "")
	refuse := func(key, words string) string {
		return `{"kind":"skip","subject":"` + broadcast.OwnSlot(key) + `","reason":"` + words + `"}`
	}
	b.does(t, "lan", "POST", "agents/"+agent+"/decisions", refuse(second, ""), "REASON_MISSING")
	b.does(t, "beside", "POST", "agents/"+agent+"/decisions", refuse(second, "không rõ nguồn"), "FOREIGN_AREA")
	b.does(t, "viewer", "POST", "agents/"+agent+"/decisions", refuse(second, "không rõ nguồn"), "FORBIDDEN")
	b.does(t, "lan", "POST", "agents/"+agent+"/decisions", refuse(second, "không rõ nguồn"), "")
	if _, got := b.waiting(t, "lan"); got != "Mời hội" {
		t.Errorf("%q wait", got)
	}
	heads, err := b.Orders.Standing(t.Context(), time.Now())
	check(t, err)
	if h := heads[agent]; len(h) != 2 || h[0].Kind != "allow" || h[1].Kind != "skip" || h[1].Subject != broadcast.OwnSlot(second) || h[1].Reason != "không rõ nguồn" {
		t.Errorf("the head would have %+v", h)
	}
	for _, rule := range []struct {
		area string
		two  bool
		want string
	}{{"tinh", true, "Mời hội"}, {"xa-a", false, "Mời hội"}, {"tinh", false, ""}} { // a commune cannot do without what the province asks for
		_, err = b.Planner.EditArea(t.Context(), rule.area, 0, planner.AreaChange{Policy: &broadcast.Policy{SecondPerson: &rule.two}})
		check(t, err)
		if _, got := b.waiting(t, "lan"); got != rule.want {
			t.Errorf("second person %v in %s: %q wait, want %q", rule.two, rule.area, got, rule.want)
		}
	}
}
