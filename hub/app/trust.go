package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/internal/orders"
	"github.com/loa-vn/loa/internal/durable"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

// Files of trust in the data folder.
const (
	rootKeyFile = "root-key-move-me" // to be moved to a safe place: who has it can name any other key
	trustFolder = "trust"            // trust documents by version: 00000001.json, …
)

// trustLife is long because an expired document silences every agent, and people who run communes' loudspeakers
// renew certificates late. doctor begins to warn half a year before.
const (
	trustLife = 5 * 365 * 24 * time.Hour
	trustWarn = 180 * 24 * time.Hour
)

var (
	errTrustExists = problem.New("TRUST_EXISTS", 409,
		"Máy chủ đã có văn bản tin cậy. Xem bằng: loa-hub trust show.",
		"This hub has a trust document already. See it by: loa-hub trust show.")
	errNoTrust = problem.New("TRUST_MISSING", 409,
		"Máy chủ chưa có văn bản tin cậy. Tạo bằng: loa-hub trust init.",
		"This hub has no trust document yet. Make one by: loa-hub trust init.")
	errTrustKey = problem.New("TRUST_KEY_MISSING", 500,
		"Thiếu tệp khóa hoặc khóa không đúng với văn bản tin cậy. Hãy khôi phục tệp khóa từ bản sao lưu.",
		"A key file is missing or is not the one the trust document names. Restore it from a backup.")
)

// keyName is the name of a role's key file, of its systemd credential too. The key that a rotation made has the version
// of its trust document behind it.
func keyName(role seal.Role) string { return string(role) + "-key" }

// ownRoles are those whose keys a running hub needs.
func ownRoles() []seal.Role { return []seal.Role{seal.Planner, seal.Urgent, seal.Time} }

// trust is the hub's trust documents and the keys of its roles. It is safe for concurrent use: a rotation beside a hub
// that serves is taken up by reload.
type trust struct {
	data string
	now  func() time.Time

	mu    sync.RWMutex
	chain []*seal.Trust // by version, the newest last
	keys  map[seal.Role]seal.Key
}

// loadTrust reads documents and keys; errNoTrust when there is no document.
func loadTrust(data string, now func() time.Time) (*trust, error) {
	t := &trust{data: data, now: now}
	_, err := t.reload()
	return t, err
}

// reload reads documents and keys again, and tells whether there is a newer document. After an error all stays as it was.
func (t *trust) reload() (newer bool, err error) {
	t.mu.RLock()
	known := len(t.chain)
	chain, err := trustChain(t.data, slices.Clone(t.chain))
	t.mu.RUnlock()
	if err != nil || len(chain) == known {
		return false, err
	}
	keys, roles := map[seal.Role]seal.Key{}, chain[len(chain)-1].Doc().Roles
	for _, role := range ownRoles() {
		if keys[role], err = findKey(t.data, role, roles.Of(role).Keys); err != nil {
			return false, err
		}
	}
	t.mu.Lock()
	t.chain, t.keys = chain, keys
	t.mu.Unlock()
	return true, nil
}

// trustChain reads the documents that follow a chain, and gives the whole; errNoTrust when there is none at all.
func trustChain(data string, chain []*seal.Trust) ([]*seal.Trust, error) {
	files, err := filepath.Glob(filepath.Join(data, trustFolder, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list trust documents: %w", err)
	}
	if len(files) == 0 {
		return nil, errNoTrust
	}
	slices.Sort(files)
	for _, file := range files[min(len(chain), len(files)):] {
		envelope, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read trust document: %w", err)
		}
		doc, err := follow(chain, envelope)
		if err != nil {
			return nil, fmt.Errorf("read trust document %s: %w", filepath.Base(file), err)
		}
		chain = append(chain, doc)
	}
	return chain, nil
}

// follow reads the document after a chain. Expiry is not looked at: an old document is where agents begin.
func follow(chain []*seal.Trust, envelope []byte) (*seal.Trust, error) {
	if len(chain) == 0 {
		return seal.PinTrust(envelope)
	}
	return seal.AcceptTrust(chain[len(chain)-1], envelope, time.Time{})
}

// findKey gives the key file's key that a role names: from the credentials that systemd hands over, else from the data
// folder.
func findKey(data string, role seal.Role, named []string) (seal.Key, error) {
	var errs []error
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		text, err := os.ReadFile(filepath.Join(dir, keyName(role))) // its mode is systemd's matter
		if err == nil {
			key, parsing := seal.ParseKey(text)
			if parsing == nil && slices.Contains(named, key.ID()) {
				return key, nil
			}
			errs = append(errs, parsing)
		} else if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	files, err := keyFiles(data, role)
	if err != nil {
		return seal.Key{}, err
	}
	for _, file := range files {
		key, err := seal.LoadKey(file)
		if err == nil && slices.Contains(named, key.ID()) {
			return key, nil
		}
		errs = append(errs, err)
	}
	return seal.Key{}, errTrustKey.With(errors.Join(append(errs, fmt.Errorf("no file %s has a key that the trust document names", keyName(role)))...))
}

func keyFiles(data string, role seal.Role) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(data, keyName(role)+"*"))
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return files, nil
}

func (t *trust) newest() *seal.Trust {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.chain[len(t.chain)-1]
}

func (t *trust) key(role seal.Role) seal.Key {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.keys[role]
}

// initTrust makes the first document and its keys. A run that was cut short is taken up again: keys that are
// there are used, the document comes last.
func initTrust(data string, now func() time.Time) (*trust, error) {
	if _, err := loadTrust(data, now); !errors.Is(err, errNoTrust) {
		return nil, errors.Join(errTrustExists, err)
	}
	root, err := seal.LoadOrCreateKey(filepath.Join(data, rootKeyFile))
	if err != nil {
		return nil, err
	}
	at := now().UTC().Truncate(time.Second)
	doc := seal.TrustDoc{Version: 1, IssuedAt: at, Expires: at.Add(trustLife), Keys: map[string]seal.PublicKey{}, Revoked: []string{}}
	name := func(k seal.Key) seal.RoleKeys {
		doc.Keys[k.ID()] = k.Public()
		return seal.RoleKeys{Keys: []string{k.ID()}, Threshold: 1}
	}
	doc.Roles.Root = name(root)
	for _, role := range ownRoles() {
		key, err := seal.LoadOrCreateKey(filepath.Join(data, keyName(role)))
		if err != nil {
			return nil, err
		}
		*doc.Roles.At(role) = name(key)
	}
	signed, err := seal.NewTrust(doc, root)
	if err != nil {
		return nil, err
	}
	if err := writeDurably(filepath.Join(data, trustFolder, "00000001.json"), signed.Envelope()); err != nil {
		return nil, err
	}
	return loadTrust(data, now)
}

// writeDurably writes a new file so that it is there whole or not at all.
func writeDurably(path string, text []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := durable.Replace(path, text); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(dir))
}

// rootKeyLies tells whether the root key is still on the hub.
func rootKeyLies(data string) bool {
	_, err := os.Lstat(filepath.Join(data, rootKeyFile))
	return !errors.Is(err, fs.ErrNotExist)
}

// SealHead implements planner.Sealer.
func (t *trust) SealHead(payload []byte) ([]byte, error) {
	return seal.Seal(seal.TypePlanHead, payload, t.key(seal.Planner))
}

// HeadKey implements planner.Sealer: heads of another key are sealed anew.
func (t *trust) HeadKey() string { return t.key(seal.Planner).ID() }

// OrderKey implements orders.Sealer.
func (t *trust) OrderKey() (id string, sealed orders.Sealing) {
	key := t.key(seal.Urgent)
	return key.ID(), func(o seal.Order) ([]byte, error) { return seal.SealOrder(o, key) }
}

// SignTime implements push.TimeSigner.
func (t *trust) SignTime(_ context.Context, agent string, nonce []byte) ([]byte, error) {
	return seal.SealTime(seal.SignedTime{Nonce: nonce, Time: t.now(), Agent: agent}, t.key(seal.Time))
}

// TrustsAfter implements push.Trusts.
func (t *trust) TrustsAfter(_ context.Context, version uint64) ([][]byte, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var out [][]byte
	for _, doc := range t.chain {
		if doc.Version() > version {
			out = append(out, doc.Envelope())
		}
	}
	return out, nil
}

// all gives every document; a newly paired agent pins the last one.
func (t *trust) all(ctx context.Context) ([][]byte, error) { return t.TrustsAfter(ctx, 0) }

// show is what `trust show` prints.
func (t *trust) show(data string) string {
	var b strings.Builder
	d := t.newest().Doc()
	fmt.Fprintf(&b, "trust document %d, issued %s, expires %s\n", d.Version, d.IssuedAt.Format(time.RFC3339), d.Expires.Format(time.RFC3339))
	for _, role := range []seal.Role{seal.Root, seal.Planner, seal.Urgent, seal.Time} {
		r := d.Roles.Of(role)
		fmt.Fprintf(&b, "%-8s %d of %d keys\n", role, r.Threshold, len(r.Keys))
		for _, id := range r.Keys {
			fmt.Fprintf(&b, "         %s  %s\n", id, d.Keys[id])
		}
	}
	fmt.Fprintf(&b, "revoked  %d keys\n", len(d.Revoked))
	for _, id := range d.Revoked {
		fmt.Fprintf(&b, "         %s\n", id)
	}
	if rootKeyLies(data) {
		fmt.Fprintf(&b, "ALARM    the root key lies in %s: move it to a safe place off this machine\n", filepath.Join(data, rootKeyFile))
	}
	return b.String()
}
