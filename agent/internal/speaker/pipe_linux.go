package speaker

import (
	"io"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pipe is the end of a pipe at which a call of the system is not told to the runtime, but that it waits. Of each that it
// is told it wakes a thread that looks every 20 µs whether the call has ended: dearer than all that is in the pipe.
type pipe struct {
	*os.File
	raw syscall.RawConn
}

// quiet makes a pipe of what is a file that does not block.
func quiet[F any](end F) F {
	if f, ok := any(end).(*os.File); ok {
		if raw, err := f.SyscallConn(); err == nil {
			if p, ok := any(&pipe{f, raw}).(F); ok {
				return p
			}
		}
	}
	return end
}

func (p *pipe) Read(b []byte) (int, error) {
	n, err := call(p.raw.Read, unix.SYS_READ, b)
	if err == nil && n == 0 && len(b) > 0 {
		err = io.EOF
	}
	return n, err
}

func (p *pipe) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := call(p.raw.Write, unix.SYS_WRITE, b[done:])
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

// call makes a call as soon as it does not block.
func call(when func(func(fd uintptr) bool) error, number uintptr, b []byte) (n int, err error) {
	var code syscall.Errno
	closed := when(func(fd uintptr) bool {
		for {
			var r uintptr
			r, _, code = unix.RawSyscall(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
			if code != unix.EINTR {
				n = int(r)
				return code != unix.EAGAIN
			}
		}
	})
	if closed != nil { // there is no deadline that could end the wait
		return 0, os.ErrClosed
	}
	if code != 0 {
		return 0, code
	}
	return n, nil
}
