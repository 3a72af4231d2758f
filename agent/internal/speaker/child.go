package speaker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/ebitengine/oto/v3"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

var (
	// errStreamGone says that the sound server has ended our stream, as it does when its card is pulled out.
	errStreamGone = errors.New("the card was taken away")
	errServerGone = errors.New("the sound server is gone")
	// errNoAnswer says that nothing was learnt this time.
	errNoAnswer = errors.New("no answer that means anything")
)

// stream is a way to the card by a sound server that asks for frames and knows where they are.
type stream interface {
	wants() <-chan struct{} // has one element when there is room for more, or the end
	feed(*mixer) error      // gives as much as there is room for
	ask() (answer, error)   // what is at the card now
	close()
}

// answer says which frame was at the card at an instant.
type answer struct {
	frame float64
	at    mono.Instant
	sink  string
	dummy bool // nobody can hear it
}

const (
	deviceBuffer = 200 * time.Millisecond // 50 ms breaks under load without real-time priority: hundreds of ms
	deviceBytes  = int(deviceBuffer * audio.Rate / time.Second * 4)
	appName      = "loa-agent"

	lookEvery   = 200 * time.Millisecond  // for something to play on
	lookLimit   = 3 * time.Second         // where only trying can tell
	readyLimit  = 4 * time.Second         // a sink that is suspended at the start never becomes ready
	readLimit   = 1500 * time.Millisecond // a removed sink only stops reading
	stuckLooks  = 3
	stallLimit  = 750 * time.Millisecond // a sound server asks for more every 300 ms
	startEvery  = 100 * time.Millisecond // while the card opens, and when it has stopped taking sound
	reportEvery = 700 * time.Millisecond // at least; what was learnt of the card's position is told at once
	askEvery    = 400 * time.Millisecond // a sound server, when it is fed
	askLatest   = 700 * time.Millisecond // when it is not
	followEvery = 250 * time.Millisecond // where there is none
	endEvery    = 100 * time.Millisecond // when a voice waits for its last confirmation
	learnEvery  = 20 * time.Millisecond  // until the map is ready, and where it seems to be wrong
)

// States of the card in a status frame.
const (
	stateStarting uint8 = iota
	stateOK
	stateStalled
	stateDummy   // the sound server has no card and lets the sound vanish
	stateMissing // there is nothing to play on
)

// Child is the process that holds the card. It serves the agent over the pipes until stdin closes (0), or the
// card is lost (1), or the agent speaks another protocol (2). It must be called once in a process.
func Child(stdin io.Reader, stdout io.Writer) int {
	// Libraries underneath print to os.Stdout; the frames there must stay whole.
	if stdout == io.Writer(os.Stdout) {
		os.Stdout = os.Stderr
	}
	// Ctrl-C and a service manager's stop reach every process of the group: the agent decides when it is quiet.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	hurry()
	return serveAgent(quiet(waiting(stdin)), quiet(waiting(stdout)), openPulse)
}

// waiting makes a pipe one that the runtime waits for: a read that holds a thread costs one more to be woken each time.
func waiting[F any](pipe F) F {
	if f, ok := any(pipe).(*os.File); ok {
		if g, ok := any(pollable(f)).(F); ok {
			return g
		}
	}
	return pipe
}

// serveAgent is Child with a choice of sound servers.
func serveAgent(stdin io.Reader, stdout io.Writer, open func() (stream, error)) int {
	c := &child{out: stdout, mixer: newMixer(mono.Now), open: open, endpoint: endpoint, gone: make(chan error, 1)}
	go func() { c.gone <- c.receive(bufio.NewReaderSize(stdin, 128<<10)) }()
	c.send(hello{Version: wireVersion, child: true})
	err := c.play()
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return 0
	case errors.Is(err, errWire):
		c.send(fail{err.Error()})
		return 2
	}
	c.send(fail{err.Error()})
	return 1
}

type child struct {
	mixer    *mixer
	open     func() (stream, error) // nil: there is no sound server, oto finds another way
	endpoint func() string          // see the function of that name
	gone     chan error             // what ended the reading of stdin

	outMu sync.Mutex
	out   io.Writer
	buf   []byte
}

// send writes frames in one go: each write wakes the agent. An agent that is gone shows on stdin.
func (c *child) send(messages ...message) {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	c.buf = c.buf[:0]
	for _, m := range messages {
		c.buf = appendFrame(c.buf, m)
	}
	_, _ = c.out.Write(c.buf)
}

// receive gives the agent's frames to the mixer until they end.
func (c *child) receive(stdin io.Reader) error {
	r := &reader{Reader: stdin}
	greeted := false
	for {
		m, err := r.next()
		if err != nil {
			return err
		}
		if h, ok := m.(hello); ok && !greeted {
			if h.Version != wireVersion {
				return fmt.Errorf("agent speaks version %d: %w", h.Version, errWire)
			}
			greeted = true
			c.mixer.calibrate(time.Duration(h.Calibration))
			continue
		}
		if err := c.mixer.apply(m); err != nil {
			return err
		}
	}
}

// await waits for something to play on. To wait is cheaper than to start a process again and again, and the card is
// back sooner.
func (c *child) await() error {
	d := &device{}
	defer d.close()
	begin := mono.Now()
	for {
		missing, sure := d.look()
		if missing == "" || !sure && mono.Now().Sub(begin) > lookLimit {
			return nil
		}
		c.send(status{State: stateMissing, Detail: missing})
		select {
		case err := <-c.gone:
			return err
		case <-time.After(lookEvery):
		}
	}
}

// play opens the card and keeps it playing until something ends it.
func (c *child) play() error {
	if err := c.await(); err != nil {
		return err
	}
	var s stream
	opened := make(chan error, 1)
	go func() {
		var err error
		s, err = c.open()
		opened <- err
	}()
	if err := c.opening(opened); err != nil {
		return err
	}
	if s == nil {
		return c.playThroughOto()
	}
	w := &watch{child: c, asked: make(chan struct{}, 1), err: func() error { return nil }}
	stop := make(chan struct{})
	defer close(stop)
	go w.pump(s, stop)
	return w.run()
}

// opening waits until the card is open.
func (c *child) opening(opened <-chan error) error {
	limit := time.NewTimer(readyLimit)
	defer limit.Stop()
	for {
		select {
		case err := <-opened:
			if err != nil {
				return fmt.Errorf("open card: %w", err)
			}
			return nil
		case <-limit.C:
			return errors.New("open card: not ready within 4 s")
		case err := <-c.gone:
			return err
		case <-time.After(startEvery):
			c.send(status{State: stateStarting})
		}
	}
}

// playThroughOto plays where there is no sound server: ALSA alone, Windows.
func (c *child) playThroughOto() error {
	plays := c.endpoint()
	card, ready, err := oto.NewContext(&oto.NewContextOptions{
		SampleRate: audio.Rate, ChannelCount: 1, Format: oto.FormatFloat32LE,
		BufferSize: deviceBuffer, ApplicationName: appName,
	})
	if err != nil {
		return fmt.Errorf("open card: %w", err)
	}
	opened := make(chan error, 1)
	go func() {
		<-ready
		opened <- card.Err()
	}()
	if err := c.opening(opened); err != nil {
		return err
	}
	player := card.NewPlayer(c.mixer)
	player.SetBufferSize(2 * deviceBytes) // smaller than a request of the device, and silence slips in unseen
	player.Play()
	w := &watch{child: c, endpoint: plays, asked: make(chan struct{}, 1), err: func() error { return errors.Join(card.Err(), player.Err()) }}
	c.mixer.startPulls(player.BufferedSize)
	stop := make(chan struct{})
	defer close(stop)
	go w.follow(stop)
	return w.run()
}

// watch looks after the playing card: is it alive, where is it, what has it played.
type watch struct {
	child *child
	err   func() error // what the card says of itself

	endpoint string        // what the system plays on
	asked    chan struct{} // has one element when the card's position was looked for
	stuck    int           // looks in a row at which nothing had been read for too long

	mu    sync.Mutex
	place place
	lost  error
}

// place is what is known of the card's position.
type place struct {
	played int64 // the card has played all frames before it
	dummy  bool  // nobody can hear it
	sink   string
}

func (w *watch) where() place {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.place
}

func (w *watch) found(played int64, dummy bool, sink string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.place = place{max(w.place.played, played), dummy, sink}
}

// run reports until the card is lost or the agent gone. It never waits for the sound server.
func (w *watch) run() error {
	m := w.child.mixer
	next := time.NewTimer(reportEvery)
	defer next.Stop()
	for {
		select {
		case err := <-w.child.gone:
			return err
		case <-w.asked:
		case <-next.C:
		}
		if err := w.alive(); err != nil {
			return err
		}
		at := w.where()
		w.child.send(append(m.confirm(at.played, !at.dummy), w.status())...)
		pause := reportEvery
		if mono.Now().Sub(m.read()) > stallLimit {
			pause = startEvery
		}
		next.Reset(pause)
	}
}

// same checks that the system still plays on the same endpoint: where it does not, oto may let the sound vanish.
func (w *watch) same() bool {
	if w.child.endpoint() == w.endpoint {
		return true
	}
	w.lose(errors.New("the system has changed its output"))
	return false
}

// lose says that what is played from now on may be heard by nobody.
func (w *watch) lose(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = fmt.Errorf("play: %w", err)
}

func (w *watch) gone() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

// alive tells how the card was lost. oto shows each way differently, and some not at all.
func (w *watch) alive() error {
	if err := w.gone(); err != nil {
		return err
	}
	if err := w.err(); err != nil {
		return fmt.Errorf("play: %w", err)
	}
	if last := w.child.mixer.read(); mono.Now().Sub(last) <= readLimit {
		w.stuck = 0
		return nil
	}
	// Once may mean that this process itself has stood still, and oto reads again in a moment.
	if w.stuck++; w.stuck >= stuckLooks {
		return errors.New("play: the card has taken no sound for 1.5 s")
	}
	return nil
}

// pump feeds a stream and asks where the card is, until stop is closed. The sound server may take its time to answer, so
// it has a goroutine of its own.
func (w *watch) pump(s stream, stop <-chan struct{}) {
	defer s.close()
	m := w.child.mixer
	var asked mono.Instant
	for {
		err := s.feed(m)
		if now := mono.Now(); err == nil && now.Sub(asked) >= min(m.patience(), askEvery) {
			asked = now
			var at answer
			if at, err = s.ask(); err == nil {
				m.observe(at.frame, at.at)
				w.found(int64(at.frame), at.dummy, at.sink)
			}
			w.tell()
		}
		if err != nil && !errors.Is(err, errNoAnswer) {
			w.lose(err)
		}
		if !w.pause(m.patience(), s.wants(), stop) {
			return
		}
	}
}

// follow finds the card's position by what oto has taken from the mixer, until stop is closed.
func (w *watch) follow(stop <-chan struct{}) {
	m := w.child.mixer
	m.usePulls()
	for {
		// First the number, then the look: what was taken after the endpoint changed may be heard by nobody.
		if pulled := m.pulled(); w.same() {
			w.found(pulled-audio.Frames(deviceBuffer), false, "")
		}
		w.tell()
		if !w.pause(min(m.patience(), followEvery), nil, stop) {
			return
		}
	}
}

// tell wakes run: the card was looked at.
func (w *watch) tell() {
	select {
	case w.asked <- struct{}{}:
	default:
	}
}

// pause waits until the card is to be looked at again; false is the end.
func (w *watch) pause(d time.Duration, wanted, stop <-chan struct{}) bool {
	next := time.NewTimer(d)
	defer next.Stop()
	select {
	case <-wanted:
	case <-next.C:
	case <-stop:
		return false
	}
	return true
}

func (w *watch) status() status {
	m := w.child.mixer
	lead, known := m.lead()
	last := m.read()
	at := w.where()
	s := status{State: stateOK, Peak: m.level(), Lead: int64(lead), Detail: at.sink}
	switch {
	case !known:
		s.State = stateStarting
	case mono.Now().Sub(last) > stallLimit:
		s.State = stateStalled
	case at.dummy:
		s.State = stateDummy
	}
	return s
}
