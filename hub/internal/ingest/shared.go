package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/internal/store"
)

// sharedFolder has, among the parts that hubs share, the uploads that wait for a worker; leftAfter is when one without a
// job is taken for what a kill left.
const (
	sharedFolder = "ingest/"
	leftAfter    = 24 * time.Hour
)

// errAway says that an upload cannot be had now, which is not its fault.
var errAway = errors.New("upload is out of reach")

// share moves an upload to where every hub can take it.
func (s *Service) share(ctx context.Context, u Upload) error {
	if s.cfg.Shared == nil {
		return nil
	}
	f, err := os.Open(u.Path)
	if err != nil {
		return fmt.Errorf("open upload: %w", err)
	}
	defer f.Close() // only read
	if err := s.cfg.Shared.Put(ctx, sharedFolder+u.ID, f, u.Size); err != nil {
		return fmt.Errorf("share upload: %w", err)
	}
	return s.remove(u.ID)
}

// fetch brings a shared upload here.
func (s *Service) fetch(ctx context.Context, j Job, path string) error {
	if s.cfg.Shared == nil || j.Recipe != "" {
		return nil
	}
	r, err := s.cfg.Shared.Open(ctx, sharedFolder+j.ID)
	if errors.Is(err, store.ErrNoPart) {
		return fmt.Errorf("fetch upload: %w", err)
	} else if err != nil {
		return errors.Join(errAway, err)
	}
	defer r.Close() // only read
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return diskError("make upload", err)
	}
	defer f.Close()
	in := &source{ctx: ctx, r: r}
	n, err := io.Copy(f, in)
	switch {
	case in.err != nil || err == nil && n != j.Size:
		return errors.Join(errAway, in.err)
	case err != nil:
		return diskError("write upload", err)
	}
	return f.Close()
}

// forget takes away all that a job had, of which nobody will ask again.
func (s *Service) forget(ctx context.Context, id string) error {
	if err := s.remove(id); err != nil || s.cfg.Shared == nil {
		return err
	}
	return s.cfg.Shared.Delete(ctx, sharedFolder+id)
}

// remove takes away what lies here.
func (s *Service) remove(id string) error {
	if err := os.RemoveAll(filepath.Join(s.cfg.Dir, id)); err != nil {
		return fmt.Errorf("remove upload: %w", err)
	}
	return nil
}

// sweepShared takes away shared uploads whose job is over, or never came.
func (s *Service) sweepShared(ctx context.Context) error {
	if s.cfg.Shared == nil {
		return nil
	}
	parts, err := s.cfg.Shared.List(ctx, sharedFolder)
	for _, p := range parts {
		id := strings.TrimPrefix(p.Name, sharedFolder)
		j, gone := s.jobs.Load(ctx, id)
		switch {
		case errors.Is(gone, ErrNoJob) && time.Since(p.Modified) > leftAfter, gone == nil && j.State != StateQueued:
			err = errors.Join(err, s.cfg.Shared.Delete(ctx, p.Name))
		case !errors.Is(gone, ErrNoJob):
			err = errors.Join(err, gone)
		}
	}
	return err
}
