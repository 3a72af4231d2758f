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
	"time"

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
func endpoint(hub, path string) (string, error) {
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
	if u.Scheme == "ws" && !loopback(u.Hostname()) {
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
	roots, err := s.roots()
	if err != nil {
		return nil, err
	}
	pin, err := hex.DecodeString(s.Pin)
	if err != nil || len(pin) != 0 && len(pin) != sha256.Size {
		return nil, errors.New("pin is not a SHA-256 in hex")
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection verifies, by a pin or with more patience for late clocks
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(pin) == 0 {
				return verify(state, roots, nil, time.Now())
			}
			return checkPin(state, [sha256.Size]byte(pin), time.Now())
		},
	}, nil
}

// roots gives nil for the system's.
func (s Security) roots() (*x509.CertPool, error) {
	if s.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read CA file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without roots still has the file
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read CA file: %s holds no certificate", s.CAFile)
	}
	return pool, nil
}

// verify is what crypto/tls does, but for the time: a PC whose battery is dead begins in the year 2000 and learns the
// time from the hub alone, so a certificate that is not valid yet counts as just become valid. One that has ended has
// ended. What the hub says is sealed, whoever carries it.
func verify(state tls.ConnectionState, roots, between *x509.CertPool, now time.Time) error {
	if len(state.PeerCertificates) == 0 {
		return errPin
	}
	if between == nil {
		between = x509.NewCertPool()
		for _, c := range state.PeerCertificates[1:] {
			between.AddCert(c)
		}
	}
	for _, c := range state.PeerCertificates {
		if now.Before(c.NotBefore) {
			now = c.NotBefore
		}
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: state.ServerName, Roots: roots, Intermediates: between, CurrentTime: now})
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
	}
	return nil
}

var errPin = errors.New("the hub's certificate does not have the pinned key")

// errCertificate: somebody answered, and did not prove to be the hub.
var errCertificate = problem.New("HUB_CERTIFICATE", 502,
	"Máy ở địa chỉ này không chứng minh được nó là hub. Hãy kiểm tra địa chỉ và hub_pin (loa-hub tls show); nếu đúng cả, có người chen vào đường truyền.",
	"What answers at this address did not prove to be the hub. Check the address and hub_pin (loa-hub tls show); if both are right, somebody is on the line.")

// untrusted says whether a dial failed because of the other side's certificate.
func untrusted(err error) bool {
	var refused *tls.CertificateVerificationError
	return errors.Is(err, errPin) || errors.As(err, &refused)
}

// checkPin accepts a leaf with the pinned key (the handshake proved that the hub holds it), or one that a
// certificate of the pinned key has signed for this name.
func checkPin(state tls.ConnectionState, pin [sha256.Size]byte, now time.Time) error {
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
	if err := verify(state, roots, others, now); err != nil {
		return errors.Join(errPin, err)
	}
	return nil
}
