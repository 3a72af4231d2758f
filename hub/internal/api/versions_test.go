package api

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

// approve says as the whole hub's admin that a report may be heard.
func (b *bench) approve(t *testing.T, id string) (r library.Report) {
	t.Helper()
	b.get(t, "admin", "POST", "/reports/"+id+"/approve", "", &r)
	return r
}

func (b *bench) asPlanned(t *testing.T, id string) broadcast.Report {
	t.Helper()
	all, err := b.Library.Reports(t.Context(), []string{id})
	check(t, err)
	return all[id]
}

func (b *bench) report(t *testing.T, id string) (r library.Report) {
	t.Helper()
	b.get(t, "admin", "GET", "/reports/"+id, "", &r)
	return r
}

// ran says that the job of a report is over, as ingest does.
func (b *bench) ran(t *testing.T, id string) {
	t.Helper()
	_, err := b.DB.NewRaw("UPDATE ingest_jobs SET state = 'done' WHERE report_id = ?", id).Exec(t.Context())
	check(t, err)
}

func TestAudioOfAReportIsReplaced(t *testing.T) {
	b := newBench(t)
	r := b.shelve(t, library.Meta{Area: "xa-a", Title: "Luật Đất đai"})
	path := "/reports/" + r.ID
	first := b.approve(t, r.ID)

	// A new upload: the approved audio stays in force until the next one is there.
	contentType, body := makeForm(t, part{"report", "", r.ID}, part{"audio", "moi.wav", "RIFF...."})
	status, said := b.upload(t, "officer-a", contentType, bytes.NewReader(body))
	if status != 201 {
		t.Fatalf("a new audio: %d %s", status, said)
	}
	if got := b.report(t, r.ID); got.State != "approved" || got.Pending == nil || got.Pending.How != library.HowUpload || got.Title != "Luật Đất đai" {
		t.Errorf("while its next audio is made it is %+v", got)
	}
	for name, c := range map[string]struct{ method, path, body, code string }{
		"two at a time":        {"POST", path + "/trim", `{"from_ms":1000,"to_ms":200000}`, "VERSION_PENDING"},
		"cut from beyond it":   {"POST", path + "/trim", `{"from_ms":0,"to_ms":300001}`, "TRIM_INVALID"},
		"nothing cut":          {"POST", path + "/trim", `{"from_ms":0,"to_ms":300000}`, "TRIM_INVALID"},
		"nothing left":         {"POST", path + "/trim", `{"from_ms":1000,"to_ms":1400}`, "TRIM_INVALID"},
		"of no version":        {"POST", path + "/trim", `{"from_ms":0,"to_ms":1000,"base":7}`, "VERSION_NOT_FOUND"},
		"parts of a report":    {"PUT", "/programmes/" + r.ID + "/parts", `{"items":["` + r.ID + `"]}`, "VERSION_PENDING"},
		"an audio never had":   {"GET", path + "/audio?version=9", "", "VERSION_NOT_FOUND"},
		"another's, by upload": {"POST", path + "/trim", `{"from_ms":1000,"to_ms":2000}`, "FOREIGN_AREA"},
	} {
		person := "officer-a"
		if c.code == "FOREIGN_AREA" {
			person = "admin-b"
		}
		if code := b.code(t, person, c.method, c.path, c.body); code != c.code {
			t.Errorf("%s: %s, want %s", name, code, c.code)
		}
	}

	// One that fails changes nothing but that it says so.
	check(t, b.Library.Failed(t.Context(), r.ID, problem.New("AUDIO_SILENT", 422, "im", "silent")))
	b.ran(t, r.ID)
	if got := b.report(t, r.ID); got.State != "approved" || got.Pending == nil || got.Pending.Error == nil || b.asPlanned(t, r.ID).Audio != first.SHA256 {
		t.Errorf("after a failure it is %+v", got)
	}

	// A cut: from then on nothing is approved, and what was is evidence.
	var got library.Report
	b.get(t, "officer-a", "POST", path+"/trim", `{"from_ms":1000,"to_ms":200000}`, &got)
	b.finish(t, r.ID, "cut", 199_000)
	b.ran(t, r.ID)
	got = b.report(t, r.ID)
	if got.State != "draft" || got.Approved != nil || got.AudioVersion != 2 || got.Made.How != library.HowTrim || got.Made.By.ID != "officer-a" ||
		got.Pending != nil || got.DurationMS != 199_000 || b.asPlanned(t, r.ID).State != "draft" {
		t.Errorf("cut it is %+v", got)
	}
	if code := b.code(t, "officer-a", "POST", path+"/approve", ""); code != "SELF_APPROVAL" {
		t.Errorf("who cut it approves it: %q", code)
	}
	var versions struct{ Items []library.Version }
	b.get(t, "officer-a", "GET", path+"/versions", "", &versions)
	if v := versions.Items; len(v) != 2 || v[0].N != 2 || v[1].N != 1 || v[1].SHA256 != first.SHA256 || v[1].Approved == nil || v[1].Approved.By.ID != "admin" || v[1].Replaced.IsZero() {
		t.Errorf("its versions are %+v", v)
	}
	_, _, old := b.ask(t, "officer-a", "GET", Prefix+path+"/audio?version=1", "")
	_, _, now := b.ask(t, "officer-a", "GET", Prefix+path+"/audio", "")
	if old != "opus of "+r.ID || now != "cut" {
		t.Errorf("version 1 sounds %q, the present one %q", old, now)
	}
	if b.approve(t, r.ID).Approved.SHA256 == first.SHA256 {
		t.Error("the approval is of the old audio")
	}
	// The first version is what a later cut may begin from, too.
	b.get(t, "officer-a", "POST", path+"/trim", `{"from_ms":0,"to_ms":300000,"base":1}`, &got)
}

// A new audio ends the approval: who may not edit a report gives a new one only to their own.
func TestAnOperatorReplacesTheAudioOfTheirOwnReportsAlone(t *testing.T) {
	b := board(t)
	again := func(report string) string {
		t.Helper()
		contentType, body := makeForm(t, part{"report", "", report}, part{"audio", "moi.wav", "RIFF...."})
		_, whole := b.upload(t, "operator", contentType, bytes.NewReader(body))
		_, begun := b.begins(t, "operator", 8, "filename", "moi.wav", "report", report)
		if code := codeOf(begun.Body.String()); codeOf(whole) != "" && code != codeOf(whole) {
			t.Errorf("in pieces it is %q, whole %s", code, whole)
		}
		return codeOf(whole)
	}
	id := b.draft(t) // lan's
	b.does(t, "hoa", "POST", "reports/"+id+"/approve", "", "")
	if code := again(id); code != "FORBIDDEN" {
		t.Errorf("an officer's: %q", code)
	}
	if got := b.report(t, id); got.State != "approved" || got.Pending != nil || len(b.leftovers(t)) != 0 {
		t.Errorf("it is %+v, left %v", got, b.leftovers(t))
	}
	own, err := b.Library.Create(t.Context(), library.Meta{Area: "xa-a", Title: "Họp chợ"}, library.Person{ID: "operator", Name: "operator"})
	check(t, err)
	b.finish(t, own.ID, "first", 60_000)
	if code := again(own.ID); code != "" {
		t.Errorf("their own: %q", code)
	}
}

func TestProgrammes(t *testing.T) {
	b := newBench(t)
	var ids []string
	for _, title := range []string{"Nhạc hiệu", "Luật Đất đai", "Luật Hôn nhân"} {
		ids = append(ids, b.shelve(t, library.Meta{Area: "xa-a", Title: title}).ID)
	}
	order := `"opening":"` + ids[0] + `","items":["` + ids[1] + `","` + ids[2] + `"],"closing":"` + ids[0] + `","gap_ms":500`
	var p library.Report
	b.get(t, "officer-a", "POST", "/programmes", `{"title":"Bản tin pháp luật","area":"xa-a",`+order+`}`, &p)
	if p.Kind != library.KindProgramme || p.State != "processing" || len(p.Parts) != 4 || p.Parts[3].Role != library.Closing || p.Parts[2].AtMS != 601_000 {
		t.Fatalf("made as %+v", p)
	}
	path := "/programmes/" + p.ID + "/parts"
	b.finish(t, p.ID, "programme", 1_201_500)
	b.ran(t, p.ID)
	for name, c := range map[string]struct{ person, method, path, body, code string }{
		"empty":                {"officer-a", "POST", "/programmes", `{"title":"x","area":"xa-a","items":[]}`, "PROGRAMME_ORDER"},
		"within another":       {"officer-a", "POST", "/programmes", `{"title":"x","area":"xa-a","items":["` + p.ID + `"]}`, "PROGRAMME_NESTED"},
		"of what is not there": {"officer-a", "POST", "/programmes", `{"title":"x","area":"xa-a","items":["none"]}`, "REPORT_NOT_FOUND"},
		"without a title":      {"officer-a", "POST", "/programmes", `{"area":"xa-a","items":["` + ids[1] + `"]}`, "VALIDATION"},
		"cut":                  {"officer-a", "POST", "/reports/" + p.ID + "/trim", `{"from_ms":1,"to_ms":9000}`, "PROGRAMME_AUDIO"},
		"over another's edit":  {"officer-a", "PUT", path, `{` + order + `}`, "STALE_VERSION"},
	} {
		seen := "*"
		if c.code == "STALE_VERSION" {
			seen = `"7"`
		}
		if code := b.code(t, c.person, c.method, c.path, c.body, "If-Match", seen); code != c.code {
			t.Errorf("%s: %s, want %s", name, code, c.code)
		}
	}
	if code := b.code(t, "admin", "POST", "/reports/"+p.ID+"/approve", ""); code != "PART_UNAPPROVED" {
		t.Errorf("approved before its parts: %s", code)
	}
	for _, id := range ids {
		b.approve(t, id)
	}
	if got := b.approve(t, p.ID); got.State != "approved" || b.asPlanned(t, p.ID).State != "approved" {
		t.Errorf("approved it is %+v", got)
	}

	// Its validity is that of all its parts.
	until := time.Now().AddDate(1, 0, 0).Truncate(time.Second)
	b.get(t, "officer-a", "PATCH", "/reports/"+ids[1], `{"valid_until":"`+until.Format(time.RFC3339)+`"}`, &library.Report{})
	if got := b.asPlanned(t, p.ID).ValidUntil; got == nil || !got.Equal(until) {
		t.Errorf("it is valid until %v, a part until %v", got, until)
	}
	b.approve(t, ids[1])

	// A part that is withdrawn takes the programme out of every plan at once.
	var holds struct{ Items []library.Report }
	b.get(t, "officer-a", "GET", "/reports/"+ids[2]+"/programmes", "", &holds)
	if len(holds.Items) != 1 || holds.Items[0].ID != p.ID {
		t.Errorf("it is a part of %+v", holds.Items)
	}
	b.get(t, "officer-a", "POST", "/reports/"+ids[2]+"/withdraw", `{"reason":"luật đã thay đổi"}`, &library.Report{})
	got := b.report(t, p.ID)
	if got.State != "draft" || got.Approved != nil || got.Stale == nil || got.Stale.Code != "PART_WITHDRAWN" || got.Stale.Title != "Luật Hôn nhân" || b.asPlanned(t, p.ID).State != "draft" {
		t.Errorf("with a part withdrawn it is %+v", got)
	}
	if code := b.code(t, "admin", "POST", "/reports/"+p.ID+"/approve", ""); code != "PROGRAMME_STALE" {
		t.Errorf("approved with a part withdrawn: %s", code)
	}
	if code := b.code(t, "officer-a", "PUT", path, `{`+order+`}`); code != "PART_UNUSABLE" {
		t.Errorf("made anew of what was withdrawn: %s", code)
	}
	order = strings.Replace(order, `,"`+ids[2]+`"`, "", 1)
	b.get(t, "officer-a", "PUT", path, `{`+order+`}`, &got)
	b.finish(t, p.ID, "programme without it", 901_000)
	b.ran(t, p.ID)
	if got = b.approve(t, p.ID); got.Stale != nil || got.AudioVersion != 2 || len(got.Parts) != 3 {
		t.Errorf("made anew it is %+v", got)
	}

	// A part with another audio does so too, also while the programme is being made.
	b.get(t, "officer-a", "PUT", path, `{`+order+`}`, &got)
	b.get(t, "officer-a", "POST", "/reports/"+ids[1]+"/trim", `{"from_ms":0,"to_ms":200000}`, &library.Report{})
	b.finish(t, ids[1], "shorter", 200_000)
	if got := b.report(t, p.ID); got.State != "draft" || got.Stale == nil || got.Stale.Code != "PART_CHANGED" {
		t.Errorf("with a part changed it is %+v", got)
	}
	b.finish(t, p.ID, "with the old part", 901_001)
	if got := b.report(t, p.ID); got.Stale == nil || got.Stale.Report != ids[1] {
		t.Errorf("made while a part changed it is %+v", got)
	}
}
