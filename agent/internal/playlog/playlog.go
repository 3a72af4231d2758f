// Package playlog is the durable outbox of what was really played: it takes one play record for each slot
// from the scheduler, keeps it in the agent's state database, and gives it to link until the hub has
// acknowledged that very id. A slot has one record for ever: a second one is ignored. Records the hub has are
// kept for a while longer, for the console and so that the scheduler knows which slots are settled.
//
// What Add returned from is durable. All methods are safe for concurrent use.
package playlog

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/change"
	"github.com/loa-vn/loa/internal/durable"
)

var (
	bucketPlays  = []byte("plays")  // slot -> record, marked
	bucketOutbox = []byte("outbox") // sequence -> slot, in the order in which the records were made
	bucketIDs    = []byte("ids")    // id of a record in the outbox -> sequence
)

// Keep is how long an acknowledged record stays: longer than a plan, whose slots must stay settled.
const Keep = 40 * 24 * time.Hour

// DB is where the records live; *bbolt.DB is one.
type DB interface {
	View(func(*bbolt.Tx) error) error
	Update(func(*bbolt.Tx) error) error
}

// Log is the play log.
type Log struct {
	db      DB
	pending atomic.Int64
	changed change.Signal
	link    <-chan struct{}
}

// Open makes the buckets.
func Open(db DB) (*Log, error) {
	l := &Log{db: db}
	l.link = l.changed.Subscribe()
	err := db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketPlays, bucketOutbox, bucketIDs} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return fmt.Errorf("create bucket %s: %w", name, err)
			}
		}
		return tx.Bucket(bucketOutbox).ForEach(func(_, _ []byte) error { l.pending.Add(1); return nil })
	})
	if err != nil {
		return nil, fmt.Errorf("open play log: %w", err)
	}
	return l, nil
}

// Add keeps records, in one transaction. A slot that has a record keeps the one it has.
func (l *Log) Add(records ...broadcast.Play) error {
	added := int64(0)
	err := l.db.Update(func(tx *bbolt.Tx) error {
		added = 0
		for _, r := range records {
			fresh, err := add(tx, r)
			if err != nil {
				return err
			}
			if fresh {
				added++
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep play record: %w", err)
	}
	if added > 0 {
		l.pending.Add(added)
		l.changed.Notify()
	}
	return nil
}

func add(tx *bbolt.Tx, r broadcast.Play) (fresh bool, err error) {
	if r.ID == "" || r.Slot == "" {
		return false, errors.New("a play record has no id or no slot")
	}
	plays, outbox := tx.Bucket(bucketPlays), tx.Bucket(bucketOutbox)
	if plays.Get([]byte(r.Slot)) != nil {
		return false, nil
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return false, fmt.Errorf("encode play record: %w", err)
	}
	seq, err := outbox.NextSequence()
	if err != nil {
		return false, fmt.Errorf("number play record: %w", err)
	}
	key := binary.BigEndian.AppendUint64(nil, seq)
	return true, errors.Join(plays.Put([]byte(r.Slot), durable.Mark([]byte(r.Slot), raw)), outbox.Put(key, []byte(r.Slot)), tx.Bucket(bucketIDs).Put([]byte(r.ID), key))
}

// Pending gives at most limit records the hub has not acknowledged, oldest first, except what skip says.
func (l *Log) Pending(limit int, skip func(id string) bool) ([]broadcast.Play, error) {
	var out []broadcast.Play
	err := l.db.View(func(tx *bbolt.Tx) error {
		plays, cur := tx.Bucket(bucketPlays), tx.Bucket(bucketOutbox).Cursor()
		for k, slot := cur.First(); k != nil && len(out) < limit; k, slot = cur.Next() {
			r, ok := parse(slot, plays.Get(slot))
			if ok && (skip == nil || !skip(r.ID)) {
				out = append(out, r)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read play log: %w", err)
	}
	return out, nil
}

// parse reads a record. bbolt does not protect values: one that is damaged must not hold up the others, and
// its slot stays settled.
func parse(slot, raw []byte) (broadcast.Play, bool) {
	var r broadcast.Play
	text, ok := durable.Unmark(slot, raw)
	if !ok || json.Unmarshal(text, &r) != nil {
		return broadcast.Play{Slot: string(slot)}, false
	}
	return r, true
}

// Acked takes records out of the outbox; ids that are not in it are ignored.
func (l *Log) Acked(ids []string) error {
	removed := int64(0)
	err := l.db.Update(func(tx *bbolt.Tx) error {
		removed = 0
		outbox, known := tx.Bucket(bucketOutbox), tx.Bucket(bucketIDs)
		for _, id := range ids {
			key := known.Get([]byte(id))
			if key == nil {
				continue
			}
			if err := errors.Join(outbox.Delete(key), known.Delete([]byte(id))); err != nil {
				return err
			}
			removed++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note acknowledgement: %w", err)
	}
	if removed > 0 {
		l.pending.Add(-removed)
		l.changed.Notify()
	}
	return nil
}

// OutboxChanged tells when the outbox is another; link reads it.
func (l *Log) OutboxChanged() <-chan struct{} { return l.link }

// Subscribe gives a channel of one's own that tells the same.
func (l *Log) Subscribe() <-chan struct{} { return l.changed.Subscribe() }

// Len is how many records the hub has not acknowledged.
func (l *Log) Len() int { return int(l.pending.Load()) }

// Has tells whether a slot has its record.
func (l *Log) Has(slot string) (bool, error) {
	has := false
	err := l.db.View(func(tx *bbolt.Tx) error {
		has = tx.Bucket(bucketPlays).Get([]byte(slot)) != nil
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("read play log: %w", err)
	}
	return has, nil
}

// Each calls do for every record kept, in the order of slot ids, until do says no.
func (l *Log) Each(do func(broadcast.Play) bool) error {
	stop := errors.New("stop")
	err := l.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketPlays).ForEach(func(slot, raw []byte) error {
			if r, _ := parse(slot, raw); !do(r) {
				return stop
			}
			return nil
		})
	})
	if err != nil && !errors.Is(err, stop) {
		return fmt.Errorf("read play log: %w", err)
	}
	return nil
}

// Prune forgets acknowledged records of slots that were planned to end before now less Keep.
func (l *Log) Prune(now time.Time) error {
	err := l.db.Update(func(tx *bbolt.Tx) error {
		plays, known := tx.Bucket(bucketPlays), tx.Bucket(bucketIDs)
		var old [][]byte
		err := plays.ForEach(func(slot, raw []byte) error {
			if r, ok := parse(slot, raw); ok && r.PlannedEnd.Before(now.Add(-Keep)) && known.Get([]byte(r.ID)) == nil {
				old = append(old, append([]byte(nil), slot...))
			}
			return nil
		})
		for _, slot := range old {
			err = errors.Join(err, plays.Delete(slot))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("prune play log: %w", err)
	}
	return nil
}
