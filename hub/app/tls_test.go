package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/config"
)

// certified is a data folder with a private CA for loopback.
func certified(t *testing.T) (data string, ca *authority) {
	t.Helper()
	data = t.TempDir()
	code, out, errs := run(t, data, "", "tls", "init", "--host", "127.0.0.1,localhost")
	if code != 0 {
		t.Fatalf("%d %s", code, errs)
	}
	ca, err := loadAuthority(data)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, ca.pin()) || !strings.Contains(out, "127.0.0.1") {
		t.Errorf("init says %s", out)
	}
	return data, ca
}

// dialTLS gives what the hub's certificate is, to somebody who trusts the CA alone.
func dialTLS(t *testing.T, addr string, ca *authority, most uint16) (*x509.Certificate, error) {
	t.Helper()
	line, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer line.Close()
	conn := tls.Client(line, &tls.Config{RootCAs: pool(ca), ServerName: "127.0.0.1", MaxVersion: most})
	if err := conn.HandshakeContext(t.Context()); err != nil {
		return nil, err
	}
	return conn.ConnectionState().PeerCertificates[0], nil
}

func TestThePrivateCA(t *testing.T) {
	data, ca := certified(t)
	for _, name := range []string{caKeyFile, serverKeyFile, caFile, serverFile} {
		info, err := os.Stat(ca.path(name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	r := start(t, data)
	if !strings.HasPrefix(r.URL(), "https://127.0.0.1:") {
		t.Errorf("URL %s", r.URL())
	}
	if _, err := dialTLS(t, r.Addr(), ca, tls.VersionTLS13); err != nil {
		t.Errorf("TLS 1.3: %v", err)
	}
	if _, err := dialTLS(t, r.Addr(), ca, tls.VersionTLS12); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
	if resp, err := http.Get("http://" + r.Addr() + "/livez"); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP: %v %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	// The cookie of a session may not leave TLS.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool(ca), MinVersion: tls.VersionTLS13}}}
	r.join("minh", "admin", "")
	resp, err := client.Post(r.URL()+"/api/v1/login", "application/json", strings.NewReader(`{"name":"minh","password":"`+password+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if c := resp.Cookies(); len(c) != 1 || !c[0].Secure || !c[0].HttpOnly {
		t.Errorf("%s %v", resp.Status, c)
	}
}

func pool(ca *authority) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.cert)
	return p
}

func TestCertificatesAreRenewedUnderTheSamePin(t *testing.T) {
	data, ca := certified(t)
	now := time.Now()
	o, err := Options{Data: data, Now: func() time.Time { return now }}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	certs, err := openCertificates(o)
	if err != nil {
		t.Fatal(err)
	}
	first := certs.current.Load().Leaf
	steps := []struct {
		name string
		at   time.Time
		same bool
	}{
		{"a third is left, and a day", now.Add(serverLife*2/3 - 24*time.Hour), true},
		{"less than a third is left", now.Add(serverLife*2/3 + 24*time.Hour), false},
		{"after its end", now.Add(2 * serverLife), false},
	}
	for _, step := range steps {
		if err := certs.refresh(step.at); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		leaf := certs.current.Load().Leaf
		if same := leaf.Equal(first); same != step.same {
			t.Errorf("%s: the same certificate %v", step.name, same)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool(ca), DNSName: "127.0.0.1", CurrentTime: step.at}); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		first = leaf
	}
	// A power cut between key and certificate.
	if err := os.Rename(ca.path(caKeyFile), ca.path("kept")); err != nil {
		t.Fatal(err)
	}
	if err := certs.refresh(now); err != nil {
		t.Errorf("the CA is in memory: %v", err)
	}
	if _, err := openCertificates(o); !errors.Is(err, errTLSFiles) {
		t.Errorf("a CA without its key: %v", err)
	}
	if err := os.Rename(ca.path("kept"), ca.path(caKeyFile)); err != nil {
		t.Fatal(err)
	}
	if err := writeKey(ca.path(serverKeyFile), ca.key); err != nil {
		t.Fatal(err)
	}
	if certs, err = openCertificates(o); err != nil || certs.current.Load().Leaf.Equal(first) {
		t.Errorf("key and certificate do not fit: %v", err)
	}
	code, out, _ := run(t, data, "", "tls", "init", "--host", "loa.example.vn")
	if code != 0 || !strings.Contains(out, ca.pin()) || !strings.Contains(out, "https://loa.example.vn") {
		t.Errorf("other hosts by the same CA: %d %s", code, out)
	}
}

func TestDoctorLooksAtTheCertificate(t *testing.T) {
	data, ca := certified(t)
	now := time.Now()
	own := config.Hub{Data: t.TempDir(), TLSCert: ca.path(serverFile), TLSKey: ca.path(serverKeyFile)}
	for name, c := range map[string]struct {
		of        config.Hub
		at        time.Time
		warn, bad bool
	}{
		"none":               {config.Hub{Data: t.TempDir()}, now, false, false},
		"the private CA's":   {config.Hub{Data: data}, now, false, false},
		"files":              {own, now, false, false},
		"near their end":     {own, now.Add(serverLife - 7*24*time.Hour), true, false},
		"over":               {own, now.Add(serverLife + time.Hour), false, true},
		"not there any more": {config.Hub{Data: data, TLSCert: "/no/such/file", TLSKey: "/no/such/key"}, now, false, true},
	} {
		if f := checkCertificate(c.of, c.at); f.warn != c.warn || (f.err != nil) != c.bad {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestTLSCommandRefuses(t *testing.T) {
	data := filepath.Join(t.TempDir(), "hub")
	for _, tc := range []struct {
		code string
		args []string
	}{
		{"TLS_MISSING", []string{"tls", "show"}},
		{"TLS_HOST", []string{"tls", "init", "--host", "https://loa.example.vn"}},
		{"TLS_HOST", []string{"tls", "init", "--host", "a b"}},
		{"TLS_FILES", []string{"serve", "--tls-cert", "/no/such/file", "--tls-key", "/no/such/key"}},
		{"CONFIG_INVALID", []string{"serve", "--tls-cert", "/no/such/file"}},
	} {
		if code, _, errs := run(t, data, "", tc.args...); code != 1 || !strings.Contains(errs, tc.code) {
			t.Errorf("%v: %d %s", tc.args, code, errs)
		}
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("a refused command left a data folder: %v", err)
	}
}
