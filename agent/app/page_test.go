package app

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/player/playertest"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/mono"
)

// book is a log that a test reads while it is written.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) count(s string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), s)
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for limit := within(t, 20*time.Second); !is(); {
		if limit.Err() != nil {
			t.Fatal(what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestAnAgentWhosePageHasNoPortPlaysOnAndServesItLater(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	dir := t.TempDir()
	h := pair(t, dir)
	c, err := config.LoadAgent("", func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.Console = dir, other.Listener.Addr().String()
	log := &book{}
	card := playertest.New(mono.Now)
	o := Options{Config: c, Version: "test", Built: time.Now().Add(-time.Hour), Output: card, Machine: machine("1"),
		Log: slog.New(slog.NewTextHandler(log, nil))}
	a, err := New(o)
	if err != nil {
		t.Fatalf("it does not start: %v", err)
	}
	a.page.retry = 10 * time.Millisecond
	ag := runs(t, a, card)
	<-a.Started()
	h.give(a, time.Now().Add(time.Second), time.Second)
	if sounded := card.WaitSounded(within(t, 10*time.Second), 1); len(sounded) != 1 {
		t.Fatalf("the card got %+v", sounded)
	}

	s, _ := a.Status()
	if s.Console == nil || s.Console.Code != errConsoleBusy.Code || s.Console.VI == "" || s.Console.EN == "" {
		t.Errorf("its status does not tell: %+v", s.Console)
	}
	if n := log.count(errConsoleBusy.Code); n != 1 {
		t.Errorf("the log tells it %d times, not once", n)
	}
	if _, err := Status(t.Context(), o); !errors.Is(err, errConsoleBusy) {
		t.Errorf("loa-agent status: %v", err)
	}
	found := false
	for _, f := range Doctor(t.Context(), o) {
		found = found || f.What == "page" && errors.Is(f.Problem, errConsoleBusy)
	}
	if !found {
		t.Error("loa-agent doctor does not tell")
	}

	other.Close()
	until(t, "the page is not served once its port is free", func() bool { return a.ConsoleAddr() != "" })
	if v := ag.view(t); !v.Paired || v.Console != nil {
		t.Errorf("the page: %+v, %+v", v.Pairing, v.Console)
	}
	if v, err := Status(t.Context(), o); err != nil || !v.Running {
		t.Errorf("loa-agent status: %+v, %v", v, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestThePageOfAnotherAgentIsNotTakenForItsOwn(t *testing.T) {
	other := t.TempDir()
	pair(t, other)
	a := start(t, other, machine("1"))
	<-a.Started()
	o := a.o
	o.Config.Console, o.Config.Data = a.ConsoleAddr(), t.TempDir()
	v, err := Status(t.Context(), o)
	if err != nil || v.Running || v.Paired {
		t.Errorf("an agent that is not paired shows %+v, %v", v, err)
	}
	http.DefaultClient.CloseIdleConnections()
}
