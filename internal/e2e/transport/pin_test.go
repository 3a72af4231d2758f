// Package transport pairs agents with a hub that speaks TLS by its private CA: what the two programs' commands and
// settings promise each other about the line between them.
package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	agentapp "github.com/loa-vn/loa/agent/app"
	hubapp "github.com/loa-vn/loa/hub/app"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/problem"
)

// TestMain is also the agent's speaker, which is this program with that argument: one without a card.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "speaker" {
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// site is a hub with TLS, and one admin who is signed in.
type site struct {
	*hubapp.App
	t      *testing.T
	data   string
	pin    string
	client *http.Client
}

func command(t *testing.T, data, stdin string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if hubapp.Main(t.Context(), hubapp.Process{Args: append([]string{"--data", data}, args...), In: strings.NewReader(stdin), Out: &out, Err: &errs}) != 0 {
		t.Fatalf("%v: %s", args, &errs)
	}
	return out.String()
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, data: t.TempDir()}
	s.pin = regexp.MustCompile(`[0-9a-f]{64}`).FindString(command(t, s.data, "", "tls", "init", "--host", "127.0.0.1"))
	command(t, s.data, "chim bay ve to som\n", "user", "add", "--name", "minh", "--role", "admin")
	ctx, cancel := context.WithCancel(t.Context())
	app, err := hubapp.New(ctx, hubapp.Options{Data: s.data})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	s.App = app
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("hub: %v", err)
		}
	})
	ca, err := os.ReadFile(filepath.Join(s.data, "tls", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	s.client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}}
	return s
}

// call sends JSON with the cookies of an earlier answer and gives the answer.
func (s *site) call(cookies []*http.Cookie, method, path, body string) (map[string]any, []*http.Cookie) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL()+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, c := range cookies {
		req.AddCookie(c)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	out := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s %v %v", method, path, resp.Status, out, err)
	}
	return out, resp.Cookies()
}

// confirm waits for the agent's answer and confirms the words.
func (s *site) confirm(cookies []*http.Cookie, id string) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if p, _ := s.call(cookies, "GET", "pairings/"+id, ""); p["state"] == "answered" {
			words, _ := json.Marshal(map[string]any{"words": p["words"]})
			s.call(cookies, "POST", "pairings/"+id+"/confirm", string(words))
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	s.t.Fatal("the agent did not answer")
}

func TestAgentPairsWithThePinnedHubOnly(t *testing.T) {
	s := newSite(t)
	_, cookies := s.call(nil, "POST", "login", `{"name":"minh","password":"chim bay ve to som"}`)
	s.call(cookies, "POST", "areas", `{"code":"xa","name":"Xã"}`)
	pairing, _ := s.call(cookies, "POST", "pairings", `{"area":"xa","name":"Cụm 1"}`)
	code, id := fmt.Sprint(pairing["code"]), fmt.Sprint(pairing["id"])
	pair := func(c config.Agent) error {
		return agentapp.Pair(t.Context(), c, code, true, agentapp.Terminal{In: strings.NewReader(""), Out: io.Discard}, slog.New(slog.DiscardHandler))
	}
	data := t.TempDir()
	for name, tc := range map[string]struct {
		c    config.Agent
		code string
	}{
		"no pin":      {config.Agent{Hub: s.URL()}, "HUB_CERTIFICATE"},
		"another pin": {config.Agent{Hub: s.URL(), HubPin: strings.Repeat("ab", 32)}, "HUB_CERTIFICATE"},
		"plain http":  {config.Agent{Hub: "http" + strings.TrimPrefix(s.URL(), "https"), HubPin: s.pin}, "HUB_ANSWER"},
	} {
		tc.c.Data = data
		var p *problem.Error
		if err := pair(tc.c); !errors.As(err, &p) || p.Code != tc.code || p.VI == "" || p.EN == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	paired := make(chan error, 1)
	go func() { paired <- pair(config.Agent{Data: data, Hub: s.URL(), HubPin: s.pin}) }()
	s.confirm(cookies, id)
	if err := <-paired; err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(data, "pairing.json"))
	if err != nil || !strings.Contains(string(kept), s.pin) {
		t.Errorf("the pin is not kept: %s %v", kept, err)
	}
	connects(t, s, data)
}

// connects runs the paired agent, with no word of the hub in its settings, until the hub says that it is there.
func connects(t *testing.T, s *site, data string) {
	t.Helper()
	_, cookies := s.call(nil, "POST", "login", `{"name":"minh","password":"chim bay ve to som"}`)
	ctx, cancel := context.WithCancel(t.Context())
	app, err := agentapp.New(agentapp.Options{Config: config.Agent{Data: data, Console: config.ConsoleOff, CacheLimit: 64 << 20}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("agent: %v", err)
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if list, _ := s.call(cookies, "GET", "agents", ""); strings.Contains(fmt.Sprint(list), "online:true") {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Error("the agent did not connect by the pin of its pairing")
}
