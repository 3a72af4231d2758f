package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/durable"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

var (
	bucketHeads = []byte("heads") // active, pending -> storedHead; trust -> envelope; marked: floors -> seal.Floors, orders -> []hurried
	keyActive   = []byte("active")
	keyPending  = []byte("pending")
	keyFloors   = []byte("floors")
	keyTrust    = []byte("trust")
	keyOrders   = []byte("orders")
)

func stateBuckets() [][]byte {
	return [][]byte{bucketHeads, bucketParts, bucketJournal, bucketDecisions}
}

const (
	trustFile = "trust.json"
	floorFile = "floors"
)

var (
	errNotPaired = problem.New("AGENT_NOT_PAIRED", 409,
		"Cụm loa này chưa được ghép với máy chủ. Chạy: loa-agent pair --hub ĐỊA_CHỈ --code MÃ.",
		"This agent is not paired with a hub. Run: loa-agent pair --hub ADDRESS --code CODE.")
	errFloorsLost = problem.New("AGENT_FLOORS_LOST", 500,
		"Dữ liệu chống phát lại của cụm loa bị hỏng ở cả hai nơi lưu. Ghép lại cụm loa với máy chủ.",
		"Both copies of the agent's record of accepted plans are damaged. Pair the agent with its hub again.")
)

// storedHead is a head as state.db keeps it. The hash finds damage; the signatures were verified when it came.
type storedHead struct {
	Envelope []byte         `json:"envelope"`
	SHA256   broadcast.Hash `json:"sha256"`
	Payload  []byte         `json:"payload"`
	PaySHA   broadcast.Hash `json:"payload_sha256"`
}

// Pin keeps a trust document for a data folder without one, at pairing.
func Pin(dir string, envelope []byte) error {
	if _, err := seal.PinTrust(envelope); err != nil {
		return fmt.Errorf("pin trust document: %w", err)
	}
	return durable.Replace(filepath.Join(dir, trustFile), envelope)
}

// loadPlans reads trust document, floors and heads. What the disk lost of the plan is fetched again.
func (c *Cache) loadPlans(rebuilt bool) error {
	stored := map[string][]byte{}
	err := fenced(func() error {
		return c.state.View(func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketHeads).ForEach(func(k, v []byte) error {
				stored[string(k)] = bytes.Clone(v)
				return nil
			})
		})
	})
	if err != nil {
		return fmt.Errorf("read heads: %w", err)
	}
	if err := c.loadTrust(stored[string(keyTrust)]); err != nil {
		return err
	}
	behind, err := c.loadFloors(stored[string(keyFloors)], rebuilt)
	if err != nil {
		return err
	}
	for key, into := range map[string]**held{string(keyActive): &c.plans.active, string(keyPending): &c.plans.pending} {
		if raw := stored[key]; raw != nil {
			h, err := readHead(raw)
			if err != nil {
				c.o.Log.Error("head is damaged on the disk", "which", key, "error", err)
				continue
			}
			*into = h
			c.o.Verified(h.doc.IssuedAt)
		}
	}
	if newest := c.plans.newest(); newest != nil && newest.doc.Version < c.plans.floors.Head.Version {
		c.o.Log.Error("plan on the disk is older than one accepted before: it plays without its bulletins", "version", newest.doc.Version)
		for _, h := range []*held{c.plans.active, c.plans.pending} {
			if h != nil {
				h.doc.Bulletins = nil // they may have been taken back since, and nothing else would silence them
			}
		}
	}
	if a := c.plans.active; a != nil {
		plan, code := c.assemble(a)
		if a.plan = plan; plan == nil {
			// Parts of it are damaged: it waits like a new one until they are here again.
			c.o.Log.Error("active plan is not complete on the disk", "version", a.doc.Version, "code", code)
			c.plans.active = nil
			if c.plans.pending == nil {
				a.code = code
				c.plans.pending = a
			}
		}
	}
	c.loadOrders(stored[string(keyOrders)], behind)
	c.dropRevoked(c.plans.trust) // the power may have gone between the trust document and this
	c.advance()
	return nil
}

func (c *Cache) loadTrust(mirror []byte) error {
	envelope, err := os.ReadFile(filepath.Join(c.o.Dir, trustFile))
	if errors.Is(err, os.ErrNotExist) && mirror == nil {
		return errNotPaired
	}
	var trust *seal.Trust
	if err == nil {
		trust, err = seal.PinTrust(envelope)
	}
	if err != nil && mirror != nil {
		c.o.Log.Error("trust document's file is damaged, taking its copy", "error", err)
		trust, err = seal.PinTrust(mirror)
	}
	if err != nil {
		return fmt.Errorf("read trust document: %w", err)
	}
	if !bytes.Equal(mirror, trust.Envelope()) {
		err := c.state.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketHeads).Put(keyTrust, trust.Envelope()) })
		if err != nil {
			c.o.Log.Warn("trust document has no copy", "error", err)
		}
	}
	c.plans.trust = trust
	c.o.Verified(trust.Doc().IssuedAt)
	return nil
}

// loadFloors takes the higher of database and file. The database is written first: behind says that it has forgotten an order
// that the file knows.
func (c *Cache) loadFloors(raw []byte, rebuilt bool) (behind bool, err error) {
	var inDB seal.Floors
	if raw != nil {
		text, ok := durable.Unmark(keyFloors, raw)
		if !ok || json.Unmarshal(text, &inDB) != nil {
			c.o.Log.Error("floors are damaged in the database")
			rebuilt = true
		}
	}
	path := filepath.Join(c.o.Dir, floorFile)
	file, err := seal.OpenFloorFile(path)
	if seal.CodeOf(err) == seal.FloorFileDamaged {
		if rebuilt || raw == nil {
			return false, errFloorsLost.With(err)
		}
		c.o.Log.Error("floor file is damaged, taking the database's floors", "error", err)
		if err := os.Rename(path, path+".damaged"); err != nil {
			return false, fmt.Errorf("set floor file aside: %w", err)
		}
		file, err = seal.OpenFloorFile(path)
	}
	if err != nil {
		return false, fmt.Errorf("open floors: %w", err)
	}
	c.floorFile = file
	for key, sequence := range file.Floors().Orders {
		behind = behind || sequence > inDB.Orders[key]
	}
	c.plans.floors = file.Floors().Merge(inDB).Merge(seal.Floors{Trust: c.plans.trust.Floor()})
	return behind, file.Raise(c.plans.floors)
}

func readHead(raw []byte) (*held, error) {
	var s storedHead
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("parse head: %w", err)
	}
	if hashOf(s.Envelope) != s.SHA256 || hashOf(s.Payload) != s.PaySHA {
		return nil, errors.New("head does not have its hash")
	}
	doc, err := seal.Strict[broadcast.Head](s.Payload, seal.MaxPlanHead)
	if err != nil {
		return nil, fmt.Errorf("parse head: %w", err)
	}
	return &held{doc: doc, envelope: s.Envelope}, nil
}

func storeHead(doc broadcast.Head, envelope []byte) ([]byte, error) {
	payload, err := seal.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encode head: %w", err)
	}
	raw, err := json.Marshal(storedHead{Envelope: envelope, SHA256: hashOf(envelope), Payload: payload, PaySHA: hashOf(payload)})
	if err != nil {
		return nil, fmt.Errorf("encode head: %w", err)
	}
	return raw, nil
}

// commitHead makes a new head and its floor durable, in one transaction and in the floor file, before anything
// acts on them.
func (c *Cache) commitHead(floors seal.Floors, doc broadcast.Head, envelope []byte) error {
	raw, err := storeHead(doc, envelope)
	if err != nil {
		return err
	}
	return c.commit(floors, keyPending, raw)
}

func (c *Cache) commitTrust(floors seal.Floors, trust *seal.Trust) error {
	if err := durable.Replace(filepath.Join(c.o.Dir, trustFile), trust.Envelope()); err != nil {
		return err
	}
	return c.commit(floors, keyTrust, trust.Envelope())
}

func (c *Cache) commit(floors seal.Floors, key, value []byte) error {
	rawFloors, err := json.Marshal(floors)
	if err != nil {
		return fmt.Errorf("encode floors: %w", err)
	}
	err = c.state.Update(func(tx *bbolt.Tx) error {
		heads := tx.Bucket(bucketHeads)
		return errors.Join(heads.Put(keyFloors, durable.Mark(keyFloors, rawFloors)), heads.Put(key, value))
	})
	c.mu.Lock()
	c.noteWrite(err)
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("commit document: %w", err)
	}
	return c.floorFile.Raise(floors)
}

// commitActive notes that a head is the one to go by and drops parts that no head names any more.
func (c *Cache) commitActive(h *held) error {
	raw, err := storeHead(h.doc, h.envelope)
	if err != nil {
		return err
	}
	named := c.namedParts(h)
	return c.state.Update(func(tx *bbolt.Tx) error {
		heads, parts := tx.Bucket(bucketHeads), tx.Bucket(bucketParts)
		err := heads.Put(keyActive, raw)
		if bytes.Equal(heads.Get(keyPending), raw) { // else a newer one has come meanwhile
			err = errors.Join(err, heads.Delete(keyPending))
		}
		if err != nil {
			return fmt.Errorf("note active head: %w", err)
		}
		var old [][]byte
		err = parts.ForEach(func(k, _ []byte) error {
			if !named[string(k)] {
				old = append(old, bytes.Clone(k))
			}
			return nil
		})
		for _, k := range old {
			err = errors.Join(err, parts.Delete(k))
		}
		return err
	})
}

// namedParts are the parts a head names, and forgets in memory what it does not.
func (c *Cache) namedParts(h *held) map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	named, audio := map[string]bool{}, map[broadcast.Hash]bool{}
	name := func(hash broadcast.Hash) {
		if raw, err := rawHash(hash); err == nil {
			named[string(raw)] = true
		}
	}
	items := bulletinItems(h.doc)
	items = append(items, c.orderedItems()...)
	days := map[broadcast.Hash]*broadcast.Day{}
	for _, ref := range h.doc.Days {
		name(ref.Hash)
		if day := c.plans.days[ref.Hash]; day != nil {
			days[ref.Hash] = day
			for _, cand := range day.Candidates {
				items = append(items, cand.Items...)
			}
		}
	}
	for _, it := range items {
		name(it.Manifest)
		audio[it.Audio] = true
	}
	for hash := range c.plans.manifests {
		if !audio[hash] {
			delete(c.plans.manifests, hash)
		}
	}
	c.plans.days = days
	c.plans.present = map[broadcast.Hash]bool{}
	return named
}
