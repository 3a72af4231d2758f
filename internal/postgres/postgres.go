// Package postgres runs a PostgreSQL server of its own for tests: on loopback, at a free port, with its data in a
// temporary folder, without the durability that only a power cut asks for. It finds Debian's programs and needs nobody
// to set anything up. It is part of no shipped program. A Server is for one user at a time.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// ErrMissing says that PostgreSQL is not installed.
var ErrMissing = errors.New("PostgreSQL is not installed")

// patience bounds starting and stopping.
const patience = 60 * time.Second

// Server is a running PostgreSQL.
type Server struct {
	dir, data, bin string
	port           int
	as             *syscall.Credential // PostgreSQL refuses to run as root
	cmd            *exec.Cmd
	log            bytes.Buffer
	ended          chan error
}

// Start makes a new server. ErrMissing when PostgreSQL is not there.
func Start(ctx context.Context) (s *Server, err error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "loa-postgres-")
	if err != nil {
		return nil, fmt.Errorf("make PostgreSQL's folder: %w", err)
	}
	s = &Server{dir: dir, data: filepath.Join(dir, "data"), bin: bin}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := s.own(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	initdb := s.command(ctx, "initdb", "--no-sync", "-D", s.data, "-U", "loa", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	if err := s.Resume(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// own lets a user that is not root have the folder.
func (s *Server) own() error {
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return fmt.Errorf("find a user that is not root: %w", err)
	}
	uid, _ := strconv.ParseUint(nobody.Uid, 10, 32) // numbers on every system that has root
	gid, _ := strconv.ParseUint(nobody.Gid, 10, 32)
	s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, int(uid), int(gid))
}

func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	return cmd
}

// Resume starts the server, again after Kill; at the port it had.
func (s *Server) Resume(ctx context.Context) error {
	if s.port == 0 {
		port, err := freePort(ctx)
		if err != nil {
			return err
		}
		s.port = port
	}
	s.log.Reset()
	s.cmd = s.command(context.WithoutCancel(ctx), "postgres", "-D", s.data, "-p", strconv.Itoa(s.port), "-k", s.dir, "-h", "127.0.0.1",
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=400", "-c", "shared_buffers=64MB")
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.ended = make(chan error, 1)
	go func() { s.ended <- s.cmd.Wait() }()
	return s.ready(ctx)
}

func (s *Server) ready(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), s.Stop())
		case err := <-s.ended:
			s.ended <- err
			return fmt.Errorf("PostgreSQL ended: %w: %s", err, s.log.String())
		case <-tick.C:
			// pg_isready asks as a client does: a port that is open is not yet a server that answers.
			if s.command(ctx, "pg_isready", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port)).Run() == nil {
				return nil
			}
		}
	}
}

// URL is the address of a database of the server; "postgres" is always there.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://loa@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// Kill ends the server at once, as a crash does; Resume brings it back.
func (s *Server) Kill() error { return s.signal(syscall.SIGQUIT) }

// Stop ends the server and removes what it had.
func (s *Server) Stop() error { return errors.Join(s.signal(syscall.SIGINT), os.RemoveAll(s.dir)) }

func (s *Server) signal(sig syscall.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	select {
	case err := <-s.ended: // its exit code says how it was told to end
		s.ended <- err
		return nil
	case <-time.After(patience):
		return errors.Join(errors.New("PostgreSQL does not end"), s.cmd.Process.Kill())
	}
}

// programs gives the folder of the newest PostgreSQL's programs.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // Debian's place, which no PATH has
	if err != nil {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found)), nil
	}
	path, err := exec.LookPath("initdb")
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return "", ErrMissing
	}
	return filepath.Dir(path), err
}

func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil //nolint:errcheck,forcetypeassert // of a TCP listener
}
