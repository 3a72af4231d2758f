//go:build unix

package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/player/playertest"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/mono"
)

// noting gives settings whose commands note themselves in a file, and how to read it.
func noting(t *testing.T, dir string, lead time.Duration) (config.Agent, func() string) {
	t.Helper()
	c, err := config.LoadAgent("", func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	notes := filepath.Join(t.TempDir(), "notes")
	c.Data, c.Console, c.AmplifierLead = dir, "127.0.0.1:0", lead
	c.BeforeSound = config.Command{"/bin/sh", "-c", `echo on >> "$0"`, notes}
	c.AfterSound = config.Command{"/bin/sh", "-c", `echo off >> "$0"`, notes}
	return c, func() string {
		b, _ := os.ReadFile(notes) // none yet
		return strings.Join(strings.Fields(string(b)), " ")
	}
}

func TestTheAmplifierIsOnForASoundAndOffWhenTheAgentStops(t *testing.T) {
	dir := t.TempDir()
	h := pair(t, dir)
	c, did := noting(t, dir, 30*time.Second)
	a := startWith(t, c, machine("1"))
	<-a.Started()
	if v := a.view(t); v.Amplifier == nil || v.Amplifier.State != "off" || did() != "" {
		t.Fatalf("before: %+v, did %q", v.Amplifier, did())
	}
	at := time.Now().Add(2 * time.Second)
	h.give(a.App, at, 500*time.Millisecond)
	sounded := a.card.WaitSounded(within(t, 10*time.Second), 1)
	if len(sounded) != 1 || a.clock.Time(sounded[0].At).Sub(at).Abs() > 50*time.Millisecond {
		t.Errorf("the card got %+v", sounded)
	}
	if v := a.view(t); v.Amplifier == nil || v.Amplifier.State != "on" || did() != "on" {
		t.Errorf("sounding: %+v, did %q", v.Amplifier, did())
	}
	a.stop()
	if did() != "on off" {
		t.Errorf("did %q", did())
	}
}

func TestACommandThatHangsDelaysNoSoundAndIsTold(t *testing.T) {
	dir := t.TempDir()
	h := pair(t, dir)
	c, did := noting(t, dir, 30*time.Second)
	c.BeforeSound = config.Command{"/bin/sh", "-c", `echo hangs >> "$0"; exec sleep 600`, c.AfterSound[3]}
	a := startWith(t, c, machine("1"))
	<-a.Started()
	at := time.Now().Add(time.Second)
	h.give(a.App, at, 500*time.Millisecond)
	sounded := a.card.WaitSounded(within(t, 10*time.Second), 1)
	if len(sounded) != 1 || a.clock.Time(sounded[0].At).Sub(at).Abs() > 50*time.Millisecond {
		t.Errorf("the card got %+v", sounded)
	}
	a.stop()
	if did() != "hangs off" {
		t.Errorf("did %q", did())
	}
}

func TestTheToneSwitchesTheAmplifier(t *testing.T) {
	if testing.Short() {
		t.Skip("three seconds of sound")
	}
	c, did := noting(t, t.TempDir(), 10*time.Millisecond)
	if _, err := TestTone(t.Context(), Options{Config: c, Output: playertest.New(mono.Now), Log: slog.New(slog.DiscardHandler)}); err != nil || did() != "on off" {
		t.Errorf("%v, did %q", err, did())
	}
}

func TestTheDoctorLooksAtTheAmplifier(t *testing.T) {
	dir := t.TempDir()
	pair(t, dir)
	c, _ := noting(t, dir, time.Second)
	c.BeforeSound = config.Command{"/nowhere/relay"}
	a := startWith(t, c, machine("1"))
	<-a.Started()
	v := a.view(t)
	if found := checkAmplifier(c, v.Amplifier); len(found) != 1 || found[0].Problem != nil {
		t.Errorf("%+v", found)
	}
	a.paired.amplifier.Cue(time.Now())
	for limit := within(t, 10*time.Second); v.Amplifier.State != "failing"; v = a.view(t) {
		if limit.Err() != nil {
			t.Fatalf("%+v", v.Amplifier)
		}
		<-time.After(20 * time.Millisecond)
	}
	if found := checkAmplifier(c, v.Amplifier); len(found) != 1 || !errors.Is(found[0].Problem, errAmplifier) || !strings.Contains(found[0].Detail, "/nowhere/relay") {
		t.Errorf("%+v", found)
	}
	if found := checkAmplifier(config.Agent{}, nil); found != nil {
		t.Errorf("where there is none: %+v", found)
	}
	if found := checkAmplifier(c, nil); len(found) != 1 || !errors.Is(found[0].Problem, errAmplifierNew) {
		t.Errorf("an agent from before: %+v", found)
	}
}
