package conformance

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Live lets an agent play a plan from one instant to another, dead in the spans given, and gives what it leaves.
type Live func(t *testing.T, p *broadcast.Plan, from, to time.Time, off []broadcast.Span) []Record

// CheckAgent holds an agent to every scenario of a folder: what it records of those that are driven, and, where only
// slots are expected, that each of them is heard at its time or skipped for its reason. Why is asked of a plan alone.
func CheckAgent(t *testing.T, dir string, live Live) {
	t.Helper()
	each(t, dir, func(t *testing.T, s *Scenario) {
		p := Direct(t, s)
		switch {
		case s.Run != nil:
			got := []string{}
			for _, r := range live(t, p, s.Time(s.Run.From), s.Time(s.Run.To), s.off()) {
				got = append(got, s.recordLine(r))
			}
			// What is settled at one instant has no order of its own.
			same(t, "records", slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(s.Run.Records)))
		case s.Slots != nil && s.Pins == nil:
			s.checkHeard(t, live(t, p, s.Time("00:00"), s.Time("+3 00:00"), nil))
		}
	})
}

func (s *Scenario) off() (out []broadcast.Span) {
	for _, off := range s.Run.Off {
		out = append(out, broadcast.Span{Start: s.Time(off[0]), End: s.Time(off[1])})
	}
	return out
}

// checkHeard holds records to the slots expected: a slot has one, in its place, where its sound began, or skipped as said.
func (s *Scenario) checkHeard(t *testing.T, records []Record) {
	got := map[string][]string{}
	for _, r := range records {
		line := Short(r.Slot) + " skipped " + r.Reason
		if r.Outcome != broadcast.Skipped {
			line = Short(r.Slot) + " " + s.span(r.Slot.Start, r.Slot.End)
			if len(r.Sound) == 0 || !r.Sound[0].From.Equal(r.Slot.Start) {
				line += " and was not heard then"
			}
		}
		got[Short(r.Slot)] = append(got[Short(r.Slot)], line)
	}
	for _, line := range s.Slots {
		name, _, _ := strings.Cut(line, " ")
		want, _, _ := strings.Cut(line, " against ")
		same(t, "records of "+name, got[name], []string{want})
	}
}
