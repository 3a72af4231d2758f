package api

import (
	"encoding/json"
	"net/http"
	"testing"
)

func TestMeTellsTheZone(t *testing.T) {
	b := newBench(t)
	_, _, body := b.ask(t, "officer-a", http.MethodGet, "/api/v1/me", "")
	var me Me
	check(t, json.Unmarshal([]byte(body), &me))
	if me.Zone != "Asia/Ho_Chi_Minh" || me.Area != "xa-a" || len(me.May) == 0 {
		t.Errorf("me is %s", body)
	}
}

func TestCalendarsAreOnesOwn(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name, person, path, code string
		area                     string
	}{
		{"everything, for those it belongs to", "admin", "calendar?from=2026-11-24&to=2026-11-30", "", ""},
		{"one's own area where none is named", "officer-a", "calendar?from=2026-11-24&to=2026-11-30", "", "xa-a"},
		{"one below", "officer-a", "calendar?from=2026-11-24&to=2026-11-30&area=thon-a", "", "thon-a"},
		{"one beside", "officer-a", "calendar?from=2026-11-24&to=2026-11-30&area=xa-b", "FOREIGN_AREA", ""},
		{"none such", "admin", "calendar?from=2026-11-24&to=2026-11-30&area=nowhere", "AREA_NOT_FOUND", ""},
		{"a day that is none", "admin", "calendar?from=2026-11-31&to=2026-11-30", "TIME_INVALID", ""},
		{"too long", "admin", "calendar?from=2026-11-01&to=2026-12-30", "CALENDAR_SPAN", ""},
		{"readiness beside", "officer-a", "readiness?area=xa-b", "FOREIGN_AREA", ""},
		{"readiness of none such", "admin", "readiness?area=nowhere", "AREA_NOT_FOUND", ""},
		{"reach of nothing", "officer-a", "reports/none/reach", "REPORT_NOT_FOUND", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, body := b.ask(t, c.person, http.MethodGet, "/api/v1/"+c.path, "")
			var view CalendarView
			check(t, json.Unmarshal([]byte(body), &view))
			if codeOf(body) != c.code || view.Area != c.area {
				t.Errorf("it answers %s", body)
			}
		})
	}
}

func TestBandsAreTheAreasDayparts(t *testing.T) {
	b := newBench(t)
	status, _, body := b.ask(t, "admin", http.MethodPatch, "/api/v1/areas/tinh",
		`{"dayparts":[{"name":"morning","start":"05:00","end":"05:45","days":["tue"],"reserved":[{"start":"05:00","end":"05:30","label":"VOV"}]}]}`)
	if status != http.StatusOK {
		t.Fatal(body)
	}
	for _, person := range []string{"officer-a", "admin"} { // of an area, and of everything
		_, _, body = b.ask(t, person, http.MethodGet, "/api/v1/calendar?from=2026-11-23&to=2026-11-29", "")
		var view CalendarView
		check(t, json.Unmarshal([]byte(body), &view))
		if len(view.Bands) != 1 || view.Bands[0].Name != "morning" || view.Bands[0].Start.Format("2006-01-02T15:04:05Z07:00") != "2026-11-24T05:00:00+07:00" || len(view.Bands[0].Reserved) != 1 {
			t.Errorf("bands of %s: %s", person, body)
		}
	}
}

func TestPreviewOfADraftRefusesAsCreateDoes(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct{ person, body, code string }{
		"no report":  {"officer-a", `{"title":"Tin","class":"normal","items":[{"report":"none"}],"when":{"at":"2036-11-24T05:30:00"},"targets":{"areas":["xa-a"]}}`, "REPORT_UNKNOWN"},
		"beside":     {"officer-a", `{"title":"Tin","class":"normal","items":[{"report":"none"}],"when":{"at":"2036-11-24T05:30:00"},"targets":{"areas":["xa-b"]}}`, "FOREIGN_AREA"},
		"may not":    {"viewer-b", `{"title":"Tin","class":"normal","items":[{"report":"none"}],"when":{"at":"2036-11-24T05:30:00"},"targets":{"areas":["xa-b"]}}`, "FORBIDDEN"},
		"incomplete": {"officer-a", `{"title":"Tin"}`, "VALIDATION"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, body := b.ask(t, c.person, http.MethodPost, "/api/v1/broadcasts/preview", c.body); codeOf(body) != c.code {
				t.Errorf("it answers %s", body)
			}
		})
	}
}
