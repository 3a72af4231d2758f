package app

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/player/playertest"
	"github.com/loa-vn/loa/internal/broadcast"
)

// lengths of the reports of a station's life, in seconds: some fill a daypart to its last sample.
var lengths = []int{10, 20, 33, 45, 60}

// reports makes one file of each length in seconds, by its hash.
func reports(lengths ...int) map[broadcast.Hash][]byte {
	out := map[broadcast.Hash][]byte{}
	for _, n := range lengths {
		b, err := io.ReadAll(playertest.Report(time.Duration(n) * time.Second))
		if err != nil {
			panic(err)
		}
		out[audioOf(n)] = b
	}
	return out
}

func audioOf(seconds int) broadcast.Hash { return hash(fmt.Appendf(nil, "report of %d s", seconds)) }

// office is what a hub and its officers do to one station: a timetable that is never the same two days, and plans of
// all that is approved, issued and decided by now. It takes back reports, but no broadcasts.
type office struct {
	t       *testing.T
	seed    uint64
	zone    *time.Location
	rules   broadcast.Rules
	version uint64

	days        map[broadcast.Date]broadcast.Day // laid out when they are first planned
	extra       []broadcast.Candidate            // approved in the course of the day
	extraDays   []broadcast.Date
	bulletins   []broadcast.Bulletin
	withdrawals []broadcast.Withdrawal
	decisions   []broadcast.Decision
}

func newOffice(t *testing.T, seed uint64) *office {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, seed: seed, zone: zone, days: map[broadcast.Date]broadcast.Day{}}
	r := rand.New(rand.NewPCG(seed, 1))
	windows := [][]broadcast.Window{
		{{Start: 5 * 3600, End: 21 * 3600}},
		{{Start: 5 * 3600, End: 7*3600 + 1800}, {Start: 16*3600 + 1800, End: 19 * 3600}},
		{{Start: 5*3600 + 1800, End: 20 * 3600, Days: 0b0111111}}, // Monday to Saturday
	}[r.IntN(3)]
	policy := broadcast.Policy{Windows: windows}
	if r.IntN(3) == 0 {
		n := 1 + r.IntN(2)
		policy.DaypartsPerDay = &n
	}
	if r.IntN(3) == 0 {
		n := 10 + r.IntN(20)
		policy.MinutesPerDaypart = &n
	}
	o.rules = broadcast.Inherit(policy)
	return o
}

// item is a report; each has a name of its own, so that one can be taken back.
func (o *office) item(name string, r *rand.Rand) broadcast.Item {
	n := lengths[r.IntN(len(lengths))]
	return broadcast.Item{Report: name, Title: name, Audio: audioOf(n), Manifest: audioOf(n), DurationMS: int64(n) * 1000}
}

// day lays a date out: dayparts, what is planned in them, and exact times that touch the edges of the windows.
func (o *office) day(date broadcast.Date) broadcast.Day {
	if d, ok := o.days[date]; ok {
		return d
	}
	r := rand.New(rand.NewPCG(o.seed, uint64(date.At(0, o.zone).Unix())))
	d := broadcast.Day{Date: date, Candidates: []broadcast.Candidate{}}
	if r.IntN(12) > 0 { // else it is a holiday: there are no dayparts
		d.Dayparts = broadcast.Occurrences([]broadcast.Daypart{
			{Name: "morning", Start: 5 * 3600, End: 5*3600 + 900, Reserved: []broadcast.Reserved{{Start: 5*3600 + 300, End: 5*3600 + 480, Label: "VOV"}}},
			{Name: "evening", Start: 17 * 3600, End: 17*3600 + 1200},
			{Name: "night", Start: 20*3600 + 3000, End: 21*3600 + 600},
		}, date, o.zone)
	}
	approved := date.At(0, o.zone).Add(-40 * 24 * time.Hour)
	for i, name := range []string{"morning", "evening", "night"} {
		if r.IntN(4) > 0 {
			d.Candidates = append(d.Candidates, o.candidate(fmt.Sprintf("d%d", i), approved, r, func(c *broadcast.Candidate) { c.Daypart = name }))
		}
	}
	for i := range r.IntN(3) {
		at := o.atAnEdge(date, r)
		d.Candidates = append(d.Candidates, o.candidate(fmt.Sprintf("x%d", i), approved, r, func(c *broadcast.Candidate) { c.At = &at }))
	}
	o.days[date] = d
	return d
}

func (o *office) candidate(id string, approved time.Time, r *rand.Rand, when func(*broadcast.Candidate)) broadcast.Candidate {
	c := broadcast.Candidate{Broadcast: id, Version: 1, Title: id, Class: []broadcast.Class{broadcast.Normal, broadcast.Priority}[r.IntN(2)],
		Owner: []broadcast.Owner{broadcast.OwnerHub, broadcast.OwnerCommune}[r.IntN(2)], ApprovedAt: approved,
		Lateness: []broadcast.Lateness{{Rule: broadcast.LateSkip}, {Rule: broadcast.LateJoin}, {Rule: broadcast.LateWhole, Minutes: 1 + r.IntN(30)}}[r.IntN(3)]}
	for range 1 + r.IntN(3) {
		c.Items = append(c.Items, o.item(fmt.Sprintf("%s-%d-%d", id, approved.Unix(), len(c.Items)), r))
	}
	when(&c)
	return c
}

// atAnEdge gives an instant near where a window begins or ends, often so that a report ends with its last sample.
func (o *office) atAnEdge(date broadcast.Date, r *rand.Rand) time.Time {
	w := o.rules.Windows[r.IntN(len(o.rules.Windows))]
	switch r.IntN(4) {
	case 0:
		return date.At(w.Start, o.zone)
	case 1:
		return date.At(w.End, o.zone).Add(-time.Duration(lengths[r.IntN(len(lengths))]) * time.Second)
	case 2:
		return date.At(w.End, o.zone).Add(time.Duration(r.IntN(1200)-900) * time.Second)
	}
	return date.At(0, o.zone).Add(time.Duration(r.IntN(86400)) * time.Second)
}

// plan is what the hub issues now: yesterday and 36 days (hub/internal/planner), good for 35.
func (o *office) plan(now time.Time) *broadcast.Plan {
	o.version++
	head := broadcast.Head{Audience: "agent", Version: o.version, IssuedAt: now, Expires: now.AddDate(0, 0, 35), Zone: o.zone.String(), Rules: o.rules}
	var days []broadcast.Day
	for first, i := broadcast.DateOf(now, o.zone).AddDays(-1), 0; i < 37; i++ {
		d := o.day(first.AddDays(i))
		d.Candidates = append([]broadcast.Candidate{}, d.Candidates...)
		for n, date := range o.extraDays {
			if date == d.Date {
				d.Candidates = append(d.Candidates, o.extra[n])
			}
		}
		days = append(days, d)
		head.Days = append(head.Days, broadcast.DayRef{Date: d.Date, Hash: audioOf(0)})
	}
	for _, b := range o.bulletins {
		if now.Before(b.Until.Add(time.Hour)) { // hub/internal/orders keeps it for the records
			head.Bulletins = append(head.Bulletins, b)
		}
	}
	for _, w := range o.withdrawals {
		if now.Sub(w.At) < 35*24*time.Hour {
			head.Withdrawals = append(head.Withdrawals, w)
		}
	}
	for _, d := range o.decisions {
		if now.Sub(d.When) < 8*24*time.Hour {
			head.Decisions = append(head.Decisions, d)
		}
	}
	p, err := broadcast.NewPlan(head, days)
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

// act is one thing people do: approve in the middle of the day, warn, exercise, take back, decide.
func (o *office) act(now time.Time, r *rand.Rand) string {
	today := broadcast.DateOf(now, o.zone)
	until := now.Add(time.Duration(1+r.IntN(7200)) * time.Second)
	decide := func(kind, subject string) {
		o.decisions = append(o.decisions, broadcast.Decision{Kind: kind, Subject: subject, Until: &until, Who: "operator", When: now,
			Counter: uint64(len(o.decisions) + 1), Source: "pc"})
	}
	switch r.IntN(7) {
	case 0, 1:
		at := now.Add(time.Duration(r.IntN(1800)-300) * time.Second)
		c := o.candidate(fmt.Sprintf("e%d", len(o.extra)), now, r, func(c *broadcast.Candidate) { c.At = &at })
		o.extra, o.extraDays = append(o.extra, c), append(o.extraDays, broadcast.DateOf(at, o.zone))
		return "approve " + c.Broadcast
	case 2, 3:
		id, kind := fmt.Sprintf("u%d", len(o.bulletins)), []string{"live", "drill"}[r.IntN(2)]
		b := broadcast.Bulletin{ID: id, Kind: kind, Title: id, IssuedAt: now, Until: until, Items: []broadcast.Item{o.item(id, r)}}
		if r.IntN(2) == 0 {
			b.Repeat = &broadcast.Repeat{EveryMS: int64(60+r.IntN(1800)) * 1000, Count: 1 + r.IntN(5)}
		}
		o.bulletins = append(o.bulletins, b)
		return kind + " bulletin " + id
	case 4:
		d := o.day(today)
		if len(d.Candidates) == 0 {
			return ""
		}
		it := d.Candidates[r.IntN(len(d.Candidates))].Items[0]
		o.withdrawals = append(o.withdrawals, broadcast.Withdrawal{Report: it.Report, Audio: it.Audio, At: now, Reason: "the law changed"})
		return "withdraw " + it.Report
	case 5:
		decide([]string{"mute", "hold"}[r.IntN(2)], "")
		return "silence"
	}
	d := o.day(today)
	if len(d.Candidates) == 0 {
		return ""
	}
	subject := d.Candidates[r.IntN(len(d.Candidates))].Key(today, o.zone) + "#0"
	decide([]string{"skip", "move"}[r.IntN(2)], subject)
	last := &o.decisions[len(o.decisions)-1]
	last.Until = nil
	if last.Kind == "move" {
		to := now.Add(time.Duration(60+r.IntN(14400)) * time.Second)
		last.To = &to
	}
	return last.Kind + " " + subject
}
