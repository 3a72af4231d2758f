package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
)

// answered is an answer as it was written.
type answered struct{ any }

// at gives what lies on the way, as text; "<nil>" when nothing does.
func (s answered) at(way ...string) string {
	v := s.any
	for _, name := range way {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			if n, err := strconv.Atoi(name); err == nil && n < len(in) {
				v = in[n]
			} else {
				v = nil
			}
		default:
			v = nil
		}
	}
	return fmt.Sprint(v)
}

// of gives the list of that name.
func (s answered) of(name string) []any {
	in, _ := s.any.(map[string]any)
	list, _ := in[name].([]any)
	return list
}

// talk asks as a person and gives what came back, which must be a success.
func (b *bench) talk(t *testing.T, person, method, path, body string) answered {
	t.Helper()
	status, _, text := b.ask(t, person, method, Prefix+"/"+path, body)
	var out any
	if status/100 != 2 || json.Unmarshal([]byte(text), &out) != nil {
		t.Fatalf("%s %s as %s: %d %s", method, path, person, status, text)
	}
	return answered{out}
}

func TestASeriesByTheAPIAlone(t *testing.T) {
	b := newBench(t)
	names := b.world(t)
	b.join(t, "officer-2", accounts.Person{Role: accounts.Officer, Area: "xa-a"})
	for _, other := range []string{"{broadcast}", "{cancelled}"} {
		b.talk(t, "officer-2", http.MethodPost, names.Replace("broadcasts/"+other+"/cancel"), "")
	}
	spec := names.Replace(`{"title":"Luật","class":"normal","items":[{"report":"{approved}"}],"targets":{"areas":["xa-a"]},"when":{"at":"{day}T06:00:00","rrule":"FREQ=DAILY"}}`)
	id := b.talk(t, "officer-a", http.MethodPost, "broadcasts", spec).at("id")
	b.talk(t, "officer-2", http.MethodPost, "broadcasts/"+id+"/approve", "")
	day := names.Replace("{day}")

	// One day leaves the series, which stays approved, and comes back.
	off := b.talk(t, "officer-a", http.MethodPut, "broadcasts/"+id+"/days-off/"+day, "")
	if off.at("state") != "approved" || off.at("days_off", "0") != day {
		t.Errorf("one day less: %v", off)
	}
	calendar := "calendar?area=thon-a&from=" + day + "&to=" + day
	if n := len(b.talk(t, "officer-a", http.MethodGet, calendar, "").of("entries")); n != 0 {
		t.Errorf("%d entries on the day that was left", n)
	}
	b.talk(t, "officer-a", http.MethodDelete, "broadcasts/"+id+"/days-off/"+day, "")
	entries := b.talk(t, "officer-a", http.MethodGet, calendar, "").of("entries")
	if len(entries) != 1 || (answered{entries}).at("0", "repeats") != "true" {
		t.Errorf("the day that came back: %v", entries)
	}

	// One day is heard otherwise, once that is approved.
	one := strings.NewReplacer(`"rrule":"FREQ=DAILY"`, `"rrule":""`, "T06:00", "T07:00", `"title"`, `"instead":{"broadcast":"`+id+`","date":"`+day+`"},"title"`).Replace(spec)
	instead := b.talk(t, "officer-a", http.MethodPost, "broadcasts", one).at("id")
	if n := len(b.talk(t, "officer-a", http.MethodGet, calendar, "").of("entries")); n != 2 {
		t.Errorf("%d entries while one waits for approval", n)
	}
	b.talk(t, "officer-2", http.MethodPost, "broadcasts/"+instead+"/approve", "")
	entries = b.talk(t, "officer-a", http.MethodGet, calendar, "").of("entries")
	if len(entries) != 1 || (answered{entries}).at("0", "broadcast") != instead || (answered{entries}).at("0", "instead") != "true" {
		t.Errorf("the day otherwise: %v", entries)
	}
	// Nobody takes a day from a series of others, by saying that theirs is heard instead.
	b.join(t, "officer-b", accounts.Person{Role: accounts.Officer, Area: "xa-b"})
	_, _, body := b.ask(t, "officer-b", http.MethodPost, Prefix+"/broadcasts", strings.ReplaceAll(one, "xa-a", "xa-b"))
	if codeOf(body) != "FOREIGN_AREA" {
		t.Errorf("a day taken from others: %s", body)
	}
}

// What is heard instead of a series' day in one commune takes that day from all who hear the series: it is approved by who
// answers for all of them.
func TestADayOfASeriesIsTakenByWhoAnswersForTheSeries(t *testing.T) {
	b := board(t)
	report := b.draft(t)
	b.does(t, "minh", "POST", "reports/"+report+"/approve", "", "")
	day := time.Now().AddDate(0, 0, 10).Format("2006-01-02")
	write := func(area, at, more string) string {
		return idOf(b.does(t, "minh", "POST", "broadcasts", fmt.Sprintf(`{"title":"Luật","class":"normal","area":%q,"items":[{"report":%q}],"targets":{"areas":[%q]},"when":{"at":"%sT%s"},%s}`,
			area, report, area, day, at, more), ""))
	}
	series := idOf(b.does(t, "minh", "POST", "broadcasts", fmt.Sprintf(`{"title":"Luật","class":"normal","items":[{"report":%q}],"targets":{"areas":["tinh"]},"when":{"at":"%sT06:00:00","rrule":"FREQ=DAILY"}}`, report, day), ""))
	b.does(t, "admin", "POST", "broadcasts/"+series+"/approve", "", "")
	instead := write("xa-a", "07:00:00", `"instead":{"broadcast":"`+series+`","date":"`+day+`"}`)
	heard := func(area string) int {
		entries, _ := b.does(t, "admin", "GET", "calendar?area="+area+"&from="+day+"&to="+day, "", "")["entries"].([]any)
		return len(entries)
	}
	b.does(t, "hoa", "POST", "broadcasts/"+instead+"/approve", "", "FOREIGN_AREA")
	if n := heard("xa-b"); n != 1 {
		t.Errorf("another commune hears %d of the series", n)
	}
	b.does(t, "admin", "POST", "broadcasts/"+instead+"/approve", "", "")
	if n := heard("xa-b"); n != 0 {
		t.Errorf("approved from above, it is %d", n)
	}
	b.does(t, "hoa", "POST", "broadcasts/"+write("xa-a", "08:00:00", `"order":0`)+"/approve", "", "") // any other is theirs to approve
}

func TestSendingBackByTheAPIAlone(t *testing.T) {
	b := newBench(t)
	names := b.world(t)
	for _, c := range []struct{ what, id string }{{"broadcasts", names.Replace("{broadcast}")}, {"reports", names.Replace("{report}")}} {
		t.Run(c.what, func(t *testing.T) {
			back := b.talk(t, "officer-a", http.MethodPost, c.what+"/"+c.id+"/return", `{"words":"Xin ghi rõ số hiệu văn bản"}`)
			if back.at("state") != "draft" || back.at("returned", "words") != "Xin ghi rõ số hiệu văn bản" || back.at("returned", "by", "name") != "officer-a" {
				t.Errorf("sent back: %v", back)
			}
			has := func(query string) bool {
				_, _, body := b.ask(t, "officer-a", http.MethodGet, Prefix+"/"+c.what+"?state=draft&returned="+query, "")
				return strings.Contains(body, c.id)
			}
			if !has("yes") || has("no") {
				t.Error("it waits for approval still")
			}
			b.talk(t, "officer-a", http.MethodPatch, c.what+"/"+c.id, `{"title":"Luật mới"}`)
			if has("yes") || !has("no") {
				t.Error("written anew, it does not wait for approval")
			}
			if _, _, body := b.ask(t, "officer-a", http.MethodPost, Prefix+"/"+c.what+"/"+c.id+"/return", `{"words":" "}`); codeOf(body) != "WORDS_MISSING" {
				t.Errorf("without words: %s", body)
			}
		})
	}
	approved := names.Replace("{approved}")
	b.talk(t, "officer-a", http.MethodPatch, "reports/"+approved, `{"laws":[{"number":"91/2015/QH13"}]}`)
	if before := b.talk(t, "officer-a", http.MethodGet, "reports/"+approved, ""); before.at("before", "laws") != "<nil>" || before.at("before", "title") != "Luật" {
		t.Errorf("what was approved before: %v", before)
	}
}
