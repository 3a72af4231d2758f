package planner

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/broadcast"
)

// mostTags is how many an area or an agent may bear, longestTag how many letters one may have.
const mostTags, longestTag = 20, 40

// mostHolidays is how many an area may name: some years of them.
const mostHolidays = 400

type tagRow struct {
	bun.BaseModel `bun:"table:agent_tags"`
	Agent         string `bun:"agent,pk"`
	Tag           string `bun:"tag,pk"`
}

// Tag is a word that people give to areas and agents, to plan for those that bear it.
type Tag struct {
	Tag    string   `json:"tag"`
	Areas  []string `json:"areas" nullable:"false"`
	Agents []string `json:"agents" nullable:"false"` // that bear it themselves
}

func plainTags(tags []string) ([]string, error) {
	out := []string{}
	for _, tag := range tags {
		tag = strings.Join(strings.Fields(tag), " ")
		if n := utf8.RuneCountInString(tag); n < 1 || n > longestTag || !broadcast.PlainLine(tag) {
			return nil, errTagInvalid
		}
		out = append(out, tag)
	}
	if out = sorted(out); len(out) > mostTags {
		return nil, errTagInvalid
	}
	return out, nil
}

func plainHolidays(list []Holiday) ([]Holiday, error) {
	out := []Holiday{}
	for _, h := range list {
		day, err := parseDay(string(h.Day))
		h.Day, h.Name = day, strings.TrimSpace(h.Name)
		if n := utf8.RuneCountInString(h.Name); err != nil || n < 1 || n > 100 || !broadcast.PlainLine(h.Name) {
			return nil, errHolidayInvalid
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b Holiday) int { return cmp.Compare(a.Day, b.Day) })
	out = slices.CompactFunc(out, func(a, b Holiday) bool { return a.Day == b.Day })
	if len(out) > mostHolidays {
		return nil, errHolidayInvalid
	}
	return out, nil
}

// agents gives the agents that get plans, with their tags.
func (p *Planner) agents(ctx context.Context) ([]AgentRef, error) {
	agents, err := p.Agents.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	var rows []tagRow
	if err := p.DB.NewSelect().Model(&rows).Order("tag").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	tags := map[string][]string{}
	for _, r := range rows {
		tags[r.Agent] = append(tags[r.Agent], r.Tag)
	}
	for i := range agents {
		agents[i].Tags = tags[agents[i].ID]
	}
	return agents, nil
}

// TagAgent gives an agent these tags and no others.
func (p *Planner) TagAgent(ctx context.Context, agent string, tags []string) ([]string, error) {
	tags, err := plainTags(tags)
	if err != nil {
		return nil, err
	}
	agents, err := p.agents(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(agents, func(a AgentRef) bool { return a.ID == agent }) {
		return nil, errAgentNotFound
	}
	err = p.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewDelete().Model((*tagRow)(nil)).Where("agent = ?", agent).Exec(ctx); err != nil {
			return fmt.Errorf("clear tags: %w", err)
		}
		for _, tag := range tags {
			if _, err := tx.NewInsert().Model(&tagRow{Agent: agent, Tag: tag}).Exec(ctx); err != nil {
				return fmt.Errorf("write tags: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.AgentChanged(agent)
	return tags, nil
}

// Tags gives every tag that an area, or what lies below it, bears; "" is the whole tree.
func (p *Planner) Tags(ctx context.Context, area string) ([]Tag, error) {
	tree, err := p.Tree(ctx)
	if err != nil {
		return nil, err
	}
	agents, err := p.agents(ctx)
	if err != nil {
		return nil, err
	}
	byTag := map[string]*Tag{}
	of := func(tag string) *Tag {
		if byTag[tag] == nil {
			byTag[tag] = &Tag{Tag: tag, Areas: []string{}, Agents: []string{}}
		}
		return byTag[tag]
	}
	for _, a := range tree.All() {
		for _, tag := range a.Tags {
			if tree.Within(a.Code, area) || tree.Within(area, a.Code) { // what lies above holds here too
				of(tag).Areas = append(of(tag).Areas, a.Code)
			}
		}
	}
	for _, a := range agents {
		for _, tag := range a.Tags {
			if tree.Within(a.Area, area) {
				of(tag).Agents = append(of(tag).Agents, a.ID)
			}
		}
	}
	out := make([]Tag, 0, len(byTag))
	for _, t := range byTag {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Tag) int { return cmp.Compare(a.Tag, b.Tag) })
	return out, nil
}
