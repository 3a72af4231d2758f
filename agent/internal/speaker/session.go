package speaker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/internal/player"
)

// session is one life of the child.
type session struct {
	writeMu sync.Mutex
	stdin   io.WriteCloser
	buf     []byte

	mu    sync.Mutex
	last  uint32
	feeds map[uint32]*feed
	done  chan struct{} // closed when the child is gone
}

// feed is one voice's side of a session.
type feed struct {
	id     uint32
	signal chan struct{} // has one element when upTo or heard has changed

	mu      sync.Mutex
	upTo    int64
	heard   heard
	stalled bool // the card has stood still meanwhile
}

func (f *feed) notify() {
	select {
	case f.signal <- struct{}{}:
	default:
	}
}

func (f *feed) state() (upTo int64, h heard) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.upTo, f.heard
}

// stood says whether the card has stood still while the voice was on its way.
func (f *feed) stood() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stalled
}

// stall tells all voices that the card stands still.
func (s *session) stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		f.mu.Lock()
		f.stalled = true
		f.mu.Unlock()
	}
}

func newSession(stdin io.WriteCloser) *session {
	return &session{stdin: stdin, feeds: map[uint32]*feed{}, done: make(chan struct{})}
}

// send writes frames to the child in one go: each write wakes it. It blocks at most until the watchdog kills a child
// that does not read.
func (s *session) send(messages ...message) error {
	s.writeMu.Lock()
	defer s.writeMu.Unlock()
	s.buf = s.buf[:0]
	for _, m := range messages {
		s.buf = appendFrame(s.buf, m)
	}
	_, err := s.stdin.Write(s.buf)
	return err
}

// sendPCM sends the PCM of a voice from a position on.
func (s *session) sendPCM(voice uint32, pos int64, pcm []float32) error {
	var frames []message
	for part := range slices.Chunk(pcm, pcmStep) {
		frames = append(frames, pcmFrame{voice, pos, part})
		pos += int64(len(part))
	}
	return s.send(frames...)
}

// add makes a feed with credit up to upTo.
func (s *session) add(upTo int64) *feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	f := &feed{id: s.last, signal: make(chan struct{}, 1), upTo: upTo}
	s.feeds[f.id] = f
	return f
}

func (s *session) remove(f *feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.feeds, f.id)
}

func (s *session) feed(id uint32) *feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.feeds[id]
}

// runChild starts a child and serves it until it is gone; the answer says why.
func (s *Speaker) runChild(ctx context.Context) string {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.cfg.Command[0], s.cfg.Command[1:]...)
	cmd.Env = s.cfg.Env
	errs := &tail{}
	cmd.Stderr = errs
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Sprintf("start speaker: %v", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Sprintf("start speaker: %v", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Sprintf("start speaker: %v", err)
	}
	kill := func() { _ = cmd.Process.Kill() } // fails only when it is gone already
	ss := newSession(quiet(stdin))
	// With its input closed the child ends by itself; one that hangs is killed.
	stop := context.AfterFunc(ctx, func() {
		_ = stdin.Close()
		time.AfterFunc(hangLimit, kill)
	})
	defer stop()
	reason := s.serve(ss, bufio.NewReaderSize(quiet(stdout), 4<<10), kill)
	kill()
	s.set(player.CardMissing, reason, nil) // before the voices look for the next session
	close(ss.done)
	_ = stdin.Close()
	_ = cmd.Wait() // how it ended is known from what it said
	if text := errs.String(); text != "" {
		s.cfg.Log.Debug("speaker said", "stderr", text)
	}
	return reason
}

// serve reads the child's frames; every frame is a sign of life.
func (s *Speaker) serve(ss *session, r io.Reader, kill func()) (reason string) {
	dog := newWatchdog(kill, func() { s.stalled(ss) })
	defer dog.stop()
	err := ss.send(hello{Version: wireVersion, Calibration: int64(s.cfg.Calibration)})
	if shift := s.shifted(); err == nil && shift != 0 {
		err = ss.send(shiftTime{int64(shift)})
	}
	if err != nil {
		return fmt.Sprintf("greet speaker: %v", err)
	}
	frames := &reader{Reader: r}
	ready := false // until its first status it may be busy opening the card
	for {
		m, err := frames.next()
		if err != nil {
			if errors.Is(err, errWire) {
				return err.Error()
			}
			if dog.bit() {
				return "the speaker process hung and was killed"
			}
			return "the speaker process ended without a word"
		}
		dog.feed(ready)
		s.live()
		switch m := m.(type) {
		case hello:
			if m.Version != wireVersion || !m.child {
				return fmt.Sprintf("speaker speaks version %d", m.Version)
			}
		case status:
			ready = true
			s.report(ss, m)
		case grant:
			if f := ss.feed(m.Voice); f != nil {
				f.mu.Lock()
				f.upTo = max(f.upTo, m.UpTo)
				f.mu.Unlock()
				f.notify()
			}
		case heard:
			if f := ss.feed(m.Voice); f != nil {
				f.mu.Lock()
				f.heard = m
				f.mu.Unlock()
				f.notify()
			}
		case fail:
			return m.Text
		default:
			return fmt.Sprintf("unexpected %T from the speaker", m)
		}
	}
}

// tail keeps the end of what a child wrote to its standard error.
type tail struct {
	mu   sync.Mutex
	data []byte
}

const tailSize = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if n := len(t.data) - tailSize; n > 0 {
		t.data = append(t.data[:0], t.data[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data)
}
