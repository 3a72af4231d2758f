package orders

import (
	"context"
	"slices"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

var errOwnUnknown = problem.New("OWN_ITEM_UNKNOWN", 404,
	"Cụm loa này không có bài nào của xã như vậy. Hãy tải lại trang.",
	"The cluster has no such item of its commune. Load the page again.")

// OwnItem gives what a PC decided to put in of its own, by the subject of the decision.
func (d *Desk) OwnItem(ctx context.Context, agent, subject string) (Decision, error) {
	known, err := decisions(ctx, d.DB, d.now(), agent, "own")
	if err != nil {
		return Decision{}, err
	}
	for _, k := range known[agent] {
		if k.Made.Subject == subject {
			return k, nil
		}
	}
	return Decision{}, errOwnUnknown
}

// OwnItems gives what PCs put in of their own that nobody allowed and nobody took out, in no order. Whether it waits for
// that, and is still to come, is known by the areas' rules and dayparts.
func (d *Desk) OwnItems(ctx context.Context) ([]Decision, error) {
	known, err := decisions(ctx, d.DB, d.now(), "", "own", "allow", "skip", "move")
	if err != nil {
		return nil, err
	}
	var out []Decision
	for _, list := range known {
		standing := broadcast.Standing(madeOf(list))
		for _, k := range list {
			answered := func(a broadcast.Decision) bool {
				return a.Kind == "allow" && a.Subject == k.Made.Subject || a.Kind == "skip" && a.Subject == broadcast.OwnSlot(k.Made.Subject)
			}
			if k.Made.Kind == "own" && !slices.ContainsFunc(standing, answered) {
				out = append(out, k)
			}
		}
	}
	return out, nil
}
