package seal

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// Role is what a key may do.
type Role string

// The roles of a trust document.
const (
	Root    Role = "root"    // signs trust documents
	Planner Role = "planner" // signs plan heads
	Urgent  Role = "urgent"  // signs orders
	Time    Role = "time"    // signs the time
)

// TrustDoc is the payload of a trust document.
type TrustDoc struct {
	Version  uint64               `json:"version"`
	IssuedAt time.Time            `json:"issued_at"`
	Expires  time.Time            `json:"expires"`
	Roles    Roles                `json:"roles"`
	Keys     map[string]PublicKey `json:"keys"`    // by PublicKey.ID
	Revoked  []string             `json:"revoked"` // ids whose signature refuses a document, for ever
}

// Roles are all there are.
type Roles struct {
	Root    RoleKeys `json:"root"`
	Planner RoleKeys `json:"planner"`
	Urgent  RoleKeys `json:"urgent"`
	Time    RoleKeys `json:"time"`
}

// RoleKeys says how many of which keys must sign.
type RoleKeys struct {
	Keys      []string `json:"keys"`
	Threshold int      `json:"threshold"`
	Areas     []string `json:"areas,omitempty"` // area codes the role may speak for, none for all
}

// Trust is a verified trust document.
type Trust struct {
	doc      TrustDoc
	floor    Floor
	known    Floor // of a later document that was accepted once
	envelope []byte
	revoked  map[string]bool
}

// Version of the document.
func (t *Trust) Version() uint64 { return t.doc.Version }

// Doc gives what it says; it is not to be changed.
func (t *Trust) Doc() TrustDoc { return t.doc }

// Floor is the version and the hash of the payload.
func (t *Trust) Floor() Floor { return t.floor }

// Envelope gives the received bytes, to be kept and passed on.
func (t *Trust) Envelope() []byte { return slices.Clone(t.envelope) }

// Digest is the SHA-256 of an envelope as it is named in a pairing.
func Digest(envelope []byte) [32]byte { return sha256.Sum256(envelope) }

// Revoked tells whether it revokes a key.
func (t *Trust) Revoked(keyID string) bool { return t.revoked[keyID] }

// Knowing gives t for one who accepted later documents, up to that floor, and has lost them: of that version nothing else follows.
func (t *Trust) Knowing(floor Floor) *Trust {
	k := *t
	k.known = floor
	return &k
}

// Disowns tells whether a key that it revokes is among those that signed an envelope. It verifies nothing: that was done when
// the envelope came.
func (t *Trust) Disowns(envelope []byte, payloadType string) bool {
	env, err := parseEnvelope(envelope, payloadType, MaxSize(payloadType))
	return err == nil && slices.ContainsFunc(env.Signatures, func(s dsse.Signature) bool { return t.revoked[s.KeyID] })
}

// Expired tells whether it is over at now; not known, and false, for the zero time.
func (t *Trust) Expired(now time.Time) bool { return !now.IsZero() && !now.Before(t.doc.Expires) }

// NewTrust signs a document: the first one by its own root keys, later ones by those of the one before too.
// The result verifies by its own root threshold; whether it follows the one before is AcceptTrust's to say.
func NewTrust(doc TrustDoc, keys ...Key) (*Trust, error) {
	payload, err := Marshal(doc)
	if err != nil {
		return nil, err
	}
	envelope, err := Seal(TypeTrust, payload, keys...)
	if err != nil {
		return nil, err
	}
	return PinTrust(envelope)
}

// PinTrust reads a trust document that is trusted for another reason: it came in a pairing that a person
// confirmed, or from the own disk. It must be signed by its own root threshold. Its expiry is not looked at:
// an old one is still where the way to newer ones begins, and nothing else opens under it (TrustExpired).
func PinTrust(envelope []byte) (*Trust, error) {
	env, err := parseEnvelope(envelope, TypeTrust, MaxTrust)
	if err != nil {
		return nil, err
	}
	// A document is verified before it is parsed everywhere else; this one brings the keys that verify it.
	t, err := readTrust(env.payload, envelope)
	if err != nil {
		return nil, err
	}
	if _, err := t.verify(env, Root, false); err != nil {
		return nil, err
	}
	return t, nil
}

// AcceptTrust takes the document after current: signed by the root thresholds of both, version exactly one
// higher, not expired at now. The same version with the same payload gives current back. With the zero time
// (a clock that is not trusted) expiry and issue in the future are not checked.
func AcceptTrust(current *Trust, envelope []byte, now time.Time) (*Trust, error) {
	return AcceptTrusts(current, [][]byte{envelope}, now)
}

// AcceptTrusts follows a chain of documents. Only the last one must not be expired: an agent that was off for
// long walks over the ones in between (as in TUF, specification 1.0.33, 5.3). All or none is accepted.
func AcceptTrusts(current *Trust, envelopes [][]byte, now time.Time) (*Trust, error) {
	t := current
	for _, e := range envelopes {
		next, err := t.follow(e, now)
		if err != nil {
			return nil, err
		}
		t = next
	}
	if t != current && t.Expired(now) {
		return nil, refuse(Expired, "trust document %d ended at %s", t.Version(), t.doc.Expires.Format(time.RFC3339))
	}
	return t, nil
}

func (t *Trust) follow(envelope []byte, now time.Time) (*Trust, error) {
	env, err := parseEnvelope(envelope, TypeTrust, MaxTrust)
	if err != nil {
		return nil, err
	}
	floor := floorOf(t.Version(), env.payload)
	if floor == t.floor {
		return t, nil
	}
	// The payload is read only when the keys already trusted have signed it, or, when it is not their
	// successor at all, refused for that.
	if _, err := t.verify(env, Root, false); err != nil {
		return nil, err
	}
	next, err := readTrust(env.payload, envelope)
	if err != nil {
		return nil, err
	}
	if _, err := t.floor.Check(next.Version(), env.payload); err != nil {
		return nil, err
	}
	if next.Version() != t.Version()+1 {
		return nil, refuse(VersionSkipped, "trust document %d after %d", next.Version(), t.Version())
	}
	if next.known = t.known; next.Version() == t.known.Version && next.floor != t.known {
		return nil, refuse(VersionReused, "trust document %d is not the one accepted before", next.Version())
	}
	if fromFuture(next.doc.IssuedAt, now) {
		return nil, refuse(FromFuture, "trust document issued at %s", next.doc.IssuedAt.Format(time.RFC3339))
	}
	for id := range t.revoked {
		if !next.revoked[id] {
			return nil, refuse(TrustInvalid, "key %s is no longer revoked", id)
		}
	}
	if _, err := next.verify(env, Root, false); err != nil {
		return nil, err
	}
	return next, nil
}

// Open verifies an envelope by the keys of a role and gives its payload. The payload is not parsed.
// A role that is limited to areas opens nothing here: use OpenVersioned or OpenOrder, which know the area.
func (t *Trust) Open(envelope []byte, role Role, payloadType string, maxSize int) ([]byte, error) {
	if len(t.role(role).Areas) > 0 {
		return nil, refuse(AreaForeign, "role %s is limited to areas", role)
	}
	payload, _, err := t.open(envelope, role, payloadType, maxSize)
	return payload, err
}

func (t *Trust) open(envelope []byte, role Role, payloadType string, maxSize int) (payload []byte, signers []string, err error) {
	env, err := parseEnvelope(envelope, payloadType, maxSize)
	if err != nil {
		return nil, nil, err
	}
	signers, err = t.verify(env, role, true)
	if err != nil {
		return nil, nil, err
	}
	return env.payload, signers, nil
}

// verify checks the signatures against a role's threshold and gives the ids that count. A revoked key never
// counts; with strict its signature refuses the document. Without, it is passed over: the key that a rotation
// revokes may sign that rotation.
func (t *Trust) verify(env *opened, role Role, strict bool) ([]string, error) {
	keys := t.role(role)
	revoked, known, signed := "", 0, dsse.PAE(env.PayloadType, env.payload)
	var ids []string
	for i, s := range env.Signatures {
		if t.revoked[s.KeyID] {
			revoked = s.KeyID
			continue
		}
		if slices.Contains(keys.Keys, s.KeyID) {
			known++
			if t.doc.Keys[s.KeyID].Verify(signed, env.signatures[i]) {
				ids = append(ids, s.KeyID) // each key once: parseEnvelope
			}
		}
	}
	switch {
	case revoked != "" && (strict || known < keys.Threshold):
		return nil, refuse(KeyRevoked, "signed by the revoked key %s", revoked)
	case known == 0:
		return nil, refuse(KeyRole, "no signature by a key of the role %s", role)
	case known < keys.Threshold:
		return nil, refuse(Threshold, "%d keys of the role %s, %d needed", known, role, keys.Threshold)
	case len(ids) < keys.Threshold:
		return nil, refuse(Threshold, "signatures of %d keys of the role %s verify, %d needed", len(ids), role, keys.Threshold)
	}
	return ids, nil
}

func (t *Trust) role(r Role) RoleKeys { return t.doc.Roles.Of(r) }

// Of gives the keys of a role; none for a role that does not exist.
func (r *Roles) Of(role Role) RoleKeys {
	if keys := r.At(role); keys != nil {
		return *keys
	}
	return RoleKeys{}
}

// At gives where the keys of a role stand, to write a document; nil for a role that does not exist.
func (r *Roles) At(role Role) *RoleKeys {
	switch role {
	case Root:
		return &r.Root
	case Planner:
		return &r.Planner
	case Urgent:
		return &r.Urgent
	case Time:
		return &r.Time
	}
	return nil
}

// speaksFor tells whether a role may speak for all these areas.
func (r RoleKeys) speaksFor(areas ...string) bool {
	if len(r.Areas) == 0 {
		return true
	}
	for _, a := range areas {
		if !slices.Contains(r.Areas, a) {
			return false
		}
	}
	return len(areas) > 0
}

// readTrust parses and checks that the roles can work; it verifies no signature.
func readTrust(payload, envelope []byte) (*Trust, error) {
	doc, err := Strict[TrustDoc](payload, MaxTrust)
	if err != nil {
		return nil, err
	}
	if err := doc.check(); err != nil {
		return nil, err
	}
	t := &Trust{doc: doc, floor: floorOf(doc.Version, payload), envelope: slices.Clone(envelope), revoked: map[string]bool{}}
	for _, id := range doc.Revoked {
		t.revoked[id] = true
	}
	return t, nil
}

func (d *TrustDoc) check() error {
	if d.Version == 0 || !d.Expires.After(d.IssuedAt) || d.IssuedAt.IsZero() {
		return refuse(TrustInvalid, "no version, or it expires before it is issued")
	}
	for id, key := range d.Keys {
		if key.ID() != id {
			return refuse(TrustInvalid, "key %.64s is not the one of its id", id)
		}
	}
	for _, role := range []Role{Root, Planner, Urgent, Time} {
		if err := d.checkRole(role); err != nil {
			return err
		}
	}
	if len(d.Roles.Root.Areas) > 0 || len(d.Roles.Time.Areas) > 0 {
		return refuse(TrustInvalid, "root and time are not limited to areas")
	}
	return nil
}

func (d *TrustDoc) checkRole(role Role) error {
	r := d.Roles.Of(role)
	usable := map[string]bool{}
	for _, id := range r.Keys {
		if _, ok := d.Keys[id]; !ok {
			return refuse(TrustInvalid, "role %s names the unknown key %.64s", role, id)
		}
		if usable[id] {
			return refuse(KeyTwice, "role %s names key %s twice", role, id)
		}
		usable[id] = true
	}
	for _, id := range d.Revoked {
		if usable[id] {
			return refuse(TrustInvalid, "role %s names the revoked key %s", role, id)
		}
	}
	if r.Threshold < 1 || r.Threshold > len(usable) || r.Threshold > maxSignatures {
		return refuse(TrustInvalid, "role %s asks for %d of %d keys", role, r.Threshold, len(usable))
	}
	return nil
}
