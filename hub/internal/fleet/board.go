package fleet

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
)

// Board is the fleet as a page follows it: everything once, then only what was heard since its mark. It comes from
// memory alone, so that 10,000 agents can be followed by the second.
type Board struct {
	Whole  bool   // Agents are all there are: what the reader knew before is void
	Mark   string // to be given for what comes next
	Agents []Agent
}

// Since gives the agents of areas (nil for all) of which something was heard behind a mark. A mark of another run or
// of other areas, or from before an agent left its area for another, gives the whole: a reader that merges by id neither
// loses nor doubles an agent, however it was cut off.
func (f *Fleet) Since(mark string, areas []string) Board {
	mine := map[string]bool{}
	sum := fnv.New64a()
	for _, a := range areas {
		mine[a] = true
		_, _ = sum.Write([]byte(a + "\n"))
	}
	scope := strconv.FormatUint(sum.Sum64(), 36)

	f.mu.Lock()
	defer f.mu.Unlock()
	after, known := f.readMark(mark, scope)
	b := Board{Whole: !known || after < f.left, Mark: fmt.Sprintf("%s.%d.%s", f.run, f.rev, scope)}
	for id, l := range f.live {
		if (b.Whole || l.rev > after) && (areas == nil || mine[l.area]) {
			b.Agents = append(b.Agents, l.agent(id))
		}
	}
	slices.SortFunc(b.Agents, func(a, c Agent) int { return cmp.Compare(a.ID, c.ID) })
	return b
}

// readMark reads a mark; false for one that says nothing here. mu is held.
func (f *Fleet) readMark(mark, scope string) (after uint64, known bool) {
	parts := strings.Split(mark, ".")
	if len(parts) != 3 || parts[0] != f.run || parts[2] != scope {
		return 0, false
	}
	after, err := strconv.ParseUint(parts[1], 10, 64)
	return after, err == nil && after <= f.rev
}

// touch notes that something was heard of an agent. mu is held.
func (f *Fleet) touch(l *live) {
	f.rev++
	l.rev = f.rev
}

// agent is the agent as memory knows it.
func (l *live) agent(id string) Agent {
	return Agent{ID: id, Name: l.name, Area: l.area, State: l.state, CreatedAt: l.created, Software: l.software, OS: l.os,
		Online: l.online, LastSeen: l.lastSeen, PlanVersion: l.plan.Version, PlanState: l.plan.State, PlanCode: l.plan.Code,
		Status: l.status, StatusAt: l.statusAt}
}
