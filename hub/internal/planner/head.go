package planner

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/loa-vn/loa/internal/broadcast"
)

// maxEnvelope is the most a sealed head may have (design.md, Sealed documents), and maxContent what fits into
// it: base64 makes 4 bytes of 3; signatures, types, version and times need some room.
const (
	maxEnvelope = 16 << 10
	maxContent  = (maxEnvelope - 1024) / 4 * 3
)

// head gives what an agent's head says besides its version, times and days.
func (s *snapshot) head(a AgentRef) broadcast.Head {
	h := broadcast.Head{Audience: a.ID, Zone: s.zone.String(), Area: a.Area, Rules: s.tree.Rules(a.Area),
		Decisions: []broadcast.Decision{}, Bulletins: []broadcast.Bulletin{}, Withdrawals: []broadcast.Withdrawal{}}
	for _, w := range s.withdrawn {
		for _, m := range w.matches {
			if m.has(s.tree, a) {
				h.Withdrawals = append(h.Withdrawals, w.Withdrawal)
				break
			}
		}
	}
	for _, b := range s.bulletins {
		if b.match.has(s.tree, a) {
			h.Bulletins = append(h.Bulletins, b.Bulletin)
		}
	}
	urgent := map[string]bool{}
	for _, b := range h.Bulletins {
		for _, item := range b.Items {
			urgent[item.Report] = true
		}
	}
	// Bulletins stay as they were approved: only the head silences what of one was taken back.
	slices.SortStableFunc(h.Withdrawals, func(a, b broadcast.Withdrawal) int {
		switch {
		case urgent[a.Report] == urgent[b.Report]:
			return 0
		case urgent[a.Report]:
			return -1
		}
		return 1
	})
	for _, d := range s.decisions[a.ID] {
		d.When = d.When.In(s.zone)
		inZone(s.zone, &d.To, &d.Until)
		h.Decisions = append(h.Decisions, d)
	}
	return h
}

// fit shortens the withdrawals until a head fits: first it leaves out the oldest beyond recentWithdrawals, then the
// reasons, then the oldest decisions, of which those made at the PC hold there anyway. Nothing that was taken back is
// planned any more either way (plannedItem); the newest stay for what sounds at the moment, and to say why. It gives
// the hash of what the head says, version and times aside: a head of equal content is not issued again.
func fit(h *broadcast.Head) (content string, err error) {
	text, err := json.Marshal(h)
	if err != nil {
		return "", fmt.Errorf("encode head: %w", err)
	}
	size := len(text)
	if size <= maxContent {
		return hash(text), nil
	}
	for n := len(h.Withdrawals); n > recentWithdrawals && size > maxContent; n-- { // what matters most comes first
		last, err := json.Marshal(h.Withdrawals[n-1])
		if err != nil {
			return "", fmt.Errorf("encode withdrawal: %w", err)
		}
		h.Withdrawals, size = h.Withdrawals[:n-1], size-len(last)-len(",")
	}
	for i := len(h.Withdrawals) - 1; i >= 0 && size > maxContent; i-- {
		size -= len(h.Withdrawals[i].Reason) // at least: some letters are longer in JSON
		h.Withdrawals[i].Reason = ""
	}
	for len(h.Decisions) > 0 && size > maxContent {
		first, err := json.Marshal(h.Decisions[0])
		if err != nil {
			return "", fmt.Errorf("encode decision: %w", err)
		}
		h.Decisions, size = h.Decisions[1:], size-len(first)
	}
	if text, err = json.Marshal(h); err != nil {
		return "", fmt.Errorf("encode head: %w", err)
	} else if len(text) > maxContent {
		return "", fmt.Errorf("head of %d bytes does not fit into an envelope of %d", len(text), maxEnvelope)
	}
	return hash(text), nil
}
