package mono

import (
	"math/bits"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32  = windows.NewLazySystemDLL("kernel32.dll")
	counter   = kernel32.NewProc("QueryPerformanceCounter")
	frequency = kernel32.NewProc("QueryPerformanceFrequency")
)

// Now reads QueryPerformanceCounter, which is the same for every process of the machine.
func Now() Instant {
	var ticks, perSecond uint64
	_, _, _ = counter.Call(uintptr(unsafe.Pointer(&ticks)))       // cannot fail since Windows XP
	_, _, _ = frequency.Call(uintptr(unsafe.Pointer(&perSecond))) // the same
	hi, lo := bits.Mul64(ticks, 1e9)
	ns, _ := bits.Div64(hi%perSecond, lo, perSecond)
	return Instant(ns)
}
