package store

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// togetherTime bounds what is done for many; who waits for it does not end it for the others.
const togetherTime = 30 * time.Second

// errUndone is what all get whose leader panicked.
var errUndone = errors.New("what was asked for was not done")

// Together has what waits at the same time done at once: when a line comes back to a province, ten thousand agents ask and
// deliver within seconds, and a statement or a commit for each would let most of them wait in vain. Nobody waits for
// company: one alone is done at once. Of those who wait one leads: it does the first of them, and then hands on.
type Together[T any] struct {
	Most int // at once

	mu      sync.Mutex
	waiting []*waiter[T] // the first leads
}

type waiter[T any] struct {
	item T
	turn chan turn
}

// turn ends a wait: to lead, or done.
type turn struct {
	lead bool
	err  error
}

// Do returns when item was among the items of a call of do, whose error is for all of them. All callers give the same do;
// its context has the values of one of them.
func (t *Together[T]) Do(ctx context.Context, item T, do func(ctx context.Context, items []T) error) error {
	w := &waiter[T]{item: item, turn: make(chan turn, 1)}
	t.mu.Lock()
	t.waiting = append(t.waiting, w)
	first := len(t.waiting) == 1
	t.mu.Unlock()
	if first {
		runtime.Gosched() // who is about to come may
	} else if is := <-w.turn; !is.lead {
		return is.err
	}
	return t.lead(ctx, do)
}

func (t *Together[T]) lead(ctx context.Context, do func(ctx context.Context, items []T) error) (err error) {
	t.mu.Lock()
	group := t.waiting[:min(len(t.waiting), t.Most)]
	t.mu.Unlock()
	items := make([]T, len(group))
	for i, w := range group {
		items[i] = w.item
	}
	err = errUndone
	defer func() { t.handOn(group, err) }()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), togetherTime)
	defer cancel()
	err = do(ctx, items)
	return err
}

func (t *Together[T]) handOn(group []*waiter[T], err error) {
	t.mu.Lock()
	t.waiting = slices.Clone(t.waiting[len(group):])
	var next *waiter[T]
	if len(t.waiting) > 0 {
		next = t.waiting[0]
	}
	t.mu.Unlock()
	for _, w := range group[1:] {
		w.turn <- turn{err: err}
	}
	if next != nil {
		next.turn <- turn{lead: true}
	}
}
