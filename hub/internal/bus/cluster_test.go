package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/loa-vn/loa/internal/problem"
)

const patience = 20 * time.Second

// outsideNATS is a NATS server as others run it.
func outsideNATS(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS does not start")
	}
	return s.ClientURL()
}

// kind makes the bus of a hub, "one" or "other", on one of the two kinds of NATS.
type kind func(hub string) (*Cluster, error)

// kinds are both, each with what the hubs need.
var kinds = map[string]func(*testing.T) kind{
	"a server of others": func(t *testing.T) kind {
		address := outsideNATS(t)
		return func(hub string) (*Cluster, error) { return NewCluster(address, hub, slog.New(slog.DiscardHandler)) }
	},
	"servers of their own": func(t *testing.T) kind {
		at, key := map[string]string{"one": freeAddr(t), "other": freeAddr(t)}, newKey(t)
		return func(hub string) (*Cluster, error) {
			return NewOwn(Own{Listen: at[hub], Hubs: []string{at["one"], at["other"]}, Key: key}, hub, slog.New(slog.DiscardHandler))
		}
	},
}

// onBoth runs a test on each kind.
func onBoth(t *testing.T, test func(*testing.T, kind)) {
	for name, open := range kinds {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// join is a hub's bus that runs until stop.
func join(t *testing.T, open kind, hub string) (c *Cluster, stop func()) {
	t.Helper()
	c, err := open(hub)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return c, stop
}

func next(t *testing.T, s *Subscription, want func(Event) bool) Event {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e := <-s.C():
			if want(e) {
				return e
			}
		case <-deadline:
			t.Fatal("the event does not come")
		}
	}
}

func TestCluster(t *testing.T) {
	onBoth(t, func(t *testing.T, open kind) {
		t.Run("alone it is as the local one", func(t *testing.T) {
			contract(t, func(t *testing.T) Bus { c, _ := join(t, open, "one"); return c })
		})
		t.Run("two hubs", func(t *testing.T) { twoHubs(t, open) })
	})
}

func twoHubs(t *testing.T, open kind) {
	one, _ := join(t, open, "one")
	heard := one.Subscribe(Agent)
	defer heard.Close()
	other, stop := join(t, open, "other")
	next(t, heard, func(e Event) bool { return e.Topic == Lagged }) // a hub that comes may have said something before
	here := other.Subscribe(Agent, Roll)
	defer here.Close()
	for i := range 100 {
		other.Publish(Event{Topic: Agent, ID: fmt.Sprint(i), Data: map[string]int{"n": i}, State: []int{i}})
		if e := next(t, here, func(e Event) bool { return e.Topic == Agent }); e.From != "" || e.ID != fmt.Sprint(i) {
			t.Fatalf("at home: %+v", e)
		}
	}
	for i := range 100 {
		e := next(t, heard, func(e Event) bool { return e.Topic == Agent })
		data, _ := json.Marshal(e.Data)
		if e.From != "other" || e.ID != fmt.Sprint(i) || string(data) != fmt.Sprintf(`{"n":%d}`, i) || fmt.Sprintf("%s", e.State) != fmt.Sprintf("[%d]", i) {
			t.Fatalf("event %d at the other hub: %+v", i, e)
		}
	}
	one.Publish(Event{Topic: Roll})
	next(t, here, func(e Event) bool { return e.Topic == Roll && e.From == "one" })

	other.mu.Lock()
	other.said += 3 // that got lost on the way
	other.mu.Unlock()
	next(t, heard, func(e Event) bool { return e.Topic == Lagged })
	if peers := one.Peers(); fmt.Sprint(peers) != "[other]" {
		t.Errorf("peers %v", peers)
	}
	stop()
	next(t, heard, func(e Event) bool { return e.Topic == Lagged })
	if peers := one.Peers(); len(peers) != 0 {
		t.Errorf("peers %v after the end", peers)
	}
}

// What SQL says that another hub told is read anew when the bus did not bring it, once.
func TestClusterLosesNews(t *testing.T) { onBoth(t, losesNews) }

func losesNews(t *testing.T, open kind) {
	one, _ := join(t, open, "one")
	heard := one.Subscribe(Plan)
	defer heard.Close()
	other, stop := join(t, open, "other")
	next(t, heard, func(e Event) bool { return e.Topic == Lagged }) // they know of each other
	// lost tells whether subscribers get Lagged when that much is said to have been told.
	lost := func(news int64) bool {
		t.Helper()
		one.Told("other", news)
		one.Local.Publish(Event{Topic: Plan, ID: "mark"})
		lagged := false
		next(t, heard, func(e Event) bool { lagged = lagged || e.Topic == Lagged; return e.ID == "mark" })
		return lagged
	}
	other.Publish(Event{Topic: Plan, ID: "news"})
	next(t, heard, func(e Event) bool { return e.ID == "news" })
	if lost(other.News()) {
		t.Error("what came is read anew")
	}
	before := other.News()
	other.Publish(Event{Topic: Agent, State: []int{1}})
	other.Publish(Event{Topic: Play})
	if other.News() != before {
		t.Error("what agents say of themselves is news")
	}
	stop()
	next(t, heard, func(e Event) bool { return e.Topic == Lagged })
	other.Publish(Event{Topic: Plan}) // nobody is there to bring it
	if !lost(other.News()) || lost(other.News()) {
		t.Error("what did not come is read anew once")
	}
	again, err := open("other")
	if err != nil || again.News() <= other.News() {
		t.Errorf("a hub that starts again tells %d, before %d, %v", again.News(), other.News(), err)
	}
}

func TestClusterIsRefusedPlainly(t *testing.T) {
	for name, address := range map[string]string{
		"options that cannot be read": "nats://loa:secret@127.0.0.1:4222?ca=%zz",
	} {
		t.Run(name, func(t *testing.T) {
			var p *problem.Error
			_, err := NewCluster(address, "one", slog.New(slog.DiscardHandler))
			if !errors.As(err, &p) || p.Code != "BUS_FAILED" || strings.Contains(err.Error(), "secret@") {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestAHubInAnotherLifeIsNotTakenForTheOldOne: killed and back before it is missed, it counts from anew what it says, and what it
// said before anybody could hear it must not be taken for heard.
func TestAHubInAnotherLifeIsNotTakenForTheOldOne(t *testing.T) {
	hear := func(c *Cluster, m message) {
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		c.hear(data)
	}
	log := slog.New(slog.DiscardHandler)
	one, _ := newCluster("one", log)
	other, _ := newCluster("other", log)
	other.Tell(Event{Topic: Plan, ID: "first"})
	hear(one, <-other.out)
	heard := one.Subscribe(Plan)
	defer heard.Close()
	other, _ = newCluster("other", log)
	other.Tell(Event{Topic: Plan, ID: "lost"})
	<-other.out
	other.Tell(Event{Topic: Plan, ID: "second"})
	hear(one, <-other.out)
	if e := <-heard.C(); e.Topic != Lagged {
		t.Errorf("heard %+v, and not that one is missing", e)
	}
}
