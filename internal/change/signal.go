// Package change is how a part of the agent tells any number of others that its state is another than
// before: it takes Notify from the part that owns the state and gives each subscriber a channel of capacity
// one. It carries no data and holds no queue: several changes before a reader comes are one, and a reader
// that reads the state after it received misses nothing. Safe for concurrent use.
package change

import (
	"context"
	"sync"
)

// Signal is ready to use as its zero value.
type Signal struct {
	mu   sync.Mutex
	subs []chan struct{}
}

// Subscribe gives a channel, for one reader and for as long as the Signal lives.
func (s *Signal) Subscribe() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := make(chan struct{}, 1)
	s.subs = append(s.subs, ch)
	return ch
}

// Notify wakes every subscriber; it never blocks.
func (s *Signal) Notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ch := range s.subs {
		select {
		case ch <- struct{}{}:
		default: // it has one to read already
		}
	}
}

// Merge gives one channel that is ready after any of many was, until ctx ends; the function waits until nothing of it runs any more.
func Merge(ctx context.Context, from ...<-chan struct{}) (<-chan struct{}, func()) {
	to := make(chan struct{}, 1)
	var running sync.WaitGroup
	for _, ch := range from {
		running.Go(func() { forward(ctx, ch, to) })
	}
	return to, running.Wait
}

func forward(ctx context.Context, from <-chan struct{}, to chan<- struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-from:
		}
		select {
		case to <- struct{}{}:
		default: // it has one to read already
		}
	}
}
