package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
)

func TestTheAuditLogIsFilteredAndVerified(t *testing.T) {
	b := newBench(t)
	for _, e := range []accounts.Entry{
		{Who: "lan", Action: "report.approve", Subject: "r1"}, {Who: "minh", Action: "report.withdraw", Subject: "r1"},
		{Who: "lan", Action: "reporter.x", Subject: "r2"}, {Who: "hub", Origin: "console", Action: "hub.backup"},
	} {
		check(t, b.Accounts.Record(t.Context(), e))
	}
	soon, past := time.Now().Add(time.Hour).UTC().Format(time.RFC3339), time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	for query, want := range map[string]string{
		"":                               "hub.backup reporter.x report.withdraw report.approve",
		"action=report":                  "report.withdraw report.approve",
		"action=report.approve":          "report.approve",
		"who=lan":                        "reporter.x report.approve",
		"who=lan&action=report":          "report.approve",
		"subject=r1":                     "report.withdraw report.approve",
		"from=" + soon:                   "",
		"from=" + past + "&to=" + soon:   "hub.backup reporter.x report.withdraw report.approve",
		"to=" + past:                     "",
		"action=report&limit=1&cursor=2": "report.approve",
	} {
		var got []string
		items, _ := b.does(t, "admin", "GET", "audit?"+query, "", "")["items"].([]any)
		for _, e := range items {
			entry, _ := e.(map[string]any)
			got = append(got, fmt.Sprint(entry["action"]))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: %q, want %q", query, s, want)
		}
	}
	if got := b.does(t, "admin", "GET", "audit/verify", "", ""); got["whole"] != true || got["lines"] != 4.0 {
		t.Errorf("verified: %v", got)
	}
	if got := b.does(t, "admin", "GET", "system", "", ""); got["backup"] == nil || got["backup_by"] != "hub" || got["zone"] != "Asia/Ho_Chi_Minh" {
		t.Errorf("system: %v", got)
	}
	_, err := b.DB.ExecContext(t.Context(), "UPDATE audit SET who = 'hoa' WHERE seq = 2")
	check(t, err)
	got := b.does(t, "admin", "GET", "audit/verify", "", "")
	if faults, _ := got["faults"].([]any); got["whole"] != false || len(faults) != 1 {
		t.Errorf("a changed line: %v", got)
	}
}
