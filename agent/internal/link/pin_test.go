package link

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// certificate is one signed by parent, by itself when parent is nil.
type certificate struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

func issue(t *testing.T, name string, ca bool, parent *certificate) *certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: ca, BasicConstraintsValid: true,
	}
	signer := &certificate{template, key}
	if parent != nil {
		signer = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.Certificate, &key.PublicKey, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &certificate{parsed, key}
}

func TestPin(t *testing.T) {
	ca := issue(t, "Loa CA", true, nil)
	middle := issue(t, "Loa middle", true, ca)
	leaf := issue(t, "hub.vn", false, middle)
	stranger := issue(t, "hub.vn", false, nil)
	otherName := issue(t, "other.vn", false, ca)
	tests := map[string]struct {
		chain  []*certificate
		pinned *certificate
		ok     bool
	}{
		"the hub's own key":            {[]*certificate{leaf}, leaf, true},
		"its CA":                       {[]*certificate{leaf, middle, ca}, ca, true},
		"the CA in the middle":         {[]*certificate{leaf, middle}, middle, true},
		"a stranger's":                 {[]*certificate{stranger}, leaf, false},
		"a stranger who shows the CA":  {[]*certificate{stranger, ca}, ca, false},
		"a stranger who shows the hub": {[]*certificate{stranger, leaf}, leaf, false},
		"another machine of the CA":    {[]*certificate{otherName, ca}, ca, false},
		"the CA is not shown":          {[]*certificate{leaf, middle}, ca, false},
		"nothing is shown":             {nil, ca, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			state := tls.ConnectionState{ServerName: "hub.vn"}
			for _, c := range test.chain {
				state.PeerCertificates = append(state.PeerCertificates, c.Certificate)
			}
			err := checkPin(state, sha256.Sum256(test.pinned.RawSubjectPublicKeyInfo), time.Now())
			if (err == nil) != test.ok {
				t.Errorf("check: %v", err)
			}
		})
	}
}

// A PC with a dead battery must reach its hub to learn the time; one whose clock is right must see an end.
func TestCertificatesAndClocks(t *testing.T) {
	ca := issue(t, "Loa CA", true, nil)
	leaf := issue(t, "hub.vn", false, ca)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	state := tls.ConnectionState{ServerName: "hub.vn", PeerCertificates: []*x509.Certificate{leaf.Certificate, ca.Certificate}}
	pin := sha256.Sum256(ca.RawSubjectPublicKeyInfo)
	for name, test := range map[string]struct {
		now time.Time
		ok  bool
	}{
		"the battery is dead":     {time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), true},
		"now":                     {time.Now(), true},
		"the certificate's end":   {leaf.NotAfter, true},
		"a second after its end":  {leaf.NotAfter.Add(time.Second), false},
		"a clock far in the time": {time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := checkPin(state, pin, test.now); (err == nil) != test.ok {
				t.Errorf("by the pin: %v", err)
			}
			if err := verify(state, roots, nil, test.now); (err == nil) != test.ok || err != nil && !untrusted(err) {
				t.Errorf("by the root: %v", err)
			}
		})
	}
}
