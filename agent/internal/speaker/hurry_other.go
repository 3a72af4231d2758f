//go:build !linux && !windows

package speaker

// hurry does nothing here.
func hurry() {}
