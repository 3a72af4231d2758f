package console

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

func TestTheLevelIsThatOfTheCard(t *testing.T) {
	for peak, want := range map[float64]int{0: -60, 1e-9: -60, 0.125: -18, 0.5: -6, 1: 0, 2: 0} {
		if got := decibels(peak); got != want {
			t.Errorf("a peak of %v is %d dBFS, want %d", peak, got, want)
		}
	}
	s := sources(t)
	now := &broadcast.Sounding{Slot: "x", Start: day.Add(29 * time.Minute), End: day.Add(34 * time.Minute)}
	s.Live = func() Live { return Live{At: day.Add(30 * time.Minute), Now: now, Level: 0.125} }
	w := ask(newConsole(t, s), "/api/v1/live", nil)
	var got live
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got != (live{Clock: "10:30:00", Playing: "x", Seconds: 60, Of: 300, LevelDBFS: -18}) {
		t.Errorf("%v: %s", err, w.Body)
	}
	if w := ask(newConsole(t, Sources{Pairing: func() Pairing { return Pairing{} }}), "/api/v1/live", nil); w.Code != 409 {
		t.Errorf("unpaired: %d", w.Code)
	}
}

func TestEveryStateOfAPartHasANextStep(t *testing.T) {
	states := map[string][]string{
		"clock": {"synced", "plausible", "untrusted", "unknown"}, "line": {"connected", "disconnected"},
		"plan": {"plan_ok", "noplan", "plan_ending", "plan_over"}, "cache": {"ok", "fetching", "waiting", "full", "damaged", "unknown"},
		"disk": {"disk_ok", "disk_low"}, "card": {"ok", "missing", "stalled", "starting", "unknown"}, "amplifier": {"on", "off", "failing"},
	}
	for name, list := range states {
		for _, state := range list {
			p := newPart(name, state, "")
			for lang, words := range map[string]map[string]string{"vi": vietnamese(), "en": english()} {
				if words[name] == "" || words[state] == "" || (p.Grade == "good") != (p.Do == "") || p.Do != "" && words[p.Do] == "" {
					t.Errorf("%s: %s is %s: %q, %q, %q", lang, name, state, words[name], words[state], words[p.Do])
				}
			}
		}
	}
}

func TestThePageSaysWhyNothingIsHeard(t *testing.T) {
	good := func() View {
		return View{Status: &broadcast.Status{Clock: broadcast.ClockStatus{Trust: "synced"}, Card: broadcast.CardStatus{State: "ok"}}, Plan: &Summary{}}
	}
	sounding := &broadcast.Sounding{}
	for want, change := range map[string]func(*View){
		"quiet_nothing": func(*View) {},
		"quiet_next":    func(v *View) { v.Next = sounding },
		"quiet_due":     func(v *View) { v.Silence, v.Next = broadcast.ReasonAudioMissing, sounding },
		"quiet_muted":   func(v *View) { v.Muted, v.Silence = true, broadcast.ReasonMuted },
		"quiet_held":    func(v *View) { v.Held, v.Muted = true, true },
		"quiet_noplan":  func(v *View) { v.Plan, v.Silence = nil, broadcast.ReasonPlanEnded },
		"quiet_clock":   func(v *View) { v.Clock.Trust, v.Plan, v.Held = "untrusted", nil, true },
		"quiet_card":    func(v *View) { v.NowPlaying, v.Card.State = sounding, "missing" },
		"":              func(v *View) { v.NowPlaying, v.Held = sounding, true },
	} {
		v := good()
		change(&v)
		if got := quiet(v); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if want != "" && (vietnamese()[want] == "" || english()[want] == "") {
			t.Errorf("%q has no words", want)
		}
	}
}

func TestTheFirstPageShowsWhatTheOperatorNeeds(t *testing.T) {
	s := sources(t)
	status := s.Status()
	status.NowPlaying = &broadcast.Sounding{Slot: "x", Title: "Bản tin", Class: broadcast.Priority, Start: day.Add(29 * time.Minute), End: day.Add(34 * time.Minute)}
	status.Card.State = "stalled"
	s.Status = func() broadcast.Status { return status }
	body := ask(newConsole(t, s), "/?lang=en", nil).Body.String()
	for _, want := range []string{`id="clock" class="clock">10:30:00`, "Tuesday", "the hub&#39;s time", `max="300" value="60"`, `value="-18"`, "priority", "normal, hub",
		"takes no sound", "start the PC again", "Check the network cable", "no route"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not on the page:\n%s", want, body)
		}
	}
}
