package clock

import (
	"os"
	"path/filepath"
	"testing"
)

func TestHardwareClock(t *testing.T) {
	dir := t.TempDir()
	adjtime := filepath.Join(dir, "adjtime")
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := hardware(dir, adjtime); err == nil {
		t.Error("a missing clock was read")
	}
	write("since_epoch", "1795500000\n")
	utc, err := hardware(dir, adjtime)
	if err != nil || utc.Unix() != 1795500000 {
		t.Errorf("%v, %v", utc, err)
	}
	write("adjtime", "0.0 0 0.0\n0\nLOCAL\n")
	local, err := hardware(dir, adjtime)
	_, offset := local.Zone()
	if err != nil || local.Unix() != 1795500000-int64(offset) {
		t.Errorf("%v, %v", local, err)
	}
	write("since_epoch", "soon\n")
	if _, err := hardware(dir, adjtime); err == nil {
		t.Error("nonsense was read")
	}
}
