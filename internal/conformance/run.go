package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Check holds every scenario of a folder to its expectations, by the plan that build makes of it.
func Check(t *testing.T, dir string, build func(*testing.T, *Scenario) *broadcast.Plan) {
	t.Helper()
	each(t, dir, func(t *testing.T, s *Scenario) { s.check(t, build(t, s)) })
}

// each runs a test for every scenario of a folder.
func each(t *testing.T, dir string, f func(*testing.T, *Scenario)) {
	t.Helper()
	scenarios, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range scenarios {
		if seen[s.Name] {
			t.Errorf("two vectors are named %q", s.Name)
		}
		seen[s.Name] = true
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			f(t, &s)
		})
	}
}

// Direct is the scenario's plan as it stands, for Check.
func Direct(t *testing.T, s *Scenario) *broadcast.Plan {
	t.Helper()
	p, err := s.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *Scenario) check(t *testing.T, p *broadcast.Plan) {
	if s.Slots == nil && s.Why == nil && s.Run == nil {
		t.Fatal("the vector expects nothing")
	}
	if s.Slots != nil {
		same(t, "slots", s.slotLines(p), s.Slots)
	}
	for _, w := range s.Why {
		same(t, "why "+w.At, []string{s.whyLine(p.Why(s.Time(w.At), broadcast.State{}, nil))}, []string{w.line()})
	}
	if s.Run != nil {
		s.checkRun(t, p)
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func (s *Scenario) slotLines(p *broadcast.Plan) []string {
	names := map[string]string{}
	slots := p.Slots(s.Base(), s.Pinned(p))
	for _, sl := range slots {
		names[sl.ID] = Short(sl)
	}
	lines := []string{}
	for _, sl := range slots {
		line := Short(sl) + " " + s.span(sl.Start, sl.End)
		if sl.Skip != "" {
			line = Short(sl) + " skipped " + sl.Skip
		}
		if len(sl.Against) > 0 {
			var against []string
			for _, id := range sl.Against {
				against = append(against, or(names[id], id))
			}
			line += " against " + strings.Join(against, " ")
		}
		lines = append(lines, line)
	}
	return lines
}

func (s *Scenario) span(from, to time.Time) string { return s.clock(from) + "-" + s.clock(to) }

// clock writes an instant as scenarios read it, to the millisecond where needed.
func (s *Scenario) clock(t time.Time) string {
	t = t.In(s.zone())
	text := t.Format("15:04")
	if t.Second() != 0 || t.Nanosecond() >= int(time.Millisecond) {
		text = t.Format("15:04:05.999")
	}
	base, _ := time.Parse(time.DateOnly, string(s.Base()))
	day, _ := time.Parse(time.DateOnly, t.Format(time.DateOnly))
	if days := int(day.Sub(base).Hours() / 24); days != 0 {
		text = fmt.Sprintf("%+d %s", days, text)
	}
	return text
}

func (w *Why) line() string {
	return fmt.Sprintf("winner %q losers %q silence %q", w.Winner, w.Losers, w.Silence)
}

func (s *Scenario) whyLine(a broadcast.Answer) string {
	w := Why{Silence: a.Silence}
	if a.Winner != nil {
		w.Winner = Short(a.Winner.Slot)
	}
	for _, l := range a.Losers {
		w.Losers = append(w.Losers, Short(l.Slot)+" "+l.Reason)
	}
	slices.Sort(w.Losers)
	return w.line()
}

// checkRun drives the plan twice, by an agent that begins when it is time and by one that arms ahead.
func (s *Scenario) checkRun(t *testing.T, p *broadcast.Plan) {
	s.drive(t, p, 0)
	s.drive(t, p, 3*time.Second)
}

func (s *Scenario) drive(t *testing.T, p *broadcast.Plan, arm time.Duration) {
	d := &Drive{Plan: func(time.Time) *broadcast.Plan { return p }, Arm: arm}
	d.Off = s.off()
	d.State.Accounted = s.Time(s.Run.From)
	if err := d.Run(s.Time(s.Run.From), s.Time(s.Run.To)); err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, r := range d.Records {
		got = append(got, s.recordLine(r))
	}
	same(t, fmt.Sprintf("records, armed %s ahead", arm), got, s.Run.Records)
	if cuts := len(s.Run.Off) + len(s.Bulletins) + len(s.Decisions) + len(s.Withdrawals); d.Disarmed > 2*cuts {
		t.Errorf("armed and disarmed %d times: the rulings waver", d.Disarmed)
	}
}

func (s *Scenario) recordLine(r Record) string {
	line := fmt.Sprintf("%s %s %s", Short(r.Slot), r.Outcome, r.Reason)
	for _, snd := range r.Sound {
		line += " " + s.span(snd.From, snd.To)
		if snd.Offset != 0 {
			line += "+" + snd.Offset.String()
		}
		if snd.Volume != 100 {
			line += fmt.Sprintf("@%d", snd.Volume)
		}
	}
	return line
}
