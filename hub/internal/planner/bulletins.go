package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Aimed is an urgent bulletin with whom it is for.
type Aimed struct {
	broadcast.Bulletin
	Targets Targets
	Leaves  time.Time // from then on no head has it
}

type aimed struct {
	Aimed
	match matcher
}

func (s *snapshot) loadBulletins(ctx context.Context, p *Planner) error {
	if p.Bulletins == nil {
		return nil
	}
	list, err := p.Bulletins.InForce(ctx, s.now)
	if err != nil {
		return fmt.Errorf("read bulletins: %w", err)
	}
	for _, b := range list {
		s.addBulletin(b)
	}
	return nil
}

// addBulletin writes its times in the fleet's zone, as all of a head.
func (s *snapshot) addBulletin(b Aimed) {
	b.IssuedAt, b.Until = b.IssuedAt.In(s.zone), b.Until.In(s.zone)
	b.Items = slices.Clone(b.Items)
	for i := range b.Items {
		b.Items[i] = local(b.Items[i], s.zone)
	}
	s.bulletins = append(s.bulletins, aimed{b, b.Targets.matcher()})
}

// Where is what a bulletin's targets ask for.
type Where struct {
	Area         string // lowest area that holds all of them, "" for the whole tree
	SecondPerson bool   // any of them asks for approval by a second person
}

// Where looks targets up, or gives TARGET_UNKNOWN.
func (p *Planner) Where(ctx context.Context, t Targets) (Where, error) {
	agents, err := p.agents(ctx)
	if err != nil {
		return Where{}, fmt.Errorf("list agents: %w", err)
	}
	tree, err := p.Tree(ctx)
	if err != nil {
		return Where{}, err
	}
	where, err := t.resolve(tree, agents)
	if err != nil {
		return Where{}, err
	}
	return Where{Area: tree.Common(slices.Concat(where.areas, t.Areas)), SecondPerson: where.secondPerson(tree)}, nil
}

// Reached gives the ids of the agents that targets mean now.
func (p *Planner) Reached(ctx context.Context, t Targets) ([]string, error) {
	agents, err := p.Aimed(ctx, t)
	var ids []string
	for _, a := range agents {
		ids = append(ids, a.ID)
	}
	return ids, err
}

// Aimed gives the agents that targets mean now.
func (p *Planner) Aimed(ctx context.Context, t Targets) ([]AgentRef, error) {
	agents, err := p.agents(ctx)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	tree, err := p.Tree(ctx)
	if err != nil {
		return nil, err
	}
	m := t.matcher()
	var out []AgentRef
	for _, a := range agents {
		if m.has(tree, a) {
			out = append(out, a)
		}
	}
	return out, nil
}

// Quiet tells for each area whether its policy forbids a sound of that length now: an exercise is silent there.
func (p *Planner) Quiet(ctx context.Context, length time.Duration) (func(area string) bool, error) {
	tree, err := p.Tree(ctx)
	if err != nil {
		return nil, err
	}
	span, known := broadcast.Span{Start: p.now(), End: p.now().Add(length)}, map[string]bool{}
	return func(area string) bool {
		quiet, ok := known[area]
		if !ok {
			rules := tree.Rules(area)
			quiet = !rules.Allows(span, p.Zone)
			known[area] = quiet
		}
		return quiet
	}, nil
}

// Room tells whether the heads of all agents that a bulletin is for can hold it beside what they hold already,
// or gives BULLETINS_FULL: a head that does not fit would keep back every other change of its agent.
func (p *Planner) Room(ctx context.Context, b Aimed) error {
	s, err := p.load(ctx, p.now())
	if err != nil {
		return err
	}
	s.addBulletin(b)
	match, seen := b.Targets.matcher(), map[string]bool{}
	for _, a := range s.agents {
		if !match.has(s.tree, a) {
			continue
		}
		h := s.head(a)
		key := alike(h)
		if seen[key] {
			continue
		}
		seen[key] = true
		if text, err := json.Marshal(s.fullest(h)); err != nil {
			return fmt.Errorf("encode head: %w", err)
		} else if len(text) > maxContent {
			return errBulletinsFull
		}
	}
	return nil
}

// alike is the same for heads of equal size: agents of one area differ in it only by what names them.
func alike(h broadcast.Head) string {
	var key strings.Builder
	fmt.Fprintf(&key, "%s %d", h.Area, len(h.Withdrawals))
	for _, b := range h.Bulletins {
		key.WriteString(" " + b.ID)
	}
	return key.String()
}

// fullest fills in what comes later, as long as it can be, and as many withdrawals as may come and must always fit
// (see fit).
func (s *snapshot) fullest(h broadcast.Head) broadcast.Head {
	h.Version, h.IssuedAt, h.Expires = 1<<53, s.now, s.now.AddDate(0, 0, planDays)
	h.Decisions = []broadcast.Decision{} // they give way, see fit
	h.Withdrawals = slices.Repeat([]broadcast.Withdrawal{{Report: strings.Repeat("0", 36), Audio: broadcast.Hash(strings.Repeat("0", 64)),
		At: s.now.Truncate(time.Second).Add(time.Millisecond)}}, recentWithdrawals)
	for date := s.first; date <= s.last; date = date.AddDays(1) {
		h.Days = append(h.Days, broadcast.DayRef{Date: date, Hash: broadcast.Hash(strings.Repeat("0", 64)), Size: 1 << 22})
	}
	return h
}
