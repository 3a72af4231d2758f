//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the kernel's unit of a process's time: USER_HZ is 100 on every Linux that Debian runs on.
const tick = time.Second / 100

// cpu is the time that a process and its children have had of a processor, utime and stime.
func cpu(pid int) (sum time.Duration, err error) {
	pids, err := family(pid)
	if err != nil {
		return 0, err
	}
	for _, p := range pids {
		fields, err := stat(p)
		if err != nil {
			return 0, err
		}
		for _, field := range fields[11:13] { // the 14th and 15th of proc(5)
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read time of process %d: %w", p, err)
			}
			sum += time.Duration(n) * tick
		}
	}
	return sum, nil
}

// slacken gives the threads of a program's process and its children the timer slack that its unit gives them, where there is no
// systemd to do it. It takes root.
func slacken(pid int, program string) error {
	unit, err := os.ReadFile("packaging/systemd/" + program + ".service")
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(unit), "\nTimerSlackNSec=")
	value, _, _ := strings.Cut(rest, "\n")
	slack, err := time.ParseDuration(value)
	if err != nil {
		return fmt.Errorf("read the unit's timer slack: %w", err)
	}
	pids, err := family(pid)
	if err != nil {
		return err
	}
	for _, p := range pids {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p))
		if err != nil {
			return err
		}
		for _, t := range tasks {
			if err := os.WriteFile("/proc/"+t.Name()+"/timerslack_ns", strconv.AppendInt(nil, int64(slack), 10), 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// family gives a process and its children.
func family(pid int) ([]int, error) {
	pids := []int{pid}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(fmt.Errorf("process %d is gone", pid), err)
	}
	for _, file := range files {
		children, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that has ended has no children any more
		}
		for _, field := range strings.Fields(string(children)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				return nil, fmt.Errorf("read children of process %d: %w", pid, err)
			}
			pids = append(pids, child)
		}
	}
	return pids, nil
}

// stat gives the fields of /proc/PID/stat from the third on: the second may hold anything.
func stat(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return nil, fmt.Errorf("no times for process %d", pid)
	}
	return fields, nil
}

// anonymous is the memory of their own that a process and its children hold, RssAnon, in bytes.
func anonymous(pid int) (sum int64, err error) {
	pids, err := family(pid)
	if err != nil {
		return 0, err
	}
	for _, p := range pids {
		mb, err := anonMB(p)
		if err != nil {
			return 0, err
		}
		sum += int64(mb * (1 << 20))
	}
	return sum, nil
}

// pass waits.
func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
