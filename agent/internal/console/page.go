package console

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

//go:embed page/index.html page/form.html page/style.css
var files embed.FS

// page shows the view to people. It has no script: what it does it does by forms.
func (c *Console) page(w http.ResponseWriter, r *http.Request) {
	s := c.sources()
	v, err := Make(s, true)
	if err != nil {
		c.log.Error("page", "error", err)
		fail(w, err)
		return
	}
	t := language(r)
	w.Header().Set("Refresh", "5")
	c.show(w, http.StatusOK, "index.html", t, zone(s), map[string]any{"V": v, "Lang": t.code, "Other": t.other, "Chosen": c.pin.Chosen()})
}

// asked are the actions that have a page of their own, where the operator says what is needed for them. It is not
// loaded again by itself, as the first page is.
func asked() []string { return []string{"mute", "unmute", "skip", "pin"} }

// ask shows the page of an action, again with a problem when it was refused.
func (c *Console) ask(w http.ResponseWriter, r *http.Request, name string, in request, problem *problem.Error) {
	t, s := language(r), c.sources()
	fields := map[string]any{"Do": name, "In": in, "Lang": t.code, "Chosen": c.pin.Chosen()}
	status := http.StatusOK
	if problem != nil {
		status, fields["Problem"] = problem.Status, problem.VI
		if t.code == "en" {
			fields["Problem"] = problem.EN
		}
	}
	if name == "skip" {
		v, err := Make(s, true)
		if err != nil {
			fail(w, err)
			return
		}
		for _, sl := range v.Today {
			if sl.Slot == in.Slot {
				fields["Title"] = sl.Title
			}
		}
	}
	c.show(w, status, "form.html", t, zone(s), fields)
}

// refused answers a form whose action was refused, with what was typed but for the PINs.
func (c *Console) refused(w http.ResponseWriter, r *http.Request, name string, in request, err error) {
	var p *problem.Error
	if !errors.As(err, &p) {
		c.log.Error("action failed", "action", name, "error", err)
		p = errInternal
	}
	if !slices.Contains(asked(), name) {
		fail(w, p)
		return
	}
	c.ask(w, r, name, in, p)
}

func zone(s Sources) *time.Location {
	if s.Plan != nil {
		if plan := s.Plan(); plan != nil {
			return plan.Zone
		}
	}
	return time.UTC
}

// show makes a page of a template.
func (c *Console) show(w http.ResponseWriter, status int, name string, t text, zone *time.Location, fields map[string]any) {
	tmpl, err := template.New(name).Funcs(template.FuncMap{
		"t":     t.say,
		"clock": func(at time.Time) string { return at.In(zone).Format("15:04:05") },
		"day":   func(at time.Time) string { return at.In(zone).Format("02/01/2006") },
		"mib":   func(n int64) int64 { return n >> 20 },
	}).ParseFS(files, "page/"+name)
	var out bytes.Buffer
	if err == nil {
		err = tmpl.Execute(&out, fields)
	}
	if err != nil {
		c.log.Error("page", "page", name, "error", err)
		fail(w, errInternal)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the reader has gone: nothing to be done
}

func style(w http.ResponseWriter, _ *http.Request) {
	css, err := files.ReadFile("page/style.css")
	if err != nil {
		fail(w, errInternal)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(css) // the reader has gone: nothing to be done
}

// text is one language's words.
type text struct {
	code, other string
	words       map[string]string
}

// say gives the words for a key; a key without words is shown as it is, which a test forbids for known keys.
func (t text) say(key string) string {
	if w, ok := t.words[key]; ok {
		return w
	}
	return key
}

// language is what ?lang= says, else what the browser prefers, else Vietnamese.
func language(r *http.Request) text {
	want := r.URL.Query().Get("lang")
	if want == "" {
		want = r.Header.Get("Accept-Language")
	}
	if strings.HasPrefix(strings.ToLower(want), "en") {
		return text{"en", "vi", english()}
	}
	return text{"vi", "en", vietnamese()}
}

// keys are the state words and reasons the page must be able to say.
func keys() []string {
	return []string{"synced", "plausible", "untrusted", "ok", "missing", "stalled", "starting", "fetching", "waiting", "full", "damaged", "unknown",
		"on", "off", "failing",
		string(broadcast.Played), string(broadcast.Cut), string(broadcast.Skipped), "planned", "playing",
		broadcast.ReasonComplete, broadcast.ReasonJoined, broadcast.ReasonLateWhole, broadcast.ReasonResumed, broadcast.ReasonLate,
		broadcast.ReasonCollision, broadcast.ReasonDaypartFull, broadcast.ReasonNoDaypart, broadcast.ReasonQuietHours,
		broadcast.ReasonDayparts, broadcast.ReasonReserved, broadcast.ReasonNotValid, broadcast.ReasonWithdrawn,
		broadcast.ReasonDecision, broadcast.ReasonStopped, broadcast.ReasonMuted, broadcast.ReasonUrgent,
		broadcast.ReasonSuperseded, broadcast.ReasonCancelled, broadcast.ReasonPlanEnded, broadcast.ReasonClock,
		broadcast.ReasonOff, broadcast.ReasonPower, broadcast.ReasonAudioMissing, broadcast.ReasonAudioDamaged,
		broadcast.ReasonCardMissing,
		"do_mute", "do_unmute", "do_skip", "do_pin", "kind_hold", "kind_release", "kind_mute", "kind_unmute", "kind_skip", "kind_move", "kind_order", "by_pc", "by_hub"}
}
