package soundcard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jfreymuth/pulse/proto"
	"golang.org/x/sys/unix"
)

const (
	sinkName = "card"
	// Without norewinds recordings of the monitor lose samples.
	sinkArgs = "sink_name=%s rate=48000 channels=1 format=s16le norewinds=1"
	// The kernel's limit for a unix socket's path is 108 bytes; a test's temporary folder is often longer.
	maxSocketPath = 100
)

// Card is one daemon with at most one sink.
type Card struct {
	options Options
	dir     string
	ownDir  bool // made by Start, removed by Close
	process *os.Process
	exited  chan struct{} // closed when the daemon is gone

	mu     sync.Mutex
	server connection
	module uint32
	sink   bool
	held   []connection // of those who occupy it
}

// connection is a client's connection to the daemon.
type connection struct {
	*proto.Client
	conn net.Conn
}

// Options of a card.
type Options struct {
	// PPM makes the card's clock faster by so many parts in a million, slower below 0. The null sink has a drift of
	// its own, +42 ppm at the buffers of an agent. A card with PPM needs libfaketime.
	PPM float64
}

// Start starts a card without options: see StartWith.
func Start(ctx context.Context, dir string) (*Card, error) { return StartWith(ctx, dir, Options{}) }

// StartWith starts the daemon and its sink. Its files go to dir, which is made where it is missing. It ends with Close, with Kill, when ctx is
// cancelled and, by the kernel, when this process ends in whatever way.
func StartWith(ctx context.Context, dir string, o Options) (*Card, error) {
	dir, err := filepath.Abs(dir) // PulseAudio takes no other
	if err != nil {
		return nil, fmt.Errorf("find folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	c := &Card{options: o, dir: dir, exited: make(chan struct{})}
	if len(dir) > maxSocketPath-len("/pulse.sock") {
		short, err := os.MkdirTemp("", "loa-card-")
		if err != nil {
			return nil, fmt.Errorf("make folder: %w", err)
		}
		c.dir, c.ownDir = short, true
	}
	if err := c.launch(ctx); err != nil {
		return nil, errors.Join(err, c.removeDir())
	}
	if err := c.connect(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if err := c.RestoreSink(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// launch starts the daemon from a thread that lives as long as it does: the kernel's parent-death signal is
// sent when the starting thread ends, not the process.
func (c *Card) launch(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1",
		"--log-target=stderr", "--log-level=error",
		"-L", "module-native-protocol-unix auth-anonymous=1 socket="+c.socket())
	cmd.Env = append(os.Environ(), "HOME="+c.dir, "XDG_RUNTIME_DIR="+c.dir, "PULSE_RUNTIME_PATH="+c.dir, "DBUS_SESSION_BUS_ADDRESS=")
	if c.options.PPM != 0 {
		faster, err := faster(c.options.PPM)
		if err != nil {
			return err
		}
		cmd.Env = append(cmd.Env, faster...)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // else the thread ends, and with it what others started from it
		defer close(c.exited)
		err := cmd.Start()
		c.process = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is always ended by a signal
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start pulseaudio: %w", err)
	}
	return nil
}

// faster makes a program's clocks run faster by so many ppm.
func faster(ppm float64) ([]string, error) {
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil || len(found) == 0 {
		return nil, errors.New("a card with a drift needs libfaketime: apt-get install libfaketime")
	}
	return []string{"LD_PRELOAD=" + found[0], fmt.Sprintf("FAKETIME=+0 x%.7f", 1+ppm*1e-6)}, nil
}

// connect waits until the daemon answers.
func (c *Card) connect(ctx context.Context) error {
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		server, err := c.dial("loa card")
		if err == nil {
			c.server = server
			return nil
		}
		select {
		case <-retry.C:
		case <-c.exited:
			return errors.New("start pulseaudio: it ended at once")
		case <-limit.C:
			return fmt.Errorf("start pulseaudio: no answer: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Card) dial(name string) (connection, error) {
	client, conn, err := proto.Connect(c.Server())
	if err != nil {
		return connection{}, err
	}
	props := proto.PropList{"application.name": proto.PropListString(name)}
	if err := client.Request(&proto.SetClientName{Props: props}, &proto.SetClientNameReply{}); err != nil {
		return connection{}, errors.Join(err, conn.Close())
	}
	return connection{client, conn}, nil
}

func (c *Card) socket() string { return filepath.Join(c.dir, "pulse.sock") }

// Server gives the value for PULSE_SERVER.
func (c *Card) Server() string { return "unix:" + c.socket() }

// Pid gives the daemon's process id.
func (c *Card) Pid() int { return c.process.Pid }

// RemoveSink takes the card away while the daemon goes on, like a pulled USB plug.
func (c *Card) RemoveSink() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.sink {
		return nil
	}
	if err := c.server.Request(&proto.UnloadModule{ModuleIndex: c.module}, nil); err != nil {
		return fmt.Errorf("remove sink: %w", err)
	}
	c.sink = false
	return nil
}

// RestoreSink gives the card back.
func (c *Card) RestoreSink() error { return c.addSink(sinkName) }

// AddDummySink gives a sink with the name that sound servers give to theirs when there is no card at all.
func (c *Card) AddDummySink() error { return c.addSink("auto_null") }

func (c *Card) addSink(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sink {
		return nil
	}
	var reply proto.LoadModuleReply
	err := c.server.Request(&proto.LoadModule{Name: "module-null-sink", Args: fmt.Sprintf(sinkArgs, name)}, &reply)
	if err != nil {
		return fmt.Errorf("add sink: %w", err)
	}
	c.module, c.sink = reply.ModuleIndex, true
	c.favour() // each sink has a thread of its own
	return nil
}

// AddOther gives the daemon a second card, of the given name, that nobody plays on yet.
func (c *Card) AddOther(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.server.Request(&proto.LoadModule{Name: "module-null-sink", Args: fmt.Sprintf(sinkArgs, name)}, &proto.LoadModuleReply{})
	if err != nil {
		return fmt.Errorf("add sink: %w", err)
	}
	c.favour()
	return nil
}

// Prefer makes a card the default, as a system does when one is plugged in; who plays on the default moves there.
func (c *Card) Prefer(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.server.Request(&proto.SetDefaultSink{SinkName: name}, nil); err != nil {
		return fmt.Errorf("prefer sink: %w", err)
	}
	return nil
}

// mostStreams is more than PulseAudio lets play on one sink.
const mostStreams = 300

// Occupy plays silence on the card as often as it can be played on, so that it takes no other sound.
func (c *Card) Occupy() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		client, err := c.dial("loa occupier")
		if err != nil {
			return err
		}
		c.held = append(c.held, client)
		for range mostStreams {
			err = client.Request(&proto.CreatePlaybackStream{
				SampleSpec: proto.SampleSpec{Format: proto.FormatFloat32LE, Channels: 1, Rate: 48000},
				ChannelMap: proto.ChannelMap{proto.ChannelMono}, SinkIndex: proto.Undefined, SinkName: sinkName,
				BufferMaxLength: proto.Undefined, Corked: true, BufferTargetLength: proto.Undefined,
				BufferPrebufferLength: proto.Undefined, BufferMinimumRequest: proto.Undefined,
				ChannelVolumes: proto.ChannelVolumes{proto.VolumeNorm}, Properties: proto.PropList{},
			}, &proto.CreatePlaybackStreamReply{})
			if err != nil {
				return nil // it is full
			}
		}
		if len(c.held) > 4 {
			return errors.New("occupy card: it takes ever more")
		}
	}
}

// Release ends what Occupy began.
func (c *Card) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, client := range c.held {
		_ = client.conn.Close() // nothing is lost with it
	}
	c.held = nil
}

// Suspend makes the sink stop asking for sound, like a card that hangs, or go on.
func (c *Card) Suspend(on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.server.Request(&proto.SuspendSink{SinkIndex: proto.Undefined, SinkName: sinkName, Suspend: on}, nil)
	if err != nil {
		return fmt.Errorf("suspend sink: %w", err)
	}
	return nil
}

// Kill ends the daemon at once, like a crash of the sound server.
func (c *Card) Kill() error {
	_ = c.process.Kill() // fails only when it is gone already
	<-c.exited
	return nil
}

// Close ends the daemon and removes what Start made outside of its folder.
func (c *Card) Close() error {
	c.Release()
	if c.server.conn != nil {
		_ = c.server.conn.Close() // the daemon may have closed it first
	}
	return errors.Join(c.Kill(), c.removeDir())
}

func (c *Card) removeDir() error {
	if !c.ownDir {
		return nil
	}
	return os.RemoveAll(c.dir)
}

// favour gives the daemon real-time priority where that is allowed (root): on a busy machine it would drop
// sound that the agent has delivered, and a test would blame the agent.
func (c *Card) favour() {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", c.process.Pid))
	if err != nil {
		return
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 5}
		if err := unix.SchedSetAttr(tid, attr, 0); err != nil {
			slog.Debug("sound card without real-time priority", "err", err)
			return
		}
	}
}
