//go:build unix

package seal

import (
	"fmt"
	"io/fs"
)

// checkMode refuses a key that more than its owner can reach.
func checkMode(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("load key %s: it is not a plain file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("load key %s: its mode is %04o, others can reach it: chmod 600, and make a new key if that was so for long", path, mode)
	}
	return nil
}
