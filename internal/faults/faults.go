// Package faults says how much of the fault suite one run does: a short form within make test, all of it in
// make test-faults. It takes the environment, and gives counts and seeds to tests of any package; nothing that
// is shipped imports it. Its functions may be called by any goroutine.
package faults

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// Full is true in make test-faults (LOA_FAULTS=full).
func Full() bool { return os.Getenv("LOA_FAULTS") == "full" }

// Count gives how many times a fault is tried: full in make test-faults, short within make test, a tenth of
// short (at least once) in the quick loop.
func Count(short, full int) int {
	switch {
	case Full():
		return full
	case testing.Short():
		return max(1, short/10)
	default:
		return short
	}
}

// Random gives the run's randomness and logs the seed that repeats it: LOA_SEED, or the time when it is not set.
func Random(t testing.TB) *rand.Rand {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("LOA_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("LOA_SEED=%d repeats this run", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// Dir gives a folder in memory where the system has one, else a temporary folder: where the disk is not what is
// tested, its fsync would only cost time.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "loa-faults-") //nolint:usetesting // t.TempDir is on the disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
