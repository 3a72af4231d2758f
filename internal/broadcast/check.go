package broadcast

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the PC's own zone data is not relied on (design.md, Areas)
)

// Longest of what a plan may hold: an item, a candidate's items, a date's candidates and dayparts, a bulletin's repetitions.
const (
	maxItem        = 12 * time.Hour
	maxItems       = 200
	maxCandidates  = 1000
	maxOccurrences = 48
	maxRepeats     = 1000
)

// planError is the problem of a plan, which no person wrote: the field tells an engineer where.
func planError(field, format string, args ...any) error {
	return &Invalid{CodePlanInvalid, field, "Kế hoạch phát không nhất quán; cụm loa giữ kế hoạch cũ. Hãy báo đơn vị vận hành.",
		fmt.Sprintf(format, args...) + "; the agent keeps the plan it has. Tell whoever runs the hub."}
}

// NewPlan joins a head with its day documents, as many as it names and in its order or any other, and checks
// that they are consistent: the second half of the strict parse. The hashes are the caller's to check.
func NewPlan(head Head, days []Day) (*Plan, error) {
	if head.Zone == "" || head.Zone == "Local" {
		return nil, planError("zone", "the zone is missing")
	}
	zone, err := time.LoadLocation(head.Zone)
	if err != nil {
		return nil, planError("zone", "the zone %q is unknown", head.Zone)
	}
	p := &Plan{Head: head, Days: map[Date]Day{}, Zone: zone}
	if err := p.checkHead(); err != nil {
		return nil, err
	}
	if len(days) != len(head.Days) {
		return nil, planError("days", "%d day documents for %d named", len(days), len(head.Days))
	}
	for i, day := range days {
		field := fmt.Sprintf("days[%d]", i)
		if _, twice := p.Days[day.Date]; twice || !slices.ContainsFunc(head.Days, func(r DayRef) bool { return r.Date == day.Date }) {
			return nil, planError(field, "the date %q is not named or comes twice", day.Date)
		}
		if err := p.checkDay(field, day); err != nil {
			return nil, err
		}
		p.Days[day.Date] = day
	}
	p.index, p.memo = newIndex(p), newMemo()
	return p, nil
}

// WithDecisions gives the plan with the commune's decisions that the hub has not put into the head yet, and with the
// commune's own items, which it never puts there: only the PC has their audio.
func (p *Plan) WithDecisions(local ...Decision) *Plan {
	if len(local) == 0 {
		return p
	}
	q := &Plan{Head: p.Head, Days: p.Days, Zone: p.Zone}
	q.Head.Decisions = append(slices.Clone(p.Head.Decisions), local...)
	q.Days = q.withOwn(local)
	q.index, q.memo = newIndex(q), newMemo()
	return q
}

func (p *Plan) checkHead() error {
	h := p.Head
	switch {
	case h.Audience == "" || h.Version == 0:
		return planError("audience", "the audience or version is missing")
	case h.IssuedAt.IsZero() || !h.IssuedAt.Before(h.Expires) || far(h.IssuedAt) || far(h.Expires):
		return planError("expires", "the plan ends before it is issued")
	case !h.Rules.validate():
		return planError("rules", "the rules are not valid")
	case len(h.Days) > 366:
		return planError("days", "there are too many days")
	}
	for i, b := range h.Bulletins {
		if err := p.checkBulletin(fmt.Sprintf("bulletins[%d]", i), b, h.Bulletins[:i]); err != nil {
			return err
		}
	}
	for i, w := range h.Withdrawals {
		if w.At.IsZero() || w.Report == "" && w.Audio == "" {
			return planError(fmt.Sprintf("withdrawals[%d]", i), "the withdrawal has no instant or nothing to withdraw")
		}
	}
	for i, d := range h.Decisions {
		if err := d.Check(); err != nil {
			return planError(fmt.Sprintf("decisions[%d]", i), "%v", err)
		}
	}
	return nil
}

// Check tells whether a plan could have the bulletin.
func (b Bulletin) Check() error { return (&Plan{}).checkBulletin("bulletin", b, nil) }

func (p *Plan) checkBulletin(field string, b Bulletin, before []Bulletin) error {
	switch {
	case !plainID(b.ID) || slices.ContainsFunc(before, func(o Bulletin) bool { return o.ID == b.ID }):
		return planError(field, "the id is missing, not plain or used twice")
	case b.Kind != "live" && b.Kind != "drill":
		return planError(field, "the kind %q is neither live nor drill", b.Kind)
	case b.IssuedAt.IsZero() || !b.IssuedAt.Before(b.Until) || far(b.IssuedAt) || far(b.Until):
		return planError(field, "the bulletin ends before it is issued")
	case b.Repeat != nil && (b.Repeat.EveryMS < 1000 || b.Repeat.EveryMS > (24*time.Hour).Milliseconds() || b.Repeat.Count < 1 || b.Repeat.Count > maxRepeats):
		return planError(field, "the repetition is not valid")
	}
	return checkItems(field, b.Items)
}

func (p *Plan) checkDay(field string, day Day) error {
	if _, err := ParseDate(string(day.Date)); err != nil || far(day.Date.At(0, time.UTC)) {
		return planError(field, "the date is not valid")
	}
	if len(day.Dayparts) > maxOccurrences || len(day.Candidates) > maxCandidates {
		return planError(field, "there are too many dayparts or candidates")
	}
	whole := Span{Start: day.Date.At(0, p.Zone), End: day.Date.At(EndOfDay, p.Zone)}
	names := map[string]bool{}
	for i, o := range day.Dayparts {
		field := fmt.Sprintf("%s.dayparts[%d]", field, i)
		if !plainName(o.Name) || names[o.Name] {
			return planError(field, "the name is missing, not plain or used twice")
		}
		names[o.Name] = true
		if !ordered(whole, Span{Start: o.Start, End: o.End}) || i > 0 && o.Start.Before(day.Dayparts[i-1].End) {
			return planError(field, "the daypart is not within its date or not after the one before")
		}
		for j, r := range o.Reserved {
			if !ordered(Span{Start: o.Start, End: o.End}, r) || j > 0 && r.Start.Before(o.Reserved[j-1].End) {
				return planError(field, "a reserved span is not within its daypart or not after the one before")
			}
		}
	}
	keys := map[string]bool{}
	for i, c := range day.Candidates {
		field := fmt.Sprintf("%s.candidates[%d]", field, i)
		if err := checkCandidate(field, whole, c); err != nil {
			return err
		}
		key := c.Key(day.Date, p.Zone)
		if keys[key] {
			return planError(field, "the candidate %q comes twice", key)
		}
		keys[key] = true
	}
	return nil
}

func checkCandidate(field string, whole Span, c Candidate) error {
	switch {
	case !plainID(c.Broadcast) || c.Version < 1:
		return planError(field, "the broadcast's id or version is missing")
	case c.Class != Normal && c.Class != Priority:
		return planError(field, "the class %q is neither normal nor priority", c.Class)
	case c.Owner != OwnerHub && c.Owner != OwnerCommune:
		return planError(field, "the owner %q is neither hub nor commune", c.Owner)
	case c.ApprovedAt.IsZero() || far(c.ApprovedAt):
		return planError(field, "the candidate is not approved")
	case (c.At == nil) == (c.Daypart == ""):
		return planError(field, "the candidate needs an instant or a daypart, not both")
	case c.At != nil && !whole.Has(*c.At):
		return planError(field, "the instant is not on its date")
	case c.Daypart != "" && !plainName(c.Daypart):
		return planError(field, "the daypart's name is not plain")
	}
	if _, err := ParseLateness(c.Lateness.String()); err != nil {
		return planError(field, "the lateness rule is not valid")
	}
	return checkItems(field, c.Items)
}

func checkItems(field string, items []Item) error {
	if len(items) == 0 || len(items) > maxItems {
		return planError(field, "there are no items or too many")
	}
	for i, it := range items {
		switch field := fmt.Sprintf("%s.items[%d]", field, i); {
		case it.Report == "":
			return planError(field, "the report is missing")
		case !it.Audio.valid() || !it.Manifest.valid():
			return planError(field, "a hash is not 64 lower-case hex digits")
		case it.DurationMS <= 0 || it.DurationMS > maxItem.Milliseconds():
			return planError(field, "the duration is not valid")
		}
	}
	return nil
}

// ordered tells whether s is not empty and inside whole.
func ordered(whole, s Span) bool {
	return s.Start.Before(s.End) && !s.Start.Before(whole.Start) && !s.End.After(whole.End)
}

// plainID is an id that can be part of a slot id.
func plainID(s string) bool { return s != "" && len(s) <= 100 && !strings.ContainsAny(s, "/@# \t\r\n") }

// far tells whether an instant is outside the years in which Loa can make sense.
func far(t time.Time) bool { return t.Year() < 2000 || t.Year() > 2200 }

// Occurrence of a candidate, the part of a slot's key that tells when: its instant, or its date and daypart.
func (c *Candidate) Occurrence(date Date, zone *time.Location) string {
	if c.At != nil {
		return c.At.In(zone).Format(time.RFC3339)
	}
	return OccurrenceKey(date, c.Daypart)
}

// OccurrenceKey names a daypart on a date, the subject of the decisions order, hold and release.
func OccurrenceKey(date Date, daypart string) string { return string(date) + "/" + daypart }

// Key of a candidate: broadcast "/" version "@" occurrence.
func (c *Candidate) Key(date Date, zone *time.Location) string {
	return fmt.Sprintf("%s/%d@%s", c.Broadcast, c.Version, c.Occurrence(date, zone))
}
