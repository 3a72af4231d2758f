package console

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

//go:embed page/index.html page/style.css
var files embed.FS

// page shows the view to people: no script, so that nothing of it can be made to act.
func (c *Console) page(w http.ResponseWriter, r *http.Request) {
	v, err := Make(c.sources(), true)
	if err != nil {
		c.log.Error("page", "error", err)
		fail(w, err)
		return
	}
	t := language(r)
	zone := time.UTC
	if v.Plan != nil {
		zone = c.sources().Plan().Zone
	}
	tmpl, err := template.New("index.html").Funcs(template.FuncMap{
		"t":     t.say,
		"clock": func(at time.Time) string { return at.In(zone).Format("15:04:05") },
		"day":   func(at time.Time) string { return at.In(zone).Format("02/01/2006") },
		"mib":   func(n int64) int64 { return n >> 20 },
	}).ParseFS(files, "page/index.html")
	if err != nil {
		c.log.Error("page", "error", err)
		fail(w, errInternal)
		return
	}
	var out bytes.Buffer
	if err := tmpl.Execute(&out, map[string]any{"V": v, "Lang": t.code, "Other": t.other}); err != nil {
		c.log.Error("page", "error", err)
		fail(w, errInternal)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Refresh", "5")
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
	return []string{"synced", "plausible", "untrusted", "ok", "missing", "stalled", "starting", "fetching", "full", "damaged", "unknown",
		"on", "off", "failing",
		string(broadcast.Played), string(broadcast.Cut), string(broadcast.Skipped), "planned", "playing",
		broadcast.ReasonComplete, broadcast.ReasonJoined, broadcast.ReasonLateWhole, broadcast.ReasonResumed, broadcast.ReasonLate,
		broadcast.ReasonCollision, broadcast.ReasonDaypartFull, broadcast.ReasonNoDaypart, broadcast.ReasonQuietHours,
		broadcast.ReasonDayparts, broadcast.ReasonReserved, broadcast.ReasonNotValid, broadcast.ReasonWithdrawn,
		broadcast.ReasonDecision, broadcast.ReasonStopped, broadcast.ReasonMuted, broadcast.ReasonUrgent,
		broadcast.ReasonSuperseded, broadcast.ReasonCancelled, broadcast.ReasonPlanEnded, broadcast.ReasonClock,
		broadcast.ReasonOff, broadcast.ReasonPower, broadcast.ReasonAudioMissing, broadcast.ReasonAudioDamaged,
		broadcast.ReasonCardMissing}
}
