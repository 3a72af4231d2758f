package alarms

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

func well() Cluster {
	return Cluster{ID: "a", Name: "Loa", Area: "xa", Online: true, LastSeen: noon, Told: true, Clock: "synced", Card: "ok", Cache: "ok", Free: 50 << 30,
		PlanExpires: noon.AddDate(0, 0, 35)}
}

func TestJudge(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Cluster)
		hub    Hub
		want   string
	}{
		"all is well":                    {},
		"offline, but not for long":      {change: func(c *Cluster) { c.Online, c.LastSeen = false, noon.Add(-4*time.Minute) }},
		"offline":                        {change: func(c *Cluster) { c.Online, c.LastSeen = false, noon.Add(-5*time.Minute) }, want: "offline"},
		"clock untrusted":                {change: func(c *Cluster) { c.Clock = "untrusted" }, want: "clock_untrusted"},
		"clock plausible plays":          {change: func(c *Cluster) { c.Clock = "plausible" }},
		"card gone for a moment":         {change: func(c *Cluster) { c.Card, c.CardSince = "missing", noon.Add(-50*time.Second) }},
		"card gone":                      {change: func(c *Cluster) { c.Card, c.CardSince = "missing", noon.Add(-time.Minute) }, want: "card_missing"},
		"card stalled":                   {change: func(c *Cluster) { c.Card, c.CardSince = "stalled", noon.Add(-time.Hour) }, want: "card_missing"},
		"disk low":                       {change: func(c *Cluster) { c.Free = 1<<30 - 1 }, want: "disk_low"},
		"disk of unknown size":           {change: func(c *Cluster) { c.Free = 0 }},
		"cache full":                     {change: func(c *Cluster) { c.Cache = "full" }, want: "disk_low"},
		"plan ends within a week":        {change: func(c *Cluster) { c.PlanExpires = noon.AddDate(0, 0, 7).Add(-time.Second) }, want: "plan_ending"},
		"plan ends in a week":            {change: func(c *Cluster) { c.PlanExpires = noon.AddDate(0, 0, 7) }},
		"plan ended":                     {change: func(c *Cluster) { c.PlanExpires = noon.Add(-time.Hour) }, want: "plan_ending"},
		"never told anything":            {change: func(c *Cluster) { *c = Cluster{ID: "a", Online: true, LastSeen: noon} }},
		"will miss the next":             {change: func(c *Cluster) { c.Miss = &Miss{At: noon.Add(time.Hour), Trouble: "audio"} }, want: "will_miss"},
		"what it missed is past":         {change: func(c *Cluster) { c.Miss = &Miss{At: noon.Add(-time.Second)} }},
		"offline, and what it last said": {change: func(c *Cluster) { c.Online, c.LastSeen, c.Clock, c.Free = false, noon.Add(-time.Hour), "untrusted", 1 }, want: "offline"},
		"offline, and its plan will end": {change: func(c *Cluster) {
			c.Online, c.LastSeen, c.PlanExpires = false, noon.Add(-time.Hour), noon.Add(time.Hour)
		}, want: "offline plan_ending"},
		"the hub's certificate ends":    {hub: Hub{CertEnds: noon.AddDate(0, 0, 20)}, want: "cert_ending"},
		"the hub's certificate is long": {hub: Hub{CertEnds: noon.AddDate(0, 0, 22)}},
		"the trust document ends":       {hub: Hub{TrustEnds: noon.AddDate(0, 0, 1)}, want: "trust_ending"},
		"the root key lies on the hub":  {hub: Hub{RootKey: true}, want: "root_key"},
	} {
		t.Run(name, func(t *testing.T) {
			c := well()
			if tc.change != nil {
				tc.change(&c)
			}
			var kinds []string
			for _, f := range Judge(noon, Usual(), []Cluster{c}, tc.hub) {
				kinds = append(kinds, string(f.Kind))
			}
			slices.Sort(kinds)
			if got := strings.Join(kinds, " "); got != tc.want {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

// A province of two districts with communes of ten clusters.
func province() (Parents, map[string]int) {
	up, n := Parents{"huyen-a": "tinh", "huyen-b": "tinh"}, map[string]int{}
	for _, d := range []string{"a", "b"} {
		for i := range 3 {
			commune := fmt.Sprintf("xa-%s%d", d, i)
			up[commune], n[commune] = "huyen-"+d, 10
		}
	}
	return up, n
}

func offline(area string, n int) (out []Finding) {
	for i := range n {
		out = append(out, Finding{Kind: Offline, Agent: fmt.Sprintf("%s-%d", area, i), Area: area, Since: noon.Add(time.Duration(i) * time.Second)})
	}
	return out
}

func TestGather(t *testing.T) {
	up, clusters := province()
	district := slices.Concat(offline("xa-a0", 10), offline("xa-a1", 10), offline("xa-a2", 10))
	for name, tc := range map[string]struct {
		findings []Finding
		want     string
	}{
		"nothing":                              {},
		"one cluster":                          {offline("xa-a0", 1), "offline/xa-a0-0:1"},
		"four of a commune are four":           {offline("xa-a0", 4), "offline/xa-a0-0:1 offline/xa-a0-1:1 offline/xa-a0-2:1 offline/xa-a0-3:1"},
		"a commune":                            {offline("xa-a0", 5), "offline/area:xa-a0:5"},
		"a district that is cut off":           {district, "offline/area:huyen-a:30"},
		"a district, and one of the other":     {slices.Concat(district, offline("xa-b1", 1)), "offline/area:huyen-a:30 offline/xa-b1-0:1"},
		"half a district":                      {slices.Concat(offline("xa-a0", 8), offline("xa-a1", 7)), "offline/area:huyen-a:15"},
		"everything":                           {slices.Concat(district, offline("xa-b0", 10), offline("xa-b1", 10)), "offline/area:tinh:50"},
		"other trouble is another group":       {slices.Concat(offline("xa-a0", 9), []Finding{{Kind: CardMissing, Agent: "x", Area: "xa-a0"}}), "card_missing/x:1 offline/area:xa-a0:9"},
		"the hub's own":                        {[]Finding{{Kind: RootKey}}, "root_key/hub:1"},
		"a cluster of an area that is no more": {[]Finding{{Kind: Offline, Agent: "x", Area: "gone"}}, "offline/x:1"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, g := range Gather(tc.findings, up, clusters, nil) {
				got = append(got, fmt.Sprintf("%s:%d", g.Key, len(g.Findings)))
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("gathered %q, want %q", s, tc.want)
			}
		})
	}
}

// Every finding is told exactly once, in its area or above it; groups are of five at least and half of their area, and
// none lies within another of its kind.
func TestGatherProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		up := Parents{}
		areas := []string{"0"}
		for i := 1; i < rapid.IntRange(1, 12).Draw(t, "areas"); i++ {
			area := fmt.Sprint(i)
			up[area] = rapid.SampledFrom(areas).Draw(t, "parent")
			areas = append(areas, area)
		}
		clusters := map[string]int{}
		var findings []Finding
		for _, area := range areas {
			n := rapid.IntRange(0, 12).Draw(t, "clusters")
			clusters[area] = n
			findings = append(findings, offline(area, rapid.IntRange(0, n).Draw(t, "bad"))...)
		}
		within := func(area, above string) bool {
			for a := area; a != ""; a = up[a] {
				if a == above {
					return true
				}
			}
			return false
		}
		all, seen := sums(clusters, up), map[string]int{}
		groups := Gather(findings, up, clusters, nil)
		for i, g := range groups {
			for _, f := range g.Findings {
				seen[f.Agent]++
				if !within(f.Area, g.Area) {
					t.Fatalf("%s is told of %s", f.Agent, g.Key)
				}
				if f.Since.Before(g.Since) {
					t.Fatalf("%s began before its group", f.Agent)
				}
			}
			if g.Agent != "" && len(g.Findings) != 1 || g.Agent == "" && len(g.Findings) < groupLeast {
				t.Fatalf("%s has %d findings", g.Key, len(g.Findings))
			}
			if g.Agent == "" && (g.Of != all[g.Area]) {
				t.Fatalf("%s is of %d clusters, not %d", g.Key, g.Of, all[g.Area])
			}
			for j, h := range groups {
				if i != j && g.Agent == "" && within(h.Area, g.Area) {
					t.Fatalf("%s lies within %s", h.Key, g.Key)
				}
			}
		}
		for _, f := range findings {
			if seen[f.Agent] != 1 {
				t.Fatalf("%s is told %d times", f.Agent, seen[f.Agent])
			}
		}
	})
}

func TestDue(t *testing.T) {
	open := Alarm{RaisedAt: noon}
	told := Alarm{RaisedAt: noon, Told: 1, ToldAt: noon}
	with := func(a Alarm, change func(*Alarm)) Alarm { change(&a); return a }
	for name, tc := range map[string]struct {
		a     Alarm
		after time.Duration
		want  Say
	}{
		"not at once":               {open, 19 * time.Second, ""},
		"when it has settled":       {open, 20 * time.Second, SayRaised},
		"over before it was told":   {with(open, func(a *Alarm) { a.ResolvedAt = noon }), time.Hour, ""},
		"silenced before":           {with(open, func(a *Alarm) { a.SilencedUntil = noon.Add(2 * time.Hour) }), time.Hour, ""},
		"silence is over":           {with(open, func(a *Alarm) { a.SilencedUntil = noon.Add(time.Hour) }), time.Hour, SayRaised},
		"acknowledged before":       {with(open, func(a *Alarm) { a.AckedAt = noon }), time.Hour, ""},
		"told, no reminder yet":     {told, 59 * time.Minute, ""},
		"first reminder":            {told, time.Hour, SayReminder},
		"second reminder":           {with(told, func(a *Alarm) { a.Told = 2 }), 4 * time.Hour, SayReminder},
		"third reminder":            {with(told, func(a *Alarm) { a.Told = 3 }), 24 * time.Hour, SayReminder},
		"never a fourth":            {with(told, func(a *Alarm) { a.Told = 4 }), 1000 * time.Hour, ""},
		"acknowledged":              {with(told, func(a *Alarm) { a.AckedAt = noon }), 1000 * time.Hour, ""},
		"resolved":                  {with(told, func(a *Alarm) { a.ResolvedAt = noon }), 20 * time.Second, SayResolved},
		"resolved, for a moment":    {with(told, func(a *Alarm) { a.ResolvedAt = noon }), time.Second, ""},
		"resolved, acknowledged":    {with(told, func(a *Alarm) { a.AckedAt, a.ResolvedAt = noon, noon }), time.Minute, SayResolved},
		"its end was told":          {with(told, func(a *Alarm) { a.ResolvedAt, a.EndTold = noon, true }), time.Hour, ""},
		"it became part of a group": {with(told, func(a *Alarm) { a.ResolvedAt, a.Replaced = noon, true }), time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Due(tc.a, noon.Add(tc.after)); got != tc.want {
				t.Errorf("said %q, want %q", got, tc.want)
			}
		})
	}
}
