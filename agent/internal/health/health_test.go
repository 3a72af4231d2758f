package health

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/change"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parts are an agent that a test changes.
type parts struct {
	mu     sync.Mutex
	status broadcast.Status
	card   chan struct{}
	told   change.Signal
}

func (p *parts) set(f func(*broadcast.Status)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.status)
}

func (p *parts) get() broadcast.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

func (p *parts) health() *Health {
	return New(Parts{
		Software: "test",
		Now:      time.Now,
		Plan:     func() (uint64, time.Time) { return p.get().PlanVersion, p.get().PlanExpires },
		Clock:    func() broadcast.ClockStatus { return p.get().Clock },
		Cache:    func() broadcast.CacheStatus { return p.get().Cache },
		Card: func() (broadcast.CardStatus, <-chan struct{}) {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.status.Card, p.card
		},
		Playing: func() (now, next *broadcast.Sounding) { return p.get().NowPlaying, p.get().Next },
		Outbox:  func() int { return p.get().Outbox },
		Changes: []<-chan struct{}{p.told.Subscribe()},
	})
}

func TestWhatIsNotKnownIsSaid(t *testing.T) {
	s := (&parts{}).health().Status()
	if s.Clock.Trust != "unknown" || s.Cache.State != "unknown" || s.Card.State != "unknown" || s.Software != "test" {
		t.Errorf("%+v", s)
	}
}

func TestChangesAreToldAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &parts{card: make(chan struct{})}
		h := p.health()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		told := func() bool {
			synctest.Wait()
			select {
			case <-h.StatusChanged():
				return true
			default:
				return false
			}
		}
		if !told() {
			t.Error("the first status was not told")
		}
		p.set(func(s *broadcast.Status) { s.Cache.UsedBytes, s.Clock.OffsetMS = 5, 7 })
		<-time.After(3 * look)
		if told() {
			t.Error("bytes and milliseconds were told at once")
		}
		p.set(func(s *broadcast.Status) { s.Clock.Trust = "untrusted" })
		p.told.Notify()
		if !told() {
			t.Error("a change that a part told of was not told on")
		}
		p.set(func(s *broadcast.Status) { s.Card.State = "missing" })
		close(p.card)
		p.mu.Lock()
		p.card = make(chan struct{})
		p.mu.Unlock()
		<-time.After(time.Millisecond)
		if !told() {
			t.Error("a lost card was not told at once")
		}
		p.set(func(s *broadcast.Status) { s.NowPlaying = &broadcast.Sounding{Slot: "s"} })
		<-time.After(2 * look)
		if !told() {
			t.Error("a change that nobody told of was not found")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTheAmplifierIsToldWhereThereIsOne(t *testing.T) {
	if s := (&parts{}).health().Status(); s.Amplifier != nil {
		t.Errorf("%+v", s.Amplifier)
	}
	h := (&parts{}).health()
	is := broadcast.AmplifierStatus{State: "failing", Detail: "no relay"}
	h.parts.Amplifier = func() broadcast.AmplifierStatus { return is }
	before := h.Status()
	if before.Amplifier == nil || *before.Amplifier != is {
		t.Fatalf("%+v", before.Amplifier)
	}
	is.State = "on"
	if after := h.Status(); essenceOf(before) == essenceOf(after) {
		t.Error("a change of the amplifier is not worth telling")
	}
}

func TestThePageIsToldWhileItIsNotServed(t *testing.T) {
	var is *broadcast.ConsoleStatus
	h := (&parts{}).health()
	h.parts.Console = func() *broadcast.ConsoleStatus { return is }
	served := h.Status()
	if served.Console != nil {
		t.Errorf("%+v", served.Console)
	}
	is = &broadcast.ConsoleStatus{Code: "BUSY"}
	if s := h.Status(); s.Console != is || essenceOf(s) == essenceOf(served) {
		t.Errorf("%+v", s.Console)
	}
}
