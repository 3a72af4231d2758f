package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// Everything is done once, at most so many at a time; who comes while something is done is done together with the others.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const all, most = 100, 8
		together := Together[int]{Most: most}
		var groups [][]int
		gate := make(chan struct{})
		do := func(_ context.Context, items []int) error {
			<-gate
			groups = append(groups, slices.Clone(items)) // never two at a time
			return nil
		}
		var wg sync.WaitGroup
		ask := func(n int) {
			wg.Go(func() {
				if err := together.Do(t.Context(), n, do); err != nil {
					t.Error(err)
				}
			})
		}
		ask(0)
		synctest.Wait()
		for n := range all - 1 {
			ask(1 + n)
		}
		synctest.Wait()
		close(gate)
		wg.Wait()
		var done []int
		for i, g := range groups {
			if want := min(most, max(1, i*most)); i < len(groups)-1 && len(g) != want {
				t.Errorf("group %d has %d, want %d", i, len(g), want)
			}
			done = append(done, g...)
		}
		slices.Sort(done)
		for n := range all {
			if len(done) != all || done[n] != n {
				t.Fatalf("done %v", done)
			}
		}
		if len(together.waiting) != 0 {
			t.Errorf("%d still wait", len(together.waiting))
		}
	})
}

// The error is everybody's of the group and nobody else's, whoever gives up waiting ends nothing, and a panic leaves nobody waiting.
func TestTogetherFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		together := Together[string]{Most: 2}
		gate := make(chan struct{})
		broken := errors.New("broken")
		do := func(ctx context.Context, items []string) error {
			<-gate
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case slices.Contains(items, "panic"):
				panic("planted")
			case slices.Contains(items, "bad"):
				return broken
			}
			return nil
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		got := map[string]error{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, item := range []string{"first", "bad", "beside bad", "good", "beside good", "panic", "beside panic", "last"} {
			wg.Go(func() {
				err := errors.New("panicked")
				defer func() {
					cause := recover()
					mu.Lock()
					defer mu.Unlock()
					got[item] = err
					if (cause != nil) != (item == "panic") {
						t.Errorf("%s: panic %v", item, cause)
					}
				}()
				err = together.Do(gone, item, do)
			})
			synctest.Wait()
		}
		close(gate)
		wg.Wait()
		want := "map[bad:broken beside bad:broken beside good:<nil> beside panic:" + errUndone.Error() + " first:<nil> good:<nil> last:<nil> panic:panicked]"
		if fmt.Sprint(got) != want {
			t.Errorf("got  %v\nwant %s", got, want)
		}
	})
}
