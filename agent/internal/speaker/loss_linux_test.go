package speaker

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

// loseCard plays nine seconds, loses the card after one and has it back by give; it checks that the sound
// joins at its place and that the account is honest.
func loseCard(t *testing.T, r *rig, lose, give func()) {
	t.Helper()
	r.await(player.CardOK, 10*time.Second)
	s := noise(9*audio.Rate, 5)
	at := mono.Now().Add(time.Second)
	result := make(chan player.Heard, 1)
	go func() { result <- r.speaker.Play(r.ctx, voiceOf("lost", s, at)) }()
	time.AfterFunc(2*time.Second, lose)
	if give != nil {
		time.AfterFunc(3500*time.Millisecond, give)
	}
	var rec *soundcard.Recording
	lost := time.NewTimer(3600 * time.Millisecond)
	<-lost.C
	r.await(player.CardOK, 10*time.Second)
	rec = r.record()
	from := at.Add(5500 * time.Millisecond) // on a busy machine the first moments may be torn
	h := <-result
	if err := rec.Wait(r.ctx, at.Add(9100*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	t.Logf("heard %v, missed %v", audio.Duration(h.Reached), audio.Duration(h.Missed))
	if !h.Complete || !h.CardMissing || h.Reached+h.Missed != int64(len(s)) || h.Missed < audio.Rate/2 || h.Reached < 3*audio.Rate {
		t.Errorf("%+v", h)
	}
	whole(t, rec, s, at, from)
}

// whole checks that most of a sound is at its place from an instant on. Piece by piece, because a busy machine may tear
// one; at its place it is from then on all the same.
func whole(t *testing.T, rec *soundcard.Recording, s sound, at, from mono.Instant) {
	t.Helper()
	const piece = audio.Rate / 2
	good, pieces := 0, 0
	for pos := int(audio.Frames(from.Sub(at))); pos+piece <= len(s); pos += piece {
		m := soundcard.MeasureStart(rec, s[pos:pos+piece], at.Add(audio.Duration(int64(pos))))
		t.Logf("from %v: %+v", audio.Duration(int64(pos)), m)
		pieces++
		if m.Error.Abs() <= 10*time.Millisecond && m.Correlation >= 0.99 {
			good++
		}
	}
	if good <= pieces/2 {
		t.Errorf("%d of %d pieces are whole and at their place", good, pieces)
	}
}

func TestTheCardGoesAndComesBack(t *testing.T) {
	fine := func(t *testing.T, err error) {
		if err != nil {
			t.Error(err)
		}
	}
	t.Run("sink removed", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, newCard(t))
		loseCard(t, r, func() { fine(t, r.card.RemoveSink()) }, func() { fine(t, r.card.RestoreSink()) })
	})
	t.Run("sink stalled", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, newCard(t))
		loseCard(t, r, func() { fine(t, r.card.Suspend(true)) }, func() { fine(t, r.card.Suspend(false)) })
	})
	t.Run("child killed", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, newCard(t))
		loseCard(t, r, func() { fine(t, syscall.Kill(childOf(t, os.Getpid(), r.card), syscall.SIGKILL)) }, nil)
	})
	t.Run("child hangs", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, newCard(t))
		loseCard(t, r, func() { fine(t, syscall.Kill(childOf(t, os.Getpid(), r.card), syscall.SIGSTOP)) }, nil)
	})
	t.Run("dummy for a while", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, newCard(t))
		loseCard(t, r,
			func() { fine(t, r.card.RemoveSink()); fine(t, r.card.AddDummySink()) },
			func() { fine(t, r.card.RemoveSink()); fine(t, r.card.RestoreSink()) })
	})
}

func TestTheSoundServerIsKilled(t *testing.T) {
	card := newCard(t)
	r := newRig(t, card)
	r.await(player.CardOK, 10*time.Second)
	s := noise(3*audio.Rate, 6)
	at := mono.Now().Add(time.Second)
	time.AfterFunc(2*time.Second, func() { _ = card.Kill() })
	h := r.speaker.Play(r.ctx, voiceOf("killed", s, at))
	state := r.await(player.CardMissing, 5*time.Second)
	t.Logf("%+v, heard %v, missed %v", state, audio.Duration(h.Reached), audio.Duration(h.Missed))
	if h.Complete || h.Reached+h.Missed != int64(len(s)) || h.Reached > audio.Rate*3/2 {
		t.Errorf("%+v", h)
	}
}

// returns gives the card back and checks that it is taken up, and soon.
func (r *rig) returns(give func() error) {
	r.t.Helper()
	if err := give(); err != nil {
		r.t.Fatal(err)
	}
	begin := mono.Now()
	r.await(player.CardOK, 10*time.Second)
	r.t.Logf("taken up after %v", mono.Now().Sub(begin))
	if h := r.speaker.Play(r.ctx, voiceOf("again", noise(audio.Rate/2, 3), mono.Now().Add(r.speaker.Lead()))); !h.Complete {
		r.t.Errorf("after the return: %+v", h)
	}
}

// A card that is plugged in becomes the default: what sounds moves there and stays at its place.
func TestTheSystemChangesTheCard(t *testing.T) {
	t.Parallel()
	r := newRig(t, newCard(t))
	if err := r.card.AddOther("headset"); err != nil {
		t.Fatal(err)
	}
	r.await(player.CardOK, 10*time.Second)
	rec, err := r.card.RecordOther(r.ctx, "headset")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rec.Stop)
	s := noise(7*audio.Rate, 9)
	at := mono.Now().Add(time.Second)
	time.AfterFunc(2*time.Second, func() {
		if err := r.card.Prefer("headset"); err != nil {
			t.Error(err)
		}
	})
	h := r.speaker.Play(r.ctx, voiceOf("moved", s, at))
	if err := rec.Wait(r.ctx, at.Add(7200*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	t.Logf("heard %v, missed %v", audio.Duration(h.Reached), audio.Duration(h.Missed))
	if !h.Complete || h.Reached+h.Missed != int64(len(s)) || h.Missed > 2*audio.Rate {
		t.Errorf("%+v", h)
	}
	// A virtual card that nobody played on has two seconds of silence before it; then the map must be found anew.
	whole(t, rec, s, at, at.Add(4500*time.Millisecond))
	if state, _ := r.speaker.Watch(); state.State != player.CardOK || state.Detail != "headset" {
		t.Errorf("%+v", state)
	}
}

func TestNoCardAtStart(t *testing.T) {
	t.Run("no server", func(t *testing.T) {
		t.Parallel()
		card := newCard(t)
		_ = card.Kill()
		r := newRig(t, card)
		r.await(player.CardMissing, 5*time.Second)
		at := mono.Now().Add(100 * time.Millisecond)
		h := r.speaker.Play(r.ctx, voiceOf("none", noise(audio.Rate/2, 1), at))
		if h.Reached != 0 || h.Missed != audio.Rate/2 || !h.CardMissing || h.Complete {
			t.Errorf("%+v", h)
		}
	})
	t.Run("sink suspended", func(t *testing.T) {
		t.Parallel()
		card := newCard(t)
		if err := card.Suspend(true); err != nil {
			t.Fatal(err)
		}
		r := newRig(t, card)
		r.await(player.CardMissing, 8*time.Second)
		r.returns(func() error { return card.Suspend(false) })
	})
	t.Run("sink absent", func(t *testing.T) {
		t.Parallel()
		card := newCard(t)
		if err := card.RemoveSink(); err != nil {
			t.Fatal(err)
		}
		r := newRig(t, card)
		r.await(player.CardMissing, 5*time.Second)
		h := r.speaker.Play(r.ctx, voiceOf("none", noise(audio.Rate/2, 1), mono.Now().Add(100*time.Millisecond)))
		if h.Reached != 0 || h.Missed != audio.Rate/2 || !h.CardMissing || h.Complete {
			t.Errorf("%+v", h)
		}
		r.returns(card.RestoreSink)
	})
	t.Run("busy", func(t *testing.T) {
		t.Parallel()
		card := newCard(t)
		if err := card.Occupy(); err != nil {
			t.Fatal(err)
		}
		r := newRig(t, card)
		state := r.await(player.CardMissing, 5*time.Second)
		h := r.speaker.Play(r.ctx, voiceOf("busy", noise(audio.Rate/2, 1), mono.Now().Add(100*time.Millisecond)))
		if h.Reached != 0 || h.Missed != audio.Rate/2 || !h.CardMissing || h.Complete || state.Detail == "" {
			t.Errorf("%+v: %+v", state, h)
		}
		r.returns(func() error { card.Release(); return nil })
	})
	t.Run("only a dummy", func(t *testing.T) {
		t.Parallel()
		card := newCard(t)
		if err := errors.Join(card.RemoveSink(), card.AddDummySink()); err != nil {
			t.Fatal(err)
		}
		r := newRig(t, card)
		state := r.await(player.CardMissing, 8*time.Second)
		h := r.speaker.Play(r.ctx, voiceOf("dummy", noise(audio.Rate/2, 1), mono.Now().Add(time.Second)))
		if h.Reached != 0 || h.Complete {
			t.Errorf("%+v: %+v", state, h)
		}
	})
}

// A machine that is busy for a moment leaves a hole. What did not sound then is missed, is said so, and what
// follows is at its place.
func TestAHoleIsTold(t *testing.T) {
	r := newRig(t, newCard(t))
	r.await(player.CardOK, 10*time.Second)
	rec := r.record()
	s := noise(6*audio.Rate, 8)
	at := mono.Now().Add(time.Second)
	child := childOf(t, os.Getpid(), r.card)
	time.AfterFunc(2500*time.Millisecond, func() { _ = syscall.Kill(child, syscall.SIGSTOP) })
	time.AfterFunc(3900*time.Millisecond, func() { _ = syscall.Kill(child, syscall.SIGCONT) })
	h := r.speaker.Play(r.ctx, voiceOf("hole", s, at))
	if err := rec.Wait(r.ctx, at.Add(6200*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	hole := audio.Duration(h.Missed)
	t.Logf("heard %v, missed %v", audio.Duration(h.Reached), hole)
	if !h.Complete || h.Reached+h.Missed != int64(len(s)) || hole < 300*time.Millisecond || hole > 1600*time.Millisecond {
		t.Errorf("%+v", h)
	}
	m := soundcard.MeasureStart(rec, s[5*audio.Rate:], at.Add(5*time.Second))
	t.Logf("after the hole: %+v", m)
	if m.Error.Abs() > 10*time.Millisecond || m.Correlation < 0.99 {
		t.Errorf("not at its place after the hole: %+v", m)
	}

	// Near its end there is no time to make up for it: all of it is heard, the last of it too late.
	s = s[:2*audio.Rate]
	at = mono.Now().Add(time.Second)
	time.AfterFunc(2000*time.Millisecond, func() { _ = syscall.Kill(child, syscall.SIGSTOP) })
	time.AfterFunc(3300*time.Millisecond, func() { _ = syscall.Kill(child, syscall.SIGCONT) })
	h = r.speaker.Play(r.ctx, voiceOf("hole", s, at))
	hole = audio.Duration(h.Missed)
	t.Logf("heard %v, missed %v, until %v after its end", audio.Duration(h.Reached), hole, h.EndedAt.Sub(at.Add(2*time.Second)))
	if h.Reached+h.Missed != int64(len(s)) || hole < 300*time.Millisecond || hole > 1200*time.Millisecond {
		t.Errorf("%+v", h)
	}
}
