package scheduler

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
)

// event is something that happens to the agent in the course of a day.
type event struct {
	after time.Duration
	what  string
	off   time.Duration
	slot  int
}

// Whatever is planned, and whenever the power goes, the audio is late, the clock is lost or the plan is sent
// anew: every slot leaves exactly one record, no position of its audio sounds twice, and what a record claims
// is what the card got.
func TestEverySlotLeavesOneRecord(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		starts := rapid.SliceOfN(rapid.IntRange(1, 240), 1, 12).Draw(rt, "starts")     // minutes
		lengths := rapid.SliceOfN(rapid.IntRange(5, 1800), 12, 12).Draw(rt, "lengths") // seconds
		rules := rapid.SliceOfN(rapid.SampledFrom([]broadcast.LatenessRule{broadcast.LateSkip, broadcast.LateJoin, broadcast.LateWhole}), 12, 12).Draw(rt, "rules")
		missing := rapid.SliceOfN(rapid.Bool(), 12, 12).Draw(rt, "missing")
		events := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) event {
			return event{
				after: time.Duration(rapid.IntRange(0, 2700_000).Draw(rt, "after")) * time.Millisecond,
				what:  rapid.SampledFrom([]string{"kill", "stop", "audio", "plan", "clock", "ahead", "sleep", "card", "disk"}).Draw(rt, "what"),
				off:   time.Duration(rapid.IntRange(0, 1800_000).Draw(rt, "off")) * time.Millisecond,
				slot:  rapid.IntRange(0, 11).Draw(rt, "slot"),
			}
		}), 0, 7).Draw(rt, "events")
		var failed string
		synctest.Test(t, func(t *testing.T) {
			failed = liveThrough(t, starts, lengths, rules, missing, events)
		})
		if failed != "" {
			rt.Fatal(failed)
		}
	})
}

func liveThrough(t *testing.T, starts, lengths []int, rules []broadcast.LatenessRule, missing []bool, events []event) string {
	r, begun := newRig(t), time.Now()
	r.player.tell = 20 * time.Second
	var cands []broadcast.Candidate
	for i, s := range starts {
		c := exact(fmt.Sprintf("r%c", 'a'+i%6), time.Duration(s)*time.Minute, time.Duration(lengths[i])*time.Second, rules[i])
		c.Broadcast = fmt.Sprintf("b%d", i)
		if missing[i] {
			r.store.missing[c.Items[0].Audio] = true
		}
		cands = append(cands, c)
	}
	version, slept := uint64(1), time.Duration(0)
	r.setPlan(plan(t, version, nil, cands...))
	r.start()
	for _, e := range events {
		pass(e.after)
		switch e.what {
		case "kill":
			r.kill()
			pass(e.off)
			r.start()
		case "stop":
			r.stop()
			pass(e.off)
			r.start()
		case "audio":
			r.store.arrive(cands[e.slot%len(cands)].Items[0].Audio)
		case "plan":
			version++
			r.setPlan(plan(t, version, nil, cands...))
		case "clock":
			r.clock.set(untrusted)
			pass(e.off)
			r.clock.set("synced")
		case "ahead": // a boot with a hardware clock that is ahead, until the hub's time comes
			r.kill()
			r.clock.lead("plausible", slept+4*e.off)
			r.start()
			pass(e.off / 60)
			r.clock.lead("synced", slept)
		case "sleep": // the player's clock stands still
			slept += e.off
			r.clock.lead("synced", slept)
		case "card":
			r.player.setShare(0)
			pass(e.off)
			r.player.setShare(1)
		case "disk":
			r.disk.setFull(true)
			pass(e.off)
			r.disk.setFull(false)
			pass(retryWrite + time.Second) // a full disk and a kill together lose what was never written
		}
	}
	pass(max(time.Hour, time.Until(begun.Add(6*time.Hour))))
	r.stop()
	return r.judge(cands)
}

// judge says what is wrong with what came out, "" for nothing.
func (r *rig) judge(cands []broadcast.Candidate) string {
	records := map[string]broadcast.Play{}
	for _, p := range r.disk.records {
		if _, twice := records[p.Slot]; twice {
			return "two records of " + p.Slot
		}
		records[p.Slot] = p
	}
	for _, c := range cands {
		id := slotID(r.t, c)
		p, ok := records[id]
		if !ok {
			return fmt.Sprintf("no record of %s", id)
		}
		var stretches []heard
		var sum time.Duration
		for _, h := range r.player.heard {
			if h.slot == id {
				stretches = append(stretches, h)
				sum += h.length
			}
		}
		slices.SortFunc(stretches, func(a, b heard) int { return a.at.Compare(b.at) })
		for i := 1; i < len(stretches); i++ {
			if before := stretches[i-1]; stretches[i].offset < before.offset+before.length {
				return fmt.Sprintf("%s sounds twice: %+v", id, stretches)
			}
		}
		if p.Outcome == broadcast.Played && sum == 0 {
			return fmt.Sprintf("%s is said to have been played, and was not heard", id)
		}
		if claimed := time.Duration(p.ReachedMS) * time.Millisecond; claimed > sum+time.Millisecond {
			return fmt.Sprintf("%s claims %v of sound, the card got %v: %+v, heard %+v", id, claimed, sum, p, stretches)
		}
	}
	if len(records) != len(cands) {
		return fmt.Sprintf("%d records for %d slots", len(records), len(cands))
	}
	return ""
}

func (p *fakePlayer) setShare(share float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.share = share
}

func (d *disk) setFull(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}
