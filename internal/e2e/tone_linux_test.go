package e2e

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/mono"
)

// The test tone that the hub's page orders comes out of the card: 1 kHz at -18 dBFS for 3 s, once however often it is asked for.
func TestTheToneThatTheHubOrdersIsHeard(t *testing.T) {
	s := newStation(t, nil)
	s.must(rig.Await(s.ctx, "the hub knows of the card", func(ctx context.Context) (bool, error) {
		var a struct{ Card struct{ State string } }
		err := s.Chief.Call(ctx, "GET", "agents/"+s.agent.ID, nil, &a)
		return a.Card.State == "ok", err
	}))
	s.record()
	order := func() string {
		var answer struct{ Code string }
		s.must(s.Chief.Call(s.ctx, "POST", "agents/"+s.agent.ID+"/commands", map[string]string{"do": "tone"}, &answer))
		return answer.Code
	}
	ordered := mono.Now()
	if code := order(); code != "" {
		t.Fatalf("the agent refuses: %s", code)
	}
	if code := order(); code != "TONE_ON" {
		t.Errorf("while it sounds the agent answers %q, want TONE_ON", code)
	}
	s.must(s.rec.Wait(s.ctx, ordered.Add(6*time.Second)))
	pcm := s.rec.PCM()
	first, moments, strange := -1, 0, 0
	for from := 0; from+chirpLook <= len(pcm); from += chirpLook {
		switch pitch, sound := pitchOf(pcm[from : from+chirpLook]); {
		case math.Abs(pitch-1000) < 5:
			if moments++; first < 0 {
				first = from
			}
		case sound:
			strange++ // its first and last moment may be half silent
		}
	}
	sounded := time.Duration(moments) * 40 * time.Millisecond
	if sounded < 2900*time.Millisecond || sounded > 3*time.Second || strange > 2 {
		t.Fatalf("1 kHz was heard for %v, want 3 s; %d moments of something else", sounded, strange)
	}
	if wait := s.rec.Fit().Instant(float64(first)).Sub(ordered); wait < 0 || wait > 2*time.Second {
		t.Errorf("it began %v after the order", wait)
	}
	if level := 20 * math.Log10(float64(loudest(pcm[first:first+audio.Rate]))); math.Abs(level+18) > 0.5 {
		t.Errorf("its peak is %.1f dBFS, want -18", level)
	}
}
