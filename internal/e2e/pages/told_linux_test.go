package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// told is what a hub tells of alarms beyond its page: to a mail server, and to a receiver that checks signatures by the
// standard's own library. Whoever asks it reads what came, a line each.
type told struct {
	address string
	hook    *standardwebhooks.Webhook

	mu    sync.Mutex
	lines []string
	bad   error
}

// tellAbroad gives the settings by which a hub tells by mail and webhook too.
func tellAbroad(t *testing.T) (w *told, env []string) {
	t.Helper()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	w = &told{}
	file := filepath.Join(t.TempDir(), "secret")
	var l net.Listener
	err := os.WriteFile(file, []byte(secret), 0o600)
	if err == nil {
		w.hook, err = standardwebhooks.NewWebhook(secret)
	}
	if err == nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return letter{w}, nil }))
	server.Domain = "loa.test"
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(l) }() // ends by Close
	receiver := httptest.NewServer(w)
	w.address = receiver.URL
	t.Cleanup(func() {
		receiver.Close()
		_ = server.Close()
		_ = l.Close() // where a test is skipped at once the server does not know it yet
		<-ended
		if w.bad != nil {
			t.Error(w.bad)
		}
	})
	for name, value := range map[string]string{"SMTP": "smtp://" + l.Addr().String(), "MAIL_FROM": "loa@quang-ninh.test", "MAIL_TO": "truc@quang-ninh.test",
		"WEBHOOK": receiver.URL, "WEBHOOK_SECRET": file} {
		env = append(env, "LOA_HUB_ALARM_"+name+"="+value)
	}
	return w, env
}

// letter is a mail that comes in.
type letter struct{ w *told }

func (letter) Reset()                               {}
func (letter) Logout() error                        { return nil }
func (letter) Mail(string, *smtp.MailOptions) error { return nil }
func (letter) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (l letter) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return l.w.note(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	var lines []string
	for line := range strings.Lines(string(body)) {
		lines = append(lines, "mail: "+strings.TrimSpace(line))
	}
	return l.w.note(err, lines...)
}

// ServeHTTP takes a webhook, or tells what came.
func (w *told) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.mu.Lock()
		defer w.mu.Unlock()
		_, _ = io.WriteString(rw, strings.Join(w.lines, "\n"))
		return
	}
	body, err := io.ReadAll(r.Body)
	var m struct {
		Type string
		Data struct {
			Kind, Area string
			Clusters   int
		}
	}
	err = errors.Join(err, w.hook.Verify(body, r.Header), json.Unmarshal(body, &m))
	if w.note(err, fmt.Sprintf("webhook: %s %s %s %d", m.Type, m.Data.Kind, m.Data.Area, m.Data.Clusters)) != nil {
		rw.WriteHeader(http.StatusBadRequest)
	}
}

func (w *told) note(err error, lines ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad = errors.Join(w.bad, err)
	w.lines = append(w.lines, lines...)
	return err
}
