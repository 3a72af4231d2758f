package planner

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// position is what an agent's day documents depend on: agents in equal position share every one of them.
type position struct {
	dayparts []broadcast.Daypart
	holidays map[broadcast.Date]bool
	list     []*planned // what is for it, by id
	key      string
}

func (s *snapshot) position(a AgentRef) (position, error) {
	pos := position{dayparts: s.tree.Dayparts(a.Area), holidays: s.holidays[a.Area]}
	sig, ok := s.sigs[a.Area]
	if !ok {
		pos.holidays = map[broadcast.Date]bool{}
		holidays := s.tree.Holidays(a.Area)
		for _, h := range holidays {
			pos.holidays[h.Day] = true
		}
		s.holidays[a.Area] = pos.holidays
		text, err := json.Marshal([]any{pos.dayparts, holidays})
		if err != nil {
			return pos, fmt.Errorf("encode dayparts: %w", err)
		}
		sig = hash(text)
		s.sigs[a.Area] = sig
	}
	var key strings.Builder
	key.WriteString(sig)
	for _, pl := range s.approved {
		if pl.match.has(s.tree, a) {
			pos.list = append(pos.list, pl)
			key.WriteString(pl.digest)
		}
	}
	pos.key = hash([]byte(key.String())) // kept for every position of a sweep
	return pos, nil
}

// day makes a date's document for a position.
func (s *snapshot) day(pos position, date broadcast.Date) broadcast.Day {
	d := broadcast.Day{Date: date, Dayparts: broadcast.Occurrences(pos.dayparts, date, s.zone), Candidates: []broadcast.Candidate{}}
	for _, pl := range pos.list {
		if c, ok := pl.candidate(date, s); ok && s.on(pl, pos, date) {
			d.Candidates = append(d.Candidates, c)
		}
	}
	return d
}

// candidate gives a broadcast's occurrence on a date, if it has one.
func (pl *planned) candidate(date broadcast.Date, s *snapshot) (broadcast.Candidate, bool) {
	c := broadcast.Candidate{Broadcast: pl.ID, Version: pl.Version, Title: pl.Title, Class: pl.Class, Owner: pl.Owner,
		ApprovedAt: pl.Approved.At.In(s.zone), Daypart: pl.when.daypart, Order: pl.Order, Lateness: pl.lateness}
	if pl.when.daypart == "" {
		at := date.At(pl.when.at, s.zone)
		c.At = &at
	}
	for _, item := range pl.items {
		if item.until == "" || date <= item.until {
			c.Items = append(c.Items, item.Item)
		}
	}
	return c, len(c.Items) > 0
}

// on tells whether a broadcast has an occurrence on a date, for a position: not on days that were taken out of it, by
// themselves or by what is heard instead, nor on holidays, where it skips them.
func (s *snapshot) on(pl *planned, pos position, date broadcast.Date) bool {
	holiday := pl.When.SkipHolidays && pos.holidays[date]
	return pl.days[date] && !s.off[pl.ID][date] && !holiday
}

// dayKey names a day document by what it is made of, to find it without making it.
func (s *snapshot) dayKey(sig string, pos position, date broadcast.Date) string {
	var key strings.Builder
	key.WriteString(string(date) + sig)
	for _, pl := range pos.list {
		if s.on(pl, pos, date) {
			key.WriteString(pl.digest)
		}
	}
	return hash([]byte(key.String()))
}

// days gives the references of a position's day documents and keeps the documents among the blobs. Those of
// the last sweep are not made again.
func (c *compiler) days(ctx context.Context, s *snapshot, a AgentRef, pos position) ([]broadcast.DayRef, error) {
	if refs, ok := c.positions[pos.key]; ok {
		return refs, nil
	}
	var refs []broadcast.DayRef
	for date := s.first; date <= s.last; date = date.AddDays(1) {
		key := s.dayKey(s.sigs[a.Area], pos, date)
		ref, ok := c.kept[key]
		if !ok {
			ref, ok = c.before[key]
		}
		if !ok {
			var err error
			if ref, err = c.put(ctx, s.day(pos, date)); err != nil {
				return nil, err
			}
		}
		c.kept[key] = ref
		refs = append(refs, ref)
	}
	c.positions[pos.key] = refs
	return refs, nil
}

// compiler makes day documents in one sweep.
type compiler struct {
	blobs     store.Blobs
	before    map[string]broadcast.DayRef // of the last sweep, by dayKey
	kept      map[string]broadcast.DayRef // of this sweep
	positions map[string][]broadcast.DayRef
	checked   map[string]error // position and area -> whether an agent would take the plan
}

func newCompiler(blobs store.Blobs, before map[string]broadcast.DayRef) *compiler {
	return &compiler{blobs: blobs, before: before, kept: map[string]broadcast.DayRef{},
		positions: map[string][]broadcast.DayRef{}, checked: map[string]error{}}
}

// put keeps a day document. encoding/json writes the fields of a struct in their order, so equal days are
// equal bytes.
func (c *compiler) put(ctx context.Context, d broadcast.Day) (broadcast.DayRef, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return broadcast.DayRef{}, fmt.Errorf("encode day: %w", err)
	}
	ref := broadcast.DayRef{Date: d.Date, Hash: broadcast.Hash(hash(text)), Size: int64(len(text))}
	has, err := c.blobs.Has(ctx, ref.Hash)
	if err == nil && !has {
		_, _, err = c.blobs.Put(ctx, bytes.NewReader(text))
	}
	if err != nil {
		return broadcast.DayRef{}, fmt.Errorf("keep day document: %w", err)
	}
	return ref, nil
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// agentPlan makes an agent's plan in memory: nothing is kept, sealed or sent. version and times are filled in
// so that the plan can be asked.
func (p *Planner) agentPlan(ctx context.Context, s *snapshot, a AgentRef) (*broadcast.Plan, error) {
	pos, err := s.position(a)
	if err != nil {
		return nil, err
	}
	head := s.head(a)
	// It will be renewed before it ends: that its last hours are not in it yet is no news for anybody.
	head.Version, head.IssuedAt, head.Expires = 1, s.now, s.last.AddDays(1).At(0, s.zone)
	var days []broadcast.Day
	for date := s.first; date <= s.last; date = date.AddDays(1) {
		days = append(days, s.day(pos, date))
		head.Days = append(head.Days, broadcast.DayRef{Date: date})
	}
	plan, err := broadcast.NewPlan(head, days)
	if err != nil {
		return nil, fmt.Errorf("join plan of agent %s: %w", a.ID, err)
	}
	return plan, nil
}
