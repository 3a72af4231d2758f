package alarms

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// office is a mail server of an office, on loopback: it asks for a password, and keeps everything that comes by the line.
type office struct {
	post
	mu     sync.Mutex
	logins []string
	line   strings.Builder
}

func (o *office) NewSession(*smtp.Conn) (smtp.Session, error) { return visit{session{&o.post}, o}, nil }

// visit is a session that knows PLAIN.
type visit struct {
	session
	*office
}

func (visit) AuthMechanisms() []string { return []string{sasl.Plain} }

func (v visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, password string) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.logins = append(v.logins, name+" "+password)
		return nil
	}), nil
}

// tapped keeps what a client sends as it is on the line.
type tapped struct {
	net.Conn
	o *office
}

func (t tapped) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.o.mu.Lock()
	defer t.o.mu.Unlock()
	t.o.line.Write(b[:n])
	return n, err
}

type tap struct {
	net.Listener
	o *office
}

func (t tap) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tapped{c, t.o}, nil
}

// certificate is one for a name or address, signed by itself, and the pool that trusts it.
func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	if ip := net.ParseIP(name); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(c)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestMailByTLS sends an alarm to a real server: it comes over TLS, or not at all, and no password is ever seen on the line.
func TestMailByTLS(t *testing.T) {
	const password = "lua-chin-vang-dong"
	for _, c := range []struct {
		name, server string // of the settings; PORT is the server's
		cert         string // whom the server is certified for; "": it knows no TLS
		stranger     bool   // by an authority that nobody knows
		insecure     bool   // the server would take a password without TLS
		sent, login  bool
	}{
		{name: "smtps", server: "smtps://loa@127.0.0.1:PORT", cert: "127.0.0.1", sent: true, login: true},
		{name: "STARTTLS", server: "smtp://loa@mail.example.vn:PORT", cert: "mail.example.vn", sent: true, login: true},
		{name: "STARTTLS on this machine", server: "smtp://loa@127.0.0.1:PORT", cert: "127.0.0.1", sent: true, login: true},
		{name: "this machine without TLS or password", server: "smtp://127.0.0.1:PORT", sent: true},
		{name: "this machine without TLS takes passwords", server: "smtp://loa@127.0.0.1:PORT", insecure: true},
		{name: "no STARTTLS where there should be", server: "smtp://loa@mail.example.vn:PORT", insecure: true},
		{name: "no STARTTLS and no password", server: "smtp://mail.example.vn:PORT"},
		{name: "STARTTLS of another", server: "smtp://loa@mail.example.vn:PORT", cert: "mail.example.com"},
		{name: "STARTTLS of a stranger", server: "smtp://loa@mail.example.vn:PORT", cert: "mail.example.vn", stranger: true},
		{name: "STARTTLS of a stranger on this machine", server: "smtp://loa@127.0.0.1:PORT", cert: "127.0.0.1", stranger: true},
		{name: "smtps of another", server: "smtps://loa@127.0.0.1:PORT", cert: "mail.example.vn"},
		{name: "smtps of a stranger", server: "smtps://loa@127.0.0.1:PORT", cert: "127.0.0.1", stranger: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &office{}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			address := l.Addr().String()
			_, port, _ := net.SplitHostPort(address)
			s := smtp.NewServer(o)
			s.Domain, s.ErrorLog, s.AllowInsecureAuth = "mail.test", slogless{}, c.insecure
			options := MailOptions{Server: strings.Replace(c.server, "PORT", port, 1), Password: password, From: "loa@example.vn", To: []string{"truc@example.vn"}, Zone: time.UTC,
				roots: x509.NewCertPool()}
			listener := net.Listener(tap{l, o})
			if c.cert != "" {
				cert, pool := certificate(t, c.cert)
				s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
				if !c.stranger {
					options.roots = pool
				}
			}
			if strings.HasPrefix(c.server, "smtps") {
				listener = tls.NewListener(listener, s.TLSConfig)
			} else {
				options.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, network, address)
				}
			}
			done := make(chan struct{})
			go func() { defer close(done); _ = s.Serve(listener) }() // ends by Close
			m, err := NewMail(options)
			if err != nil {
				t.Fatal(err)
			}
			n, err := m.send(t.Context(), []Notice{{Say: SayRaised, Alarm: Alarm{Kind: RootKey}}})
			_ = s.Close()
			<-done
			if c.sent != (err == nil) || c.sent != (n == 1) {
				t.Errorf("%d sent: %v", n, err)
			}
			if mails := o.take(); c.sent != (len(mails) == 1) {
				t.Errorf("%d mails came", len(mails))
			} else if c.sent && !strings.Contains(mails[0], "Loa") {
				t.Errorf("the mail is %q", mails[0])
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			if c.login != slices.Equal(o.logins, []string{"loa " + password}) {
				t.Errorf("logins %q", o.logins)
			}
			if line := o.line.String(); strings.Contains(line, "AUTH") || c.cert != "" && strings.Contains(line, "MAIL FROM") {
				t.Errorf("on the line could be read %q", line)
			}
		})
	}
}
