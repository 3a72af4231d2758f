package console

import (
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// part is one part of the agent in plain words: keys of the words for its name, its state and the next step.
type part struct {
	Name, State, Do string
	Grade           string // good | fair | bad: the colour, beside the words
	Detail          string // what the machine said, for whoever is called
}

const (
	littleDisk = 1 << 30            // less may keep tomorrow's reports out
	planEnding = 3 * 24 * time.Hour // a plan reaches 35 days ahead: so little means that no hub was in reach for a month
)

// grades of the state words that are not good.
func grades() map[string]string {
	return map[string]string{"plausible": "fair", "untrusted": "bad", "missing": "bad", "stalled": "bad", "starting": "fair", "fetching": "fair",
		"waiting": "fair", "full": "bad", "damaged": "bad", "unknown": "fair", "failing": "bad", "disconnected": "fair", "disk_low": "bad",
		"noplan": "bad", "plan_ending": "fair", "plan_over": "bad"}
}

// parts says how every part is, in the order in which a sound passes them.
func parts(v View) []part {
	if v.Status == nil {
		return nil
	}
	out := []part{
		newPart("clock", v.Clock.Trust, v.Clock.Detail),
		newPart("line", lineState(v.Connection), v.Connection.Detail),
		newPart("plan", planState(v), ""),
		newPart("cache", v.Cache.State, v.Cache.Detail),
		newPart("disk", diskState(v.Cache), ""),
		newPart("card", v.Card.State, v.Card.Detail),
	}
	if v.Amplifier != nil {
		out = append(out, newPart("amplifier", v.Amplifier.State, v.Amplifier.Detail))
	}
	return out
}

func newPart(name, state, detail string) part {
	p := part{Name: name, State: state, Grade: grades()[state], Detail: detail}
	if p.Grade == "" {
		p.Grade = "good"
		return p
	}
	p.Do = name + "_" + state + "_do"
	return p
}

func lineState(c Connection) string {
	if c.Connected {
		return "connected"
	}
	return "disconnected"
}

func planState(v View) string {
	switch {
	case v.Plan == nil:
		return "noplan"
	case !v.At.Before(v.Plan.Expires):
		return "plan_over"
	case v.Plan.Expires.Sub(v.At) < planEnding:
		return "plan_ending"
	}
	return "plan_ok"
}

func diskState(c broadcast.CacheStatus) string {
	if c.FreeBytes < littleDisk {
		return "disk_low"
	}
	return "disk_ok"
}

// quiet is the key of why nothing is heard now, "" while something is. A stop and a mute come first: they are what a
// person at the page can take back.
func quiet(v View) string {
	switch {
	case v.Status == nil:
		return ""
	case v.NowPlaying != nil && (v.Card.State == "missing" || v.Card.State == "stalled"):
		return "quiet_card"
	case v.NowPlaying != nil:
		return ""
	case v.Clock.Trust == "untrusted":
		return "quiet_clock"
	case v.Plan == nil:
		return "quiet_noplan"
	case v.Held:
		return "quiet_held"
	case v.Muted:
		return "quiet_muted"
	case v.Silence != "":
		return "quiet_due"
	case v.Next != nil:
		return "quiet_next"
	}
	return "quiet_nothing"
}
