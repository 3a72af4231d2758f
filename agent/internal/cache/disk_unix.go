//go:build unix

package cache

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// DiskFree is how many bytes an ordinary user may still write.
func DiskFree(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // types differ between systems, sizes fit
}
