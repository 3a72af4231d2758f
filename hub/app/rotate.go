package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/durable"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

var (
	errRootKey = problem.New("TRUST_ROOT_KEY", 400,
		"Khóa gốc trong tệp này không phải là khóa mà văn bản tin cậy nêu, hoặc thiếu khóa gốc. Hãy chỉ đúng tệp bằng --root-key.",
		"The root key in that file is not one that the trust document names, or too few are given. Name the right file by --root-key.")
	errKeyUnknown = problem.New("TRUST_KEY_UNKNOWN", 400,
		"Không có khóa nào như vậy. Hãy chép mã khóa từ: loa-hub trust show.",
		"There is no such key. Copy its id from: loa-hub trust show.")
	errRoleUnknown = problem.New("TRUST_ROLE_UNKNOWN", 400,
		"Vai trò là planner, urgent hoặc time.",
		"A role is planner, urgent or time.")
	errTrustRaced = problem.New("TRUST_CHANGED", 409,
		"Người khác vừa đổi văn bản tin cậy. Hãy xem lại bằng: loa-hub trust show, rồi chạy lại.",
		"Somebody else has just changed the trust document. See it by: loa-hub trust show, then run this again.")
)

// rotation is what the next trust document changes.
type rotation struct {
	roots   []seal.Key  // that sign, by the threshold of the document before
	newRoot *seal.Key   // takes the place of all root keys; it signs too
	roles   []seal.Role // get a new key
	revoke  string      // id of a key, "" for none
}

// apply writes the next document and the new keys of its roles, and takes the keys away that no role names any more. The
// document comes last but one: a run that was cut short leaves key files that nobody names, no more. A hub that serves
// takes it up by itself, and gives it to its agents.
func (r rotation) apply(data string, now time.Time) (*trust, error) {
	t, err := loadTrust(data, func() time.Time { return now })
	if err != nil {
		return nil, err
	}
	before := t.newest()
	doc := clone(before.Doc())
	doc.Version++
	doc.IssuedAt = now.UTC().Truncate(time.Second)
	doc.Expires = doc.IssuedAt.Add(trustLife)
	r.revokeIn(&doc)
	signers := slices.Clone(r.roots)
	if r.newRoot != nil {
		doc.Keys[r.newRoot.ID()] = r.newRoot.Public()
		doc.Roles.Root = seal.RoleKeys{Keys: []string{r.newRoot.ID()}, Threshold: 1}
		signers = append(signers, *r.newRoot)
	}
	fresh := map[seal.Role]seal.Key{}
	for _, role := range ownRoles() {
		if !slices.Contains(r.roles, role) && len(doc.Roles.Of(role).Keys) > 0 {
			continue
		}
		key, err := seal.NewKey()
		if err != nil {
			return nil, err
		}
		fresh[role] = key
		doc.Keys[key.ID()] = key.Public()
		at := doc.Roles.At(role)
		at.Keys, at.Threshold = []string{key.ID()}, 1
	}
	keepNamed(&doc)
	signed, err := seal.NewTrust(doc, signers...)
	if err == nil {
		_, err = seal.AcceptTrust(before, signed.Envelope(), now) // as every agent will
	}
	if err != nil {
		return nil, errRootKey.With(err)
	}
	for role, key := range fresh {
		if err := seal.CreateKey(filepath.Join(data, fmt.Sprintf("%s-%08d-%s", keyName(role), doc.Version, key.ID()[:8])), key); err != nil {
			return nil, err
		}
	}
	if err := createDurably(filepath.Join(data, trustFolder, fmt.Sprintf("%08d.json", doc.Version)), signed.Envelope()); err != nil {
		return nil, err
	}
	if t, err = loadTrust(data, t.now); err != nil {
		return nil, err
	}
	err = t.forgetKeys()
	return t, err
}

// revokeIn takes a key out of its roles for good. A role that is left without any gets a new one.
func (r rotation) revokeIn(doc *seal.TrustDoc) {
	if r.revoke == "" {
		return
	}
	doc.Revoked = append(doc.Revoked, r.revoke)
	for _, role := range []seal.Role{seal.Root, seal.Planner, seal.Urgent, seal.Time} {
		at := doc.Roles.At(role)
		at.Keys = slices.DeleteFunc(at.Keys, func(id string) bool { return id == r.revoke })
		at.Threshold = max(1, min(at.Threshold, len(at.Keys)))
	}
}

// clone gives a document that can be changed.
func clone(d seal.TrustDoc) seal.TrustDoc {
	d.Keys, d.Revoked = maps.Clone(d.Keys), slices.Clone(d.Revoked)
	for _, role := range []seal.Role{seal.Root, seal.Planner, seal.Urgent, seal.Time} {
		at := d.Roles.At(role)
		at.Keys = slices.Clone(at.Keys)
	}
	return d
}

// keepNamed drops the keys that no role names.
func keepNamed(d *seal.TrustDoc) {
	named := slices.Concat(d.Roles.Root.Keys, d.Roles.Planner.Keys, d.Roles.Urgent.Keys, d.Roles.Time.Keys)
	maps.DeleteFunc(d.Keys, func(id string, _ seal.PublicKey) bool { return !slices.Contains(named, id) })
}

// forgetKeys deletes the key files of roles that no role names any more: who finds one later finds nothing.
func (t *trust) forgetKeys() error {
	doc := t.newest().Doc()
	var errs []error
	for _, role := range ownRoles() {
		files, err := keyFiles(t.data, role)
		errs = append(errs, err)
		for _, file := range files {
			key, err := seal.LoadKey(file)
			if err != nil || slices.Contains(doc.Roles.Of(role).Keys, key.ID()) {
				continue // what cannot be read is for a person to look at
			}
			errs = append(errs, os.Remove(file))
		}
	}
	return errors.Join(append(errs, durable.SyncDir(t.data))...)
}

// createDurably writes a file whole or not at all, and never over one that is there: of two rotations at once one wins.
func createDurably(path string, text []byte) error {
	temp := path + ".new"
	if err := durable.Replace(temp, text); err != nil {
		return err
	}
	err := os.Link(temp, path)
	if errors.Is(err, fs.ErrExist) {
		err = errTrustRaced
	}
	return errors.Join(err, os.Remove(temp), durable.SyncDir(filepath.Dir(path)))
}

// keyID gives the key that a person means by its id, the beginning of it or its public half.
func keyID(doc seal.TrustDoc, said string) (string, error) {
	said = strings.TrimSpace(said)
	if len(said) == 64 && strings.Trim(said, "0123456789abcdef") == "" {
		return said, nil // one that no role names any more can be revoked as well
	}
	found := ""
	for id, key := range doc.Keys {
		if key.String() == said || len(said) >= 8 && strings.HasPrefix(id, said) {
			if found != "" {
				return "", errKeyUnknown.With(fmt.Errorf("%q begins two keys", said))
			}
			found = id
		}
	}
	if found == "" {
		return "", errKeyUnknown
	}
	return found, nil
}

// How often a hub looks for a trust document that a rotation beside it wrote.
const trustLook = 2 * time.Second

// followTrust takes up rotations: agents get the document, and then heads of the new key.
func (a *App) followTrust(ctx context.Context) error {
	tick := time.NewTicker(trustLook)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		newer, err := a.trust.reload()
		switch {
		case err != nil && err.Error() != said:
			said = err.Error()
			a.o.Logger.Error("new trust document not taken up, the hub goes on with the one before", "err", err)
		case newer:
			said = ""
			a.o.Logger.Info("took up a new trust document", "version", a.trust.newest().Version())
			a.push.Resync()
			a.planner.AgentChanged("")
		}
	}
}
