package planner

import (
	"context"
	"fmt"

	"github.com/loa-vn/loa/internal/broadcast"
)

// compareAtOnce is for how many agents one statement looks whether they have the newest head; it may bring as many, of 16 KB each.
const compareAtOnce = 64

// compared is a head that an agent has, and the newest one if it is another.
type compared struct {
	has    has
	newest SealedHead
}

// has is the head of an agent, by its place among those that are compared together.
type has struct {
	Agent   string         `bun:"agent"`
	Version uint64         `bun:"version"`
	SHA256  broadcast.Hash `bun:"sha256"`
	Place   int            `bun:"place"`
}

// Newer gives an agent's newest head if it is not the one of this version and hash; without a version when it is, and
// when there is none yet.
func (p *Planner) Newer(ctx context.Context, agent string, version uint64, sha256 broadcast.Hash) (SealedHead, error) {
	if head, sure := p.remembered(agent, headID{version, sha256}); sure {
		return head, nil
	}
	c := &compared{has: has{Agent: agent, Version: version, SHA256: sha256}}
	if err := p.heads.Do(ctx, c, p.compare); err != nil {
		return SealedHead{}, fmt.Errorf("read plans: %w", err)
	}
	return c.newest, nil
}

func (p *Planner) compare(ctx context.Context, all []*compared) error {
	have := make([]has, len(all))
	for i, c := range all {
		have[i] = c.has
		have[i].Place = i
	}
	var rows []struct {
		planRow
		Place int
	}
	err := p.DB.NewSelect().With("has", p.DB.NewValues(&have)).TableExpr("has").Join("JOIN plans AS p ON p.agent = has.agent").
		ColumnExpr("p.*, has.place").Where("p.version > 0 AND (p.version <> has.version OR p.sha256 <> has.sha256)").Scan(ctx, &rows)
	for _, r := range rows {
		all[r.Place].newest = r.sealed()
	}
	return err
}

// headID tells one head of an agent from its others.
type headID struct {
	version uint64
	sha256  broadcast.Hash
}

// known is what memory knows of an agent's newest head: which it is, and the head itself from its sealing until it was asked for.
type known struct {
	headID
	fresh *SealedHead
}

// freshMost is how many heads memory keeps whole: a sweep seals a little ahead of those who fetch.
const freshMost = 512

// know makes memory know heads that SQL has as the newest. It only ever says that a head is the newest: about all others, about
// one that is being written, and where it is not known how that ended, SQL is asked.
func (p *Planner) know(rows []planRow) {
	if !p.Alone {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range rows {
		k := known{headID: headID{r.Version, broadcast.Hash(r.SHA256)}}
		if r.Envelope != "" {
			sealed := r.sealed()
			k.fresh = &sealed
			p.keepFresh(r.Agent)
		}
		p.newest[r.Agent] = k
	}
}

// keepFresh counts an agent's head among those that are kept whole, in the place of the oldest; the caller holds mu.
func (p *Planner) keepFresh(agent string) {
	p.fresh = append(p.fresh, agent)
	if len(p.fresh) <= freshMost {
		return
	}
	if k, ok := p.newest[p.fresh[0]]; ok {
		k.fresh = nil
		p.newest[p.fresh[0]] = k
	}
	p.fresh = append(p.fresh[:0], p.fresh[1:]...)
}

// askAgain has SQL asked about the agents of heads, from before these are written.
func (p *Planner) askAgain(rows []planRow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range rows {
		delete(p.newest, r.Agent)
	}
}

// remembered is Newer where memory is sure.
func (p *Planner) remembered(agent string, has headID) (newer SealedHead, sure bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, sure := p.newest[agent]
	switch {
	case !sure || k.headID == has:
	case k.fresh == nil:
		sure = false
	default:
		newer, k.fresh = *k.fresh, nil
		p.newest[agent] = k
	}
	return newer, sure
}
