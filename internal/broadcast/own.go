package broadcast

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Own is an item of the commune that its PC has: what a decision "own" puts into a daypart.
type Own struct {
	Title      string `json:"title"`
	Audio      Hash   `json:"audio"` // SHA-256 of the file, which only the PC has
	DurationMS int64  `json:"duration_ms"`
}

// maxOwn is how long an item of the commune may be: notices, not programmes.
const maxOwn = 10 * time.Minute

// ownOrder is behind all that was put in order, among themselves the earlier approval goes first.
const ownOrder = 1 << 20

// Put into a daypart that has begun, an own item begins ownLead later, so that who plays it knows it by then; where its
// approval came on the way, it is heard as late as ownLate minutes, if there is still a free place.
const (
	ownLead = 5 * time.Second
	ownLate = 60
)

// ownPrefix begins the broadcast id of each: in the play log it tells what came from the PC.
const ownPrefix = "own-"

// OwnKey is the subject of a decision "own": the key its candidate has.
func OwnKey(id string, date Date, daypart string) string {
	return ownPrefix + id + "/1@" + OccurrenceKey(date, daypart)
}

// OwnSlot is the slot of an own item, by its key.
func OwnSlot(key string) string { return key + "#0" }

// OwnPlace is the date and the daypart of an own item.
func (d Decision) OwnPlace() (id string, date Date, daypart string, err error) {
	id, occurrence, cut := strings.Cut(d.Subject, "/1@")
	day, daypart, placed := strings.Cut(occurrence, "/")
	date, err = ParseDate(day)
	if err != nil || !cut || !placed || !plainID(id) || !plainName(daypart) || !strings.HasPrefix(id, ownPrefix) {
		return "", "", "", fmt.Errorf("%.60q is no place of an own item", d.Subject)
	}
	return id, date, daypart, nil
}

// checkOwn tells what keeps a decision about an own item from being one.
func (d Decision) checkOwn() error {
	if d.Kind == "own" != (d.Own != nil) {
		return errors.New("an own item comes with a decision of its kind")
	}
	if d.Kind != "own" && d.Kind != "allow" {
		return nil
	}
	if _, _, _, err := d.OwnPlace(); err != nil {
		return err
	}
	switch o := d.Own; {
	case d.Kind == "own" && d.Source != "pc":
		return errors.New("an own item is put in where its audio is, at the PC")
	case d.Kind == "allow" && d.Source != "hub":
		return errors.New("an own item is allowed on the hub")
	case o != nil && (strings.TrimSpace(o.Title) == "" || !utf8.ValidString(o.Title) || utf8.RuneCountInString(o.Title) > 200):
		return errors.New("its title is missing or too long")
	case o != nil && (!o.Audio.valid() || o.DurationMS <= 0 || o.DurationMS > maxOwn.Milliseconds()):
		return errors.New("its audio is none, or too long")
	}
	return nil
}

// OwnAllowed gives when an own item was approved: by who put it in where no second person is asked for, else by the
// officer on the hub who allowed it. False while nobody did.
func (p *Plan) OwnAllowed(d Decision) (at time.Time, allowed bool) {
	if !p.Head.Rules.SecondPerson {
		return d.When, true
	}
	for _, a := range p.Head.Decisions {
		if a.Kind == "allow" && a.Subject == d.Subject && a.Source == "hub" {
			return later(a.When, d.When), true
		}
	}
	return time.Time{}, false
}

// withOwn gives the days with the approved ones of the own items laid into them: normal items of the commune, after
// all of the officers', that yield to whatever else wants their time.
func (p *Plan) withOwn(decisions []Decision) map[Date]Day {
	days := map[Date]Day{}
	for date, day := range p.Days {
		days[date] = day
	}
	for _, d := range decisions {
		if d.Kind != "own" {
			continue
		}
		id, date, daypart, err := d.OwnPlace()
		day, planned := days[date]
		at, allowed := p.OwnAllowed(d)
		if err != nil || !planned || !allowed || slices.ContainsFunc(day.Candidates, func(c Candidate) bool { return c.Broadcast == id }) {
			continue
		}
		day.Candidates = append(slices.Clone(day.Candidates), Candidate{Broadcast: id, Version: 1, Title: d.Own.Title, Class: Normal, Owner: OwnerCommune,
			ApprovedAt: at.Add(ownLead), Daypart: daypart, Order: ownOrder, Lateness: Lateness{Rule: LateWhole, Minutes: ownLate},
			Items: []Item{{Report: id, Title: d.Own.Title, Audio: d.Own.Audio, Manifest: d.Own.Audio, DurationMS: d.Own.DurationMS}}})
		days[date] = day
	}
	return days
}
