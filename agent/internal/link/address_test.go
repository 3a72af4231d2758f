package link

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

func TestEndpoint(t *testing.T) {
	tests := map[string]struct {
		hub  string
		want string // or the code of the refusal
	}{
		"https":                 {"https://loa.example.vn", "wss://loa.example.vn/agent/v1/link"},
		"wss, a port, a folder": {"wss://loa.example.vn:8443/hub/", "wss://loa.example.vn:8443/hub/agent/v1/link"},
		"http on loopback":      {"http://127.0.0.1:8080", "ws://127.0.0.1:8080/agent/v1/link"},
		"ws on localhost":       {"ws://localhost", "ws://localhost/agent/v1/link"},
		"loopback in IPv6":      {"http://[::1]:8080", "ws://[::1]:8080/agent/v1/link"},
		"http to elsewhere":     {"http://192.168.1.5:8080", "HUB_NOT_TLS"},
		"http to a name":        {"http://localhost.example.vn", "HUB_NOT_TLS"},
		"nothing":               {"", "HUB_ADDRESS"},
		"no scheme":             {"loa.example.vn", "HUB_ADDRESS"},
		"another scheme":        {"ftp://loa.example.vn", "HUB_ADDRESS"},
		"a password":            {"https://a:b@loa.example.vn", "HUB_ADDRESS"},
		"a query":               {"https://loa.example.vn?x=1", "HUB_ADDRESS"},
		"not an address":        {"https://loa example:x", "HUB_ADDRESS"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := endpoint(test.hub, wire.LinkPath)
			var p *problem.Error
			if errors.As(err, &p) {
				got = p.Code
			}
			if got != test.want {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	var p *problem.Error
	if _, err := New(Options{Hub: "http://10.0.0.1", Identity: Identity{"x", testKey()}}); !errors.As(err, &p) || p.Code != "HUB_NOT_TLS" {
		t.Errorf("New: %v", err)
	}
}

// TestTLS: whether the agent speaks to a hub with that certificate. The server refuses every request with a code
// that only somebody who got through TLS can read.
func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = wsconn.Refuse(w, problem.New("THROUGH", 403, "qua", "through"))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of each refused certificate
	server.StartTLS()
	defer server.Close()
	cert := server.Certificate()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	pin := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	good := hex.EncodeToString(pin[:])
	tests := map[string]struct {
		security Security
		through  bool
	}{
		"unknown to the system":       {Security{}, false},
		"its certificate in the file": {Security{CAFile: ca}, true},
		"its key pinned":              {Security{Pin: good}, true},
		"another key pinned":          {Security{Pin: strings.Repeat("00", 32)}, false},
		"file and another pin":        {Security{CAFile: ca, Pin: strings.Repeat("00", 32)}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config, err := test.security.tlsConfig()
			if err != nil {
				t.Fatal(err)
			}
			_, err = wsconn.Dial(t.Context(), "wss"+strings.TrimPrefix(server.URL, "https")+"/", wsconn.DialOptions{
				Options: wsconn.AgentOptions(), TLS: config,
			})
			var p *problem.Error
			if through := errors.As(err, &p) && p.Code == "THROUGH"; through != test.through {
				t.Errorf("dial: %v", err)
			}
			if !test.through && (!errors.As(dialProblem(err), &p) || p.Code != "HUB_CERTIFICATE") {
				t.Errorf("people read %v", dialProblem(err))
			}
		})
	}
	for name, bad := range map[string]Security{
		"no such file":       {CAFile: ca + "x"},
		"no certificate":     {CAFile: writeFile(t, "hello")},
		"a pin that is none": {Pin: "abc"},
	} {
		if _, err := bad.tlsConfig(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if config, err := (Security{}).tlsConfig(); err != nil || config.MinVersion != tls.VersionTLS13 {
		t.Errorf("less than TLS 1.3 is allowed: %v", err)
	}
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
