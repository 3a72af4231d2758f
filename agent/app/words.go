package app

import (
	"fmt"
	"strings"

	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/internal/broadcast"
)

// inWords is the view for a terminal.
func inWords(v console.View) string {
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", what, fmt.Sprintf(format, args...))
	}
	line("running", "%t", v.Running)
	if !v.Paired {
		line("paired", "no: loa-agent pair --hub ADDRESS --code CODE")
	} else {
		line("paired", "%s (%s) with %s, connected: %t %s", v.Name, v.Area, v.Hub, v.Connection.Connected, v.Connection.Problem)
	}
	if v.Status == nil {
		return b.String()
	}
	line("clock", "%s %s", v.Clock.Trust, v.Clock.Detail)
	line("card", "%s %s", v.Card.State, v.Card.Detail)
	if amp := v.Amplifier; amp != nil {
		line("amplifier", "%s %s", amp.State, amp.Detail)
	}
	line("cache", "%s, %d files missing %s", v.Cache.State, v.Cache.Missing, v.Cache.Detail)
	if v.Plan != nil {
		line("plan", "version %d until %s", v.Plan.Version, v.Plan.Expires.Format("2006-01-02 15:04"))
	}
	line("playing", "%s %s", titleOf(v.NowPlaying), v.Silence)
	line("next", "%s", titleOf(v.Next))
	for _, s := range v.Today {
		line("today", "%s %s %s %s %s", s.Start.Format("15:04:05"), s.Title, s.State, s.Outcome, s.Reason)
	}
	return b.String()
}

func titleOf(s *broadcast.Sounding) string {
	if s == nil {
		return "nothing"
	}
	return s.Title + " at " + s.Start.Format("2006-01-02 15:04:05")
}
