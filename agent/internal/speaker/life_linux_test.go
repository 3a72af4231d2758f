package speaker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

// childOf waits until a process has a child that plays on the card, and gives its id.
func childOf(t *testing.T, parent int, card *soundcard.Card) int {
	t.Helper()
	for end := mono.Now().Add(5 * time.Second); mono.Now() < end; <-time.After(10 * time.Millisecond) {
		out, err := exec.Command("pgrep", "-P", strconv.Itoa(parent)).Output()
		if err != nil {
			continue // none yet
		}
		for _, field := range strings.Fields(string(out)) {
			environ, _ := os.ReadFile("/proc/" + field + "/environ") // it may just have ended
			if pid, err := strconv.Atoi(field); err == nil && bytes.Contains(environ, []byte("PULSE_SERVER="+card.Server()+"\x00")) && bytes.Contains(environ, []byte(childMark+"=child")) {
				return pid
			}
		}
	}
	t.Fatal("no child within 5 s")
	return 0
}

func TestTheChildDiesWithItsAgent(t *testing.T) {
	card := newCard(t)
	agent := exec.Command(os.Args[0])
	agent.Env = append(os.Environ(), childMark+"=parent", "PULSE_SERVER="+card.Server())
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	child := childOf(t, agent.Process.Pid, card)
	await(t, "the child ignores signals", func() bool { return ignores(t, child, syscall.SIGTERM) })
	if err := syscall.Kill(child, syscall.SIGTERM); err != nil || gone(child) {
		t.Fatalf("the child left before its agent (%v)", err)
	}
	if err := agent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = agent.Wait() // it was killed
	begin := mono.Now()
	for !gone(child) {
		if mono.Now().Sub(begin) > 3*time.Second {
			_ = syscall.Kill(child, syscall.SIGKILL)
			t.Fatal("the child outlives its agent")
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Logf("the child ended %v after its agent", mono.Now().Sub(begin))
}

// await polls until a condition of another process holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := mono.Now().Add(5 * time.Second); !holds(); <-time.After(5 * time.Millisecond) {
		if mono.Now() > end {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

// ignores reads from the kernel whether a process ignores a signal.
func ignores(t *testing.T, pid int, s syscall.Signal) bool {
	t.Helper()
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "SigIgn:\t")
	mask, _ := strconv.ParseUint(rest[:min(16, len(rest))], 16, 64)
	return mask&(1<<(s-1)) != 0
}

// gone says whether a process has ended; a zombie that nobody collects has.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func TestAnotherVersionIsRefused(t *testing.T) {
	var out bytes.Buffer
	in := bytes.NewReader(appendFrame(nil, hello{Version: wireVersion + 1}))
	c := &child{out: &out, mixer: newMixer(mono.Now)}
	if err := c.receive(in); !errors.Is(err, errWire) {
		t.Fatalf("got %v", err)
	}
}

// As on Windows, where oto lets the sound vanish while there is no default output.
func TestAChangedEndpointEndsTheChild(t *testing.T) {
	now := "speakers"
	w := &watch{child: &child{endpoint: func() string { return now }}, endpoint: now, err: func() error { return nil }}
	if !w.same() || w.gone() != nil {
		t.Error("ended although nothing has changed")
	}
	now = ""
	if w.same() || w.alive() == nil {
		t.Error("goes on although the output is gone")
	}
	now = "speakers"
	if w.alive() == nil {
		t.Error("goes on with what may have been lost meanwhile")
	}
}

func TestNoChildAtAll(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := New(Config{Command: []string{"/nonexistent/loa-agent", "speaker"}, Log: slog.New(slog.DiscardHandler)})
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	h := s.Play(ctx, voiceOf("none", noise(audio.Rate/5, 1), mono.Now()))
	if h.Reached != 0 || h.Missed != audio.Rate/5 || !h.CardMissing || h.Complete {
		t.Errorf("%+v", h)
	}
	if state, _ := s.Watch(); state.State != player.CardMissing {
		t.Errorf("%+v", state)
	}
	cancel()
	<-done
}

// broken is PCM that fails at a position.
type broken struct {
	sound
	at int64
}

var errChunk = errors.New("chunk does not have its hash")

func (b broken) ReadAt(buf []float32, pos int64) (int, error) {
	if pos+int64(len(buf)) <= b.at {
		return b.sound.ReadAt(buf, pos)
	}
	n, err := b.sound[:b.at].ReadAt(buf, pos)
	if errors.Is(err, io.EOF) {
		err = errChunk
	}
	return n, err
}

func TestDamagedAudioIsPlayedUpToTheDamage(t *testing.T) {
	r := newRig(t, newCard(t))
	r.await(player.CardOK, 10*time.Second)
	s := noise(3*audio.Rate, 8)
	v := voiceOf("damaged", s, mono.Now().Add(time.Second))
	v.PCM = broken{s, audio.Rate}
	h := r.speaker.Play(r.ctx, v)
	if !errors.Is(h.Err, errChunk) || h.Complete || h.Reached != audio.Rate || h.Missed != 2*audio.Rate {
		t.Errorf("%+v", h)
	}
}

func TestTwoAgentsStartTogether(t *testing.T) {
	card := newCard(t)
	a, b := newRig(t, card), newRig(t, card)
	a.await(player.CardOK, 10*time.Second)
	b.await(player.CardOK, 10*time.Second)
	s := noise(audio.Rate, 9)
	at := mono.Now().Add(1500 * time.Millisecond)
	ends := make(chan player.Heard, 2)
	for _, r := range []*rig{a, b} {
		go func() { ends <- r.speaker.Play(r.ctx, voiceOf("pair", s, at)) }()
	}
	first, second := <-ends, <-ends
	apart := first.StartedAt.Sub(second.StartedAt).Abs()
	t.Logf("%v apart", apart)
	if !first.Complete || !second.Complete || apart > 2*time.Millisecond {
		t.Errorf("%+v and %+v", first, second)
	}
}
