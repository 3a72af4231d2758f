// Package conformance holds the timetable to its vectors: it takes scenarios (internal/broadcast/testdata/timetable,
// one file for each rule of design.md's Timetable), builds the plan each describes, and gives what slots, rulings,
// answers and play records come out. Tests of broadcast run them as they stand, the hub's with plans that its planner
// seals (Check), the agent's through its scheduler (CheckAgent): both see one timetable. It also drives a plan as an agent would. Nothing here is safe for concurrent use.
package conformance

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Scenario is one vector. Instants are "17:00" or "17:00:30" on its date, "+1 05:00" a day later, "-1 08:00" a
// day earlier. Slots are named "a#0": broadcast and item.
type Scenario struct {
	Name        string             `json:"name"`
	Zone        string             `json:"zone,omitempty"`
	Date        broadcast.Date     `json:"date,omitempty"`
	Policy      []broadcast.Policy `json:"policy,omitempty"` // root first
	Days        []Day              `json:"days"`
	Expires     string             `json:"expires,omitempty"`
	Bulletins   []Bulletin         `json:"bulletins,omitempty"`
	Withdrawals []Withdrawal       `json:"withdrawals,omitempty"`
	Decisions   []Decision         `json:"decisions,omitempty"`
	Pins        []string           `json:"pins,omitempty"` // "a#0 17:00-17:10"

	Slots []string `json:"slots,omitempty"` // of the date: "a#0 17:00-17:10" or "b#0 skipped daypart_full [against a#0]"
	Why   []Why    `json:"why,omitempty"`
	Run   *Run     `json:"run,omitempty"`
}

// Day is a date, Plus days after the scenario's.
type Day struct {
	Plus       int                 `json:"plus,omitempty"`
	Dayparts   []broadcast.Daypart `json:"dayparts,omitempty"`
	Candidates []Candidate         `json:"candidates"`
}

// Candidate of a scenario; items are lengths like "10m", class normal, owner hub, approved four days before.
type Candidate struct {
	ID         string   `json:"id"`
	Class      string   `json:"class,omitempty"`
	Owner      string   `json:"owner,omitempty"`
	Approved   string   `json:"approved,omitempty"`
	At         string   `json:"at,omitempty"`
	Daypart    string   `json:"daypart,omitempty"`
	Order      int      `json:"order,omitempty"`
	Lateness   string   `json:"lateness,omitempty"` // default join for an exact time, skip in a daypart
	Items      []string `json:"items"`
	ValidFrom  string   `json:"valid_from,omitempty"` // of the first item
	ValidUntil string   `json:"valid_until,omitempty"`
}

// Bulletin of a scenario.
type Bulletin struct {
	ID     string   `json:"id"`
	Kind   string   `json:"kind,omitempty"` // default live
	Issued string   `json:"issued"`
	Until  string   `json:"until"`
	Every  string   `json:"every,omitempty"`
	Count  int      `json:"count,omitempty"`
	Items  []string `json:"items"`
}

// Withdrawal of a slot's report.
type Withdrawal struct {
	Slot string `json:"slot"`
	At   string `json:"at"`
}

// Decision of a scenario: On is a slot, a daypart's name, or empty.
type Decision struct {
	Kind    string   `json:"kind"`
	On      string   `json:"on,omitempty"`
	When    string   `json:"when"`
	To      string   `json:"to,omitempty"`
	Until   string   `json:"until,omitempty"`
	Order   []string `json:"order,omitempty"`
	Percent int      `json:"percent,omitempty"`
	Counter uint64   `json:"counter,omitempty"` // default its place in the list
	Seen    uint64   `json:"seen,omitempty"`
	Source  string   `json:"source,omitempty"` // default pc
}

// Why asks about an instant, with no play records.
type Why struct {
	At      string   `json:"at"`
	Winner  string   `json:"winner,omitempty"`
	Losers  []string `json:"losers,omitempty"` // "b#0 collision"
	Silence string   `json:"silence,omitempty"`
}

// Run drives the plan as an agent and gives its records: "a#0 played complete 17:00-17:10", "b#0 skipped late".
type Run struct {
	From    string      `json:"from"`
	To      string      `json:"to"`
	Off     [][2]string `json:"off,omitempty"` // spans in which the agent is dead
	Records []string    `json:"records"`
}

// Load reads the scenarios of a folder.
func Load(dir string) ([]Scenario, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("list vectors in %s: %d files: %w", dir, len(files), err)
	}
	var all []Scenario
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read vectors: %w", err)
		}
		var list []Scenario
		dec := json.NewDecoder(strings.NewReader(string(b)))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&list); err != nil {
			return nil, fmt.Errorf("parse %s: %w", f, err)
		}
		for i := range list {
			list[i].Name = strings.TrimSuffix(filepath.Base(f), ".json") + "/" + list[i].Name
		}
		all = append(all, list...)
	}
	return all, nil
}

// Base is the scenario's date.
func (s *Scenario) Base() broadcast.Date {
	if s.Date == "" {
		return "2026-11-24" // a Tuesday
	}
	return s.Date
}

func (s *Scenario) zone() *time.Location {
	name := s.Zone
	if name == "" {
		name = "Asia/Ho_Chi_Minh"
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

// Time reads an instant of the scenario.
func (s *Scenario) Time(text string) time.Time {
	date := s.Base()
	if plus, rest, ok := strings.Cut(text, " "); ok {
		n, err := strconv.Atoi(plus)
		if err != nil {
			panic(fmt.Sprintf("%s: time %q", s.Name, text))
		}
		date, text = date.AddDays(n), rest
	}
	tod, err := broadcast.ParseTimeOfDay(text)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", s.Name, err))
	}
	return date.At(tod, s.zone())
}

func (s *Scenario) optional(text string) *time.Time {
	if text == "" {
		return nil
	}
	t := s.Time(text)
	return &t
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// HashOf is a made-up hash for a made-up audio.
func HashOf(text string) broadcast.Hash {
	sum := sha256.Sum256([]byte(text))
	return broadcast.Hash(hex.EncodeToString(sum[:]))
}

func items(id string, lengths []string) []broadcast.Item {
	var out []broadcast.Item
	for i, l := range lengths {
		d, err := time.ParseDuration(l)
		if err != nil {
			panic(err)
		}
		name := fmt.Sprintf("%s#%d", id, i)
		out = append(out, broadcast.Item{Report: name, Title: name, Audio: HashOf(name), Manifest: HashOf("manifest " + name), DurationMS: d.Milliseconds()})
	}
	return out
}

// Plan builds the scenario's plan.
func (s *Scenario) Plan() (*broadcast.Plan, error) {
	head := broadcast.Head{Audience: "agent", Version: 1, IssuedAt: s.Time("-3 12:00"), Expires: s.Time(or(s.Expires, "+32 00:00")),
		Zone: s.zone().String(), Area: "area", Rules: broadcast.Inherit(s.Policy...)}
	var days []broadcast.Day
	keys := map[string]string{}
	for _, d := range s.Days {
		day := s.day(d, keys)
		days = append(days, day)
		head.Days = append(head.Days, broadcast.DayRef{Date: day.Date, Hash: HashOf(string(day.Date))})
	}
	for _, b := range s.Bulletins {
		head.Bulletins = append(head.Bulletins, s.bulletin(b))
	}
	for _, w := range s.Withdrawals {
		head.Withdrawals = append(head.Withdrawals, broadcast.Withdrawal{Report: w.Slot, Audio: HashOf(w.Slot), At: s.Time(w.At), Reason: "law changed"})
	}
	for i, d := range s.Decisions {
		head.Decisions = append(head.Decisions, s.decision(i, d, keys))
	}
	return broadcast.NewPlan(head, days)
}

func (s *Scenario) day(d Day, keys map[string]string) broadcast.Day {
	day := broadcast.Day{Date: s.Base().AddDays(d.Plus)}
	day.Dayparts = broadcast.Occurrences(d.Dayparts, day.Date, s.zone())
	for _, c := range d.Candidates {
		lateness, err := broadcast.ParseLateness(or(c.Lateness, map[bool]string{true: "join", false: "skip"}[c.At != ""]))
		if err != nil {
			panic(err)
		}
		cand := broadcast.Candidate{Broadcast: c.ID, Version: 1, Title: c.ID, Class: broadcast.Class(or(c.Class, "normal")),
			Owner: broadcast.Owner(or(c.Owner, "hub")), ApprovedAt: s.Time(or(c.Approved, "-4 08:00")), At: s.optional(c.At),
			Daypart: c.Daypart, Order: c.Order, Lateness: lateness, Items: items(c.ID, c.Items)}
		cand.Items[0].ValidFrom, cand.Items[0].ValidUntil = s.optional(c.ValidFrom), s.optional(c.ValidUntil)
		keys[c.ID] = cand.Key(day.Date, s.zone())
		day.Candidates = append(day.Candidates, cand)
	}
	return day
}

func (s *Scenario) bulletin(b Bulletin) broadcast.Bulletin {
	out := broadcast.Bulletin{ID: b.ID, Kind: or(b.Kind, "live"), Title: b.ID, IssuedAt: s.Time(b.Issued), Until: s.Time(b.Until), Items: items(b.ID, b.Items)}
	if b.Every != "" {
		every, err := time.ParseDuration(b.Every)
		if err != nil {
			panic(err)
		}
		out.Repeat = &broadcast.Repeat{EveryMS: every.Milliseconds(), Count: b.Count}
	}
	return out
}

func (s *Scenario) decision(i int, d Decision, keys map[string]string) broadcast.Decision {
	out := broadcast.Decision{Kind: d.Kind, Subject: d.On, To: s.optional(d.To), Until: s.optional(d.Until), Percent: d.Percent, Who: "operator",
		When: s.Time(d.When), Counter: d.Counter, Seen: d.Seen, Source: or(d.Source, "pc")}
	if id, item, ok := strings.Cut(d.On, "#"); ok {
		out.Subject = keys[id] + "#" + item
	} else if d.On != "" {
		out.Subject = broadcast.OccurrenceKey(s.Base(), d.On)
	}
	if d.Counter == 0 {
		out.Counter = uint64(i + 1)
	}
	for _, id := range d.Order {
		out.Order = append(out.Order, keys[id])
	}
	return out
}

// Pinned gives the scenario's pins.
func (s *Scenario) Pinned(p *broadcast.Plan) []broadcast.Pin {
	var out []broadcast.Pin
	for _, text := range s.Pins {
		name, span, _ := strings.Cut(text, " ")
		from, to, _ := strings.Cut(span, "-")
		sl := broadcast.Slot{ID: name, Start: s.Time(from), End: s.Time(to)}
		for _, known := range p.Slots(s.Base(), nil) {
			if Short(known) == name {
				sl.ID = known.ID
			}
		}
		out = append(out, broadcast.Pin{Slot: sl, Began: sl.Start, Ends: sl.End})
	}
	return out
}

// Short names a slot as scenarios do: broadcast and item, of a bulletin with the repetition.
func Short(s broadcast.Slot) string {
	if s.Class == broadcast.Urgent || s.Broadcast == "" {
		return s.ID
	}
	return s.Broadcast + s.ID[strings.LastIndexByte(s.ID, '#'):]
}
