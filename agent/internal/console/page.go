package console

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/commune"
	"github.com/loa-vn/loa/internal/problem"
)

//go:embed page
var files embed.FS

// reload is after how many seconds a page without its script is loaded anew.
const reload = 5

// toneShown is how long the first page tells of a test tone.
const toneShown = 10 * time.Minute

// page shows the view to people. Its script only moves what moves: all it does it does by forms.
func (c *Console) page(w http.ResponseWriter, r *http.Request) {
	s := c.sources()
	v, err := Make(s, true)
	if err != nil {
		c.log.Error("page", "error", err)
		fail(w, err)
		return
	}
	if !v.Paired {
		c.begin(w, r, request{}, nil)
		return
	}
	t := language(r)
	fields := map[string]any{"V": v, "Lang": t.code, "Other": t.other, "Chosen": c.pin.Chosen(), "Every": reload, "Heading": t.say("title"),
		"Parts": parts(v), "Quiet": quiet(v), "Acts": offered(v), "Tone": nil, "Level": quietest, "Seconds": 0, "Of": 0}
	if v.Name != "" {
		fields["Heading"] = v.Name
	}
	if v.Tone != nil && v.At.Sub(v.Tone.At) < toneShown {
		fields["Tone"] = v.Tone
	}
	if s.Live != nil {
		l := s.Live()
		fields["Level"] = decibels(l.Level)
	}
	if v.Status != nil && v.NowPlaying != nil {
		fields["Seconds"], fields["Of"] = progress(v.NowPlaying, v.At)
	}
	c.show(w, http.StatusOK, "index.html", t, zone(s), fields)
}

// offered are the actions for which the first page has a button, in its order.
func offered(v View) []string {
	out := []string{"mute"}
	if v.Muted {
		out[0] = "unmute"
	}
	out = append(out, "volume", "order", "own", "tone")
	if v.Status != nil && v.Clock.Trust != "synced" {
		out = append(out, "clock")
	}
	return append(out, "pin")
}

// asked are the actions that have a page of their own, where the operator says what is needed for them. It is not
// loaded again by itself, as the first page is.
func asked() []string {
	return []string{"mute", "unmute", "skip", "move", "order", "own", "volume", "tone", "clock", "pin"}
}

// ask shows the page of an action, again with a problem when it was refused.
func (c *Console) ask(w http.ResponseWriter, r *http.Request, name string, in request, problem *problem.Error) {
	t, s := language(r), c.sources()
	v, err := Make(s, true)
	if err != nil {
		c.log.Error("page", "error", err)
		fail(w, err)
		return
	}
	if v.Status == nil {
		fail(w, errNoPlan)
		return
	}
	fields := map[string]any{"Do": name, "In": in, "V": v, "Lang": t.code, "Chosen": c.pin.Chosen(), "Plain": actions()[name].plain, "Every": 0,
		"Heading": t.say("do_" + name)}
	status := http.StatusOK
	if problem != nil {
		status, fields["Problem"] = problem.Status, t.problem(problem)
	}
	for _, sl := range v.Today {
		if in.Slot != "" && sl.Slot == in.Slot {
			fields["Title"] = sl.Title
		}
	}
	if o, found := v.ownItem(in.Slot); found {
		fields["Title"], fields["Heading"] = o.Title, t.say("do_remove")
	}
	if plan := s.Plan(); plan != nil && name == "order" {
		fields["Orderables"] = commune.Desk{Plan: plan, Now: v.At}.Orderables()
	} else if plan != nil && name == "own" {
		fields["Places"], fields["Second"], fields["Any"] = commune.Desk{Plan: plan, Now: v.At}.OwnPlaces(), plan.Head.Rules.SecondPerson, s.OwnAny != nil && s.OwnAny()
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
	if in.Next == "begin" {
		c.begin(w, r, in, p)
		return
	}
	if !slices.Contains(asked(), name) {
		fail(w, p)
		return
	}
	c.ask(w, r, name, in, p)
}

// zone is the fleet's, as the plan says; before the first plan it is Vietnam's.
func zone(s Sources) *time.Location {
	if s.Plan != nil {
		if plan := s.Plan(); plan != nil {
			return plan.Zone
		}
	}
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil { // broadcast embeds the zones
		return time.UTC
	}
	return zone
}

// show makes a page of a template.
func (c *Console) show(w http.ResponseWriter, status int, name string, t text, zone *time.Location, fields map[string]any) {
	tmpl, err := template.New(name).Funcs(template.FuncMap{
		"t":       t.say,
		"clock":   func(at time.Time) string { return at.In(zone).Format("15:04:05") },
		"day":     func(at time.Time) string { return at.In(zone).Format("02/01/2006") },
		"local":   func(at time.Time) string { return at.In(zone).Format("2006-01-02T15:04") },
		"weekday": func(at time.Time) string { return t.say(strings.ToLower(at.In(zone).Weekday().String())) },
		"minutes": func(s int) string { return fmt.Sprintf("%d:%02d", s/60, s%60) },
		"grade":   func(state string) string { return cmp.Or(grades()[state], "good") },
		"daypart": t.daypart,
		"length":  length,
		"mib":     func(n int64) int64 { return n >> 20 },
	}).ParseFS(files, "page/layout.html", "page/"+name)
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

// asset serves a file of the page.
func asset(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		raw, err := files.ReadFile("page/" + name)
		if err != nil {
			fail(w, errInternal)
			return
		}
		w.Header().Set("Content-Type", kind+"; charset=utf-8")
		_, _ = w.Write(raw) // the reader has gone: nothing to be done
	}
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

// daypart gives the words for those every hub begins with; any other is called what the officers call it.
func (t text) daypart(name string) string { return cmp.Or(t.words["daypart_"+name], name) }

// refusal is a problem as a page shows it.
type refusal struct{ Code, Say string }

func (t text) problem(p *problem.Error) refusal {
	if t.code == "en" {
		return refusal{p.Code, p.EN}
	}
	return refusal{p.Code, p.VI}
}

// language is what ?lang= says, else Vietnamese, whatever the PC's browser was installed in.
func language(r *http.Request) text {
	if r.URL.Query().Get("lang") == "en" {
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
		"class_normal", "class_priority", "class_urgent", "owner_hub", "owner_commune",
		"do_mute", "do_unmute", "do_skip", "do_move", "do_order", "do_volume", "do_tone", "do_clock", "do_pin", "do_own", "do_remove", "kind_volume", "kind_pin", "kind_own", "kind_allow",
		"tone_warming", "tone_sounding", "tone_heard", "tone_cut", "tone_failed", "kind_hold", "kind_release", "kind_mute", "kind_unmute", "kind_skip", "kind_move", "kind_order", "by_pc", "by_hub"}
}
