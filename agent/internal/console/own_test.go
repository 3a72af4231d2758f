package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/decisions"
	"github.com/loa-vn/loa/internal/broadcast"
)

// putter is a commune that puts in items of a length; no file is really made of anything.
type putter struct {
	*village
	length time.Duration
	err    error
	files  []string
}

func newPutter(t *testing.T, rules broadcast.Rules) *putter {
	p := &putter{village: newCommune(t, rules), length: 4 * time.Minute}
	s := p.sources()
	s.MakeOwn = func(_ context.Context, r io.Reader) (broadcast.Own, error) {
		raw, err := io.ReadAll(r)
		p.files = append(p.files, string(raw))
		return broadcast.Own{Audio: broadcast.Hash(strings.Repeat("b", 64)), DurationMS: p.length.Milliseconds()}, errors.Join(err, p.err)
	}
	s.OwnAny = func() bool { return false }
	s.Decided = func() (out []decisions.Entry) {
		for _, d := range p.made {
			out = append(out, decisions.Entry{Decision: d})
		}
		return out
	}
	p.sources = func() Sources { return s }
	return p
}

// put sends the form; fields replace the usual ones, and "" leaves one out.
func (p *putter) put(t *testing.T, path string, fields map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	all := map[string]string{"pin": "2468", "reason": "Trạm y tế nhờ", "who": "Hà", "title": "Lịch tiêm", "daypart": "2026-11-24/chiều"}
	for k, v := range fields {
		all[k] = v
	}
	for k, v := range all {
		if v == "" || k == "audio" {
			continue
		}
		if err := form.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	if fields["audio"] != "none" {
		part, err := form.CreateFormFile("audio", "tiem.wav")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write([]byte("sound"))
	}
	_ = form.Close()
	return p.post(path, body.String(), func(r *http.Request) { r.Header.Set("Content-Type", form.FormDataContentType()) })
}

// alone is a policy that asks for no second person.
func alone() broadcast.Rules {
	no := false
	return broadcast.Inherit(broadcast.Policy{SecondPerson: &no})
}

func TestAnOwnItemIsPutIntoAFreePlace(t *testing.T) {
	p := newPutter(t, alone())
	w := p.put(t, "/own?lang=en", nil)
	if w.Code != 303 || len(p.made) != 1 || len(p.files) != 1 || p.files[0] != "sound" {
		t.Fatalf("%d %s %+v", w.Code, w.Body, p.made)
	}
	d := p.made[0]
	if d.Kind != "own" || d.Who != "Hà" || d.Reason != "Trạm y tế nhờ" || d.Own.Title != "Lịch tiêm" || !strings.HasSuffix(d.Subject, "/1@2026-11-24/chiều") {
		t.Errorf("%+v", d)
	}
	page := ask(p.Console, "/?lang=en", nil).Body.String()
	for _, want := range []string{"normal, commune", "Remove this item", "Lịch tiêm (4:00)", `<span class="good">approved`, "«Lịch tiêm»"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page:\n%s", want, page)
		}
	}
	p.want(t, "skip", `"slot":"`+broadcast.OwnSlot(d.Subject)+`"`, 200, "")
	if page := ask(p.Console, "/?lang=en", nil).Body.String(); strings.Contains(page, `id="own"`) || !strings.Contains(page, "skipped by the commune") {
		t.Errorf("removed, and still:\n%s", page)
	}
}

func TestAnOwnItemWaitsForTheSecondPerson(t *testing.T) {
	p := newPutter(t, usual())
	if page := ask(p.Console, "/own?lang=en", nil).Body.String(); !strings.Contains(page, english()["own_second"]) || !strings.Contains(page, english()["own_wav"]) {
		t.Errorf("the form does not say what is asked for:\n%s", page)
	}
	if w := p.put(t, "/api/v1/own", map[string]string{"daypart": "2026-11-24/chiều"}); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if page := ask(p.Console, "/?lang=en", nil).Body.String(); !strings.Contains(page, "waits for the hub") || strings.Contains(page, "<td>Lịch tiêm</td>") {
		t.Errorf("%s", page)
	}
	d := p.made[0]
	p.plan = p.plan.WithDecisions(d, broadcast.Decision{Kind: "allow", Subject: d.Subject, Who: "minh", When: d.When.Add(time.Second), Counter: 1, Source: "hub"})
	if page := ask(p.Console, "/?lang=en", nil).Body.String(); !strings.Contains(page, english()["own_approved"]) || !strings.Contains(page, "<td>Lịch tiêm</td>") {
		t.Errorf("%s", page)
	}
	p.want(t, "skip", `"slot":"`+broadcast.OwnSlot(d.Subject)+`"`, 200, "")
}

func TestAnOwnItemThatTheHubRefusesIsTakenOut(t *testing.T) {
	p := newPutter(t, usual())
	if w := p.put(t, "/api/v1/own", nil); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	d := p.made[0]
	p.plan = p.plan.WithDecisions(d, broadcast.Decision{Kind: "skip", Subject: broadcast.OwnSlot(d.Subject), Who: "minh", Reason: "không rõ nguồn", When: d.When.Add(time.Second), Counter: 1, Source: "hub"})
	page := ask(p.Console, "/?lang=en", nil).Body.String()
	if strings.Contains(page, `id="own"`) || !strings.Contains(page, "skip an item «Lịch tiêm»") || !strings.Contains(page, "không rõ nguồn") {
		t.Errorf("%s", page)
	}
}

func TestAnOwnItemIsRefusedBeforeAnythingIsMadeOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		fields map[string]string
		status int
		code   string
	}{
		"a wrong PIN":     {map[string]string{"pin": "1357"}, 403, "PIN_WRONG"},
		"no PIN":          {map[string]string{"pin": ""}, 403, "PIN_WRONG"},
		"no reason":       {map[string]string{"reason": ""}, 422, "REASON_MISSING"},
		"no title":        {map[string]string{"title": " "}, 422, "OWN_TITLE"},
		"a long title":    {map[string]string{"title": strings.Repeat("x", 201)}, 422, "OWN_TITLE"},
		"another daypart": {map[string]string{"daypart": "2026-11-24/khuya"}, 422, "OWN_DAYPART"},
		"next week":       {map[string]string{"daypart": "2026-12-01/chiều"}, 422, "OWN_DAYPART"},
		"no file":         {map[string]string{"audio": "none"}, 422, "OWN_FILE"},
		"a letter":        {map[string]string{"reason": strings.Repeat("x", 5000)}, 400, "CONSOLE_BODY"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPutter(t, alone())
			if w := p.put(t, "/api/v1/own", c.fields); w.Code != c.status || !strings.Contains(w.Body.String(), c.code) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if w := p.put(t, "/own?lang=en", c.fields); w.Code == 303 || !strings.Contains(w.Body.String(), c.code) {
				t.Errorf("as a form: %d %s", w.Code, w.Body)
			}
			if len(p.files) != 0 || len(p.made) != 0 {
				t.Errorf("%v %+v", p.files, p.made)
			}
		})
	}
}

func TestAnOwnItemWithoutAPlaceIsRefused(t *testing.T) {
	p := newPutter(t, alone())
	p.length = 10 * time.Minute
	for i := range 5 { // until the daypart is full
		w := p.put(t, "/api/v1/own", nil)
		if w.Code == 409 && strings.Contains(w.Body.String(), "OWN_NO_PLACE") && strings.Contains(w.Body.String(), "no time left in its daypart") && i > 0 {
			return
		}
		if w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	t.Error("it never was full")
}

func TestAFileThatCannotBeMadeAnythingOfIsTold(t *testing.T) {
	p := newPutter(t, alone())
	p.err = errOwnFile
	if w := p.put(t, "/own?lang=en", nil); w.Code != 422 || !strings.Contains(w.Body.String(), "OWN_FILE") || !strings.Contains(w.Body.String(), `value="Lịch tiêm"`) || len(p.made) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := p.post("/own", "title=x", nil); w.Code != 400 || !strings.Contains(w.Body.String(), "CONSOLE_BODY") {
		t.Errorf("a form without a file: %d %s", w.Code, w.Body)
	}
}
