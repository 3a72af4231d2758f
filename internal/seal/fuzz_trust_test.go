package seal

import (
	"bytes"
	"slices"
	"testing"
)

// Whatever payload the present root signs, and whatever envelope a stranger makes: a document that is accepted is the
// next one, is signed by its own root as well, is not over, and revives no key.
func FuzzTrust(f *testing.F) {
	addGoldens(f)
	present := makeTrust(f, testDoc(f, 1), "root")
	for _, change := range []func(*TrustDoc){
		func(*TrustDoc) {},
		func(d *TrustDoc) { d.Version = 1_000_002 },
		func(d *TrustDoc) { d.Version = 1 },
		func(d *TrustDoc) { d.Expires = now },
		func(d *TrustDoc) { d.Roles.Root = role(f, d, 1, "another root") },
		func(d *TrustDoc) { d.Roles.Root.Threshold = 0 },
		func(d *TrustDoc) { d.Roles.Planner.Keys = append(d.Roles.Planner.Keys, d.Roles.Planner.Keys...) },
		func(d *TrustDoc) { d.Revoked = []string{testKey(f, "planner").ID()} },
	} {
		doc := testDoc(f, 2)
		change(&doc)
		payload, err := Marshal(doc)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if pinned, err := PinTrust(data); err == nil {
			if pinned.Doc().Roles.Root.Threshold < 1 || len(pinned.Doc().Roles.Root.Keys) == 0 {
				t.Errorf("pinned without a root: %+v", pinned.Doc())
			}
		} else if CodeOf(err) == "" {
			t.Errorf("%v has no code", err)
		}
		if next, err := AcceptTrust(present, data, now); err == nil && !bytes.Equal(next.Envelope(), present.Envelope()) {
			t.Error("accepted without the root's signature")
		}
		signed, err := Seal(TypeTrust, data, keys(t, "root")...)
		if err != nil {
			return // too large
		}
		next, err := AcceptTrust(present, signed, now)
		if err != nil {
			if CodeOf(err) == "" {
				t.Errorf("%v has no code", err)
			}
			return
		}
		if bytes.Equal(next.Envelope(), present.Envelope()) {
			return // the same once more
		}
		d := next.Doc()
		if d.Version != 2 || !d.Expires.After(now) || d.Roles.Root.Threshold < 1 {
			t.Errorf("accepted: %+v", d)
		}
		if id := testKey(t, "root").ID(); !slices.Contains(d.Roles.Root.Keys, id) || d.Roles.Root.Threshold != 1 {
			t.Errorf("accepted by the old root alone: %+v", d.Roles.Root)
		}
	})
}
