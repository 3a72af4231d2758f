package app

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"sync"

	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/internal/pairing"
	"github.com/loa-vn/loa/internal/problem"
)

var (
	errPairing = problem.New("PAIR_RUNNING", 409,
		"Đang ghép với máy chủ. Hãy làm tiếp trên trang này, hoặc bấm Hủy rồi làm lại.",
		"The pairing is under way. Go on with it on this page, or press Cancel and begin again.")
	errNotPairing = problem.New("PAIR_NOT_RUNNING", 409,
		"Không có lần ghép nào đang chờ. Hãy nhập lại mã.",
		"No pairing is under way. Type the code again.")
	errPairPin = problem.New("PAIR_PIN_INVALID", 422,
		"Mã khóa của máy chủ phải gồm 64 ký tự 0-9, a-f. Hãy chép lại từ máy chủ, hoặc để trống nếu không được phát.",
		"The hub's key pin is 64 characters 0-9, a-f. Copy it again from the hub, or leave it empty if you were given none.").At("hub_pin")
	errPairBroken = problem.New("PAIR_FAILED", 500,
		"Máy này không ghép được. Hãy khởi động lại máy rồi thử lại với mã mới.",
		"This PC could not be paired. Start it again, then try with a new code.")
)

// enroller pairs an agent from its own page, the way loa-agent pair does: one pairing at a time. The page asks how it
// is going. It is used by any goroutine; Run is its owner's.
type enroller struct {
	a     *App
	asked chan console.Join // one at most

	mu     sync.Mutex
	state  console.Enrolment
	same   chan struct{} // closed when a person has found the words the same
	cancel context.CancelCauseFunc
}

func newEnroller(a *App) *enroller { return &enroller{a: a, asked: make(chan console.Join, 1)} }

// State is how the pairing is going.
func (e *enroller) State() console.Enrolment {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// Start has Run pair, or says what is wrong with what was typed.
func (e *enroller) Start(j console.Join) error {
	j = e.complete(j)
	if j.Hub == "" {
		return errNoHub
	}
	if raw, err := hex.DecodeString(j.HubPin); err != nil || len(raw) != 0 && len(raw) != 32 {
		return errPairPin
	}
	if strings.TrimSpace(j.Code) == "" {
		return errNoCode
	}
	if _, err := pairing.ParseCode(j.Code); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state.Stage != "" && e.state.Stage != console.EnrolFailed {
		return errPairing
	}
	e.state = console.Enrolment{Stage: console.EnrolAsking, Hub: j.Hub}
	e.asked <- j // empty: Run has taken what was asked before, or it would not have failed
	return nil
}

// complete takes what the settings say, which goes before what is typed: the agent will go by it later.
func (e *enroller) complete(j console.Join) console.Join {
	c := e.a.o.Config
	j.Hub, j.HubPin = strings.TrimRight(strings.TrimSpace(j.Hub), "/"), strings.ToLower(strings.TrimSpace(j.HubPin))
	if j.Hub != "" && !strings.Contains(j.Hub, "://") {
		j.Hub = "https://" + j.Hub
	}
	if c.Hub != "" {
		j.Hub = c.Hub
	}
	if c.HubPin != "" {
		j.HubPin = c.HubPin
	}
	return j
}

// Compared says whether a person found the words the same; false ends the pairing, whatever it waits for.
func (e *enroller) Compared(same bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.cancel == nil:
		return errNotPairing
	case !same:
		e.cancel(errWordsDiffer)
	case e.state.Stage == console.EnrolWords:
		e.state.Stage = console.EnrolWaiting
		close(e.same)
	}
	return nil
}

// Run pairs when it is asked to, until ctx ends.
func (e *enroller) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-e.asked:
			e.pair(ctx, j)
		}
	}
}

func (e *enroller) pair(ctx context.Context, j console.Join) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	same := make(chan struct{})
	e.mu.Lock()
	e.cancel, e.same = cancel, same
	e.mu.Unlock()
	c := e.a.o.Config
	c.Hub, c.HubPin = j.Hub, j.HubPin
	_, err := join(ctx, c, j.Code, func(words []string) bool {
		e.mu.Lock()
		e.state.Stage, e.state.Words = console.EnrolWords, words
		e.mu.Unlock()
		select {
		case <-same:
			return true
		case <-ctx.Done():
			return false
		}
	}, e.a.o.Log)
	if errors.Is(context.Cause(ctx), errWordsDiffer) {
		err = errWordsDiffer
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cancel, e.state.Words = nil, nil
	if err == nil {
		e.state.Stage = console.EnrolDone
		return
	}
	e.a.o.Log.Warn("not paired", "hub", j.Hub, "error", err)
	e.state.Stage = console.EnrolFailed
	if !errors.As(err, &e.state.Problem) {
		e.state.Problem = errPairBroken
	}
}
