package seal

import "time"

// Header is what the rules need of a versioned document.
type Header struct {
	Audience string
	Area     string // only looked at when the role is limited to areas
	Version  uint64
	IssuedAt time.Time
	Expires  time.Time
}

// Expect is what a versioned document is checked against.
type Expect struct {
	Role     Role
	Type     string // payload type
	Audience string // who opens it
	Floor    Floor
	Now      time.Time // zero when the clock is not trusted: FromFuture, Expired and TrustExpired are then skipped
}

// OpenVersioned verifies an envelope, reads its payload strictly and holds it against what is expected. It
// gives the document and the floor to commit with it; after a refusal the floor is the one of e. The same
// document again is no refusal: the floor that comes back is then equal to e.Floor.
func OpenVersioned[T any](t *Trust, e Expect, envelope []byte, header func(T) Header) (T, Floor, error) {
	var none T
	payload, _, err := t.open(envelope, e.Role, e.Type, MaxSize(e.Type))
	if err != nil {
		return none, e.Floor, err
	}
	doc, err := Strict[T](payload, MaxSize(e.Type))
	if err != nil {
		return none, e.Floor, err
	}
	h := header(doc)
	if err := t.checkHeader(e, h); err != nil {
		return none, e.Floor, err
	}
	next, err := e.Floor.Check(h.Version, payload)
	if err != nil {
		return none, e.Floor, err
	}
	return doc, next, nil
}

func (t *Trust) checkHeader(e Expect, h Header) error {
	switch {
	case h.Audience == "" || h.Audience != e.Audience:
		return refuse(Audience, "for %.80q, not for %q", h.Audience, e.Audience)
	case !t.role(e.Role).speaksFor(h.Area):
		return refuse(AreaForeign, "role %s may not speak for area %.80q", e.Role, h.Area)
	case !h.Expires.After(h.IssuedAt) || h.IssuedAt.IsZero():
		return refuse(Malformed, "it expires before it is issued")
	case t.Expired(e.Now):
		return refuse(TrustExpired, "trust document %d ended at %s", t.Version(), t.doc.Expires.Format(time.RFC3339))
	case fromFuture(h.IssuedAt, e.Now):
		return refuse(FromFuture, "issued at %s", h.IssuedAt.Format(time.RFC3339))
	case !e.Now.IsZero() && !e.Now.Before(h.Expires):
		return refuse(Expired, "it ended at %s", h.Expires.Format(time.RFC3339))
	}
	return nil
}
