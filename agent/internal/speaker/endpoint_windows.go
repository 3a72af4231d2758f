package speaker

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// openPulse says that there is no PulseAudio.
func openPulse() (stream, error) { return nil, nil }

// device looks for something to play on: without an output device oto would play into nothing, without an error and
// for ever.
type device struct{}

// look says what is missing, "" for nothing.
func (*device) look() (missing string, sure bool) {
	if endpoint() == "" {
		return "windows has no output device", true
	}
	return "", true
}

func (*device) close() {}

// Messages of winmm that tell which endpoint a legacy device stands for (mmddk.h; Microsoft, "Device information for
// legacy Windows multimedia applications").
const (
	waveMapper                 = 0xFFFFFFFF
	mapperPreferredGet         = 0x2000 + 21
	queryInstanceID            = 0x0800 + 17
	queryInstanceIDSize        = 0x0800 + 18
	mostEndpoint               = 4 << 10 // bytes; they have some 120
	noPreferred         uint32 = 0xFFFFFFFF
)

// endpoint gives the id of the default output, "" when there is none. oto follows a default that changes, but while
// there is none it lets the sound vanish in real time and says nothing.
func endpoint() string {
	winmm := windows.NewLazySystemDLL("winmm.dll")
	if count, _, _ := winmm.NewProc("waveOutGetNumDevs").Call(); count == 0 {
		return ""
	}
	message := winmm.NewProc("waveOutMessage")
	preferred, flags := noPreferred, uint32(0)
	failed, _, _ := message.Call(waveMapper, mapperPreferredGet, uintptr(unsafe.Pointer(&preferred)), uintptr(unsafe.Pointer(&flags)))
	if failed != 0 || preferred == noPreferred {
		preferred = 0 // the first is what the mapper then takes
	}
	var size uintptr
	failed, _, _ = message.Call(uintptr(preferred), queryInstanceIDSize, uintptr(unsafe.Pointer(&size)), 0)
	if failed != 0 || size < 2 || size > mostEndpoint {
		return "unnamed" // there is one, and no more is known of it
	}
	id := make([]uint16, size/2)
	failed, _, _ = message.Call(uintptr(preferred), queryInstanceID, uintptr(unsafe.Pointer(&id[0])), size)
	if failed != 0 {
		return "unnamed"
	}
	return windows.UTF16ToString(id)
}
