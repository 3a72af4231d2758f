package service

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/internal/mono"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheManagerHearsOfLifeWhileEveryPartGoesRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		now := func() mono.Instant { return mono.Instant(time.Since(begin)) }
		hungAt := mono.Instant(50 * time.Second)
		var log bytes.Buffer
		var heard []string
		hung := 0
		w := Watch{Now: now, Every: 20 * time.Second, Hung: func() { hung++ }, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Notify: func(s string) { heard = append(heard, strconv.Itoa(int(time.Since(begin).Seconds()))+" "+s) },
			Signs: func() []Sign {
				return []Sign{
					{Part: "speaker", Last: now, Most: time.Second},
					{Part: "scheduler", Most: time.Minute, Last: func() mono.Instant {
						if n := now(); n < hungAt || n > mono.Instant(170*time.Second) {
							return n
						}
						return hungAt
					}},
				}
			}}
		ctx, cancel := context.WithTimeout(t.Context(), 205*time.Second)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		want := []string{"0 READY=1", "0 WATCHDOG=1", "20 WATCHDOG=1", "40 WATCHDOG=1", "60 WATCHDOG=1", "80 WATCHDOG=1", "100 WATCHDOG=1",
			"180 WATCHDOG=1", "200 WATCHDOG=1", "205 STOPPING=1"}
		if !slices.Equal(heard, want) {
			t.Errorf("heard %q", heard)
		}
		if said := log.String(); hung != 1 || strings.Count(said, "hangs=scheduler") != 1 {
			t.Errorf("told %d times: %s", hung, said)
		}
	})
}

func TestSystemdIsReachedByItsSocket(t *testing.T) {
	for name, given := range map[string]string{"a file": filepath.Join(t.TempDir(), "notify"), "an abstract one": "@loa-test-" + strconv.Itoa(os.Getpid())} {
		t.Run(name, func(t *testing.T) {
			addr := strings.Replace(given, "@", "\x00", 1)
			systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: addr, Net: "unixgram"})
			if err != nil {
				t.Skip(err) // Windows has none
			}
			defer systemd.Close()
			t.Setenv("NOTIFY_SOCKET", given)
			t.Setenv("WATCHDOG_USEC", "60000000")
			t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
			m := FromEnvironment()
			if m.Every() != 20*time.Second {
				t.Errorf("every %v", m.Every())
			}
			if os.Getenv("NOTIFY_SOCKET") != "" || os.Getenv("WATCHDOG_USEC") != "" {
				t.Error("what the agent starts could speak for it")
			}
			if err := m.Notify(ready); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 64)
			if err := systemd.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, err := systemd.Read(buf)
			if err != nil || string(buf[:n]) != ready {
				t.Errorf("%q, %v", buf[:n], err)
			}
			_ = systemd.Close()
			if err := m.Notify(alive); err == nil {
				t.Error("a socket that is gone is no error")
			}
		})
	}
}

func TestWithoutSystemdNothingIsSaid(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "60000000")
	t.Setenv("WATCHDOG_PID", "1") // another's
	m := FromEnvironment()
	if err := m.Notify(ready); err != nil || m.Every() != lookEvery {
		t.Errorf("%v, %v", err, m.Every())
	}
}
