package link

import (
	"context"
	"fmt"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/wire"
)

const (
	timeEvery     = 10 * time.Minute
	timeAsks      = 4                      // each time: one answer may have been held up, the clock keeps to the quickest
	timeGap       = 200 * time.Millisecond // between them
	timeRetry     = time.Minute            // when no answer came, or none that told the time
	statusGap     = 500 * time.Millisecond // at most two a second
	holdingsGap   = time.Second
	ackTime       = time.Minute      // an unanswered batch is sent again
	playsCoolDown = 30 * time.Second // a record the hub did not acknowledge is tried again after so long
)

// talker tells the hub what the agent is, holds and played, and asks for the time.
type talker struct {
	s           *session
	o           *Options
	statusEvery time.Duration

	nonce []byte // of the time asked for, nil when answered
	asked mono.Instant
	taken int // answers of this round of timeAsks

	batch map[string]bool      // ids of the plays sent and not answered
	cool  map[string]time.Time // by id of a play
}

func newTalker(s *session, w *wire.Welcome) *talker {
	every := time.Duration(w.StatusEveryMS) * time.Millisecond
	return &talker{
		s: s, o: &s.l.o, statusEvery: min(max(every, 5*time.Second), 5*time.Minute),
		cool: map[string]time.Time{},
	}
}

// run: each thing to tell has a timer; a change only makes the timer earlier, and so changes are told together.
func (t *talker) run(ctx context.Context) error {
	now := time.NewTimer
	askTime, status, plays := now(0), now(0), now(0)
	holdings := now(time.Hour)
	var lastStatus, lastHoldings time.Time
	defer func() {
		for _, timer := range []*time.Timer{askTime, status, holdings, plays} {
			timer.Stop()
		}
	}()
	if err := t.tellHoldings(true, t.o.Blobs.Holdings()); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-askTime.C:
			askTime.Reset(timeRetry)
			err = t.askTime()
		case answer := <-t.s.times:
			if t.takeTime(answer) {
				askTime.Reset(t.untilAsk())
			}
		case <-t.o.Reporter.StatusChanged():
			status.Reset(until(lastStatus, statusGap))
		case <-status.C:
			lastStatus = time.Now()
			status.Reset(t.statusEvery)
			err = t.tellStatus()
		case <-t.o.Blobs.HoldingsChanged():
			holdings.Reset(until(lastHoldings, holdingsGap))
		case <-holdings.C:
			lastHoldings = time.Now()
			err = t.tellHoldings(false, t.o.Blobs.HoldingsSince())
		case <-t.o.Outbox.OutboxChanged():
			if t.batch == nil {
				plays.Reset(0)
			}
		case <-plays.C:
			t.batch = nil // nothing was under way, or its answer is overdue
			err = t.tellPlays(plays)
		case ids := <-t.s.acks:
			t.takeAck(ids)
			plays.Reset(0)
		}
		if err != nil {
			return err
		}
	}
}

// until is how long to wait so that two things are gap apart.
func until(last time.Time, gap time.Duration) time.Duration {
	return max(0, gap-time.Since(last))
}

func (t *talker) askTime() error {
	t.nonce, t.asked = newNonce(), mono.Now()
	return t.s.send(&wire.Time{Nonce: t.nonce})
}

// takeTime tells whether the clock took the answer; else it is asked for again soon.
func (t *talker) takeTime(answer timeAnswer) bool {
	if t.nonce == nil || len(answer.envelope) == 0 {
		return false // late, or twice
	}
	nonce := t.nonce
	t.nonce = nil
	if err := t.o.Clock.OfferTime(answer.envelope, nonce, t.asked, answer.got); err != nil {
		t.o.Log.Warn("signed time refused", "err", err)
		return false
	}
	return true
}

// untilAsk is how long to wait after an answer that the clock took.
func (t *talker) untilAsk() time.Duration {
	if t.taken = (t.taken + 1) % timeAsks; t.taken > 0 {
		return timeGap
	}
	return timeEvery
}

// tellStatus: a status that cannot be sent is a fault of this program, but no reason to have no link.
func (t *talker) tellStatus() error {
	m := &wire.Status{Status: t.o.Reporter.Status()}
	if _, err := wire.Encode(m); err != nil {
		t.o.Log.Error("status not sent", "err", err)
		return nil
	}
	return t.s.send(m)
}

func (t *talker) tellHoldings(full bool, items []wire.Holding) error {
	for full || len(items) > 0 {
		n := min(len(items), wire.MaxHoldings)
		if err := t.s.send(&wire.Holdings{Full: full, Items: items[:n]}); err != nil {
			return err
		}
		full, items = false, items[n:]
	}
	return nil
}

// tellPlays sends the oldest records; one batch is under way at a time, and the timer sends it again.
func (t *talker) tellPlays(timer *time.Timer) error {
	now := time.Now()
	wake := time.Hour
	for id, at := range t.cool {
		if !now.Before(at) {
			delete(t.cool, id)
			continue
		}
		wake = min(wake, at.Sub(now))
	}
	pending, err := t.o.Outbox.Pending(wire.MaxPlays, func(id string) bool { _, cool := t.cool[id]; return cool })
	if err != nil {
		t.o.Log.Error("play records not read", "err", err)
		timer.Reset(playsCoolDown)
		return nil
	}
	data, n, err := fit(pending)
	if err != nil {
		t.o.Log.Error("play record cannot be sent", "id", pending[0].ID, "err", err)
		t.cool[pending[0].ID] = now.Add(ackTime)
		timer.Reset(0)
		return nil
	}
	if n == 0 {
		timer.Reset(wake)
		return nil
	}
	t.batch = make(map[string]bool, n)
	for _, play := range pending[:n] {
		t.batch[play.ID] = true
	}
	timer.Reset(ackTime)
	return t.s.conn.Send(data)
}

// fit encodes as many records from the beginning as one message takes.
func fit(plays []broadcast.Play) (data []byte, n int, err error) {
	for n = min(len(plays), wire.MaxPlays); n > 0; n /= 2 {
		if data, err = wire.Encode(&wire.Plays{Records: plays[:n]}); err == nil {
			return data, n, nil
		}
	}
	return nil, 0, err
}

// takeAck lets go of what the hub committed. What of the batch it did not name is left alone for a while, so
// that one record it cannot take does not keep the others.
func (t *talker) takeAck(ids []string) {
	if len(ids) > 0 {
		if err := t.o.Outbox.Acked(ids); err != nil {
			t.o.Log.Error("acknowledged play records not removed", "err", fmt.Errorf("outbox: %w", err))
		}
	}
	for _, id := range ids {
		delete(t.batch, id)
	}
	for id := range t.batch {
		t.cool[id] = time.Now().Add(playsCoolDown)
	}
	t.batch = nil
}
