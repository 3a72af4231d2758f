package app

import (
	"context"
	"testing"

	"github.com/loa-vn/loa/hub/internal/bus"
)

// A head that was sealed before its follower listened must still reach the agents that are connected already.
func TestFollowBeginsWithWhatItMissed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a, missed := &App{bus: bus.NewLocal()}, 0
	if err := a.follow(ctx, []bus.Topic{bus.Plan}, func(bus.Event) {}, func() { missed++ }); err != nil || missed != 1 {
		t.Errorf("read anew %d times, %v", missed, err)
	}
}
