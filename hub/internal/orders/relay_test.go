package orders

import (
	"encoding/json"
	"testing"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

// peers are two hubs' lanes; what one tells the other hears at once. agent-03 is connected to the other, agent-39 to none.
func (w *world) peers() (one, other *line) {
	w.t.Helper()
	key, err := seal.NewKey()
	if err != nil {
		w.t.Fatal(err)
	}
	make := func(name string, to **line) *line {
		l := &line{key: key, got: make(chan delivery, 100)}
		l.Lane = NewLane(LaneDeps{Desk: w.Desk, Sealer: l, Reach: l, Agents: l, Tell: func(e bus.Event) {
			state, err := json.Marshal(e.State)
			if err != nil {
				w.t.Error(err)
			}
			e.From, e.State = name, json.RawMessage(state)
			(*to).hear(e)
		}})
		return l
	}
	one, other = make("one", &other), make("other", &one)
	one.fleet, other.fleet = []string{"agent-01", "agent-03"}, []string{"agent-01", "agent-03"}
	one.here, one.away = []string{"agent-01"}, "agent-03"
	other.here, other.away = []string{"agent-03"}, "agent-01"
	return one, other
}

func TestACommandReachesAnAgentOfAnotherHub(t *testing.T) {
	w := newWorld(t)
	one, other := w.peers()
	go func() {
		d := <-other.got
		other.OrderState("agent-03", wire.OrderState{SHA256: digestOf(d.envelope), Log: []string{"a line"}})
		other.OrderState("agent-03", wire.OrderState{SHA256: digestOf(d.envelope), Code: "SEAL_REPLAYED"}) // a second answer
		other.got <- d
	}()
	answer, err := one.Command(t.Context(), "agent-03", broadcast.Command{Do: broadcast.DoLog})
	if err != nil || answer.Code != "" || len(answer.Log) != 1 {
		t.Fatalf("answer %+v, %v", answer, err)
	}
	if orders, _ := other.next(t, 1); orders[0].Kind != seal.OrderCommand || orders[0].Audience.Agents[0] != "agent-03" {
		t.Errorf("sent %+v", orders[0])
	}
	if len(one.got) > 0 || len(one.asked) > 0 || len(other.passed) > 0 {
		t.Errorf("left: %d deliveries, %d questions, %d passed", len(one.got), len(one.asked), len(other.passed))
	}
	if _, err := one.Command(t.Context(), "agent-39", broadcast.Command{Do: broadcast.DoTone}); code(err) != "AGENT_OFFLINE" {
		t.Errorf("an agent of no hub: %v", err)
	}
	for range 2 * relayed {
		other.pass("agent-03", []byte("never answered"))
		<-other.got
	}
	if len(other.passed) != relayed {
		t.Errorf("%d commands wait for an answer", len(other.passed))
	}
}

func TestAnswersOfAllHubsAreCounted(t *testing.T) {
	w := newWorld(t)
	one, other := w.peers()
	b := w.write(flood())
	w.approve(b.ID)
	// answer has both lanes send the bulletin's order, and their agents answer.
	answer := func(code string) {
		t.Helper()
		for l, agent := range map[*line]string{one: "agent-01", other: "agent-03"} {
			if err := l.hurry(t.Context(), b.ID); err != nil {
				t.Fatal(err)
			}
			d := <-l.got
			l.OrderState(agent, wire.OrderState{SHA256: digestOf(d.envelope), Code: code})
		}
	}
	want := func(taken, refused int) {
		t.Helper()
		for _, l := range []*line{one, other} {
			l.tellCounts(false)
		}
		one.tellCounts(true)
		for _, l := range []*line{one, other} {
			if a, b := l.Taken(b.ID); a != taken || b != refused {
				t.Errorf("taken by %d, refused by %d, want %d and %d", a, b, taken, refused)
			}
		}
	}
	answer("")
	want(2, 0)
	if _, err := w.Cancel(t.Context(), b.ID, "", binh); err != nil {
		t.Fatal(err)
	}
	answer("SEAL_CLOCK_UNTRUSTED")
	want(0, 2)
	for i := range 3 * hurried {
		other.hear(bus.Event{From: "one", ID: string(rune('a' + i)), State: json.RawMessage(`{"count":{"kind":"live","taken":1}}`)})
	}
	if len(other.others) != hurried {
		t.Errorf("%d bulletins are kept", len(other.others))
	}
}
