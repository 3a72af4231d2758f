package clock

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/loa-vn/loa/internal/mono"
)

// System is this machine's clocks. Windows has no reading of the hardware clock of its own: the system
// clock at start stands for it (design.md, Time).
func System(string) Machine {
	started := time.Now().Round(0)
	begun := sinceBoot()
	return Machine{
		BootID:  bootID(),
		Elapsed: sinceBoot,
		Mono:    mono.Now,
		Wall:    func() time.Time { return time.Now().Round(0) },
		Hardware: func() (time.Time, error) {
			return started.Add(sinceBoot() - begun), nil
		},
	}
}

// sinceBoot goes on during sleep, unlike the performance counter's unbiased sibling.
func sinceBoot() time.Duration { return windows.DurationSinceBoot() }

// bootID is the counter that Windows raises at every boot, "" when it cannot be read.
func bootID() string {
	const path = `SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters`
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, path, registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer k.Close()
	n, _, err := k.GetIntegerValue("BootId")
	if err != nil {
		return ""
	}
	return fmt.Sprintf("windows-%s", strconv.FormatUint(n, 10))
}
