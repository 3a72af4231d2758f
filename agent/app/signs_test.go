package app

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/player/playertest"
	"github.com/loa-vn/loa/internal/mono"
)

// signing is a card that says when it went round.
type signing struct {
	*playertest.Card
	sign func() mono.Instant
}

func (c signing) Sign() mono.Instant { return c.sign() }

func TestTheSignsOfAnAgentAreThoseOfWhatRuns(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir, machine("1"))
	if s := a.signs(); len(s) != 1 || s[0].Part != "start" {
		t.Fatalf("before the pairing: %+v", s)
	}
	first := a.signs()[0].Last()
	until(t, "an agent that waits for its pairing gives no sign", func() bool { return a.signs()[0].Last() > first })
	pair(t, dir)
	<-a.Started()
	s := a.signs()
	if len(s) != 1 || s[0].Part != "scheduler" {
		t.Fatalf("with a card that gives none: %+v", s)
	}
	until(t, "the scheduler does not go round", func() bool { return mono.Now().Sub(a.paired.scheduler.Round()) < time.Minute })
	long := mono.Now().Add(-time.Hour)
	a.mu.Lock()
	a.paired.output, a.begun = signing{a.card, func() mono.Instant { return long }}, long
	a.mu.Unlock()
	if s := a.signs(); len(s) != 2 || s[1].Part != "speaker" || mono.Now().Sub(s[1].Last()) <= s[1].Most {
		t.Errorf("a speaker that hangs: %+v", s)
	}
}
