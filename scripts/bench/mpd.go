//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// mpd is Debian's music player daemon, playing on a virtual card of its own; commands go through a socket.
type mpd struct {
	process *exec.Cmd
	socket  string
}

const mpdConfig = `db_file "%[1]s/mpd.db"
music_directory "%[1]s"
bind_to_address "%[2]s"
auto_update "no"
log_file "%[1]s/mpd.log"
audio_output {
	type "pulse"
	name "card"
	server "%[3]s"
}
`

// startMPD starts it on a folder with one file and lets it play that.
func startMPD(ctx context.Context, dir, server, file string) (*mpd, error) {
	if err := command(ctx, "scripts/setup.sh", "mpd"); err != nil {
		return nil, err
	}
	m := &mpd{socket: filepath.Join(dir, "mpd.sock")}
	config := filepath.Join(dir, "mpd.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, mpdConfig, dir, m.socket, server), 0o600); err != nil {
		return nil, err
	}
	m.process = exec.CommandContext(ctx, "mpd", "--no-daemon", config)
	m.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	m.process.Env = append(os.Environ(), "HOME="+dir)
	if err := m.process.Start(); err != nil {
		return nil, fmt.Errorf("start mpd: %w", err)
	}
	err := m.say(ctx, "add file://"+file, "play")
	if err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// say sends commands, each of them until mpd takes it: its database takes a moment.
func (m *mpd) say(ctx context.Context, commands ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for _, c := range commands {
		for {
			answer, err := m.ask(ctx, c)
			if err == nil && answer[len(answer)-1] == "OK" {
				break
			}
			if wait := pass(ctx, 200*time.Millisecond); wait != nil {
				return errors.Join(fmt.Errorf("mpd: %s: %q", c, answer), err)
			}
		}
	}
	return nil
}

// ask sends one command and gives the answer's lines.
func (m *mpd) ask(ctx context.Context, command string) ([]string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", m.socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(conn, "%s\n", command); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(conn)
	lines.Scan() // its greeting
	var answer []string
	for lines.Scan() {
		answer = append(answer, lines.Text())
		if lines.Text() == "OK" || strings.HasPrefix(lines.Text(), "ACK ") {
			return answer, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("mpd hung up on %q", command), lines.Err())
}

// playing checks that it plays.
func (m *mpd) playing(ctx context.Context) error {
	answer, err := m.ask(ctx, "status")
	if err != nil {
		return err
	}
	for _, line := range answer {
		if line == "state: play" {
			return nil
		}
	}
	return fmt.Errorf("mpd does not play: %q", answer)
}

func (m *mpd) close() error {
	if err := m.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	_ = m.process.Wait() // it was told to end
	return nil
}
