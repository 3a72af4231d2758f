package api

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/internal/broadcast"
)

// shelve makes a report of officer-a's commune with audio.
func (b *bench) shelve(t *testing.T, m library.Meta) library.Report {
	t.Helper()
	r, err := b.Library.Create(t.Context(), m, library.Person{ID: "officer-a", Name: "officer-a"})
	check(t, err)
	b.finish(t, r.ID, "opus of "+r.ID, 300_000)
	r, err = b.Library.Report(t.Context(), r.ID)
	check(t, err)
	return r
}

// finish gives a report the audio it waits for.
func (b *bench) finish(t *testing.T, id, audio string, ms int64) {
	t.Helper()
	file := filepath.Join(b.dir, id)
	check(t, os.WriteFile(file, []byte(audio), 0o600))
	check(t, b.Library.Done(t.Context(), id, library.Finished{File: file, Waveform: []byte{1, 2}, Audio: library.Audio{DurationMS: ms}}))
}

// get asks as a person and reads the answer.
func (b *bench) get(t *testing.T, person, method, path, body string, into any, header ...string) int {
	t.Helper()
	status, _, said := b.ask(t, person, method, Prefix+path, body, header...)
	if into != nil && status < 300 {
		if err := json.Unmarshal([]byte(said), into); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, said)
		}
	}
	if status >= 300 && into != nil {
		t.Fatalf("%s %s: %d %s", method, path, status, said)
	}
	return status
}

func (b *bench) code(t *testing.T, person, method, path, body string, header ...string) string {
	t.Helper()
	_, _, said := b.ask(t, person, method, Prefix+path, body, header...)
	return codeOf(said)
}

func TestEditedWordsOfAReport(t *testing.T) {
	b := newBench(t)
	r := b.shelve(t, library.Meta{Area: "xa-a", Title: "Luật Đất đai", Language: "vi"})
	path := "/reports/" + r.ID
	_, err := b.Library.Approve(t.Context(), r.ID, 0, library.Person{ID: "admin", Name: "admin"}, true)
	check(t, err)

	var got library.Report
	b.get(t, "officer-a", "PATCH", path, `{"title":"Luật Đất đai"}`, &got)
	if got.State != "approved" {
		t.Errorf("writing the same again made it %s", got.State)
	}
	got = library.Report{}
	b.get(t, "officer-a", "PATCH", path, `{"source":"Đài QNR1","air_date":"2024-06-30","language":"tyz","speaker":"Thu Hà","rights":"Sở Tư pháp",
		"law_fields":["đất đai","hôn nhân"],"laws":[{"number":"31/2024/QH15","title":"Luật Đất đai","effective_from":"2024-08-01"},
		{"number":"45/2013/QH13","effective_from":"2014-07-01","valid_until":"2024-08-01"}]}`, &got)
	if got.State != "draft" || got.Approved != nil || got.Editor == nil || got.Editor.ID != "officer-a" || len(got.Laws) != 2 || got.Laws[1].ValidUntil != "2024-08-01" ||
		got.Speaker != "Thu Hà" || got.AirDate != "2024-06-30" || got.LawFields[1] != "hôn nhân" {
		t.Errorf("edited it is %+v", got)
	}
	for name, c := range map[string]struct{ body, code string }{
		"no day":                     {`{"air_date":"30/6/2024"}`, "DATE_INVALID"},
		"a law without a name":       {`{"laws":[{"number":"","effective_from":"2024-08-01"}]}`, "LAW_NUMBER_REQUIRED"},
		"a law that ends before":     {`{"laws":[{"number":"1","effective_from":"2024-08-01","valid_until":"2024-08-01"}]}`, "VALIDITY_INVALID"},
		"a language of nobody":       {`{"language":"xx"}`, "LANGUAGE_UNKNOWN"},
		"more fields than there are": {`{"law_fields":["` + strings.Repeat(`x","`, 10) + `x"]}`, "TOO_MANY"},
	} {
		t.Run(name, func(t *testing.T) {
			if code := b.code(t, "officer-a", "PATCH", path, c.body); code != c.code {
				t.Errorf("%s, want %s", code, c.code)
			}
		})
	}
	if code := b.code(t, "officer-a", "PATCH", path, `{"title":"Khác"}`, "If-Match", `"1"`); code != "STALE_VERSION" {
		t.Errorf("over somebody's edit: %s", code)
	}
	_, _, log := b.ask(t, "admin", "GET", Prefix+"/audit?action=report.edit", "")
	if strings.Count(log, `"report.edit"`) != 1 || !strings.Contains(log, "45/2013/QH13") {
		t.Errorf("the audit log has %s", log)
	}
}

func TestFiltersOfReports(t *testing.T) {
	b := newBench(t)
	today := time.Now()
	day := func(n int) string { return today.AddDate(0, 0, n).Format(time.DateOnly) }
	law := func(until string) []library.Law {
		return []library.Law{{Number: "1", ValidUntil: broadcast.Date(until)}}
	}
	for _, m := range []library.Meta{
		{Title: "A", Series: "Tìm hiểu pháp luật", LawFields: []string{"đất đai"}, Language: "vi", Source: "QNR1", Laws: law(day(-2))},
		{Title: "B", Series: "Sức khỏe", LawFields: []string{"hôn nhân", "đất đai"}, Language: "tyz", Source: "QNR1", Laws: law(day(30))},
		{Title: "C", Language: "tyz", Source: "Đài xã", Laws: law("")},
		{Title: "D"},
	} {
		m.Area = "xa-a"
		b.shelve(t, m)
	}
	for query, want := range map[string]string{
		"": "DCBA", "series=S%E1%BB%A9c+kh%E1%BB%8Fe": "B", "law_field=%C4%91%E1%BA%A5t+%C4%91ai": "BA", "language=tyz": "CB", "source=QNR1&language=vi": "A",
		"law=expired": "A", "law=ending": "B", "law=in_force": "CB", "state=approved": "", "to=" + day(-2): "", "from=" + day(-1) + "&to=" + day(1): "DCBA",
		"q=tinh": "", "law_field=%25": "",
	} {
		t.Run(query, func(t *testing.T) {
			var page struct{ Items []library.Report }
			b.get(t, "officer-a", "GET", "/reports?"+query, "", &page)
			got := ""
			for _, r := range page.Items {
				got += r.Title
			}
			if got != want {
				t.Errorf("found %q, want %q", got, want)
			}
		})
	}
	var c library.Choices
	b.get(t, "officer-a", "GET", "/reports/choices", "", &c)
	if len(c.Series) != 2 || len(c.Sources) != 2 || strings.Join(c.LawFields, ",") != "hôn nhân,đất đai" {
		t.Errorf("to choose from are %+v", c)
	}
}

func TestLanguagesGrow(t *testing.T) {
	b := newBench(t)
	var g library.Language
	b.get(t, "admin", "PUT", "/languages/sxq", `{"vi":"Tiếng Sán Dìu","en":"San Diu"}`, &g)
	var all struct{ Items []library.Language }
	b.get(t, "viewer-b", "GET", "/languages", "", &all)
	if n := len(all.Items); n < 9 || all.Items[0].Code != "vi" || all.Items[n-1].VI != "Tiếng Sán Dìu" {
		t.Errorf("the list is %+v", all.Items)
	}
	for name, c := range map[string]struct{ person, path, code string }{
		"an admin of a commune": {"admin-b", "/languages/hak", "FOREIGN_AREA"},
		"an officer":            {"officer-a", "/languages/hak", "FORBIDDEN"},
		"a code with blanks":    {"admin", "/languages/San%20Diu", "LANGUAGE_CODE"},
	} {
		t.Run(name, func(t *testing.T) {
			if code := b.code(t, c.person, "PUT", c.path, `{"vi":"Tiếng Hoa","en":"Hoa"}`); code != c.code {
				t.Errorf("%s, want %s", code, c.code)
			}
		})
	}
	b.shelve(t, library.Meta{Area: "xa-a", Title: "Bằng tiếng Sán Dìu", Language: "sxq"})
}
