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

// errStreamGone says that the sound server has ended our stream, as it does when its card is pulled out.
var errStreamGone = errors.New("the card was taken away")

const (
	deviceBuffer = 200 * time.Millisecond // 50 ms breaks under load without real-time priority: hundreds of ms
	deviceBytes  = int(deviceBuffer * audio.Rate / time.Second * 4)
	appName      = "loa-agent"

	lookEvery   = 200 * time.Millisecond  // for something to play on
	lookLimit   = 3 * time.Second         // where only trying can tell
	readyLimit  = 4 * time.Second         // a sink that is suspended at the start never becomes ready
	readLimit   = 1500 * time.Millisecond // a removed sink only stops reading
	stuckLooks  = 3
	stallLimit  = 500 * time.Millisecond
	startEvery  = 100 * time.Millisecond // while the card opens, and when it has stopped taking sound
	reportEvery = 400 * time.Millisecond // at least; each answer on the card's position is told at once
	askEvery    = 250 * time.Millisecond
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
	return serveAgent(waiting(stdin), waiting(stdout), newProbe)
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

// serveAgent is Child with a choice of how the card's position is found.
func serveAgent(stdin io.Reader, stdout io.Writer, newProbe func() *probe) int {
	c := &child{out: stdout, mixer: newMixer(mono.Now), newProbe: newProbe, endpoint: endpoint, gone: make(chan error, 1)}
	go func() { c.gone <- c.receive(bufio.NewReaderSize(stdin, 16<<10)) }()
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
	newProbe func() *probe
	endpoint func() string // see the function of that name
	gone     chan error    // what ended the reading of stdin

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
func (c *child) receive(r io.Reader) error {
	var buf []byte
	greeted := false
	for {
		var m message
		var err error
		if m, buf, err = readFrame(r, buf); err != nil {
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
	plays := c.endpoint()
	card, ready, err := oto.NewContext(&oto.NewContextOptions{
		SampleRate: audio.Rate, ChannelCount: 1, Format: oto.FormatFloat32LE,
		BufferSize: deviceBuffer, ApplicationName: appName,
	})
	if err != nil {
		return fmt.Errorf("open card: %w", err)
	}
	limit := time.NewTimer(readyLimit)
	defer limit.Stop()
	for waiting := true; waiting; {
		select {
		case <-ready:
			waiting = false
		case <-limit.C:
			return errors.New("open card: not ready within 4 s")
		case err := <-c.gone:
			return err
		case <-time.After(startEvery):
			c.send(status{State: stateStarting})
		}
	}
	if err := card.Err(); err != nil {
		return fmt.Errorf("open card: %w", err)
	}
	player := card.NewPlayer(c.mixer)
	player.SetBufferSize(2 * deviceBytes) // smaller than a request of the device, and silence slips in unseen
	player.Play()
	w := &watch{child: c, card: card, player: player, endpoint: plays, asked: make(chan struct{}, 1)}
	c.mixer.startPulls(player.BufferedSize)
	finder := make(chan struct{})
	defer close(finder)
	go w.locate(c.newProbe(), finder)
	return w.run()
}

// watch looks after the playing card: is it alive, where is it, what has it played.
type watch struct {
	child  *child
	card   *oto.Context
	player *oto.Player

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
	if err := w.card.Err(); err != nil {
		return fmt.Errorf("play: %w", err)
	}
	if err := w.player.Err(); err != nil {
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

// locate finds the card's position again and again until stop is closed. The sound server may take its time
// to answer, so it has a goroutine of its own.
func (w *watch) locate(p *probe, stop <-chan struct{}) {
	defer func() { p.close() }()
	for {
		if p != nil && w.ask(p) {
			p.close()
			p = nil
		}
		select {
		case w.asked <- struct{}{}:
		default:
		}
		if p == nil {
			w.child.mixer.usePulls()
			// First the number, then the look: what was taken after the endpoint changed may be heard by nobody.
			if pulled := w.child.mixer.pulled(); w.same() {
				w.found(pulled-audio.Frames(deviceBuffer), false, "")
			}
		}
		select {
		case <-stop:
			return
		case <-time.After(w.child.mixer.patience()):
		}
	}
}

// ask makes one observation of the sound server's answer; true means that it will never have one. A pull
// during the question spoils the answer, so a few are made.
func (w *watch) ask(p *probe) (hopeless bool) {
	m := w.child.mixer
	for range 3 {
		before, ok := m.quiet()
		if !ok {
			time.Sleep(quietFor)
			continue
		}
		answer, err := p.ask()
		if errors.Is(err, errStreamGone) { // oto does not tell
			w.lose(err)
			return false
		}
		if err != nil {
			return errors.Is(err, errNoProbe)
		}
		if after, ok := m.quiet(); !ok || after != before {
			continue
		}
		at := float64(before) - answer.latency.Seconds()*audio.Rate
		m.observe(at, answer.at)
		w.found(int64(at), answer.dummy, answer.sink)
		return false
	}
	return false
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
