package alarms

import "time"

// Judge gives what is wrong now. It is a pure function.
func Judge(now time.Time, l Limits, clusters []Cluster, hub Hub) []Finding {
	var out []Finding
	for _, c := range clusters {
		out = append(out, judge(now, l, c)...)
	}
	within := func(kind Kind, ends time.Time, d time.Duration) {
		if !ends.IsZero() && ends.Sub(now) < d {
			out = append(out, Finding{Kind: kind, Ends: ends})
		}
	}
	within(CertEnding, hub.CertEnds, l.Cert)
	within(TrustEnding, hub.TrustEnds, l.Cert)
	if hub.RootKey {
		out = append(out, Finding{Kind: RootKey})
	}
	return out
}

// judge looks at one cluster. Its card, clock and disk are as it last said: of one that is offline only that is told, and
// what follows from it by the calendar.
func judge(now time.Time, l Limits, c Cluster) []Finding {
	var out []Finding
	find := func(kind Kind, since, ends time.Time, detail string) {
		out = append(out, Finding{Kind: kind, Agent: c.ID, Name: c.Name, Area: c.Area, Since: since, Ends: ends, Detail: detail})
	}
	if c.Miss != nil && c.Miss.At.After(now) {
		find(WillMiss, time.Time{}, c.Miss.At, c.Miss.Trouble)
	}
	if !c.Online && now.Sub(c.LastSeen) >= l.Offline {
		find(Offline, c.LastSeen, time.Time{}, "")
	}
	if c.Told && !c.PlanExpires.IsZero() && c.PlanExpires.Sub(now) < l.Plan {
		find(PlanEnding, time.Time{}, c.PlanExpires, "")
	}
	if !c.Online || !c.Told {
		return out
	}
	if c.Clock == "untrusted" {
		find(ClockUntrusted, time.Time{}, time.Time{}, "")
	}
	if (c.Card == "missing" || c.Card == "stalled") && now.Sub(c.CardSince) >= l.Card {
		find(CardMissing, c.CardSince, time.Time{}, c.Card)
	}
	if c.Cache == "full" || c.Free > 0 && c.Free < l.Free {
		find(DiskLow, time.Time{}, time.Time{}, c.Cache)
	}
	return out
}
