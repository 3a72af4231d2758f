package app

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// One agent that lies, or is not ours any more, must not make the play log of all others unreadable.
func TestRecordsThatCannotBeAreLeftOut(t *testing.T) {
	data := t.TempDir()
	const agent = "01a20972-a42a-7d88-a076-8cfe699912a5"
	pairedAgent(t, data, agent, "xa-a")
	r := start(t, data)
	admin := r.join("minh", accounts.Admin, "")
	at := time.Now().Truncate(time.Second)
	good := broadcast.Play{ID: uuid.NewString(), Report: "r", PlannedStart: at, PlannedEnd: at.Add(time.Minute), Outcome: broadcast.Played, ReachedMS: 60_000}
	records := []broadcast.Play{good}
	for _, spoil := range []func(*broadcast.Play){
		func(p *broadcast.Play) {
			p.PlannedStart = time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -14*3600))
		},
		func(p *broadcast.Play) {
			p.EndedAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -14*3600))
		},
		func(p *broadcast.Play) { p.PlannedEnd = time.Time{} },
		func(p *broadcast.Play) { p.ReachedMS = 1<<63 - 1 },
		func(p *broadcast.Play) { p.MissedMS = -1 << 62 },
		func(p *broadcast.Play) { p.Outcome = "heard" },
		func(p *broadcast.Play) { p.ID = "no cursor\n" },
	} {
		bad := good
		bad.ID = uuid.NewString()
		spoil(&bad)
		records = append(records, bad)
	}
	acked, err := plays{r.fleet, r.evidence, r.bus, r.o.Logger}.Insert(t.Context(), agent, records)
	if err != nil || len(acked) != len(records) {
		t.Fatalf("%v %v, want all acknowledged: those behind them wait", acked, err)
	}
	page := r.json(admin, "GET", "plays", "").want(t, 200, "")
	if list, _ := page["items"].([]any); len(list) != 1 || inner(list[0])["id"] != good.ID {
		t.Errorf("listed: %v", page)
	}
}

// TestWhatTheCommuneDecidesIsInItsPlan takes a stop from the operator's phone and a release from the PC into the head.
func TestWhatTheCommuneDecidesIsInItsPlan(t *testing.T) {
	data := t.TempDir()
	const agent = "01a20972-a42a-7d88-a076-8cfe699912a5"
	pairedAgent(t, data, agent, "xa-a")
	r := start(t, data)
	admin := r.join("minh", accounts.Admin, "")
	for _, area := range []string{`{"code":"tinh","name":"Tỉnh"}`, `{"code":"xa-a","name":"Xã A","parent":"tinh"}`, `{"code":"xa-b","name":"Xã B","parent":"tinh"}`} {
		r.json(admin, "POST", "areas", area).want(t, 201, "")
	}
	hoa, xem, khac := r.join("hoa", accounts.Operator, "xa-a"), r.join("xem", accounts.Viewer, "xa-a"), r.join("khac", accounts.Operator, "xa-b")
	r.awaitHead(agent)
	plans := r.bus.Subscribe(bus.Plan)
	defer plans.Close()

	const path = "agents/" + agent + "/decisions"
	r.json(xem, "POST", path, `{"kind":"hold"}`).want(t, 403, "FORBIDDEN")
	r.json(khac, "POST", path, `{"kind":"hold"}`).want(t, 403, "FOREIGN_AREA")
	r.json(khac, "GET", path, "").want(t, 403, "FOREIGN_AREA")
	r.json(khac, "GET", "agents/"+agent+"/desk", "").want(t, 403, "FOREIGN_AREA")
	r.json(hoa, "POST", path, `{"kind":"move","subject":"x","reason":"họp"}`).want(t, 422, "SLOT_UNKNOWN")
	r.json(hoa, "POST", path, `{"kind":"mute"}`).want(t, 422, "REASON_MISSING")
	r.json(hoa, "POST", path, `{"kind":"mute","until":"2099-01-01T00:00:00Z","reason":"họp"}`).want(t, 422, "MUTE_INVALID")
	r.json(hoa, "POST", path, `{"kind":"volume","percent":5,"reason":"họp"}`).want(t, 422, "VOLUME_INVALID")
	r.json(hoa, "POST", path, `{"kind":"order","subject":"2026-01-01/sáng","order":["x"],"reason":"họp"}`).want(t, 409, "ORDER_DAYPART")
	r.json(hoa, "POST", path, `{"kind":"louder"}`).want(t, 422, "VALIDATION")
	made := r.json(hoa, "POST", path, `{"kind":"hold","reason":"đám tang"}`).want(t, 201, "")
	if made["who"] != "hoa" || made["source"] != "hub" || made["until"] == nil {
		t.Errorf("made: %v", made)
	}
	next(t, plans)
	if d := r.head(agent).Decisions; len(d) != 1 || d[0].Kind != "hold" || d[0].Reason != "đám tang" {
		t.Fatalf("the head has %+v", d)
	}
	latest := func() map[string]any {
		d := r.json(hoa, "GET", "agents/"+agent+"/desk", "").want(t, 200, "")
		list, _ := d["decisions"].([]any)
		if d["held"] != (inner(list[0])["kind"] == "hold") {
			t.Errorf("held is %v after %v", d["held"], list[0])
		}
		return inner(list[0])
	}
	if got := latest(); got["had_at"] != nil || got["holds"] != true {
		t.Errorf("before the PC was there: %v", got)
	}
	sealed, err := r.planner.Head(t.Context(), agent)
	if err != nil {
		t.Fatal(err)
	}
	r.planTaken(agent, wire.PlanState{Version: sealed.Version - 1, State: wire.PlanActive})
	if got := latest(); got["had_at"] != nil {
		t.Errorf("the PC has an older head: %v", got)
	}
	r.planTaken(agent, wire.PlanState{Version: sealed.Version, State: wire.PlanFetching})
	if got := latest(); got["had_at"] == nil {
		t.Errorf("the PC has it: %v", got)
	}

	pc := broadcast.Decision{Kind: "release", Who: "PC", When: time.Now(), Counter: 2, Seen: 1, Source: "pc"}
	items := []wire.Decision{{ID: uuid.NewString(), Decision: pc}, {ID: uuid.NewString()}}
	acked, err := decided{r.fleet, r.orders, r.accounts, r.o.Logger}.Take(t.Context(), agent, items)
	if err != nil || len(acked) != 2 {
		t.Fatalf("%v %v, want both acknowledged: the second would never become one", acked, err)
	}
	next(t, plans)
	if d := r.head(agent).Decisions; len(d) != 1 || d[0].Kind != "release" {
		t.Errorf("the head has %+v", d)
	}
	page := r.json(xem, "GET", path, "").want(t, 200, "")
	if list, _ := page["items"].([]any); len(list) != 2 || inner(list[0])["kind"] != "release" {
		t.Errorf("listed: %v", page)
	}
	entries, err := r.accounts.Log(t.Context(), 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"decision.release agent:" + agent, "decision.hold hoa"} {
		if got := entries[i].Action + " " + entries[i].Who; got != want || entries[i].Area != "xa-a" {
			t.Errorf("audit line %d says %s", i, got)
		}
	}

	r.json(hoa, "POST", path, `{"kind":"pin"}`).want(t, 403, "FORBIDDEN")
	r.json(admin, "POST", path, `{"kind":"pin","reason":"quên mã"}`).want(t, 201, "")
	next(t, plans)
	if d := r.head(agent).Decisions; len(d) != 2 || d[1].Kind != "pin" || d[1].Who != "minh" {
		t.Errorf("the head has %+v", d)
	}
}
