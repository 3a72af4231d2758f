package amplifier

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRule(t *testing.T) {
	const lead = 30 * time.Second
	for name, c := range map[string]struct {
		moment
		want answer
		wait time.Duration
	}{
		"nothing known":                      {moment{never, never}, off, look},
		"a sound in an hour":                 {moment{time.Hour, never}, off, look},
		"a sound soon":                       {moment{lead + time.Second, never}, off, time.Second},
		"the lead begins":                    {moment{lead, never}, on, look},
		"it sounds":                          {moment{0, 0}, on, look},
		"it has sounded for long":            {moment{-time.Hour, 0}, on, look},
		"just ended":                         {moment{never, 0}, keep, hold},
		"ended a while ago":                  {moment{never, hold - 1}, keep, 1},
		"ended, and the next lead is near":   {moment{lead + 2*time.Second, 3 * time.Second}, keep, 2 * time.Second},
		"ended long enough":                  {moment{never, hold}, off, look},
		"ended, the next is far":             {moment{lead + time.Minute, hold}, off, look},
		"an urgent bulletin, while it idles": {moment{-1, never}, on, look},
	} {
		t.Run(name, func(t *testing.T) {
			if got, wait := rule(c.moment, lead); got != c.want || wait != c.wait {
				t.Errorf("%v, %v", got, wait)
			}
		})
	}
}

// Any programme: the rule, asked only when it wants to be or a sound begins or ends, has the amplifier on lead
// before each sound and until it ends, off in the end, and switches once for sounds less than lead + hold apart.
func TestRuleOverAnyProgramme(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lead := time.Duration(rapid.IntRange(0, 90_000).Draw(t, "lead")) * time.Millisecond
		type sound struct{ begin, end time.Duration }
		var sounds []sound
		at, runs := time.Duration(0), 0
		for i := range rapid.IntRange(0, 8).Draw(t, "sounds") {
			gap := time.Duration(rapid.IntRange(0, 200_000).Draw(t, "gap")) * time.Millisecond
			if i == 0 {
				gap += 2 * time.Minute
			}
			if i == 0 || gap > lead+hold {
				runs++
			} else if gap == lead+hold {
				gap--
			}
			length := time.Duration(rapid.IntRange(1, 300_000).Draw(t, "length")) * time.Millisecond
			sounds = append(sounds, sound{at + gap, at + gap + length})
			at += gap + length
		}
		start := time.Unix(0, 0)
		var now, onSince time.Duration
		var m memory
		isOn, turns := false, 0
		for end := at + time.Minute; now <= end; {
			ahead, event := never, never // event is when the next sound begins or this one ends
			for _, s := range sounds {
				if now < s.end {
					ahead, event = s.begin-now, s.begin-now
					if ahead <= 0 {
						event = s.end - now
					}
					break
				}
			}
			got, wait := m.ask(start.Add(now), ahead, lead)
			switch {
			case wait <= 0:
				t.Fatalf("at %v it spins: %v", now, wait)
			case got == on && !isOn:
				isOn, onSince, turns = true, now, turns+1
			case got == off:
				isOn = false
			}
			if ahead <= 0 && !isOn {
				t.Fatalf("at %v it sounds with the amplifier off", now)
			}
			if ahead == 0 && now-onSince < lead {
				t.Fatalf("a sound begins at %v, only %v after the switching-on", now, now-onSince)
			}
			now += min(wait, event)
		}
		if isOn || turns != runs {
			t.Fatalf("%d switchings, %d wanted, on in the end: %t", turns, runs, isOn)
		}
	})
}
