package fleet

import (
	"context"
	"testing"

	"github.com/uptrace/bun"
)

// Whoever changes an agent between the merger of its area and the word of it has the last word.
func TestAnAgentIsChangedWhileItsAreaGoes(t *testing.T) {
	for name, change := range map[string]func(context.Context, *world, string) error{
		"nothing":  func(context.Context, *world, string) error { return nil },
		"moved on": func(ctx context.Context, w *world, id string) error { return w.Move(ctx, id, "xa-03") },
		"renamed":  func(ctx context.Context, w *world, id string) error { return w.Rename(ctx, id, "two") },
		"blocked":  func(ctx context.Context, w *world, id string) error { return w.Block(ctx, id) },
	} {
		t.Run(name, func(t *testing.T) {
			w, ctx := newWorld(t), t.Context()
			id := w.add(t, "xa-01", "one", 1)
			var done func()
			must(t, w.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
				_, done, err = w.MoveArea(ctx, tx, "xa-01", "Xã 1", "xa-02")
				return err
			}))
			must(t, change(ctx, w, id))
			done()
			is, err := w.Agent(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			w.Fleet.mu.Lock()
			defer w.Fleet.mu.Unlock()
			if l := w.live[id]; l.name != is.Name || l.area != is.Area || l.state != is.State || is.Area == "xa-01" {
				t.Errorf("memory has %s, %s, %s, SQL %s, %s, %s", l.name, l.area, l.state, is.Name, is.Area, is.State)
			}
		})
	}
}
