//go:build unix

package app

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheDataFolderIsItsOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "agent")
	if err := makeDataDir(dir); err != nil {
		t.Fatal(err)
	}
	pair(t, dir)
	a := start(t, dir, machine("1"))
	<-a.Started()
	a.stop()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
