package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
)

// head gives the newest head of an agent.
func (r *running) head(agent string) (head broadcast.Head) {
	r.t.Helper()
	sealed, err := r.planner.Head(r.t.Context(), agent)
	if err != nil {
		r.t.Fatal(err)
	}
	var envelope struct{ Payload []byte }
	if err := json.Unmarshal(sealed.Envelope, &envelope); err != nil {
		r.t.Fatal(err)
	}
	if err := json.Unmarshal(envelope.Payload, &head); err != nil {
		r.t.Fatal(err)
	}
	return head
}

// next waits for the next plan head and says whose it is.
func next(t *testing.T, plans *bus.Subscription) string {
	t.Helper()
	select {
	case e := <-plans.C():
		return e.Agent
	case <-time.After(30 * time.Second):
		t.Fatal("no plan head was sealed")
		return ""
	}
}

// TestUrgentBulletinComesAndGoes takes one from the word to the heads of those it is for and out of them again.
func TestUrgentBulletinComesAndGoes(t *testing.T) {
	file, data := speech(t), t.TempDir()
	const agentA = "01a20972-a42a-7d88-a076-8cfe699912a5"
	pairedAgent(t, data, agentA, "xa-a")
	r := start(t, data)
	admin := r.join("minh", accounts.Admin, "")
	for _, area := range []string{`{"code":"tinh","name":"Tỉnh"}`, `{"code":"xa-a","name":"Xã A","parent":"tinh"}`, `{"code":"xa-b","name":"Xã B","parent":"tinh"}`} {
		r.json(admin, "POST", "areas", area).want(t, 201, "")
	}
	lan, hoa, xem := r.join("lan", accounts.Officer, "xa-a"), r.join("hoa", accounts.Officer, "xa-b"), r.join("xem", accounts.Viewer, "xa-a")
	report, _ := r.upload(lan, file, "Báo động lũ").want(t, 201, "")["id"].(string)
	r.await(lan, report)
	r.awaitHead(agentA)

	body := func(more string) string {
		return `{"kind":"live","items":[{"report":"` + report + `"}],"targets":{"areas":["xa-a"]}` + more + `}`
	}
	r.json(lan, "POST", "urgent", body("")).want(t, 409, "REPORT_NOT_APPROVED")
	r.json(admin, "POST", "reports/"+report+"/approve", "").want(t, 200, "")
	r.json(hoa, "POST", "urgent", body("")).want(t, 403, "FOREIGN_AREA")
	r.json(xem, "POST", "urgent", body("")).want(t, 403, "FORBIDDEN")
	for _, tc := range []struct{ more, code string }{
		{`,"until":"2020-01-01T00:00:00+07:00"`, "UNTIL_INVALID"},
		{`,"until":"tomorrow"`, "VALIDATION"},
		{`,"repeat":{"every":59,"count":2}`, "VALIDATION"},
		{`,"repeat":{"every":60}`, "VALIDATION"},
		{`,"volume":200`, "VALIDATION"},
	} {
		r.json(lan, "POST", "urgent", body(tc.more)).want(t, 422, tc.code)
	}
	r.json(lan, "POST", "urgent", strings.Replace(body(""), "live", "test", 1)).want(t, 422, "VALIDATION")

	until := time.Now().Add(2 * time.Hour).Truncate(time.Second)
	made := r.json(lan, "POST", "urgent", body(fmt.Sprintf(`,"until":%q,"repeat":{"every":600,"count":3}`, until.Format(time.RFC3339)))).want(t, 201, "")
	id, _ := made["id"].(string)
	if made["state"] != "draft" || made["title"] != "Báo động lũ" || made["area"] != "xa-a" || inner(made["reach"])["agents"] != 1.0 || inner(made["reach"])["online"] != 0.0 {
		t.Errorf("made: %v", made)
	}
	r.json(hoa, "GET", "urgent/"+id, "").want(t, 403, "FOREIGN_AREA")
	r.json(hoa, "POST", "urgent/"+id+"/approve", "").want(t, 403, "FOREIGN_AREA")
	r.json(xem, "POST", "urgent/"+id+"/approve", "").want(t, 403, "FORBIDDEN")
	r.json(lan, "POST", "urgent/"+id+"/approve", "").want(t, 409, "SELF_APPROVAL")
	r.json(admin, "GET", "urgent/nothing", "").want(t, 404, "BULLETIN_NOT_FOUND")

	plans := r.bus.Subscribe(bus.Plan)
	defer plans.Close()
	approved := r.json(admin, "POST", "urgent/"+id+"/approve", "").want(t, 200, "")
	if approved["state"] != "approved" || inner(inner(approved["approved"])["by"])["name"] != "minh" || approved["issued_at"] == nil {
		t.Errorf("approved: %v", approved)
	}
	if got := next(t, plans); got != agentA {
		t.Fatalf("a head for %s", got)
	}
	list := r.head(agentA).Bulletins
	if len(list) != 1 || list[0].ID != id || list[0].Kind != "live" || !list[0].Until.Equal(until) || len(list[0].Items) != 1 ||
		list[0].Items[0].Manifest == "" || list[0].Repeat == nil || *list[0].Repeat != (broadcast.Repeat{EveryMS: 600_000, Count: 3}) {
		t.Fatalf("the head has %+v", list)
	}

	page := r.json(xem, "GET", "urgent?state=approved", "").want(t, 200, "")
	if items, _ := page["items"].([]any); len(items) != 1 || inner(items[0])["id"] != id {
		t.Errorf("listed: %v", page)
	}
	page = r.json(hoa, "GET", "urgent", "").want(t, 200, "")
	if items, _ := page["items"].([]any); len(items) != 0 {
		t.Errorf("listed for others: %v", page)
	}

	cancelled := r.json(lan, "POST", "urgent/"+id+"/cancel", `{"reason":"nước đã rút"}`).want(t, 200, "")
	if cancelled["state"] != "cancelled" || inner(cancelled["cancelled"])["reason"] != "nước đã rút" {
		t.Errorf("cancelled: %v", cancelled)
	}
	if next(t, plans); len(r.head(agentA).Bulletins) != 0 {
		t.Error("it is still in the head")
	}
	r.json(admin, "POST", "urgent/"+id+"/approve", "").want(t, 409, "BULLETIN_CANCELLED")
	r.json(lan, "POST", "urgent/"+id+"/cancel", "").want(t, 200, "") // again, and without a body

	entries, err := r.accounts.Log(t.Context(), 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"urgent.cancel lan", "urgent.cancel lan", "urgent.approve minh"} {
		if got := entries[i].Action + " " + entries[i].Who; got != want || entries[i].Subject != id || entries[i].Area != "xa-a" {
			t.Errorf("audit line %d says %s of %s", i, got, entries[i].Subject)
		}
	}
}
