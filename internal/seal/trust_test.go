package seal

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func TestTrustFollowsStepByStep(t *testing.T) {
	one := makeTrust(t, testDoc(t, 1), "root")
	rotated := func(version uint64, change func(*TrustDoc)) TrustDoc {
		d := testDoc(t, version)
		d.Roles.Root = role(t, &d, 1, "root 2")
		if change != nil {
			change(&d)
		}
		return d
	}
	revoke := func(names ...string) func(*TrustDoc) {
		return func(d *TrustDoc) {
			for _, n := range names {
				d.Revoked = append(d.Revoked, testKey(t, n).ID())
				delete(d.Keys, testKey(t, n).ID())
			}
		}
	}
	for name, c := range map[string]struct {
		doc     TrustDoc
		signers []string
		want    Code
	}{
		"signed by both":                      {rotated(2, nil), []string{"root", "root 2"}, ""},
		"same root key":                       {testDoc(t, 2), []string{"root"}, ""},
		"the old key signs its revocation":    {rotated(2, revoke("root")), []string{"root", "root 2"}, ""},
		"only the new root":                   {rotated(2, nil), []string{"root 2"}, KeyRole},
		"only the old root":                   {rotated(2, nil), []string{"root"}, KeyRole},
		"planner signs":                       {testDoc(t, 2), []string{"planner"}, KeyRole},
		"skipped":                             {testDoc(t, 3), []string{"root"}, VersionSkipped},
		"lower":                               {testDoc(t, 1), []string{"root"}, VersionReused},
		"expired":                             {rotated(2, func(d *TrustDoc) { d.Expires = now }), []string{"root", "root 2"}, Expired},
		"from the future":                     {rotated(2, func(d *TrustDoc) { d.IssuedAt = now.AddDate(0, 0, 1) }), []string{"root", "root 2"}, FromFuture},
		"threshold above the keys":            {rotated(2, func(d *TrustDoc) { d.Roles.Urgent.Threshold = 2 }), []string{"root", "root 2"}, TrustInvalid},
		"threshold 0":                         {rotated(2, func(d *TrustDoc) { d.Roles.Planner.Threshold = 0 }), []string{"root", "root 2"}, TrustInvalid},
		"a role names a revoked key":          {rotated(2, func(d *TrustDoc) { d.Revoked = []string{testKey(t, "time").ID()} }), []string{"root", "root 2"}, TrustInvalid},
		"a role names an unknown key":         {rotated(2, func(d *TrustDoc) { delete(d.Keys, testKey(t, "time").ID()) }), []string{"root", "root 2"}, TrustInvalid},
		"a role names a key twice":            {rotated(2, func(d *TrustDoc) { k := &d.Roles.Time; k.Keys = append(k.Keys, k.Keys[0]) }), []string{"root", "root 2"}, KeyTwice},
		"a key under another's id":            {rotated(2, func(d *TrustDoc) { d.Keys[testKey(t, "time").ID()] = testKey(t, "x").Public() }), []string{"root", "root 2"}, TrustInvalid},
		"root limited to an area":             {rotated(2, func(d *TrustDoc) { d.Roles.Root.Areas = []string{"xa-1"} }), []string{"root", "root 2"}, TrustInvalid},
		"a new root that needs two, has one":  {rotated(2, func(d *TrustDoc) { d.Roles.Root = role(t, d, 2, "root", "root 2") }), []string{"root"}, Threshold},
		"a new root that needs two, has both": {rotated(2, func(d *TrustDoc) { d.Roles.Root = role(t, d, 2, "root", "root 2") }), []string{"root", "root 2"}, ""},
	} {
		if name == "lower" {
			c.doc.Expires = c.doc.Expires.Add(time.Hour) // the same version, other bytes
		}
		got, err := AcceptTrust(one, sealAny(t, TypeTrust, c.doc, c.signers...), now)
		if CodeOf(err) != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if (got == nil) != (err != nil) {
			t.Errorf("%s: %v beside %v", name, got, err)
		}
	}
}

func TestTrustOnlyGoesUp(t *testing.T) {
	one, two := makeTrust(t, testDoc(t, 1), "root"), makeTrust(t, testDoc(t, 2), "root")
	if same, err := AcceptTrust(two, two.Envelope(), now); err != nil || same != two {
		t.Errorf("the same document again: %v", err)
	}
	if _, err := AcceptTrust(two, one.Envelope(), now); !errors.Is(err, VersionLower) {
		t.Errorf("the one before: %v", err)
	}
}

func TestTrustNeverUnrevokes(t *testing.T) {
	doc := testDoc(t, 1)
	doc.Revoked = []string{testKey(t, "lost").ID()}
	if _, err := AcceptTrust(makeTrust(t, doc, "root"), makeTrust(t, testDoc(t, 2), "root").Envelope(), now); !errors.Is(err, TrustInvalid) {
		t.Error(err)
	}
}

func TestTrustChainMayHoldExpiredLinks(t *testing.T) {
	old, last := testDoc(t, 2), testDoc(t, 3)
	old.Expires = now.Add(-time.Second)
	one, two, three := makeTrust(t, testDoc(t, 1), "root"), makeTrust(t, old, "root"), makeTrust(t, last, "root")
	got, err := AcceptTrusts(one, [][]byte{two.Envelope(), three.Envelope()}, now)
	if err != nil || got.Version() != 3 || !bytes.Equal(got.Envelope(), three.Envelope()) {
		t.Errorf("%v", err)
	}
	if _, err := AcceptTrust(one, two.Envelope(), now); !errors.Is(err, Expired) {
		t.Errorf("alone: %v", err)
	}
	if _, err := AcceptTrust(one, two.Envelope(), time.Time{}); err != nil {
		t.Errorf("alone, clock not trusted: %v", err)
	}
	if _, err := AcceptTrusts(one, [][]byte{three.Envelope()}, now); !errors.Is(err, VersionSkipped) {
		t.Errorf("skipped: %v", err)
	}
}

func TestPinTrustNeedsItsOwnRoot(t *testing.T) {
	if _, err := PinTrust(sealAny(t, TypeTrust, testDoc(t, 1), "planner")); !errors.Is(err, KeyRole) {
		t.Error(err)
	}
	if _, err := NewTrust(testDoc(t, 0), testKey(t, "root")); !errors.Is(err, TrustInvalid) {
		t.Errorf("version 0: %v", err)
	}
}

func TestRevokedKeyOpensNothingAfterwards(t *testing.T) {
	one := makeTrust(t, testDoc(t, 1), "root")
	head := sealAny(t, TypePlanHead, goodHead(1), "planner")
	if _, err := one.Open(head, Planner, TypePlanHead, MaxPlanHead); err != nil {
		t.Fatal(err)
	}
	doc := testDoc(t, 2)
	doc.Roles.Planner = role(t, &doc, 1, "planner 2")
	doc.Revoked = []string{testKey(t, "planner").ID()}
	two, err := AcceptTrust(one, makeTrust(t, doc, "root").Envelope(), now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.Open(head, Planner, TypePlanHead, MaxPlanHead); !errors.Is(err, KeyRevoked) {
		t.Error(err)
	}
}
