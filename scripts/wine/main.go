//go:build linux

// Command wine makes a folder in which wine runs our programs for Windows: `wine FOLDER`. What runs in it names the folder
// by WINEPREFIX.
//
// Go's runtime takes its random numbers from ProcessPrng of bcryptprimitives.dll, which Windows has had since version 7 and
// Debian's wine 8.0 has not: such a library is put there, whose one name leads to the like of it that wine has.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "wine:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("which folder?")
	}
	prefix, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	library := filepath.Join(prefix, "drive_c", "windows", "system32", "bcryptprimitives.dll")
	if _, err := os.Stat(library); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := os.MkdirAll(prefix, 0o700); err != nil {
		return err
	}
	boot := exec.CommandContext(ctx, "wine", "wineboot", "--init")
	boot.Env = append(os.Environ(), "WINEPREFIX="+prefix, "WINEDEBUG=-all")
	if out, err := boot.CombinedOutput(); err != nil {
		return fmt.Errorf("wineboot: %w: %s", err, out)
	}
	dll, err := forwarder("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036")
	if err != nil {
		return err
	}
	return os.WriteFile(library, dll, 0o600)
}

// A library of one section, at the second page, as small as Windows' form of programs allows.
const (
	page      = 0x1000
	onDisk    = 0x200
	directory = 40 // bytes of an export directory
)

// forwarder makes a library for 64-bit Windows that exports one name and leads it to another library's.
func forwarder(library, name, to string) ([]byte, error) {
	texts := library + "\x00" + name + "\x00" + to + "\x00"
	address := uint32(page + directory)
	var libraryAt = address + 12
	nameAt := libraryAt + uint32(len(library)) + 1
	toAt := nameAt + uint32(len(name)) + 1

	section, err := packed(
		[]uint32{0, 0, 0, libraryAt, 1, 1, 1, address, address + 4, address + 8}, // the export directory: one function, one name
		toAt,   // where functions are: within the directory it is a forward
		nameAt, // where names are
		uint32(0), []byte(texts))
	if err != nil {
		return nil, err
	}
	size := uint32(len(section))
	dos := make([]byte, 64)
	copy(dos, "MZ")
	dos[60] = 64
	head, err := packed(dos, []byte("PE\x00\x00"),
		[]uint16{0x8664, 1}, []uint32{0, 0, 0}, []uint16{240, 0x2022}, // amd64, one section, a library
		uint16(0x20b), uint16(1), []uint32{0, onDisk, 0, 0, page}, uint64(0x180000000), []uint32{page, onDisk},
		[]uint16{6, 0, 0, 0, 6, 0}, []uint32{0, 2 * page, onDisk, 0}, []uint16{3, 0x100},
		[]uint64{1 << 20, page, 1 << 20, page}, []uint32{0, 16}, []uint32{page, size}, make([]byte, 15*8),
		[]byte(".edata\x00\x00"), []uint32{size, page, onDisk, onDisk, 0, 0, 0, 0x40000040})
	if err != nil {
		return nil, err
	}
	out := make([]byte, 2*onDisk)
	copy(out, head)
	copy(out[onDisk:], section)
	return out, nil
}

func packed(parts ...any) ([]byte, error) {
	var b bytes.Buffer
	for _, p := range parts {
		if err := binary.Write(&b, binary.LittleEndian, p); err != nil {
			return nil, fmt.Errorf("pack library: %w", err)
		}
	}
	return b.Bytes(), nil
}
