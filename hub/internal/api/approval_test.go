package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
)

// board is a bench with officers: lan and hoa of xa-a, and above them minh, of the province.
func board(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	for name, p := range map[string]accounts.Person{"lan": {Role: accounts.Officer, Area: "xa-a"}, "hoa": {Role: accounts.Officer, Area: "xa-a"},
		"minh": {Role: accounts.Officer, Area: "tinh"}, "below": {Role: accounts.Officer, Area: "thon-a"}, "beside": {Role: accounts.Officer, Area: "xa-b"},
		"operator": {Role: accounts.Operator, Area: "xa-a"}, "viewer": {Role: accounts.Viewer, Area: "xa-a"}, "chief": {Role: accounts.Admin, Area: "xa-a"}} {
		b.join(t, name, p)
	}
	return b
}

// draft is a report of xa-a by lan, processed.
func (b *bench) draft(t *testing.T) string {
	t.Helper()
	r, err := b.Library.Create(t.Context(), library.Meta{Area: "xa-a", Title: "Luật"}, library.Person{ID: "lan", Name: "lan"})
	check(t, err)
	file := filepath.Join(b.dir, r.ID)
	check(t, os.WriteFile(file, []byte("audio of "+r.ID), 0o600))
	check(t, b.Library.Done(t.Context(), r.ID, library.Finished{File: file, Audio: library.Audio{DurationMS: 60_000}}))
	return r.ID
}

// does asks and compares state and code; "" is a success.
func (b *bench) does(t *testing.T, person, method, path, body, want string, header ...string) map[string]any {
	t.Helper()
	status, _, text := b.ask(t, person, method, "/api/v1/"+path, body, header...)
	if codeOf(text) != want || want == "" && status >= 300 {
		t.Errorf("%s %s %s: %d %s, want %q", person, method, path, status, text, want)
	}
	out := map[string]any{}
	_ = json.Unmarshal([]byte(text), &out) // nothing of it where it is none
	return out
}

func idOf(made map[string]any) string { id, _ := made["id"].(string); return id }

func TestReportIsApprovedByASecondPersonOfItsAreaOrAbove(t *testing.T) {
	b := board(t)
	for _, tc := range []struct{ person, code string }{
		{"lan", "SELF_APPROVAL"}, {"operator", "FORBIDDEN"}, {"viewer", "FORBIDDEN"}, {"below", "FOREIGN_AREA"}, {"beside", "FOREIGN_AREA"},
		{"hoa", ""}, {"minh", ""}, {"chief", ""}, {"admin", ""},
	} {
		t.Run(tc.person, func(t *testing.T) {
			id := b.draft(t)
			if got := b.does(t, "lan", "GET", "reports/"+id, "", ""); got["state"] != "draft" || got["approved"] != nil {
				t.Errorf("before: %v", got)
			}
			b.does(t, tc.person, "POST", "reports/"+id+"/approve", "", tc.code)
			got := b.does(t, "lan", "GET", "reports/"+id, "", "")
			if tc.code != "" {
				if got["state"] != "draft" {
					t.Errorf("after: %v", got)
				}
				return
			}
			by, _ := got["approved"].(map[string]any)
			if who, _ := by["by"].(map[string]any); got["state"] != "approved" || by["sha256"] != got["sha256"] || who["id"] != tc.person {
				t.Errorf("after: %v", got)
			}
		})
	}
}

func TestReportApprovalIsForExactlyThatContent(t *testing.T) {
	b := board(t)
	id := b.draft(t)
	b.does(t, "minh", "POST", "reports/"+id+"/approve", "", "STALE_VERSION", "If-Match", `"7"`)
	b.does(t, "minh", "POST", "reports/"+id+"/approve", "", "", "If-Match", `"1"`)
	if got := b.does(t, "hoa", "PATCH", "reports/"+id, `{"title":"Luật khác","valid_until":"2036-01-01T00:00:00Z"}`, ""); got["state"] != "draft" || got["approved"] != nil || got["title"] != "Luật khác" {
		t.Errorf("an edit leaves %v", got)
	}
	// Neither who wrote it nor who changed it; and not the version before.
	b.does(t, "lan", "POST", "reports/"+id+"/approve", "", "SELF_APPROVAL")
	b.does(t, "hoa", "POST", "reports/"+id+"/approve", "", "SELF_APPROVAL")
	b.does(t, "minh", "POST", "reports/"+id+"/approve", "", "STALE_VERSION", "If-Match", `"1"`)
	b.does(t, "minh", "POST", "reports/"+id+"/approve", "", "")
	b.does(t, "hoa", "PATCH", "reports/"+id, `{"title":""}`, "VALIDATION")
	b.does(t, "hoa", "PATCH", "reports/"+id, `{"area":"xa-b"}`, "FOREIGN_AREA")
	b.does(t, "hoa", "PATCH", "reports/"+id, `{"title":"x"}`, "STALE_VERSION", "If-Match", `"2"`)
	// Other audio under the same words, as whoever can write the database could put there, was approved by nobody.
	_, err := b.DB.NewUpdate().Table("reports").Set("sha256 = ?", "0000").Where("id = ?", id).Exec(t.Context())
	check(t, err)
	seen, err := b.Library.Reports(t.Context(), []string{id})
	check(t, err)
	if seen[id].State != "draft" {
		t.Errorf("planning sees other audio as %s", seen[id].State)
	}
}

// Between the look at a report and its approval it may move to an area with another rule, or of other people.
func TestReportApprovalIsOfTheVersionThatWasChecked(t *testing.T) {
	b := board(t)
	id := b.draft(t)
	ctx := asPerson(t.Context(), accounts.Person{ID: "hoa", Role: accounts.Officer, Area: "xa-a"})
	for _, header := range []string{"", "*", `"1"`} {
		if version, _, err := b.changeableReport(ctx, id, header); err != nil || version != 1 {
			t.Errorf("If-Match %q is version %d, %v", header, version, err)
		}
	}
	if version, _, err := b.changeableReport(ctx, id, `"2"`); !errors.Is(err, errStale) {
		t.Errorf("the next version is %d, %v", version, err)
	}
}

func (b *bench) broadcastOf(t *testing.T, author, report string) string {
	t.Helper()
	day := time.Now().AddDate(0, 0, 10).Format("2006-01-02")
	made := b.does(t, author, "POST", "broadcasts", fmt.Sprintf(`{"title":"Luật","class":"normal","items":[{"report":%q}],"when":{"at":"%sT06:00:00"},"targets":{"areas":["xa-a"]}}`, report, day), "")
	if made["state"] != "draft" {
		t.Fatalf("a new broadcast is %v", made)
	}
	return idOf(made)
}

func TestBroadcastIsApprovedByASecondPersonForOneVersion(t *testing.T) {
	b := board(t)
	report := b.draft(t)
	id := b.broadcastOf(t, "lan", report)
	approve := func(person, want string, header ...string) {
		t.Helper()
		b.does(t, person, "POST", "broadcasts/"+id+"/approve", "", want, header...)
	}
	approve("minh", "REPORT_NOT_APPROVED")
	b.does(t, "minh", "POST", "reports/"+report+"/approve", "", "")
	for person, want := range map[string]string{"lan": "SELF_APPROVAL", "operator": "FORBIDDEN", "viewer": "FORBIDDEN", "below": "FOREIGN_AREA", "beside": "FOREIGN_AREA"} {
		approve(person, want)
	}
	approve("minh", "STALE_VERSION", "If-Match", `"2"`)
	approve("minh", "", "If-Match", `"1"`)
	if got := b.does(t, "hoa", "PATCH", "broadcasts/"+id, `{"title":"Luật khác"}`, ""); got["state"] != "draft" || got["approved"] != nil || got["version"] != 2.0 {
		t.Errorf("an edit leaves %v", got)
	}
	approve("hoa", "SELF_APPROVAL")
	approve("lan", "SELF_APPROVAL")
	approve("minh", "STALE_VERSION", "If-Match", `"1"`)
	approve("chief", "")
}

func TestOwnApprovalWhereThePolicySaysSo(t *testing.T) {
	b := board(t)
	rule := func(area string, two bool) {
		_, err := b.Planner.EditArea(t.Context(), area, 0, planner.AreaChange{Policy: &broadcast.Policy{SecondPerson: &two}})
		check(t, err)
	}
	id := b.draft(t)
	b.does(t, "lan", "POST", "reports/"+id+"/approve", "", "SELF_APPROVAL") // nothing is set anywhere
	rule("tinh", true)
	rule("xa-a", false)
	b.does(t, "lan", "POST", "reports/"+id+"/approve", "", "SELF_APPROVAL") // the province asks for two
	rule("tinh", false)
	b.does(t, "lan", "POST", "reports/"+id+"/approve", "", "")
	b.does(t, "lan", "POST", "broadcasts/"+b.broadcastOf(t, "lan", id)+"/approve", "", "")
}

// The way of a broadcast and the way of an urgent bulletin do not lead into each other.
func TestNormalAndUrgentAreSeparate(t *testing.T) {
	b := board(t)
	report := b.draft(t)
	b.does(t, "minh", "POST", "reports/"+report+"/approve", "", "")
	normal := b.broadcastOf(t, "lan", report)
	urgent := idOf(b.does(t, "lan", "POST", "urgent", fmt.Sprintf(`{"kind":"live","items":[{"report":%q}],"targets":{"areas":["xa-a"]}}`, report), ""))
	b.does(t, "minh", "POST", "broadcasts/"+urgent+"/approve", "", "BROADCAST_NOT_FOUND")
	b.does(t, "minh", "POST", "urgent/"+normal+"/approve", "", "BULLETIN_NOT_FOUND")
	b.does(t, "lan", "POST", "broadcasts", fmt.Sprintf(`{"title":"x","class":"urgent","items":[{"report":%q}],"when":{"at":"2036-01-01T06:00:00"},"targets":{"areas":["xa-a"]}}`, report), "VALIDATION")
	b.does(t, "lan", "PATCH", "broadcasts/"+normal, `{"class":"urgent"}`, "VALIDATION")
	b.does(t, "lan", "POST", "urgent/"+urgent+"/approve", "", "SELF_APPROVAL")
	if got := b.does(t, "minh", "POST", "urgent/"+urgent+"/approve", "", ""); got["state"] != "approved" {
		t.Errorf("got %v", got)
	}
	if got := b.does(t, "lan", "GET", "broadcasts/"+normal, "", ""); got["state"] != "draft" {
		t.Errorf("the broadcast is %v", got["state"])
	}
}
