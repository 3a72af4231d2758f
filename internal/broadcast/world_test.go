package broadcast_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/conformance"
)

const day = broadcast.Date("2026-11-24")

var zone = mustZone("Asia/Ho_Chi_Minh")

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

// minute gives an instant of the day in whole minutes after midnight.
func minute(m int) time.Time { return day.At(0, zone).Add(time.Duration(m) * time.Minute) }

func minuteOf(t time.Time) int { return int(t.Sub(day.At(0, zone)) / time.Minute) }

// hashes are made once: made-up names stand for made-up audio.
var audio = func() (out [40]broadcast.Hash) {
	for i := range out {
		out[i] = conformance.HashOf(fmt.Sprint("audio ", i))
	}
	return out
}()

// world is a drawn plan, small enough to be crowded: dayparts and exact times from 16:00 on.
type world struct {
	head broadcast.Head
	day  broadcast.Day
}

func (w *world) plan(t interface{ Fatal(...any) }) *broadcast.Plan {
	p, err := broadcast.NewPlan(w.head, []broadcast.Day{w.day})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const firstMinute, lastMinute = 16 * 60, 18 * 60

func drawMinute(t *rapid.T, label string) int {
	return rapid.IntRange(firstMinute, lastMinute).Draw(t, label)
}

func drawWorld(t *rapid.T) *world {
	rules := broadcast.Inherit(broadcast.Policy{Windows: []broadcast.Window{{Start: 5 * 3600, End: broadcast.TimeOfDay(drawMinute(t, "window end") * 60)}}})
	rules.MinutesPerDaypart = rapid.SampledFrom([]int{0, 0, 0, 15, 30}).Draw(t, "minutes")
	rules.DaypartsPerDay = rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "dayparts")
	rules.CommuneMayMove = rapid.Bool().Draw(t, "may move")
	w := &world{
		head: broadcast.Head{Audience: "agent", Version: 1, IssuedAt: minute(-1440), Expires: minute(3000), Zone: zone.String(), Rules: rules,
			Days: []broadcast.DayRef{{Date: day, Hash: audio[0]}}},
		day: broadcast.Day{Date: day, Dayparts: drawDayparts(t)},
	}
	n := rapid.IntRange(1, 9).Draw(t, "candidates")
	for i := range n {
		w.day.Candidates = append(w.day.Candidates, drawCandidate(t, fmt.Sprintf("b%d", i), drawApproval(t)))
	}
	drawWithdrawals(t, w)
	return w
}

func drawDayparts(t *rapid.T) []broadcast.Occurrence {
	var out []broadcast.Occurrence
	for at, i := firstMinute, 0; i < 3; i++ {
		start := at + rapid.IntRange(0, 20).Draw(t, "daypart gap")
		end := start + rapid.IntRange(5, 50).Draw(t, "daypart length")
		o := broadcast.Occurrence{Name: fmt.Sprintf("p%d", i), Start: minute(start), End: minute(end)}
		if rapid.Bool().Draw(t, "relay") && end-start > 4 {
			from := rapid.IntRange(start, end-2).Draw(t, "relay start")
			to := rapid.IntRange(from+1, end).Draw(t, "relay end")
			o.Reserved = []broadcast.Span{{Start: minute(from), End: minute(to), Label: "VOV"}}
		}
		out = append(out, o)
		at = end
	}
	return out
}

// drawApproval is mostly long before, sometimes in the middle of the day.
func drawApproval(t *rapid.T) time.Time {
	if rapid.IntRange(0, 2).Draw(t, "approved in the day") == 0 {
		return minute(drawMinute(t, "approved"))
	}
	return minute(-rapid.IntRange(1, 5).Draw(t, "approved before"))
}

func drawCandidate(t *rapid.T, id string, approved time.Time) broadcast.Candidate {
	c := broadcast.Candidate{Broadcast: id, Version: 1, Class: rapid.SampledFrom([]broadcast.Class{broadcast.Normal, broadcast.Normal, broadcast.Priority}).Draw(t, "class"),
		Owner: rapid.SampledFrom([]broadcast.Owner{broadcast.OwnerHub, broadcast.OwnerHub, broadcast.OwnerCommune}).Draw(t, "owner"),
		Order: rapid.IntRange(0, 2).Draw(t, "order"), ApprovedAt: approved,
		Lateness: rapid.SampledFrom([]broadcast.Lateness{{Rule: broadcast.LateSkip}, {Rule: broadcast.LateJoin}, {Rule: broadcast.LateWhole, Minutes: 20}}).Draw(t, "lateness")}
	if rapid.IntRange(0, 2).Draw(t, "exact") == 0 {
		at := minute(drawMinute(t, "at"))
		c.At = &at
	} else {
		c.Daypart = rapid.SampledFrom([]string{"p0", "p1", "p2", "p2", "none"}).Draw(t, "daypart")
	}
	for range rapid.IntRange(1, 3).Draw(t, "items") {
		n := rapid.IntRange(1, len(audio)-1).Draw(t, "audio")
		item := broadcast.Item{Report: fmt.Sprint("r", n), Audio: audio[n], Manifest: audio[0], DurationMS: int64(rapid.IntRange(1, 18).Draw(t, "length")) * 60_000}
		switch rapid.IntRange(0, 9).Draw(t, "validity") {
		case 0:
			until := minute(drawMinute(t, "valid until"))
			item.ValidUntil = &until
		case 1:
			from := minute(drawMinute(t, "valid from"))
			item.ValidFrom = &from
		}
		c.Items = append(c.Items, item)
	}
	return c
}

func drawWithdrawals(t *rapid.T, w *world) {
	for range rapid.IntRange(0, 2).Draw(t, "withdrawals") {
		c := rapid.SampledFrom(w.day.Candidates).Draw(t, "withdrawn")
		w.head.Withdrawals = append(w.head.Withdrawals, broadcast.Withdrawal{Audio: c.Items[0].Audio, At: minute(drawMinute(t, "withdrawn at")), Report: c.Items[0].Report})
	}
	for range rapid.IntRange(0, 2).Draw(t, "skips") {
		c := rapid.SampledFrom(w.day.Candidates).Draw(t, "skipped")
		w.head.Decisions = append(w.head.Decisions, broadcast.Decision{Kind: "skip", Subject: c.Key(day, zone) + "#0", Who: "operator",
			When: minute(drawMinute(t, "skipped at")), Source: "pc", Counter: uint64(len(w.head.Decisions) + 1)})
	}
}

func check(t *testing.T, name string, property func(t *rapid.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, property)
	})
}
