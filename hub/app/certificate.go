package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/loa-vn/loa/internal/durable"
	"github.com/loa-vn/loa/internal/problem"
)

// Files of the private CA, in the folder "tls" of the data folder.
const (
	tlsFolder     = "tls"
	caKeyFile     = "ca-key.pem"
	caFile        = "ca.pem" // for browsers and for agents' hub_ca; no secret
	serverFile    = "server.pem"
	serverKeyFile = "server-key.pem"
)

// A server's certificate is renewed when a third of its life is left. Browsers take no more than 398 days (CA/Browser
// Forum, 6.3.2); the CA's own key is what agents pin, and a pin that ends silences a fleet.
const (
	serverLife = 365 * 24 * time.Hour
	caLife     = 20 * 365 * 24 * time.Hour
	certLook   = time.Hour // how often certificates are looked at
	backdate   = time.Hour // clocks of communes' PCs are late
)

var (
	errNoTLS = problem.New("TLS_MISSING", 409,
		"Chưa có chứng thư. Tạo bằng: loa-hub tls init.",
		"There is no certificate yet. Make one by: loa-hub tls init.")
	errTLSFiles = problem.New("TLS_FILES", 500,
		"Không dùng được chứng thư hoặc khóa của nó. Hãy kiểm tra tls_cert và tls_key, hoặc tạo lại bằng: loa-hub tls init.",
		"The certificate or its key cannot be used. Check tls_cert and tls_key, or make them anew by: loa-hub tls init.")
	errTLSHost = problem.New("TLS_HOST", 400,
		"Tên máy không hợp lệ. Hãy ghi tên miền hoặc địa chỉ IP mà agent và trình duyệt sẽ gọi, như loa.example.vn.",
		"This is no name of a host. Give the domain name or IP address that agents and browsers will dial, such as loa.example.vn.").At("host")
)

// certificates is what the hub proves itself with: two files of somebody else's making, read again when they change,
// or those of the private CA, renewed before they end. Its methods are safe for concurrent use.
type certificates struct {
	cert, key string // files
	private   *authority
	current   atomic.Pointer[tls.Certificate]
}

// openCertificates gives the certificates that the options or the data folder have, nil when there are none.
func openCertificates(o Options) (*certificates, error) {
	c := &certificates{cert: o.TLSCert, key: o.TLSKey}
	if c.cert == "" {
		ca, err := loadAuthority(o.Data)
		if errors.Is(err, errNoTLS) {
			return nil, nil //nolint:nilnil // a hub without TLS is no error
		} else if err != nil {
			return nil, err
		}
		c.private, c.cert, c.key = ca, ca.path(serverFile), ca.path(serverKeyFile)
	}
	if err := c.refresh(o.Now()); err != nil {
		return nil, err
	}
	return c, nil
}

// refresh renews what is due and reads the files.
func (c *certificates) refresh(now time.Time) error {
	if c.private != nil {
		if err := c.private.renew(now); err != nil {
			return err
		}
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return errTLSFiles.With(err)
	}
	c.current.Store(&pair)
	return nil
}

// config is TLS 1.3 alone. HTTP/1.1 alone too: agents' websockets are nothing else, and what a proxy before the hub
// speaks is the proxy's matter.
func (c *certificates) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil }}
}

// keepCertificates looks at the certificates until ctx ends. One that cannot be read or made leaves the last in force.
func (a *App) keepCertificates(ctx context.Context) error {
	tick := time.NewTicker(certLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if a.certs == nil {
			continue
		}
		if err := a.certs.refresh(a.o.Now()); err != nil {
			a.o.Logger.Error("certificate not refreshed, the last one stays in use", "err", err)
		}
	}
}

// authority is the private CA: a key that signs one server's certificates.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (ca *authority) path(name string) string { return filepath.Join(ca.dir, name) }

// pin is what agents hold on to: SHA-256 of the CA's public key. The server's certificates come and go.
func (ca *authority) pin() string {
	sum := sha256.Sum256(ca.cert.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// loadAuthority reads the CA; errNoTLS when there is none.
func loadAuthority(data string) (*authority, error) {
	ca := &authority{dir: filepath.Join(data, tlsFolder)}
	// A CA whose key was taken away is no hub without TLS.
	if _, err := os.Lstat(ca.path(caFile)); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, errNoTLS // whether the data folder itself can be is asked elsewhere
	}
	pair, err := tls.LoadX509KeyPair(ca.path(caFile), ca.path(caKeyFile))
	if err != nil {
		return nil, errTLSFiles.With(err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errTLSFiles.With(fmt.Errorf("%s is no ECDSA key", caKeyFile))
	}
	ca.cert, ca.key = pair.Leaf, key
	return ca, nil
}

// newAuthority makes the CA.
func newAuthority(data string, now time.Time) (*authority, error) {
	ca := &authority{dir: filepath.Join(data, tlsFolder)}
	if err := os.MkdirAll(ca.dir, 0o700); err != nil {
		return nil, errDataFolder.With(err).At("data")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make CA: %w", err)
	}
	ca.key = key
	ca.cert, err = ca.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "Loa CA"}, NotAfter: now.Add(caLife), IsCA: true,
		KeyUsage: x509.KeyUsageCertSign, MaxPathLenZero: true}, &key.PublicKey, now)
	if err != nil {
		return nil, err
	}
	// The certificate comes last: with it the CA is there.
	if err := writeKey(ca.path(caKeyFile), key); err != nil {
		return nil, err
	}
	return ca, writePEM(ca.path(caFile), ca.cert)
}

// sign makes a certificate for a public key, by the CA or, while it has none of its own, by itself.
func (ca *authority) sign(template *x509.Certificate, public *ecdsa.PublicKey, now time.Time) (*x509.Certificate, error) {
	template.NotBefore, template.BasicConstraintsValid = now.Add(-backdate), true
	parent := ca.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, ca.key) // with a random serial number
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read own certificate: %w", err)
	}
	return cert, nil
}

// issue makes key and certificate of a server with these names and addresses.
func (ca *authority) issue(names []string, addresses []net.IP, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make server key: %w", err)
	}
	cert, err := ca.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "Loa hub"}, DNSNames: names, IPAddresses: addresses,
		NotAfter: now.Add(serverLife), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}},
		&key.PublicKey, now)
	if err != nil {
		return err
	}
	if err := writeKey(ca.path(serverKeyFile), key); err != nil {
		return err
	}
	// The CA's goes along, so that an agent that pins its key finds it in the chain.
	return writePEM(ca.path(serverFile), cert, ca.cert)
}

// server reads the certificate in force.
func (ca *authority) server() (*x509.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(ca.path(serverFile), ca.path(serverKeyFile))
	if err != nil {
		return nil, errTLSFiles.With(err)
	}
	return pair.Leaf, nil
}

// renew makes a new certificate for the same names when a third of the old one's life is left, and in place of one whose
// making was cut short: key and certificate are two files.
func (ca *authority) renew(now time.Time) error {
	raw, err := os.ReadFile(ca.path(serverFile))
	if err != nil {
		return errTLSFiles.With(err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return errTLSFiles.With(fmt.Errorf("%s is no PEM", serverFile))
	}
	old, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return errTLSFiles.With(err)
	}
	_, torn := tls.LoadX509KeyPair(ca.path(serverFile), ca.path(serverKeyFile))
	if torn == nil && old.NotAfter.Sub(now) > serverLife/3 {
		return nil
	}
	return ca.issue(old.DNSNames, old.IPAddresses, now)
}

// hostName is a domain name (RFC 1123, 2.1), without wildcards: a hub is one machine.
var hostName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// hosts tells names from addresses, each once.
func hosts(given []string) (names []string, addresses []net.IP, err error) {
	for _, h := range given {
		if ip := net.ParseIP(h); ip != nil {
			if !slices.ContainsFunc(addresses, ip.Equal) {
				addresses = append(addresses, ip)
			}
			continue
		}
		if !hostName.MatchString(h) {
			return nil, nil, errTLSHost.With(fmt.Errorf("%q", h))
		}
		if !slices.Contains(names, h) {
			names = append(names, h)
		}
	}
	return names, addresses, nil
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return durable.Replace(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func writePEM(path string, certs ...*x509.Certificate) error {
	var text []byte
	for _, c := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return durable.Replace(path, text)
}
