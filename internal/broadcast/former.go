package broadcast

import "slices"

// Former gives the verdicts that a former plan still owes when next takes its place: of slots that next does not know
// and that were over when the hub issued it. A new plan holds yesterday and what is to come; what passed before while the
// agent was off, or had only a plausible time, would otherwise leave no record.
func (p *Plan) Former(next *Plan, s State) []Verdict {
	issued := next.Head.IssuedAt
	known := map[string]bool{}
	for _, b := range next.Head.Bulletins {
		known[b.ID] = true
	}
	return slices.DeleteFunc(p.Decide(issued, s).Settled, func(v Verdict) bool {
		_, planned := next.index.slots[v.Slot.ID]
		return planned || known[v.Slot.Broadcast] || v.Slot.closes().After(issued)
	})
}
