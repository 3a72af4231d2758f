package decisions

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/change"
	"github.com/loa-vn/loa/internal/problem"
)

const (
	// keep is how long a decision the hub has is kept: longer than any can matter, as a move reaches 7 days. Only the
	// volume holds until there is another.
	keep = 9 * 24 * time.Hour
	// most is how many decisions are kept. A stop is always taken.
	most = 1000
)

// Refusals of a decision.
var (
	ErrInvalid = problem.New("DECISION_INVALID", 422,
		"Quyết định này không hợp lệ. Hãy tải lại trang và chọn lại mục trong danh sách hôm nay.",
		"This decision is not valid. Load the page again and choose an item of today's list.")
	ErrFull = problem.New("DECISIONS_FULL", 409,
		"Máy đang giữ quá nhiều quyết định chưa gửi được về trung tâm. Hãy nối lại mạng rồi thử lại.",
		"Too many decisions wait to be sent to the hub. Connect to the network and try again.")
	ErrDisk = problem.New("DECISION_NOT_KEPT", 500,
		"Ổ đĩa không ghi được, quyết định chưa có hiệu lực. Hãy chạy loa-agent doctor.",
		"The disk does not take it: the decision does not hold. Run loa-agent doctor.")
)

// Entry is a decision with its id. Acked says that the hub has it.
type Entry struct {
	ID       string             `json:"id"`
	Decision broadcast.Decision `json:"decision"`
	Acked    bool               `json:"acked,omitempty"`
}

// Store keeps entries by id; what a call wrote is durable when it returns. cache.Journal is one.
type Store interface {
	Load() (map[string][]byte, error)
	Write(put map[string][]byte, drop []string) error
}

// Book is the commune's decisions of this PC.
type Book struct {
	store   Store
	log     *slog.Logger
	changed change.Signal
	link    <-chan struct{}

	writing sync.Mutex // one change at a time, the disk included; mu is never held while the disk works

	mu      sync.Mutex
	entries []Entry         // oldest first
	unsaved map[string]bool // ids the disk has not taken yet
	under   *broadcast.Plan // what over was made of
	over    *broadcast.Plan // nil when it must be made anew
}

// Open reads the book. An entry that makes no sense is left out and said.
func Open(store Store, log *slog.Logger) (*Book, error) {
	b := &Book{store: store, log: log.With("part", "decisions"), unsaved: map[string]bool{}}
	b.link = b.changed.Subscribe()
	kept, err := store.Load()
	if err != nil {
		return nil, fmt.Errorf("open decisions: %w", err)
	}
	for id, raw := range kept {
		var e Entry
		if err := json.Unmarshal(raw, &e); err != nil || e.ID != id || e.Decision.Check() != nil {
			b.log.Error("decision is damaged and left out", "id", id)
			continue
		}
		b.entries = append(b.entries, e)
	}
	slices.SortFunc(b.entries, func(x, y Entry) int { return cmp.Compare(x.ID, y.ID) }) // UUIDv7 sorts by time
	return b, nil
}

// Add takes a decision made at this PC; source and counter are set here. plan is the one in force, nil for none.
func (b *Book) Add(plan *broadcast.Plan, d broadcast.Decision) (Entry, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Entry{}, fmt.Errorf("make id: %w", err)
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	known := b.all()
	if plan != nil {
		known = append(known, plan.Head.Decisions...)
	}
	d.Source = "pc"
	d = d.Knowing(known)
	if err := d.Check(); err != nil {
		return Entry{}, ErrInvalid.With(err)
	}
	e := Entry{ID: id.String(), Decision: d}
	drop := b.forget(d.When)
	if d.Kind == "hold" || d.Kind == "release" {
		b.hold(e)
		b.changed.Notify() // the sound ends while the disk still works
		if err := b.save(drop); err != nil {
			b.log.Error("a stop or its end is not on the disk yet and holds all the same", "error", err)
		}
	} else if len(known) >= most {
		return Entry{}, ErrFull
	} else if err := b.save(drop, e); err != nil {
		return Entry{}, ErrDisk.With(err)
	} else {
		b.hold(e)
		b.kept(e)
		b.changed.Notify()
	}
	b.log.Info("commune decided", "kind", d.Kind, "subject", d.Subject, "who", d.Who, "until", d.Until, "reason", d.Reason)
	return e, nil
}

// hold lets a decision count from now on.
func (b *Book) hold(e Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries, b.over = append(b.entries, e), nil
	b.unsaved[e.ID] = true
}

// kept notes what the disk has taken.
func (b *Book) kept(entries ...Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range entries {
		delete(b.unsaved, e.ID)
	}
}

// Over gives a plan with the decisions of this PC laid over it; nil for nil.
func (b *Book) Over(plan *broadcast.Plan) *broadcast.Plan {
	if plan == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over == nil || b.under != plan {
		b.under, b.over = plan, plan.WithDecisions(b.decisions()...)
	}
	return b.over
}

// List gives every decision kept, oldest first.
func (b *Book) List() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.entries)
}

// Pending gives at most limit decisions the hub has not acknowledged, oldest first.
func (b *Book) Pending(limit int) []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Entry
	for _, e := range b.entries {
		if !e.Acked && len(out) < limit {
			out = append(out, e)
		}
	}
	return out
}

// Acked says that the hub has these; ids that are not known are ignored.
func (b *Book) Acked(ids []string) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	for i := range b.entries {
		if e := &b.entries[i]; slices.Contains(ids, e.ID) && !e.Acked {
			e.Acked, b.unsaved[e.ID] = true, true
		}
	}
	b.mu.Unlock()
	if err := b.save(nil); err != nil {
		return fmt.Errorf("note acknowledgement: %w", err) // sent again after the next start, which the hub bears
	}
	return nil
}

// DecisionsChanged tells when there is something new for the hub; link reads it.
func (b *Book) DecisionsChanged() <-chan struct{} { return b.link }

// Subscribe gives a channel of one's own that tells when what holds is another.
func (b *Book) Subscribe() <-chan struct{} { return b.changed.Subscribe() }

func (b *Book) all() []broadcast.Decision {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.decisions()
}

// decisions gives them without their ids. The caller holds mu.
func (b *Book) decisions() []broadcast.Decision {
	out := make([]broadcast.Decision, len(b.entries))
	for i, e := range b.entries {
		out[i] = e.Decision
	}
	return out
}

// forget lets go of what the hub has and what cannot matter any more, and gives the ids to be dropped from the disk.
func (b *Book) forget(now time.Time) (drop []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	volume := ""
	for _, e := range b.entries { // the highest counter is the last
		if e.Decision.Kind == "volume" {
			volume = e.ID
		}
	}
	b.entries = slices.DeleteFunc(b.entries, func(e Entry) bool {
		if !e.Acked || !e.Decision.When.Before(now.Add(-keep)) || e.ID == volume {
			return false
		}
		drop = append(drop, e.ID)
		delete(b.unsaved, e.ID)
		return true
	})
	return drop
}

// save writes what the disk has not taken yet, and more.
func (b *Book) save(drop []string, more ...Entry) error {
	b.mu.Lock()
	waiting := slices.DeleteFunc(slices.Clone(b.entries), func(e Entry) bool { return !b.unsaved[e.ID] })
	b.mu.Unlock()
	put := map[string][]byte{}
	for _, e := range slices.Concat(waiting, more) {
		raw, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode decision: %w", err)
		}
		put[e.ID] = raw
	}
	if len(put) == 0 && len(drop) == 0 {
		return nil
	}
	if err := b.store.Write(put, drop); err != nil {
		return err
	}
	b.kept(waiting...)
	return nil
}
