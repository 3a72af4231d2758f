package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/planner"
)

// operations gives every operation by method and path.
func operations(b *bench) map[string]*huma.Operation {
	out := map[string]*huma.Operation{}
	for path, item := range b.huma.OpenAPI().Paths {
		for method, o := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch,
			"DELETE": item.Delete, "HEAD": item.Head, "OPTIONS": item.Options} {
			if o != nil {
				out[method+" "+Prefix+path] = o
			}
		}
	}
	return out
}

func TestEveryOperationHasItsEntry(t *testing.T) {
	b := newBench(t)
	seen := map[string]bool{}
	for route, o := range operations(b) {
		action, ok := b.access[o.OperationID]
		if !ok {
			t.Errorf("%s (%s) has no entry in the table of access", route, o.OperationID)
		}
		if seen[o.OperationID] {
			t.Errorf("%s: operation id %s is used twice", route, o.OperationID)
		}
		seen[o.OperationID] = true
		method, _, _ := strings.Cut(route, " ")
		if method != http.MethodGet && (action == accounts.View || action == accounts.Audit) {
			t.Errorf("%s changes something and asks only for %s", route, action)
		}
	}
	for id := range b.access {
		if !seen[id] {
			t.Errorf("the table of access has %s, which is no operation", id)
		}
	}
}

func TestUnlistedOperationIsRefusedToEverybody(t *testing.T) {
	b := newBench(t)
	delete(b.access, "me")
	if status, _, body := b.ask(t, "admin", "GET", "/api/v1/me", ""); status != 403 || codeOf(body) != "FORBIDDEN" {
		t.Errorf("got %d %s", status, body)
	}
}

func TestForeignAreas(t *testing.T) {
	b := newBench(t)
	at := `"when":{"at":"2036-01-01T06:00:00"}`
	for _, tc := range []struct{ name, person, method, path, body, code string }{
		{"own area", "officer-a", "GET", "/api/v1/areas/xa-a", "", ""},
		{"below own area", "officer-a", "GET", "/api/v1/areas/thon-a", "", ""},
		{"beside own area", "officer-a", "GET", "/api/v1/areas/xa-b", "", "FOREIGN_AREA"},
		{"above own area", "officer-a", "GET", "/api/v1/areas/tinh", "", "FOREIGN_AREA"},
		{"new area at the top", "admin-b", "POST", "/api/v1/areas", `{"code":"x","name":"X"}`, "FOREIGN_AREA"},
		{"new area elsewhere", "admin-b", "POST", "/api/v1/areas", `{"code":"x","name":"X","parent":"xa-a"}`, "FOREIGN_AREA"},
		{"new area below own", "admin-b", "POST", "/api/v1/areas", `{"code":"thon-b","name":"X","parent":"xa-b"}`, ""},
		{"own area moved out", "admin-b", "PATCH", "/api/v1/areas/thon-b", `{"parent":"xa-a"}`, "FOREIGN_AREA"},
		{"pairing elsewhere", "admin-b", "POST", "/api/v1/pairings", `{"area":"xa-a","name":"Cụm 1"}`, "FOREIGN_AREA"},
		{"agents elsewhere", "officer-a", "GET", "/api/v1/agents?area=xa-b", "", "FOREIGN_AREA"},
		{"plays elsewhere", "officer-a", "GET", "/api/v1/plays?area=tinh", "", "FOREIGN_AREA"},
		{"broadcast elsewhere", "officer-a", "POST", "/api/v1/broadcasts",
			`{"title":"x","class":"normal","items":[{"report":"r"}],` + at + `,"targets":{"areas":["xa-a","xa-b"]}}`, "FOREIGN_AREA"},
		{"broadcast above", "officer-a", "POST", "/api/v1/broadcasts",
			`{"title":"x","class":"normal","items":[{"report":"r"}],` + at + `,"targets":{"areas":["tinh"],"except":["xa-b"]}}`, "FOREIGN_AREA"},
		{"broadcast to an unknown area", "officer-a", "POST", "/api/v1/broadcasts",
			`{"title":"x","class":"normal","items":[{"report":"r"}],` + at + `,"targets":{"areas":["nowhere"]}}`, "FOREIGN_AREA"},
		{"broadcast in another's name", "officer-a", "POST", "/api/v1/broadcasts",
			`{"title":"x","area":"tinh","class":"normal","items":[{"report":"r"}],` + at + `,"targets":{"areas":["xa-a"]}}`, "FOREIGN_AREA"},
		{"own broadcast", "officer-a", "POST", "/api/v1/broadcasts",
			`{"title":"x","class":"normal","items":[{"report":"r"}],` + at + `,"targets":{"areas":["thon-a"]}}`, "REPORT_UNKNOWN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, _, body := b.ask(t, tc.person, tc.method, tc.path, tc.body); codeOf(body) != tc.code {
				t.Errorf("got %s", body)
			}
		})
	}
}

// planned writes a broadcast of an area, for a day far ahead.
func (b *bench) planned(t *testing.T, area string) planner.Broadcast {
	t.Helper()
	r, err := b.Library.Create(t.Context(), library.Meta{Area: area, Title: "Luật"}, library.Person{ID: "x"})
	check(t, err)
	out, err := b.Planner.Create(t.Context(), planner.Spec{Title: "Luật", Area: area, Items: []planner.ItemRef{{Report: r.ID}},
		When: planner.When{At: time.Now().AddDate(0, 0, 10).Format("2006-01-02") + "T06:00:00"}, Targets: planner.Targets{Areas: []string{area}}}, planner.Person{ID: "x"})
	check(t, err)
	return out
}

// asPerson is the context of a request that p makes.
func asPerson(ctx context.Context, p accounts.Person) context.Context {
	return context.WithValue(ctx, callerKey{}, accounts.Caller{Person: p})
}

// What is checked for a person is what is changed: the version that was read counts, also where If-Match names the next
// one, so that an edit in between cannot bring in another's areas.
func TestAChangeIsOfTheVersionThatWasChecked(t *testing.T) {
	b := newBench(t)
	made := b.planned(t, "xa-a")
	ctx := asPerson(t.Context(), accounts.Person{ID: "officer-a", Role: accounts.Officer, Area: "xa-a"})
	for _, header := range []string{"", "*", `"1"`} {
		if version, _, err := b.changeable(ctx, made.ID, header); err != nil || version != 1 {
			t.Errorf("If-Match %q is version %d, %v", header, version, err)
		}
	}
	if version, _, err := b.changeable(ctx, made.ID, `"2"`); !errors.Is(err, errStale) {
		t.Errorf("the next version is %d, %v", version, err)
	}
}

type agentList []planner.AgentRef

func (a agentList) List(context.Context) ([]planner.AgentRef, error) { return a, nil }

func TestPreviewShowsOnlyOwnAgents(t *testing.T) {
	b := newBench(t)
	b.Planner.Agents = agentList{{ID: "agent-a", Area: "xa-a"}, {ID: "agent-b", Area: "xa-b"}}
	path := "/api/v1/broadcasts/" + b.planned(t, "tinh").ID + "/preview"
	for person, want := range map[string]string{"admin": "agent-a agent-b", "officer-a": "agent-a", "viewer-b": "agent-b"} {
		status, _, body := b.ask(t, person, "GET", path, "")
		var shown []string
		for _, agent := range []string{"agent-a", "agent-b"} {
			if strings.Contains(body, agent) {
				shown = append(shown, agent)
			}
		}
		if got := strings.Join(shown, " "); status != 200 || got != want {
			t.Errorf("%s sees %s in %d %s", person, got, status, body)
		}
	}
}

func TestReachShowsOnlyOwnAgents(t *testing.T) {
	b := board(t)
	b.Planner.Agents = agentList{{ID: "agent-a", Area: "xa-a"}, {ID: "agent-b", Area: "xa-b"}}
	report := b.draft(t)
	b.does(t, "minh", "POST", "reports/"+report+"/approve", "", "")
	id := idOf(b.does(t, "minh", "POST", "urgent", `{"kind":"live","items":[{"report":"`+report+`"}],"targets":{"areas":["tinh"]}}`, ""))
	for person, want := range map[string]string{"admin": "agent-a agent-b", "minh": "agent-a agent-b", "lan": "agent-a", "beside": "agent-b"} {
		_, _, body := b.ask(t, person, "GET", "/api/v1/urgent/"+id+"/reach", "")
		var shown []string
		for _, agent := range []string{"agent-a", "agent-b"} {
			if strings.Contains(body, agent) {
				shown = append(shown, agent)
			}
		}
		if got := strings.Join(shown, " "); got != want {
			t.Errorf("%s sees %q in %s", person, got, body)
		}
	}
}

func TestAreaOfAPersonWhoseAreaIsGone(t *testing.T) {
	b := newBench(t)
	_, err := b.DB.NewDelete().Table("areas").Where("code = ?", "xa-b").Exec(t.Context())
	check(t, err)
	for _, path := range []string{"/api/v1/areas", "/api/v1/agents", "/api/v1/reports", "/api/v1/plays", "/api/v1/broadcasts"} {
		status, _, body := b.ask(t, "viewer-b", "GET", path, "")
		if status != 200 || strings.TrimSpace(body) != `{"items":[],"next":""}` {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestEveryChangeLeavesItsLine(t *testing.T) {
	b := newBench(t)
	if status, _, body := b.ask(t, "admin", "PATCH", "/api/v1/areas/xa-a", `{"name":"Xã A mới"}`, "If-Match", `"1"`); status != 200 {
		t.Fatal(body)
	}
	if _, _, body := b.ask(t, "admin", "PATCH", "/api/v1/areas/xa-a", `{"name":"again"}`, "If-Match", `"1"`); codeOf(body) != "STALE_VERSION" {
		t.Errorf("got %s", body)
	}
	entries, err := b.Accounts.Log(t.Context(), 0, 10)
	check(t, err)
	if len(entries) != 1 {
		t.Fatalf("%d lines", len(entries))
	}
	e := entries[0]
	if e.Who != "admin" || e.Action != "area.edit" || e.Subject != "xa-a" || e.Area != "xa-a" || e.Origin != "192.0.2.1" ||
		!strings.Contains(string(e.Before), `"Xã A"`) || !strings.Contains(string(e.After), `"Xã A mới"`) {
		t.Errorf("%+v", e)
	}
	if _, _, body := b.ask(t, "admin-b", "GET", "/api/v1/audit", ""); strings.Contains(body, "xa-a") {
		t.Errorf("an admin of another area reads %s", body)
	}
	if _, _, body := b.ask(t, "admin", "GET", "/api/v1/audit", ""); !strings.Contains(body, `"area.edit"`) || !strings.Contains(body, `"from":"192.0.2.1"`) {
		t.Errorf("got %s", body)
	}
}
