package api

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/internal/broadcast"
)

// ledgerDay is a day of the records of these tests, in the fleet's zone.
func ledgerDay(month time.Month, day int) time.Time {
	return time.Date(2024, month, day, 5, 30, 0, 0, time.FixedZone("+07", 7*3600))
}

// yearOfPlays has a village, its commune and the one beside it hear two reports in two months.
func yearOfPlays(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	report := func(title, series, field, language string) string {
		r, err := b.Library.Create(t.Context(), library.Meta{Title: title, Series: series, LawFields: []string{field}, Language: language}, library.Person{ID: "lan", Name: "lan"})
		check(t, err)
		return r.ID
	}
	land, net := report("=Luật Đất đai", "Tìm hiểu pháp luật", "Đất đai", "vi"), report("An ninh mạng", "Tìm hiểu pháp luật", "An ninh mạng", "tyz")
	n := 0
	put := func(agent, area, report string, at time.Time, outcome broadcast.Outcome, reason string, heard int64) {
		n++
		p := broadcast.Play{ID: fmt.Sprint("p", n), Slot: fmt.Sprint("s", n), Report: report, Title: map[string]string{land: "=Luật Đất đai", net: "An ninh mạng"}[report],
			Class: broadcast.Normal, PlannedStart: at, PlannedEnd: at.Add(5 * time.Minute), Outcome: outcome, Reason: reason, ReachedMS: heard}
		if heard > 0 {
			p.StartedAt, p.EndedAt = at, at.Add(time.Duration(heard)*time.Millisecond)
		}
		_, _, err := b.Evidence.Insert(t.Context(), agent, area, []broadcast.Play{p})
		check(t, err)
	}
	put("a1", "thon-a", land, ledgerDay(10, 31), broadcast.Played, broadcast.ReasonComplete, 300_000)
	put("a2", "xa-a", land, ledgerDay(11, 1), broadcast.Cut, broadcast.ReasonPower, 60_000)
	put("a2", "xa-a", net, ledgerDay(11, 2), broadcast.Skipped, broadcast.ReasonQuietHours, 0)
	put("b1", "xa-b", net, ledgerDay(11, 3), broadcast.Played, broadcast.ReasonComplete, 300_000)
	return b
}

func (b *bench) sumsOf(t *testing.T, person, query string) SumsView {
	t.Helper()
	status, _, body := b.ask(t, person, "GET", "/api/v1/evidence?from=2024-01-01T00:00:00&to=2025-01-01T00:00:00&"+query, "")
	var v SumsView
	if status != 200 || json.Unmarshal([]byte(body), &v) != nil {
		t.Fatalf("%s: %d %s", query, status, body)
	}
	return v
}

// line is a row in short: key/and=planned,played,cut,skipped,unknown,heard seconds.
func line(r SumView) string {
	key := r.Key
	if r.AndKey != "" {
		key += "/" + r.AndKey
	}
	return fmt.Sprintf("%s=%d,%d,%d,%d,%d,%d", key, r.Planned, r.Played, r.Cut, r.Skipped, r.Unknown, r.HeardMS/1000)
}

func TestEvidenceIsSummedByWhatIsAskedFor(t *testing.T) {
	b := yearOfPlays(t)
	for _, c := range []struct{ name, person, query, want string }{
		{"months", "admin", "by=month", "2024-10=1,1,0,0,0,300 2024-11=3,1,1,1,0,360"},
		{"areas right below everything", "admin", "by=area", "tinh=4,2,1,1,0,660"},
		{"areas below the province, villages in their communes", "admin", "by=area&area=tinh", "xa-a=3,1,1,1,0,360 xa-b=1,1,0,0,0,300"},
		{"every area", "admin", "by=area&level=each", "thon-a=1,1,0,0,0,300 xa-b=1,1,0,0,0,300 xa-a=2,0,1,1,0,60"},
		{"of whoever answers for one", "officer-a", "by=area", "thon-a=1,1,0,0,0,300 xa-a=2,0,1,1,0,60"},
		{"series", "admin", "by=series", "Tìm hiểu pháp luật=4,2,1,1,0,660"},
		{"fields by month", "admin", "by=law_field&and=month", "An ninh mạng/2024-11=2,1,0,1,0,300 Đất đai/2024-10=1,1,0,0,0,300 Đất đai/2024-11=1,0,1,0,0,60"},
		{"languages", "admin", "by=language", "vi=2,1,1,0,0,360 tyz=2,1,0,1,0,300"},
		{"reasons", "viewer-b", "by=reason", "complete=1,1,0,0,0,300"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := b.sumsOf(t, c.person, c.query)
			var got []string
			for _, r := range v.Items {
				got = append(got, line(r))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
	for query, want := range map[string]string{
		"from=2024-01-01T00:00:00&to=2024-01-01T00:00:00": "EVIDENCE_SPAN", "from=2000-01-01T00:00:00&to=2024-01-01T00:00:00": "EVIDENCE_SPAN",
		"from=x&to=2024-01-01T00:00:00": "TIME_INVALID", "from=2024-01-01T00:00:00&to=2025-01-01T00:00:00&by=area&and=area": "EVIDENCE_PAIR",
		"from=2024-01-01T00:00:00&to=2025-01-01T00:00:00&by=weather": "VALIDATION", "from=2024-01-01T00:00:00&to=2025-01-01T00:00:00&area=xa-b": "FOREIGN_AREA",
	} {
		b.does(t, "officer-a", "GET", "evidence?"+query, "", want)
	}
}

// What was heard in a commune that became a part of another is counted there, and keeps the name of its time.
func TestAMergedCommuneKeepsItsEvidence(t *testing.T) {
	b := yearOfPlays(t)
	_, err := b.DB.NewInsert().Table("agents").Model(&map[string]any{"id": "a2", "name": "Cụm A", "area": "xa-a", "state": "active", "public_key": "a2", "created_at": 0}).Exec(t.Context())
	check(t, err)
	_, err = b.DB.NewInsert().Table("agents").Model(&map[string]any{"id": "b1", "name": "Cụm A", "area": "xa-b", "state": "active", "public_key": "b1", "created_at": 0}).Exec(t.Context())
	check(t, err)
	b.does(t, "admin-b", "POST", "areas/xa-b/merge", `{"into":"xa-a"}`, "FOREIGN_AREA")
	b.does(t, "admin", "POST", "areas/xa-a/merge", `{"into":"xa-b"}`, "STALE_VERSION", "If-Match", `"7"`)
	made := b.does(t, "admin", "POST", "areas/xa-a/merge", `{"into":"xa-b"}`, "", "If-Match", `"1"`)
	if got := fmt.Sprint(made["moved"]); got != "[map[n:1 what:agents] map[n:1 what:people] map[n:0 what:reports]]" {
		t.Errorf("went over: %s", got)
	}
	b.does(t, "admin", "PATCH", "areas/xa-b", `{"name":"Xã AB"}`, "")
	v := b.sumsOf(t, "admin", "by=area&area=tinh")
	if len(v.Items) != 1 || line(v.Items[0]) != "xa-b=4,2,1,1,0,660" || v.Items[0].Name != "Xã AB" || v.Items[0].Clusters != 2 {
		t.Errorf("sums: %+v", v.Items)
	}
	if got := strings.Join([]string{v.Past[0].Name, v.Past[0].Now, v.Past[1].Name, v.Past[1].Now}, " "); got != "Xã A xa-b Xã B xa-b" {
		t.Errorf("past: %+v", v.Past)
	}
	// The officer of the old commune answers for the new one now, and sees the records of both.
	if v := b.sumsOf(t, "officer-a", "by=month"); v.Total.Planned != 4 {
		t.Errorf("the officer sees %+v", v.Total)
	}
	_, _, body := b.ask(t, "officer-a", "GET", "/api/v1/plays/export", "")
	for _, want := range []string{"Xã A,xa-a", "Xã B,xa-b", "Thôn A,thon-a", "Cụm A (Xã A)"} {
		if !strings.Contains(body, want) {
			t.Errorf("the log does not say %q:\n%s", want, body)
		}
	}
	entries, err := b.Accounts.Log(t.Context(), 0, 10)
	check(t, err)
	actions := ""
	for _, e := range entries {
		actions += e.Action + " "
	}
	if actions != "area.edit area.merge person.edit " {
		t.Errorf("audit: %s", actions)
	}
}

func TestTablesAreFilesWithoutFormulas(t *testing.T) {
	b := yearOfPlays(t)
	status, header, body := b.ask(t, "admin", "GET", "/api/v1/plays/export?from=2024-10-01T00:00:00&to=2024-11-02T00:00:00&format=csv", "")
	if status != 200 || header.Get("Content-Type") != "text/csv; charset=utf-8" || header.Get("Content-Disposition") != `attachment; filename="nhat-ky-phat_2024-10-01_2024-11-01.csv"` {
		t.Fatalf("%d %v", status, header)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff"))).ReadAll()
	check(t, err)
	if len(rows) != 3 || strings.Join(rows[1], "|") != "2024-10-31 05:30:00|2024-10-31 05:30:00|2024-10-31 05:35:00|Đã phát|phát trọn|'=Luật Đất đai|Thông thường|a1|Thôn A|thon-a|300|300|p1" {
		t.Errorf("rows %q", rows)
	}
	_, _, body = b.ask(t, "admin", "GET", "/api/v1/plays/export?outcome=skipped&lang=en", "")
	rows, err = csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff"))).ReadAll()
	check(t, err)
	if len(rows) != 2 || rows[1][3] != "Not played" {
		t.Errorf("of what was not played: %q", rows)
	}
	b.does(t, "admin", "GET", "plays/export?outcome=loud", "", "VALIDATION")
	status, header, body = b.ask(t, "admin", "GET", "/api/v1/plays/export?format=xlsx&lang=en", "")
	if status != 200 || header.Get("Content-Type") != xlsxType {
		t.Fatalf("%d %v", status, header)
	}
	f, err := excelize.OpenReader(strings.NewReader(body))
	check(t, err)
	defer f.Close()
	rows, err = f.GetRows("Play log 1")
	check(t, err)
	formula, err := f.GetCellFormula("Play log 1", "F2")
	check(t, err)
	if len(rows) != 5 || rows[0][5] != "Report" || rows[1][5] != "=Luật Đất đai" || formula != "" || rows[1][0] != "31/10/2024 05:30:00" {
		t.Errorf("formula %q, rows %q", formula, rows)
	}
	_, _, body = b.ask(t, "admin", "GET", "/api/v1/evidence/export?from=2024-01-01T00:00:00&to=2025-01-01T00:00:00&by=area&and=month&level=each&format=xlsx", "")
	g, err := excelize.OpenReader(strings.NewReader(body))
	check(t, err)
	defer g.Close()
	rows, err = g.GetRows("Kết quả phát 1")
	check(t, err)
	if len(rows) != 5 || strings.Join(rows[1], "|") != "Thôn A|2024-10|1|1|0|0|0|5|5" || rows[4][0] != "Tổng cộng" || rows[4][1] != "" || rows[4][8] != "11" {
		t.Errorf("rows %q", rows)
	}
}
