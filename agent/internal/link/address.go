package link

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/loa-vn/loa/internal/problem"
)

// errNotTLS: plain HTTP only on loopback (a stranger on the way could cut, delay and read).
func errNotTLS() *problem.Error {
	return problem.New("HUB_NOT_TLS", 400,
		"Địa chỉ hub không được mã hoá (http). Hãy dùng địa chỉ https://; http chỉ dùng được trên chính máy này.",
		"The hub's address is not encrypted (http). Use its https:// address; http works on this machine only.").At("hub")
}

func errAddress(cause error) *problem.Error {
	return problem.New("HUB_ADDRESS", 400,
		"Địa chỉ hub không đúng. Hãy ghi như https://loa.example.vn hoặc http://127.0.0.1:8080.",
		"The hub's address is not valid. Write it like https://loa.example.vn or http://127.0.0.1:8080.").With(cause).At("hub")
}

// endpoint gives the websocket address of a path of the hub.
func endpoint(hub, path string, security Security) (string, error) {
	u, err := url.Parse(hub)
	if err != nil {
		return "", errAddress(err)
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "ws"
	case "https", "wss":
		u.Scheme = "wss"
	default:
		return "", errAddress(fmt.Errorf("scheme %q", u.Scheme))
	}
	if u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errAddress(fmt.Errorf("%q has no host, or more than an address", hub))
	}
	if u.Scheme == "ws" && !loopback(u.Hostname()) && !security.Insecure {
		return "", errNotTLS()
	}
	u.Path = strings.TrimRight(u.Path, "/") + path
	return u.String(), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tlsConfig trusts the system's roots and CAFile, or with a Pin only chains that hold the pinned key.
func (s Security) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read CA file: %w", err)
		}
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool() // a machine without roots still has the file
		}
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA file: %s holds no certificate", s.CAFile)
		}
	}
	if s.Pin == "" {
		return c, nil
	}
	pin, err := hex.DecodeString(s.Pin)
	if err != nil || len(pin) != sha256.Size {
		return nil, errors.New("pin is not a SHA-256 in hex")
	}
	c.InsecureSkipVerify = true // the pin is stricter than any root: checkPin verifies instead
	c.VerifyConnection = func(state tls.ConnectionState) error { return checkPin(state, [sha256.Size]byte(pin)) }
	return c, nil
}

var errPin = errors.New("the hub's certificate does not have the pinned key")

// checkPin accepts a leaf with the pinned key (the handshake proved that the hub holds it), or one that a
// certificate of the pinned key has signed for this name.
func checkPin(state tls.ConnectionState, pin [sha256.Size]byte) error {
	roots, others := x509.NewCertPool(), x509.NewCertPool()
	for i, cert := range state.PeerCertificates {
		switch {
		case sha256.Sum256(cert.RawSubjectPublicKeyInfo) != pin:
			others.AddCert(cert)
		case i == 0:
			return nil
		default:
			roots.AddCert(cert)
		}
	}
	if len(state.PeerCertificates) == 0 {
		return errPin
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		DNSName: state.ServerName, Roots: roots, Intermediates: others,
	})
	if err != nil {
		return errors.Join(errPin, err)
	}
	return nil
}
