package app

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
)

// TestAClusterIsBlockedLetInAndRevoked by the people of its area alone, and each time with a line of audit. That a
// blocked or revoked key is refused at the handshake, push's and fleet's tests show.
func TestAClusterIsBlockedLetInAndRevoked(t *testing.T) {
	data := t.TempDir()
	const agent = "01a20972-a42a-7d88-a076-8cfe699912a5"
	pairedAgent(t, data, agent, "xa-a")
	r := start(t, data)
	admin := r.join("minh", accounts.Admin, "")
	for _, area := range []string{`{"code":"tinh","name":"Tỉnh"}`, `{"code":"xa-a","name":"Xã A","parent":"tinh"}`, `{"code":"xa-b","name":"Xã B","parent":"tinh"}`} {
		r.json(admin, "POST", "areas", area).want(t, 201, "")
	}
	own, foreign, officer := r.join("hoa", accounts.Admin, "xa-a"), r.join("tam", accounts.Admin, "xa-b"), r.join("lan", accounts.Officer, "xa-a")
	do := func(who, what string) answer { return r.json(who, "POST", "agents/"+agent+"/"+what, "") }
	do(foreign, "block").want(t, 403, "FOREIGN_AREA")
	do(officer, "block").want(t, 403, "FORBIDDEN")
	if got := do(own, "block").want(t, 200, ""); got["state"] != "blocked" {
		t.Errorf("blocked: %v", got)
	}
	if got := do(own, "unblock").want(t, 200, ""); got["state"] != "active" {
		t.Errorf("let in again: %v", got)
	}
	if got := do(admin, "revoke").want(t, 200, ""); got["state"] != "revoked" {
		t.Errorf("revoked: %v", got)
	}
	do(admin, "unblock").want(t, 403, "AGENT_REVOKED")
	r.json(admin, "POST", "agents/01a20972-0000-7d88-a076-8cfe699912a5/block", "").want(t, 404, "AGENT_UNKNOWN")

	entries, err := r.accounts.Log(t.Context(), 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"agent.revoke minh", "agent.unblock hoa", "agent.block hoa"} {
		if got := entries[i].Action + " " + entries[i].Who; got != want || entries[i].Subject != agent || entries[i].Area != "xa-a" {
			t.Errorf("audit line %d says %s of %s", i, got, entries[i].Subject)
		}
	}
	var before, after struct{ State string }
	if json.Unmarshal(entries[2].Before, &before) != nil || json.Unmarshal(entries[2].After, &after) != nil || before.State != "active" || after.State != "blocked" {
		t.Errorf("the line says %s and %s", entries[2].Before, entries[2].After)
	}
}

// TestADrillSaysBeforehandWhomItReaches, and on whom it would stay silent because of quiet hours.
func TestADrillSaysBeforehandWhomItReaches(t *testing.T) {
	file, data := speech(t), t.TempDir()
	const loud, quiet, other = "01a20972-a42a-7d88-a076-8cfe699912a5", "01a20972-a42a-7d88-a076-8cfe699912a6", "01a20972-a42a-7d88-a076-8cfe699912a7"
	for agent, area := range map[string]string{loud: "xa-a", quiet: "xa-b", other: "xa-c"} {
		pairedAgent(t, data, agent, area)
	}
	r := start(t, data)
	admin := r.join("minh", accounts.Admin, "")
	hour := (time.Now().UTC().Hour() + 7 + 12) % 24 // at the other end of the day in Việt Nam
	away := fmt.Sprintf(`{"start":"%02d:00","end":"%02d:30"}`, hour, hour)
	windows := func(at string) string { return `"policy":{"windows":[` + at + `]}` }
	for _, area := range []string{
		`{"code":"tinh","name":"Tỉnh",` + windows(`{"start":"00:00","end":"24:00"}`) + `}`, `{"code":"xa-a","name":"Xã A","parent":"tinh"}`,
		`{"code":"xa-b","name":"Xã B","parent":"tinh",` + windows(away) + `}`, `{"code":"xa-c","name":"Xã C","parent":"tinh"}`,
	} {
		r.json(admin, "POST", "areas", area).want(t, 201, "")
	}
	report, _ := r.upload(admin, file, "Báo động lũ").want(t, 201, "")["id"].(string)
	r.await(admin, report)
	lan := r.join("lan", accounts.Officer, "")
	r.json(lan, "POST", "reports/"+report+"/approve", "").want(t, 200, "")
	reach := func(kind string) map[string]string {
		made := r.json(lan, "POST", "urgent", `{"kind":"`+kind+`","items":[{"report":"`+report+`"}],"targets":{"areas":["xa-a","xa-b"]}}`).want(t, 201, "")
		id, _ := made["id"].(string)
		items, _ := r.json(lan, "GET", "urgent/"+id+"/reach", "").want(t, 200, "")["items"].([]any)
		out := map[string]string{}
		for _, item := range items {
			id, _ := inner(item)["agent"].(string)
			silent, _ := inner(item)["silent"].(string)
			out[id] = silent
		}
		return out
	}
	if got := reach("drill"); len(got) != 2 || got[loud] != "" || got[quiet] != "quiet_hours" {
		t.Errorf("a drill reaches %v", got)
	}
	if got := reach("live"); len(got) != 2 || got[loud] != "" || got[quiet] != "" {
		t.Errorf("a live bulletin reaches %v", got)
	}
}
