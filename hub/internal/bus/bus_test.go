package bus

import (
	"fmt"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// See serve: of each server one goroutine waits for what never comes.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).StartRouting"))
}

func TestLocal(t *testing.T) { contract(t, func(*testing.T) Bus { return NewLocal() }) }

// contract is what every Bus must keep; open gives a new, empty one.
func contract(t *testing.T, open func(*testing.T) Bus) {
	t.Run("topics are kept apart, order is kept", func(t *testing.T) {
		b := open(t)
		plans, all := b.Subscribe(Plan), b.Subscribe()
		defer plans.Close()
		defer all.Close()
		for i := range 3 {
			b.Publish(Event{Topic: Plan, Agent: fmt.Sprint(i)})
			b.Publish(Event{Topic: Agent, Agent: fmt.Sprint(i)})
		}
		for i := range 3 {
			if e := <-plans.C(); e.Topic != Plan || e.Agent != fmt.Sprint(i) {
				t.Fatalf("plan event %d is %+v", i, e)
			}
			for _, want := range []Topic{Plan, Agent} {
				if e := <-all.C(); e.Topic != want || e.Agent != fmt.Sprint(i) {
					t.Fatalf("event %d is %+v, want %s", i, e, want)
				}
			}
		}
	})
	t.Run("a slow subscriber blocks nobody and is told once", func(t *testing.T) {
		b := open(t)
		slow := b.Subscribe(Play)
		for i := range 3 * slow.depth {
			b.Publish(Event{Topic: Play, ID: fmt.Sprint(i)})
		}
		for i := range slow.depth {
			if e := <-slow.C(); e.ID != fmt.Sprint(i) {
				t.Fatalf("event %d is %+v", i, e)
			}
		}
		if e := <-slow.C(); e.Topic != Lagged {
			t.Fatalf("after the last event that fitted comes %+v, want lagged", e)
		}
		b.Publish(Event{Topic: Play, ID: "after"})
		slow.Close()
		if e := <-slow.C(); e.ID != "after" {
			t.Fatalf("after lagging comes %+v", e)
		}
		if e, ok := <-slow.C(); ok {
			t.Fatalf("a closed subscription gives %+v", e)
		}
	})
	t.Run("closing while others publish", func(t *testing.T) {
		b := open(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 200 {
					b.Publish(Event{Topic: Alarm})
				}
			})
			wg.Go(func() {
				for range 50 {
					s := b.Subscribe(Alarm)
					s.Close()
					s.Close()
				}
			})
		}
		wg.Wait()
	})
}
