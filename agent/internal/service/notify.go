package service

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// lookEvery is how often the parts are looked at where no manager says how soon it wants to hear.
const lookEvery = 20 * time.Second

// Manager is systemd as this process reaches it: the socket it was given, sd_notify(3), and how often it wants a sign
// of life. The zero value, where there is none, takes every word for nothing.
type Manager struct {
	socket string
	every  time.Duration
}

// FromEnvironment reads what systemd gave this process and takes it out of the environment, for what the agent starts
// must not speak for it.
func FromEnvironment() Manager {
	m := Manager{socket: os.Getenv("NOTIFY_SOCKET")}
	if strings.HasPrefix(m.socket, "@") {
		m.socket = "\x00" + m.socket[1:] // abstract
	}
	pid, most := os.Getenv("WATCHDOG_PID"), os.Getenv("WATCHDOG_USEC")
	if us, err := strconv.ParseInt(most, 10, 64); err == nil && us > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		m.every = time.Duration(us) * time.Microsecond / 3
	}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"} {
		_ = os.Unsetenv(name) // fails for a name that is none
	}
	return m
}

// Every is how often the manager is to hear that the agent lives.
func (m Manager) Every() time.Duration {
	if m.every == 0 {
		return lookEvery
	}
	return m.every
}

// Restarts tells whether there is a manager, which starts the agent again when it ends.
func (m Manager) Restarts() bool { return m.socket != "" }

// Notify says something to the manager.
func (m Manager) Notify(state string) (err error) {
	if m.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("reach systemd: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return nil
}
