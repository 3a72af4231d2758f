package api

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/planner"
)

// cluster is one in xa-a.
type cluster struct{}

func (cluster) List(context.Context) ([]planner.AgentRef, error) {
	return []planner.AgentRef{{ID: "01a20971-da8e-7418-b973-f074ca05d9fa", Area: "xa-a", Name: "Cụm A"}}, nil
}

// A commune's operator sets its own dayparts within the policy, and places its own items in them; an officer approves.
func TestACommunesOwnDaypartsAndItems(t *testing.T) {
	b := board(t)
	b.join(t, "neighbour", accounts.Person{Role: accounts.Operator, Area: "xa-b"})
	b.does(t, "admin", "PATCH", "areas/tinh", `{"policy":{"windows":[{"start":"05:00","end":"21:00"}],"dayparts_per_day":3},"dayparts":[{"name":"morning","start":"05:00","end":"05:45"}]}`, "")
	b.Planner.Agents = cluster{}

	put := func(person, dayparts, code string) map[string]any {
		t.Helper()
		return b.does(t, person, "PUT", "areas/xa-a/dayparts", `{"dayparts":[`+dayparts+`]}`, code)
	}
	own := `{"name":"họp chợ","start":"07:00","end":"07:05"}`
	for name, tc := range map[string]struct{ person, dayparts, code string }{
		"another commune's operator": {"neighbour", own, "FOREIGN_AREA"},
		"who only looks":             {"viewer", own, "FORBIDDEN"},
		"one from above":             {"operator", `{"name":"morning","start":"06:00","end":"06:45"}`, "OWN_DAYPART"},
		"removing one from above":    {"operator", `{"name":"x","start":"06:00","end":"06:45","disabled":true}`, "OWN_DAYPART"},
		"in quiet hours":             {"operator", `{"name":"đêm","start":"20:30","end":"21:30"}`, "OWN_DAYPART_POLICY"},
		"more than a day may have":   {"operator", own + `,{"name":"2","start":"08:00","end":"08:10"},{"name":"3","start":"09:00","end":"09:10"}`, "OWN_DAYPART_POLICY"},
	} {
		t.Run(name, func(*testing.T) { put(tc.person, tc.dayparts, tc.code) })
	}
	if got, _ := put("operator", own, "")["effective_dayparts"].([]any); len(got) != 2 {
		t.Errorf("%v", got)
	}

	day := time.Now().AddDate(0, 0, 3).Format("2006-01-02")
	report := b.draft(t)
	item := func(person, daypart, code string) string {
		t.Helper()
		return idOf(b.does(t, person, "POST", "areas/xa-a/own", fmt.Sprintf(`{"title":"Họp chợ","report":%q,"daypart":%q,"date":%q}`, report, daypart, day), code))
	}
	item("neighbour", "họp chợ", "FOREIGN_AREA")
	item("operator", "no such", "DAYPART_UNKNOWN")
	id := item("operator", "họp chợ", "")
	made := b.does(t, "operator", "GET", "broadcasts/"+id, "", "")
	if made["owner"] != "commune" || made["state"] != "draft" || made["area"] != "xa-a" {
		t.Errorf("%v", made)
	}
	b.does(t, "operator", "POST", "reports/"+report+"/approve", "", "FORBIDDEN")
	b.does(t, "operator", "POST", "broadcasts/"+id+"/approve", "", "FORBIDDEN")
	b.does(t, "hoa", "POST", "reports/"+report+"/approve", "", "")
	b.does(t, "hoa", "POST", "broadcasts/"+id+"/approve", "", "")
	for range 4 { // five minutes are full with five items of a minute
		b.does(t, "hoa", "POST", "broadcasts/"+item("operator", "họp chợ", "")+"/approve", "", "")
	}
	item("operator", "họp chợ", "OWN_NO_PLACE")
	if got, _ := b.does(t, "operator", "GET", "areas/xa-a/own", "", "")["items"].([]any); len(got) != 5 {
		t.Errorf("%v", got)
	}

	b.does(t, "operator", "POST", "areas/xa-a/own/"+b.planned(t, "xa-a").ID+"/cancel", "", "OWN_NOT_FOUND") // the hub's
	b.does(t, "neighbour", "POST", "areas/xa-a/own/"+id+"/cancel", "", "FOREIGN_AREA")
	b.does(t, "neighbour", "POST", "areas/xa-b/own/"+id+"/cancel", "", "OWN_NOT_FOUND")
	if got := b.does(t, "operator", "POST", "areas/xa-a/own/"+id+"/cancel", "", ""); got["state"] != "cancelled" {
		t.Errorf("%v", got)
	}
}
