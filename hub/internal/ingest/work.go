package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/problem"
)

// attemptsMost is how often a job may be begun without coming to an end: an upload that kills the hub must
// not do so for ever.
const attemptsMost = 3

// deliveries is how often a Sink is asked before the job waits for pauseAfter.
const (
	deliveries = 6
	pauseAfter = 10 * time.Minute
)

// work brings one job to its end, unless ctx ends first: then the job stays queued.
func (s *Service) work(ctx context.Context, j Job) {
	log := s.log.With("job", j.ID, "report", j.ReportID)
	held, lose := context.WithCancelCause(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() { s.keep(held, lose, j) })
	err := s.attempt(held, j)
	lose(nil)
	keeping.Wait()
	if err == nil {
		return
	}
	late, left := context.WithoutCancel(ctx), s.leave(j.ID)
	switch {
	case errors.Is(err, ErrLost), errors.Is(context.Cause(held), ErrLost):
		log.Warn("job went to another hub", "err", err)
		err = nil
	case ctx.Err() != nil:
		j.Attempts-- // it was not the job's fault
		err = s.jobs.Release(late, j, 0)
	default:
		log.Error("job did not come to its end, it waits", "err", err, "pause", pauseAfter)
		if errors.Is(err, errAway) {
			j.Attempts--
		}
		err = s.jobs.Release(late, j, pauseAfter)
	}
	if errors.Is(err, ErrLost) {
		err = nil
	}
	if err = errors.Join(err, left); err != nil {
		log.Error("job not given back", "err", err)
	}
}

// leave takes away what a job that is not over has here, but for an upload that lies nowhere else.
func (s *Service) leave(id string) error {
	if s.cfg.Shared != nil {
		return s.remove(id)
	}
	return os.RemoveAll(filepath.Join(s.cfg.Dir, id, workFolder))
}

// keep renews the lease until ctx ends, and ends the work when the job is another's, or may be.
func (s *Service) keep(ctx context.Context, lose context.CancelCauseFunc, j Job) {
	renew := time.NewTicker(s.cfg.Lease / 3)
	defer renew.Stop()
	kept := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-renew.C:
		}
		began := time.Now()
		switch err := s.renew(ctx, j); {
		case err == nil:
			kept = began
		case errors.Is(err, ErrLost), time.Since(kept) > s.cfg.Lease:
			lose(errors.Join(ErrLost, err))
			return
		case ctx.Err() == nil:
			s.log.Warn("lease of a job not renewed", "job", j.ID, "err", err)
		}
	}
}

func (s *Service) renew(ctx context.Context, j Job) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Lease/3)
	defer cancel()
	return s.jobs.Renew(ctx, j, s.cfg.Lease)
}

// attempt converts and tells the Sink. An error means that the job is not over.
func (s *Service) attempt(ctx context.Context, j Job) error {
	r, err := s.convert(ctx, j)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errAway) {
		return err
	}
	// Whoever was slow, or asleep, may have lost it meanwhile: the report comes out once.
	if lost := s.deliver(ctx, func() error { return s.renew(ctx, j) }); lost != nil {
		return lost
	}
	if err == nil {
		if err = s.deliver(ctx, func() error { return s.sink.Done(ctx, j.ReportID, r) }); err == nil {
			return s.end(context.WithoutCancel(ctx), j, StateDone, "") // it is over, whatever ends meanwhile
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if refused := (*problem.Error)(nil); !errors.As(err, &refused) {
			return fmt.Errorf("hand over: %w", err) // the hub's fault, and no reason to lose an upload
		}
	}
	why := refusal(err)
	s.log.Info("upload refused", "job", j.ID, "report", j.ReportID, "code", why.Code, "err", err)
	if err := s.deliver(ctx, func() error { return s.sink.Failed(ctx, j.ReportID, why) }); err != nil {
		return fmt.Errorf("tell refusal: %w", err)
	}
	return s.end(context.WithoutCancel(ctx), j, StateFailed, why.Code)
}

func (s *Service) convert(ctx context.Context, j Job) (Result, error) {
	if j.Attempts > attemptsMost {
		return Result{}, ErrInternal.With(fmt.Errorf("begun %d times without an end", attemptsMost))
	}
	folder := filepath.Join(s.cfg.Dir, j.ID)
	dir := filepath.Join(folder, workFolder)
	if err := os.RemoveAll(dir); err != nil { // of an attempt that was cut short
		return Result{}, fmt.Errorf("empty work folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Result{}, diskError("make work folder", err)
	}
	if err := s.fetch(ctx, j, filepath.Join(folder, sourceFile)); err != nil {
		return Result{}, err
	}
	tell := func(stage string, percent int) { s.sink.Progress(ctx, j.ReportID, stage, percent) }
	if j.Recipe != "" {
		c := &conversion{cfg: s.cfg, log: s.log.With("job", j.ID), dir: dir, progress: &progress{tell: tell}}
		return c.render(ctx, s.cfg.Shelf, j.Recipe)
	}
	r, err := Convert(ctx, s.cfg, s.log.With("job", j.ID), filepath.Join(folder, sourceFile), dir, tell)
	r.SourceSHA256, r.SourceName = j.SHA256, j.Name
	return r, err
}

// deliver asks until the Sink has it, with growing pauses.
func (s *Service) deliver(ctx context.Context, tell func() error) error {
	pause := s.cfg.RetryDelay
	for try := 1; ; try++ {
		err := tell()
		if err == nil || try == deliveries || errors.Is(err, ErrLost) {
			return err
		}
		s.log.Warn("result not taken, asking again", "err", err, "try", try)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		pause *= 2
	}
}

// end notes how a job ended and removes all it had; in this order, so that a kill between the two leaves
// only what the sweep removes.
func (s *Service) end(ctx context.Context, j Job, state State, code string) error {
	if err := s.jobs.End(ctx, j, state, code); err != nil {
		return err
	}
	return s.forget(ctx, j.ID)
}
