package clock

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loa-vn/loa/internal/mono"
)

// System is this machine's clocks; rtc is the folder of the hardware clock, "" for /sys/class/rtc/rtc0.
func System(rtc string) Machine {
	if rtc == "" {
		rtc = "/sys/class/rtc/rtc0"
	}
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		id = nil // no trust is kept over a restart of the agent
	}
	return Machine{
		BootID:   strings.TrimSpace(string(id)),
		Elapsed:  sinceBoot,
		Mono:     mono.Now,
		Wall:     func() time.Time { return time.Now().Round(0) },
		Hardware: func() (time.Time, error) { return hardware(rtc, "/etc/adjtime") },
		Kept:     kept,
	}
}

// sinceBoot reads CLOCK_BOOTTIME: unlike CLOCK_MONOTONIC it goes on during suspend.
func sinceBoot() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // fails only for a bad clock id or pointer
	return time.Duration(ts.Nano())
}

// hardware reads the battery-backed clock itself: the system clock may have been restored from a file.
func hardware(rtc, adjtime string) (time.Time, error) {
	raw, err := os.ReadFile(filepath.Join(rtc, "since_epoch"))
	if err != nil {
		return time.Time{}, fmt.Errorf("read hardware clock: %w", err)
	}
	sec, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("parse hardware clock: %w", err)
	}
	t := time.Unix(sec, 0).UTC()
	if local(adjtime) { // a PC shared with Windows keeps local time in it (hwclock(8), the third line)
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.Local)
	}
	return t, nil
}

func local(adjtime string) bool {
	raw, err := os.ReadFile(adjtime)
	if err != nil {
		return false // hwclock's default is UTC
	}
	lines := strings.Split(string(raw), "\n")
	return len(lines) > 2 && strings.TrimSpace(lines[2]) == "LOCAL"
}

// kept asks the kernel whether a time service (chrony, systemd-timesyncd, ntpd) says that the system clock is right.
// The kernel forgets it whenever somebody sets the clock, and at every boot (ntp_clear in kernel/time/ntp.c).
func kept() bool {
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx) // modes 0: it only reads
	return err == nil && state != unix.TIME_ERROR && tx.Status&unix.STA_UNSYNC == 0
}
