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
	dir     string
	ownDir  bool // made by Start, removed by Close
	process *os.Process
	exited  chan struct{} // closed when the daemon is gone

	mu     sync.Mutex
	server connection
	module uint32
	sink   bool
}

// connection is a client's connection to the daemon.
type connection struct {
	*proto.Client
	conn net.Conn
}

// Start starts the daemon and its sink. Its files go to dir, which is made where it is missing. It ends with Close, with Kill, when ctx is
// cancelled and, by the kernel, when this process ends in whatever way.
func Start(ctx context.Context, dir string) (*Card, error) {
	dir, err := filepath.Abs(dir) // PulseAudio takes no other
	if err != nil {
		return nil, fmt.Errorf("find folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	c := &Card{dir: dir, exited: make(chan struct{})}
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
