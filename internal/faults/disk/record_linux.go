package disk

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Record runs a program to its end and gives, in order, what it wrote to a folder. It follows all its threads by ptrace:
// what is recorded is what the kernel was told. Calls are recorded when they return.
func Record(folder string, argv, env []string) ([]Event, error) {
	runtime.LockOSThread() // the kernel knows a tracer by its thread
	defer runtime.UnlockOSThread()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	defer null.Close()
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Env: env, Files: []uintptr{null.Fd(), null.Fd(), os.Stderr.Fd()},
		Sys: &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL}})
	if err != nil {
		return nil, fmt.Errorf("record: start %s: %w", argv[0], err)
	}
	r := &recorder{folder: folder, pid: pid, calls: map[int]call{}}
	if err := r.follow(); err != nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		for err := error(nil); err == nil; { // its threads
			_, err = syscall.Wait4(-1, nil, syscall.WALL, nil)
		}
		return nil, fmt.Errorf("record: %w", err)
	}
	return r.events, nil
}

// recorder follows one process.
type recorder struct {
	folder string
	pid    int
	calls  map[int]call // by thread, between the entry of a call and its return
	events []Event
}

// call as it was entered.
type call struct {
	nr   uint64
	args [6]uint64
}

// info is the kernel's struct ptrace_syscall_info.
type info struct {
	op   uint8
	_    [3]uint8
	_    uint32 // arch
	_    [2]uint64
	data [8]uint64 // entry: nr, args; exit: the result, is_error
}

const (
	traceGood  = 0x80
	infoEntry  = 1
	infoExit   = 2
	exitKill   = 0x100000 // PTRACE_O_EXITKILL
	maxMessage = 1 << 26
)

func (r *recorder) follow() error {
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(r.pid, &ws, syscall.WALL, nil); err != nil || !ws.Stopped() {
		return fmt.Errorf("the program does not begin: %v, %w", ws, err)
	}
	if err := syscall.PtraceSetOptions(r.pid, syscall.PTRACE_O_TRACESYSGOOD|syscall.PTRACE_O_TRACECLONE|exitKill); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	known := map[int]bool{r.pid: true}
	for tid := r.pid; ; {
		if err := syscall.PtraceSyscall(tid, r.signal(tid, ws, known)); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("trace: %w", err)
		}
		var err error
		for {
			if tid, err = syscall.Wait4(-1, &ws, syscall.WALL, nil); err != syscall.EINTR {
				break
			}
		}
		switch {
		case err != nil:
			return fmt.Errorf("wait: %w", err)
		case (ws.Exited() || ws.Signaled()) && tid == r.pid:
			if ws.ExitStatus() != 0 {
				return fmt.Errorf("the program ended with %v", ws)
			}
			return nil
		case ws.Stopped() && ws.StopSignal() == syscall.SIGTRAP|traceGood:
			if err := r.stopped(tid); err != nil {
				return err
			}
		}
	}
}

// signal is what a thread gets to see of what stopped it: none of ours.
func (r *recorder) signal(tid int, ws syscall.WaitStatus, known map[int]bool) int {
	if !ws.Stopped() || ws.StopSignal() == syscall.SIGTRAP || ws.StopSignal() == syscall.SIGTRAP|traceGood {
		return 0
	}
	if !known[tid] { // a new thread begins with a SIGSTOP
		known[tid] = true
		return 0
	}
	return int(ws.StopSignal())
}

// stopped looks at a call that is entered or returns.
func (r *recorder) stopped(tid int) error {
	var in info
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(in), uintptr(unsafe.Pointer(&in)), 0, 0); errno != 0 {
		if errno == syscall.ESRCH {
			return nil
		}
		return fmt.Errorf("look at a call: %w", errno)
	}
	switch in.op {
	case infoEntry:
		r.calls[tid] = call{nr: in.data[0], args: [6]uint64(in.data[1:7])}
	case infoExit:
		if result := int64(in.data[0]); result >= 0 {
			return r.returned(tid, r.calls[tid], result)
		}
	}
	return nil
}

// returned records a call that succeeded.
func (r *recorder) returned(tid int, c call, result int64) error {
	switch c.nr {
	case unix.SYS_OPENAT:
		if c.args[2]&unix.O_CREAT == 0 {
			return nil
		}
		name, ok, err := r.path(c.args[1])
		if ok && err == nil {
			r.events = append(r.events, Event{Op: Create, Name: name})
			if c.args[2]&unix.O_TRUNC != 0 {
				r.events = append(r.events, Event{Op: Truncate, Name: name})
			}
		}
		return err
	case unix.SYS_WRITE, unix.SYS_PWRITE64:
		return r.wrote(tid, c, result)
	case unix.SYS_FTRUNCATE:
		return r.onFile(tid, c, Event{Op: Truncate, Off: int64(c.args[1])})
	case unix.SYS_FSYNC, unix.SYS_FDATASYNC:
		return r.onFile(tid, c, Event{Op: Sync})
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		from, ok, err := r.path(c.args[1])
		if err != nil || !ok {
			return err
		}
		to, ok, err := r.path(c.args[3])
		if err == nil && !ok {
			err = fmt.Errorf("%s is renamed to another folder", from)
		}
		r.events = append(r.events, Event{Op: Rename, Name: from, To: to})
		return err
	case unix.SYS_UNLINKAT:
		name, ok, err := r.path(c.args[1])
		if ok {
			r.events = append(r.events, Event{Op: Remove, Name: name})
		}
		return err
	case unix.SYS_WRITEV, unix.SYS_PWRITEV, unix.SYS_FALLOCATE, unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE:
		if name, ok := r.file(tid, c.args[0]); ok {
			return fmt.Errorf("call %d on %s is not modelled", c.nr, name)
		}
	case unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_MKDIRAT:
		if name, ok, _ := r.path(c.args[1]); ok {
			return fmt.Errorf("call %d on %s is not modelled", c.nr, name)
		}
	}
	return nil
}

// wrote records a write to a file of the folder, or a mark.
func (r *recorder) wrote(tid int, c call, n int64) error {
	name, ok := r.file(tid, c.args[0])
	if !ok && c.args[0] != 1 {
		return nil
	}
	data, err := r.memory(c.args[1], n)
	if err != nil {
		return err
	}
	if !ok {
		for _, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
			r.events = append(r.events, Event{Op: Mark, Data: line})
		}
		return nil
	}
	off := int64(c.args[3])
	if c.nr == unix.SYS_WRITE {
		if off, err = r.position(tid, c.args[0]); err != nil {
			return err
		}
		off -= n
	}
	r.events = append(r.events, Event{Op: Write, Name: name, Off: off, Data: data})
	return nil
}

// onFile records a call whose first argument is a file of the folder, or the folder.
func (r *recorder) onFile(tid int, c call, e Event) error {
	name, ok := r.file(tid, c.args[0])
	if !ok {
		return nil
	}
	if e.Name = name; name == "." {
		e.Op = SyncNames
	}
	r.events = append(r.events, e)
	return nil
}

// file tells which file of the folder a descriptor is.
func (r *recorder) file(tid int, fd uint64) (name string, ok bool) {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, int32(fd)))
	if err != nil {
		return "", false
	}
	return r.within(path)
}

func (r *recorder) within(path string) (name string, ok bool) {
	name, err := filepath.Rel(r.folder, path)
	return name, err == nil && name != ".." && !strings.HasPrefix(name, "../")
}

// path reads a name out of the process and tells whether it is in the folder.
func (r *recorder) path(at uint64) (name string, ok bool, err error) {
	var path []byte
	for ; len(path) < unix.PathMax; at++ {
		b, err := r.memory(at, 1)
		if err != nil {
			return "", false, err
		}
		if b[0] == 0 {
			break
		}
		path = append(path, b[0])
	}
	name, ok = r.within(string(path))
	return name, ok && filepath.IsAbs(string(path)), nil
}

// memory reads the process.
func (r *recorder) memory(at uint64, n int64) ([]byte, error) {
	if n > maxMessage {
		return nil, fmt.Errorf("a write of %d bytes", n)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", r.pid))
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	defer mem.Close()
	b := make([]byte, n)
	if _, err := mem.ReadAt(b, int64(at)); err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	return b, nil
}

// position is where a descriptor stands after a write.
func (r *recorder) position(tid int, fd uint64) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", tid, int32(fd)))
	if err != nil {
		return 0, fmt.Errorf("ask for a position: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if pos, ok := strings.CutPrefix(line, "pos:"); ok {
			return strconv.ParseInt(strings.TrimSpace(pos), 10, 64)
		}
	}
	return 0, fmt.Errorf("descriptor %d has no position", fd)
}
