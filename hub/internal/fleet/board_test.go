package fleet

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// reader follows the fleet as a page does.
type reader struct {
	mark string
	rows map[string]Agent
}

func (r *reader) read(f *Fleet, areas []string) Board {
	b := f.Since(r.mark, areas)
	if b.Whole || r.rows == nil {
		r.rows = map[string]Agent{}
	}
	for _, a := range b.Agents {
		r.rows[a.ID] = a
	}
	r.mark = b.Mark
	return b
}

func TestBoardGivesWhatIsNew(t *testing.T) {
	w := newWorld(t)
	one, two := w.add(t, "xa-01", "Loa 1", 1), w.add(t, "xa-02", "Loa 2", 2)
	var r reader
	if b := r.read(w.Fleet, nil); !b.Whole || len(r.rows) != 2 || r.rows[one].Name != "Loa 1" || r.rows[two].State != Active {
		t.Fatalf("the first look is %+v", b)
	}
	if b := r.read(w.Fleet, nil); b.Whole || len(b.Agents) != 0 {
		t.Errorf("nothing happened, and the board is %+v", b)
	}
	w.Online(two, 1, &wire.Hello{Software: "1.0"}, "")
	w.Status(two, broadcast.Status{Card: broadcast.CardStatus{State: "ok"}})
	if b := r.read(w.Fleet, nil); len(b.Agents) != 1 || !r.rows[two].Online || r.rows[two].Status.Card.State != "ok" {
		t.Errorf("after a status the board is %+v", b)
	}
	w.Status(two, broadcast.Status{Card: broadcast.CardStatus{State: "ok"}}) // the same: only its age is new
	if b := r.read(w.Fleet, nil); len(b.Agents) != 1 || !b.Agents[0].StatusAt.Equal(w.clock()) {
		t.Errorf("after the same status again the board is %+v", b)
	}
	if b := (&reader{mark: r.mark}).read(w.Fleet, []string{"xa-01"}); !b.Whole || len(b.Agents) != 1 || b.Agents[0].ID != one {
		t.Errorf("with the mark of other areas: %+v", b)
	}
	before := r.mark
	w.open(t) // another run of the hub
	r.mark = before
	if b := r.read(w.Fleet, nil); !b.Whole || len(r.rows) != 2 || r.rows[two].Status != nil {
		t.Errorf("after a restart: %+v", b)
	}
}

func TestBoardOfAnAreaForgetsWhoLeft(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	one := w.add(t, "xa-01", "Loa 1", 1)
	w.add(t, "xa-01", "Loa 2", 2)
	var r reader
	r.read(w.Fleet, []string{"xa-01"})
	if err := w.Move(ctx, one, "xa-02"); err != nil {
		t.Fatal(err)
	}
	if r.read(w.Fleet, []string{"xa-01"}); len(r.rows) != 1 {
		t.Errorf("the area still shows %d agents", len(r.rows))
	}
	if b := r.read(w.Fleet, []string{"xa-01"}); b.Whole {
		t.Error("every look after a move is at the whole fleet")
	}
}

// Whatever happens, and whichever answers are lost on the way, a reader that merges by id has what a new one would get.
func TestBoardProperty(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	w, ctx := newWorld(t), t.Context()
	areas := []string{"xa-01", "xa-02", "xa-03"}
	var ids []string
	for i := range 12 {
		ids = append(ids, w.add(t, areas[i%3], fmt.Sprint("Loa ", i), byte(i+1)))
	}
	mine := areas[:2]
	var r reader
	for step := range 300 {
		id := ids[rng.IntN(len(ids))]
		switch rng.IntN(8) {
		case 0:
			w.Online(id, uint64(step+1), &wire.Hello{Software: "1"}, "")
		case 1:
			w.Offline(id, uint64(rng.IntN(step+1)))
		case 2:
			if err := w.Move(ctx, id, areas[rng.IntN(3)]); err != nil {
				t.Fatal(err)
			}
		case 3:
			w.Since(r.mark, mine) // an answer that never arrived
		default:
			w.Status(id, broadcast.Status{Outbox: rng.IntN(5)})
		}
		if rng.IntN(4) > 0 {
			continue
		}
		r.read(w.Fleet, mine)
		var fresh reader
		fresh.read(w.Fleet, mine)
		if got, want := fmt.Sprint(r.rows), fmt.Sprint(fresh.rows); got != want {
			t.Fatalf("step %d: followed\n%s\nand read anew\n%s", step, got, want)
		}
	}
}
