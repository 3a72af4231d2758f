package broadcast_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/conformance"
)

// month is a plan as a busy commune has it: 35 days of three dayparts with eight items each, and two exact times.
func month(tb testing.TB) (*broadcast.Plan, *conformance.Scenario) {
	s := &conformance.Scenario{Name: "month", Expires: "+35 00:00"}
	for n := range 35 {
		d := conformance.Day{Plus: n, Dayparts: []broadcast.Daypart{{Name: "morning", Start: 5 * 3600, End: 5*3600 + 2700},
			{Name: "noon", Start: 11 * 3600, End: 11*3600 + 1800}, {Name: "evening", Start: 17 * 3600, End: 17*3600 + 2700}}}
		for _, o := range d.Dayparts {
			for i := range 8 {
				d.Candidates = append(d.Candidates, conformance.Candidate{ID: fmt.Sprintf("%s-%d-%d", o.Name, n, i), Daypart: o.Name, Order: i, Items: []string{"5m"}})
			}
		}
		for _, at := range []string{"08:00", "17:20"} {
			d.Candidates = append(d.Candidates, conformance.Candidate{ID: fmt.Sprintf("x-%d-%s", n, at), At: fmt.Sprintf("%+d %s", n, at), Items: []string{"5m", "3m"}})
		}
		s.Days = append(s.Days, d)
	}
	p, err := s.Plan()
	if err != nil {
		tb.Fatal(err)
	}
	return p, s
}

// drivenTo gives the state of an agent that played the plan from its first day until an instant.
func drivenTo(tb testing.TB, p *broadcast.Plan, from, to time.Time) broadcast.State {
	d := &conformance.Drive{Plan: func(time.Time) *broadcast.Plan { return p }}
	d.State.Accounted = from
	if err := d.Run(from, to); err != nil {
		tb.Fatal(err)
	}
	return d.State
}

func BenchmarkDecide(b *testing.B) {
	p, s := month(b)
	now := s.Time("+3 17:03")
	state := drivenTo(b, p, s.Time("00:00"), now)
	b.ReportAllocs()
	for b.Loop() {
		p.Decide(now, state)
	}
}

func BenchmarkNewPlan(b *testing.B) {
	p, _ := month(b)
	var days []broadcast.Day
	for _, r := range p.Head.Days {
		days = append(days, p.Days[r.Date])
	}
	for b.Loop() {
		if _, err := broadcast.NewPlan(p.Head, days); err != nil {
			b.Fatal(err)
		}
	}
}
