package broadcast_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
)

// place is the PC or the hub: what it decided, and what it knows.
type place struct {
	source string
	skew   time.Duration // of its clock
	knows  []broadcast.Decision
}

func (p *place) decide(kind, subject string, at time.Time) broadcast.Decision {
	d := broadcast.Decision{Kind: kind, Subject: subject, When: at.Add(p.skew), Source: p.source}.Knowing(p.knows)
	p.knows = append(p.knows, d)
	return d
}

func (p *place) learn(from *place) {
	for _, d := range from.knows {
		if d.Source == from.source && !slices.ContainsFunc(p.knows, func(o broadcast.Decision) bool { return same(d, o) }) {
			p.knows = append(p.knows, d)
		}
	}
}

func same(a, b broadcast.Decision) bool {
	return a.Source == b.Source && a.Kind == b.Kind && a.Subject == b.Subject && a.Counter == b.Counter
}

func kinds(of []broadcast.Decision) (out []string) {
	for _, d := range of {
		out = append(out, d.Source+" "+d.Kind)
	}
	return out
}

func TestWhichOfTwoPlacesDecides(t *testing.T) {
	at := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		story func(pc, hub *place)
		want  []string
	}{
		"the phone's continue ends the PC's stop it saw": {func(pc, hub *place) {
			pc.decide("hold", "x/morning", at)
			hub.learn(pc)
			hub.decide("release", "", at.Add(time.Minute))
		}, []string{"hub release"}},
		"the phone's continue leaves the PC's stop it did not see": {func(pc, hub *place) {
			hub.decide("hold", "x/morning", at)
			hub.decide("release", "", at.Add(time.Minute))
			hub.decide("hold", "x/morning", at.Add(2*time.Minute))
			pc.decide("hold", "x/morning", at.Add(3*time.Minute))
			hub.decide("release", "", at.Add(4*time.Minute))
		}, []string{"pc hold", "hub release"}},
		"both stop, one continues what it saw of its own": {func(pc, hub *place) {
			hub.decide("hold", "", at)
			pc.decide("hold", "", at.Add(time.Second))
			pc.decide("release", "", at.Add(time.Minute))
		}, []string{"pc release", "hub hold"}},
		"the PC is offline and mutes later": {func(pc, hub *place) {
			hub.decide("mute", "", at)
			hub.decide("unmute", "", at.Add(time.Minute))
			hub.decide("unmute", "", at.Add(2*time.Minute))
			pc.decide("mute", "", at.Add(time.Hour))
		}, []string{"pc mute"}},
		"the PC's clock is behind, and it saw what it undoes": {func(pc, hub *place) {
			pc.skew = -time.Hour
			hub.decide("skip", "slot", at)
			pc.learn(hub)
			pc.decide("move", "slot", at.Add(time.Minute))
		}, []string{"pc move"}},
		"another item is another matter": {func(pc, hub *place) {
			hub.decide("skip", "slot", at)
			pc.decide("skip", "other", at.Add(time.Minute))
		}, []string{"pc skip", "hub skip"}},
	} {
		pc, hub := &place{source: "pc"}, &place{source: "hub"}
		tc.story(pc, hub)
		pc.learn(hub)
		if got := kinds(broadcast.Standing(pc.knows)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// Two places with clocks that differ decide and tell each other now and then. When each knows all, both find the same, in whatever
// order they heard of it; no stop ends but by who knew of it; and what stands is enough to know what holds.
func TestTwoPlacesEndWithOneAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
		pc, hub := &place{source: "pc", skew: time.Duration(rapid.IntRange(-90, 90).Draw(t, "skew")) * time.Second}, &place{source: "hub"}
		knew := map[int][]broadcast.Decision{} // release by counter of the place, hub's negative: what its maker knew
		for range rapid.IntRange(1, 14).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "wait")) * time.Second)
			who, other := pc, hub
			if rapid.Bool().Draw(t, "hub") {
				who, other = hub, pc
			}
			if rapid.IntRange(0, 2).Draw(t, "tells") == 0 {
				other.learn(who)
				continue
			}
			before := slices.Clone(who.knows)
			d := who.decide(rapid.SampledFrom([]string{"hold", "hold", "release", "release", "mute", "unmute", "skip", "move"}).Draw(t, "kind"), "", at)
			if n := int(d.Counter); d.Kind == "release" && who == pc {
				knew[n] = before
			} else if d.Kind == "release" {
				knew[-n] = before
			}
		}
		pc.learn(hub)
		hub.learn(pc)
		stands := broadcast.Standing(pc.knows)
		shuffled := slices.Clone(hub.knows)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		theirs := broadcast.Standing(shuffled)
		for _, d := range pc.knows {
			has := func(in []broadcast.Decision) bool {
				return slices.ContainsFunc(in, func(o broadcast.Decision) bool { return same(d, o) })
			}
			if has(stands) != has(theirs) || has(stands) != has(broadcast.Standing(append(slices.Clone(pc.knows), stands...))) {
				t.Fatalf("%+v stands here and not there", d)
			}
			if d.Kind != "hold" {
				continue
			}
			ended := false
			for _, known := range knew {
				ended = ended || slices.ContainsFunc(known, func(o broadcast.Decision) bool { return same(d, o) })
			}
			if ended == has(stands) {
				t.Fatalf("the stop %+v: somebody who knew of it released: %v, it stands: %v", d, ended, has(stands))
			}
		}
	})
}
