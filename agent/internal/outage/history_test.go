package outage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/playlog"
	"github.com/loa-vn/loa/internal/broadcast"
)

// script is what a process does whose writes are recorded.
type script struct {
	Blobs map[broadcast.Hash][]byte
	Limit int64
	Now   time.Time
	Steps []step
}

// step is done when its mark is written.
type step struct {
	Do       string // plan, trust, fetch, journal, record, acknowledge or restart
	Envelope []byte
	Slot     string
	Entry    []byte // nil drops it
	Play     broadcast.Play
	IDs      []string
}

// process is the one that does it.
type process struct {
	script
	dir   string
	cache *cache.Cache
	log   *playlog.Log
}

// act does a script in a folder and marks each step on out.
func act(path, dir string, out io.Writer) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	p := &process{dir: dir}
	if err := json.Unmarshal(raw, &p.script); err != nil {
		return err
	}
	if err := p.open(); err != nil {
		return err
	}
	for i, s := range p.Steps {
		if err := p.do(s); err != nil {
			return fmt.Errorf("step %d, %s: %w", i, s.Do, err)
		}
		if _, err := fmt.Fprintf(out, "step %d, %s\n", i, s.Do); err != nil {
			return err
		}
	}
	return p.cache.Close()
}

func (p *process) open() (err error) {
	p.cache, p.log, err = openIn(p.dir, p.Limit, p.Now)
	return err
}

func openIn(dir string, limit int64, now time.Time) (*cache.Cache, *playlog.Log, error) {
	c, err := cache.Open(cache.Options{Dir: dir, Agent: "agent", Limit: limit, Free: func(string) (int64, error) { return 1 << 40, nil },
		Now: func() time.Time { return now }, Trusted: func() time.Time { return now }, Verified: func(time.Time) {}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	log, err := playlog.Open(c.Records())
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, log, nil
}

func (p *process) do(s step) error {
	ctx := context.Background()
	switch s.Do {
	case "plan":
		if st := p.cache.Offer(ctx, s.Envelope); st.Code != "" {
			return errors.New(st.Code)
		}
		return nil
	case "trust":
		return p.cache.OfferTrust(ctx, [][]byte{s.Envelope})
	case "fetch":
		return p.fetch(ctx)
	case "journal":
		if s.Entry == nil {
			return p.cache.Journal().Write(nil, []string{s.Slot})
		}
		return p.cache.Journal().Write(map[string][]byte{s.Slot: s.Entry}, nil)
	case "record":
		return p.log.Add(s.Play)
	case "acknowledge":
		return p.log.Acked(s.IDs)
	case "restart":
		if err := p.cache.Close(); err != nil {
			return err
		}
		return p.open()
	}
	return errors.New("no such step")
}

func (p *process) fetch(ctx context.Context) error {
	for {
		w, ok := p.cache.NextWant(func(broadcast.Hash) bool { return false })
		if !ok {
			return nil
		}
		data := p.Blobs[w.SHA256]
		end := min(int64(len(data)), w.Have+chunk)
		if err := p.cache.Put(ctx, w.SHA256, w.Have, data[w.Have:end], end == int64(len(data))); err != nil {
			return err
		}
	}
}

// promise is what must be there after a step, and after whatever happens then.
type promise struct {
	version, trust uint64
	journal        map[string]string
	outbox         []string
	whole          []broadcast.Hash
}

func (p promise) String() string {
	return fmt.Sprintf("plan %d, trust %d, journal %v, outbox %v, %d whole", p.version, p.trust, p.journal, p.outbox, len(p.whole))
}

// write keeps it for the process.
func (s script) write(dir string) (path string, err error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "script.json")
	return path, os.WriteFile(path, raw, 0o600)
}
