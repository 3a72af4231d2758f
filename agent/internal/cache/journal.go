package cache

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/durable"
)

var (
	bucketJournal   = []byte("journal")   // slot id -> what the scheduler must know of a slot that began and has no record
	bucketDecisions = []byte("decisions") // id -> what the commune decided at this PC
)

// Journal is a part's memory of small entries by name. What it keeps is durable when the call returns.
type Journal struct {
	db     *bbolt.DB
	bucket []byte
}

// Journal gives the scheduler's journal: slots that began and have no play record yet.
func (c *Cache) Journal() Journal { return Journal{c.state, bucketJournal} }

// Decisions gives the journal of what the commune decided at this PC.
func (c *Cache) Decisions() Journal { return Journal{c.state, bucketDecisions} }

// Load gives every entry; one that is damaged on the disk has no text.
func (j Journal) Load() (map[string][]byte, error) {
	entries := map[string][]byte{}
	err := j.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(j.bucket).ForEach(func(k, v []byte) error {
			v, _ = durable.Unmark(k, v)
			entries[string(k)] = bytes.Clone(v)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", j.bucket, err)
	}
	return entries, nil
}

// Write keeps or replaces entries and drops others, in one transaction.
func (j Journal) Write(put map[string][]byte, drop []string) error {
	err := j.db.Update(func(tx *bbolt.Tx) error {
		journal := tx.Bucket(j.bucket)
		for slot, entry := range put {
			if err := journal.Put([]byte(slot), durable.Mark([]byte(slot), entry)); err != nil {
				return fmt.Errorf("put %q: %w", slot, err)
			}
		}
		for _, slot := range drop {
			if err := journal.Delete([]byte(slot)); err != nil {
				return fmt.Errorf("drop %q: %w", slot, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", j.bucket, err)
	}
	return nil
}

// Records is where the play log keeps its own: the database that nothing large is written to.
func (c *Cache) Records() *bbolt.DB { return c.state }
