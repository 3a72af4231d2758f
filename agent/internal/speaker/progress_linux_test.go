package speaker

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

// telling is one call of a Progress.
type telling struct {
	at mono.Instant
	h  player.Heard
}

// listen plays s at an instant and gives what was told meanwhile, and in the end.
func (r *rig) listen(s sound, at mono.Instant) ([]telling, player.Heard) {
	var told []telling
	v := voiceOf("told", s, at)
	v.Progress = func(h player.Heard) { told = append(told, telling{mono.Now(), h}) }
	h := r.speaker.Play(r.ctx, v)
	return told, h
}

func TestProgressIsWhatTheCardConfirmed(t *testing.T) {
	t.Parallel()
	r := newRig(t, newCard(t))
	r.await(player.CardOK, 10*time.Second)
	at := mono.Now().Add(time.Second)
	told, end := r.listen(noise(4*audio.Rate, 6), at)
	if len(told) < 5 || len(told) > 17 {
		t.Errorf("told %d times in four seconds", len(told))
	}
	for i, p := range told {
		reached, sofar := audio.Duration(p.h.Reached), p.at.Sub(at)
		t.Logf("after %v: %v", sofar, reached)
		if reached > sofar || sofar-reached > time.Second || p.h.Reached > end.Reached {
			t.Errorf("after %v told that %v reached the card", sofar, reached)
		}
		if p.h.StartedAt != told[0].h.StartedAt || p.h.EndedAt > p.at || p.h.Missed != 0 {
			t.Errorf("told %+v at %v", p.h, p.at)
		}
		if i > 0 && (p.h.Reached < told[i-1].h.Reached || p.at.Sub(told[i-1].at) < player.ProgressEvery) {
			t.Errorf("told %+v after %+v", p, told[i-1])
		}
	}
}

func TestProgressOverTheLivesOfTheChild(t *testing.T) {
	t.Parallel()
	r := newRig(t, newCard(t))
	r.await(player.CardOK, 10*time.Second)
	at := mono.Now().Add(time.Second)
	time.AfterFunc(3*time.Second, func() { _ = syscall.Kill(childOf(t, os.Getpid(), r.card), syscall.SIGKILL) })
	told, end := r.listen(noise(6*audio.Rate, 8), at)
	if len(told) == 0 {
		t.Fatal("nothing was told")
	}
	last := told[len(told)-1].h
	for i, p := range told[1:] {
		if p.h.Reached < told[i].h.Reached {
			t.Errorf("went back from %+v to %+v", told[i].h, p.h)
		}
	}
	if last.Missed == 0 || last.Missed > end.Missed || last.Reached > end.Reached || end.Reached-last.Reached > audio.Rate {
		t.Errorf("told %+v, in the end %+v", last, end)
	}
}
