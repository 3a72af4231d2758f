package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/problem"
)

// errUnwell is the end of a doctor that found something.
var errUnwell = problem.New("DOCTOR_FAILED", 500,
	"Có mục chưa đạt. Hãy sửa các mục ghi FAIL ở trên rồi chạy lại.",
	"Something is not as it should be. Repair what says FAIL above and run it again.")

// leastFree is room for one upload of the largest size with its working files.
const leastFree = 5 << 30

// keptFree is room that uploads leave, or a tenth of a small disk: for the database and what agents deliver in weeks, until
// somebody has seen to it.
const keptFree = 1 << 30

// uploadRoom is how much of the disk uploads may take.
func uploadRoom(data string) (int64, error) {
	free, size, err := diskBytes(data)
	return free - min(keptFree, size/10), err
}

// finding is the result of one check: good, or worth a warning, or an error.
type finding struct {
	say  string
	warn bool
	err  error
}

// checks are what doctor looks at; each looks at the real thing.
func checks(c config.Hub) []struct {
	name string
	run  func(context.Context) finding
} {
	return []struct {
		name string
		run  func(context.Context) finding
	}{
		{"data folder", func(context.Context) finding { return checkFolder(c.Data) }},
		{"database", func(ctx context.Context) finding { return checkDatabase(ctx, c) }},
		{"ffmpeg", func(ctx context.Context) finding { return checkTool(ctx, "ffmpeg") }},
		{"ffprobe", func(ctx context.Context) finding { return checkTool(ctx, "ffprobe") }},
		{"free disk", func(context.Context) finding { return checkRoom(c.Data) }},
		{"trust", func(context.Context) finding { return checkTrust(c.Data) }},
		{"certificate", func(context.Context) finding { return checkCertificate(c, time.Now()) }},
		{"root key", func(context.Context) finding { return checkRootKey(c.Data) }},
	}
}

func doctor(cmd *cobra.Command, _ []string) error {
	c, err := settings(cmd)
	if err != nil {
		return err
	}
	bad := false
	for _, check := range checks(c) {
		f := check.run(cmd.Context())
		word := "ok"
		switch {
		case f.err != nil:
			word, f.say, bad = "FAIL", f.err.Error(), true
		case f.warn:
			word = "WARN"
		}
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%-4s  %-12s %s\n", word, check.name, f.say); err != nil {
			return err
		}
	}
	if bad {
		return errUnwell
	}
	return nil
}

// checkFolder writes a file as the hub would.
func checkFolder(data string) finding {
	info, err := os.Stat(data)
	if errors.Is(err, os.ErrNotExist) {
		return finding{err: fmt.Errorf("%s does not exist; loa-hub serve makes it", data)}
	} else if err != nil {
		return finding{err: err}
	}
	f, err := os.CreateTemp(data, ".doctor-*")
	if err != nil {
		return finding{err: err}
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return finding{err: err}
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return finding{say: fmt.Sprintf("%s can be read by others (mode %04o): chmod 700", data, mode), warn: true}
	}
	return finding{say: data}
}

// checkDatabase opens an existing database and lets it check itself. One that is not there is not made.
func checkDatabase(ctx context.Context, c config.Hub) finding {
	if path, isFile := strings.CutPrefix(c.Database, "sqlite:"); isFile {
		if _, err := os.Stat(strings.TrimPrefix(path, "//")); err != nil {
			return finding{err: err}
		}
	}
	db, err := store.Open(ctx, c.Database, c.Data)
	if err != nil {
		return finding{err: err}
	}
	defer db.Close() // only read
	var people, agents int
	for table, n := range map[string]*int{"people": &people, "agents": &agents} {
		if *n, err = count(ctx, db, table); err != nil {
			return finding{err: err}
		}
	}
	if people == 0 {
		return finding{say: "no accounts yet: open the link that serve prints, or loa-hub user add", warn: true}
	}
	return finding{say: fmt.Sprintf("%d people, %d agents", people, agents)}
}

func count(ctx context.Context, db *store.DB, table string) (int, error) {
	n, err := db.NewSelect().Table(table).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("read table %s: %w", table, err)
	}
	return int(n), nil
}

const toolTime = 10 * time.Second

func checkTool(ctx context.Context, name string) finding {
	ctx, cancel := context.WithTimeout(ctx, toolTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, "-version").Output()
	if err != nil {
		return finding{err: fmt.Errorf("%s does not run (apt install ffmpeg): %w", name, err)}
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return finding{say: first}
}

func checkRoom(data string) finding {
	free, _, err := diskBytes(data)
	if err != nil {
		return finding{err: err}
	}
	say := fmt.Sprintf("%d GiB free", free>>30)
	return finding{say: say, warn: free < leastFree}
}

func checkTrust(data string) finding {
	t, err := loadTrust(data, time.Now)
	if err != nil {
		return finding{err: err}
	}
	expires := t.newest().Doc().Expires
	left := time.Until(expires)
	say := fmt.Sprintf("version %d, until %s", t.newest().Version(), expires.Format(time.DateOnly))
	if left <= 0 {
		return finding{err: fmt.Errorf("%s: it is over, agents accept nothing", say)}
	}
	return finding{say: say, warn: left < trustWarn}
}

// certWarn is how long before its end a certificate of somebody else's making is worth a warning; the private CA's is
// renewed earlier.
const certWarn = 21 * 24 * time.Hour

// checkCertificate looks at the certificate that serve would use, and renews nothing.
func checkCertificate(c config.Hub, now time.Time) finding {
	cert, key := c.TLSCert, c.TLSKey
	if cert == "" {
		ca, err := loadAuthority(c.Data)
		if errors.Is(err, errNoTLS) {
			return finding{say: "none: plain HTTP, on this machine only"}
		} else if err != nil {
			return finding{err: err}
		}
		cert, key = ca.path(serverFile), ca.path(serverKeyFile)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return finding{err: err}
	}
	left := pair.Leaf.NotAfter.Sub(now)
	say := fmt.Sprintf("%s, until %s", cert, pair.Leaf.NotAfter.Format(time.DateOnly))
	if left <= 0 {
		return finding{err: fmt.Errorf("%s: it is over, agents and browsers refuse it", say)}
	}
	return finding{say: say, warn: left < certWarn}
}

func checkRootKey(data string) finding {
	if rootKeyLies(data) {
		return finding{say: "lies in " + filepath.Join(data, rootKeyFile) + ": move it to a safe place off this machine", warn: true}
	}
	return finding{say: "not on this machine"}
}

// holdData makes the data folder and keeps other hubs off it.
func holdData(data string) (func() error, error) {
	if err := makeData(data); err != nil {
		return nil, err
	}
	return lockData(data, false)
}

// holdStore is holdData, and keeps off the folder that the database lies in whoever has it as his data folder: a hub that is
// alone there knows from memory what it wrote.
func holdStore(data, database string) (func() error, error) {
	release, err := holdData(data)
	if err != nil || store.Shared(database) {
		return release, err
	}
	more, err := holdDatabase(data, database)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return func() error { return errors.Join(more(), release()) }, nil
}

func holdDatabase(data, database string) (func() error, error) {
	file, err := store.Path(database, data)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(unlinked(file))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make database folder: %w", err)
	}
	own, errOwn := os.Stat(data)
	its, err := os.Stat(folder)
	if err := errors.Join(errOwn, err); err != nil {
		return nil, fmt.Errorf("look for the database: %w", err)
	}
	if os.SameFile(own, its) {
		return func() error { return nil }, nil
	}
	return lockData(folder, true)
}

// unlinked is a path with its links followed, where it is there.
func unlinked(path string) string {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		return to
	}
	return filepath.Clean(path)
}

func makeData(data string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return errDataFolder.With(err).At("data")
	}
	return nil
}
