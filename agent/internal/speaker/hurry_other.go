//go:build !linux && !windows

package speaker

import "os"

// hurry does nothing here.
func hurry() {}

// pollable has nothing to do here.
func pollable(f *os.File) *os.File { return f }
