package link

import (
	"context"
	"time"

	"github.com/loa-vn/loa/internal/wire"
)

// tellDecisions brings what the commune decided to the hub, one message at a time. It is sent again after a while when
// no answer comes, as from a hub that does not know decisions yet, or one that kept none.
func (s *session) tellDecisions(ctx context.Context) error {
	book := s.l.o.Decided
	if book == nil {
		return nil
	}
	var again <-chan time.Time // nil when nothing is under way
	for {
		if pending := book.Pending(wire.MaxDecisions); again == nil && len(pending) > 0 {
			if err := s.send(&wire.Decisions{Items: pending}); err != nil {
				return err
			}
			again = time.After(ackTime)
		}
		select {
		case ids := <-s.decided:
			if err := book.Acked(ids); err != nil {
				s.l.o.Log.Error("acknowledged decisions not noted", "err", err)
			}
			if len(ids) > 0 {
				again = nil
			}
		case <-again:
			again = nil
		case <-book.DecisionsChanged():
		case <-ctx.Done():
			return nil
		}
	}
}
