package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/loa-vn/loa/internal/broadcast"
)

// compacted is what the recorded process needs.
type compacted struct {
	Blobs map[broadcast.Hash][]byte
	Plans [][]byte
	Drop  broadcast.Hash
}

// compactSteps is the recorded process: it fetches two reports, drops one, compacts, and fetches a third.
func compactSteps(path, dir string, out io.Writer) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var what compacted
	if err := json.Unmarshal(raw, &what); err != nil {
		return err
	}
	r := &rig{dir: dir, limit: 1 << 30}
	r.free.Store(1 << 40)
	c, err := Open(r.options())
	if err != nil {
		return err
	}
	fetch := func(plan int) error {
		if st := c.Offer(context.Background(), what.Plans[plan]); st.Code != "" {
			return errors.New(st.Code)
		}
		for {
			w, ok := c.NextWant(never)
			if !ok {
				return nil
			}
			data := what.Blobs[w.SHA256]
			end := min(int64(len(data)), w.Have+chunk)
			if err := c.Put(context.Background(), w.SHA256, w.Have, data[w.Have:end], end == int64(len(data))); err != nil {
				return err
			}
		}
	}
	for _, step := range []func() error{
		func() error { return fetch(0) },
		func() error {
			if !c.drop(what.Drop) {
				return errors.New("not dropped")
			}
			return nil
		},
		func() error { return c.compact(context.Background()) },
		func() error { return fetch(1) },
		func() error { return c.compact(context.Background()) },
	} {
		if err := step(); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, "done"); err != nil {
			return err
		}
	}
	return c.Close()
}
