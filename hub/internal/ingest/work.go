package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// attemptsMost is how often a job may be begun without coming to an end: an upload that kills the hub must
// not do so for ever.
const attemptsMost = 3

// deliveries is how often a Sink is asked before the job waits for the next start of the hub.
const deliveries = 6

// work brings one job to its end, unless ctx ends first: then the job stays queued.
func (s *Service) work(ctx context.Context, j Job) {
	log := s.log.With("job", j.ID, "report", j.ReportID)
	defer func() {
		s.mu.Lock()
		delete(s.known, j.ID)
		s.mu.Unlock()
	}()

	j.Attempts++
	err := s.save(ctx, j)
	if err == nil {
		err = s.attempt(ctx, j)
	}
	if err != nil && ctx.Err() != nil {
		j.Attempts-- // it was not the job's fault
		err = s.save(context.WithoutCancel(ctx), j)
	}
	if err != nil {
		log.Error("job did not come to its end, it waits for the next start", "err", err)
	}
}

// attempt converts and tells the Sink. An error means that the job is not over.
func (s *Service) attempt(ctx context.Context, j Job) error {
	r, err := s.convert(ctx, j)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		if err = s.deliver(ctx, func() error { return s.sink.Done(ctx, j.ReportID, r) }); err == nil {
			return s.end(context.WithoutCancel(ctx), j, StateDone, "") // it is over, whatever ends meanwhile
		}
		if ctx.Err() != nil {
			return ctx.Err()
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
		if err == nil || try == deliveries {
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
	j.State, j.Code = state, code
	if err := s.save(ctx, j); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(s.cfg.Dir, j.ID)); err != nil {
		return fmt.Errorf("remove upload: %w", err)
	}
	return nil
}

func (s *Service) save(ctx context.Context, j Job) error {
	j.UpdatedAt = time.Now()
	return s.jobs.Save(ctx, j)
}
