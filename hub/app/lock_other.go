//go:build !unix

package app

// lockData does nothing: the hub is for Linux, elsewhere it is only developed.
func lockData(string, bool) (release func() error, err error) {
	return func() error { return nil }, nil
}

// diskBytes is not known here.
func diskBytes(string) (free, size int64, err error) { return 1 << 62, 1 << 62, nil }

// privateFiles does nothing here.
func privateFiles() {}
