package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/hub/internal/store"
)

// Config of the service; what is zero takes its default.
type Config struct {
	Dir         string        // the ingest folder; nothing else may live in it
	Owner       string        // this hub's name among hubs that share one database; "" alone
	Shared      store.Parts   // where hubs that share one database keep what waits; nil alone
	MaxSize     int64         // bytes of an upload, 2 GiB
	MaxDuration time.Duration // of sound, 4 h
	MaxQueued   int           // jobs that are not over, 1,000; more are refused with INGEST_BUSY
	Workers     int           // jobs at a time, 1: one alone keeps two cores busy
	StepTimeout time.Duration // for each of probe, measure, level; 30 min
	MaxMemory   uint64        // address space of an ffmpeg, 2 GiB
	Shelf       Shelf         // what recipes are made of
	FFmpeg      string        // program, "ffmpeg"
	FFprobe     string        // program, "ffprobe"
	Nice        int           // of ffmpeg: an urgent order goes before a conversion; 10, -1 as the hub itself
	RetryDelay  time.Duration // before a Sink that failed is asked again, doubling; 1 s
	Lease       time.Duration // after which the job of a hub that died is another's, 10 s; renewed three times as often
	Look        time.Duration // how often it looks for jobs that others made or left, 2 s
}

func (c Config) withDefaults() Config {
	set := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&c.MaxDuration, 4*time.Hour)
	set(&c.StepTimeout, 30*time.Minute)
	set(&c.RetryDelay, time.Second)
	set(&c.Lease, 10*time.Second)
	set(&c.Look, 2*time.Second)
	if c.MaxSize <= 0 {
		c.MaxSize = 2 << 30
	}
	if c.MaxQueued <= 0 {
		c.MaxQueued = 1000
	}
	c.Workers = max(c.Workers, 1)
	if c.Nice == 0 {
		c.Nice = 10
	}
	if c.MaxMemory == 0 {
		c.MaxMemory = 2 << 30
	}
	if c.FFmpeg == "" {
		c.FFmpeg = "ffmpeg"
	}
	if c.FFprobe == "" {
		c.FFprobe = "ffprobe"
	}
	return c
}

// Service takes uploads and works them off.
type Service struct {
	cfg  Config
	jobs Jobs
	sink Sink
	log  *slog.Logger

	mu   sync.Mutex
	held map[string]bool // uploads received and not yet enqueued
	wake chan struct{}   // holds one token per idle worker that should look
}

// New makes the ingest folder. Nothing runs before Run.
func New(cfg Config, jobs Jobs, sink Sink, log *slog.Logger) (*Service, error) {
	if cfg.Dir == "" {
		return nil, errors.New("ingest: no folder configured")
	}
	dir, err := filepath.Abs(cfg.Dir) // ffmpeg runs elsewhere
	if err != nil {
		return nil, fmt.Errorf("find ingest folder: %w", err)
	}
	cfg.Dir = dir
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make ingest folder: %w", err)
	}
	cfg = cfg.withDefaults()
	return &Service{cfg: cfg, jobs: jobs, sink: sink, log: log, held: map[string]bool{},
		wake: make(chan struct{}, cfg.Workers)}, nil
}

// Enqueue makes the durable job that turns an upload into the audio of a report. The same upload twice is
// the same job. INGEST_BUSY when too many wait: the upload is still the caller's to discard then. After an error that is no
// refusal there may be a job all the same.
func (s *Service) Enqueue(ctx context.Context, reportID string, u Upload) (Job, error) {
	if _, err := uuid.Parse(u.ID); err != nil {
		return Job{}, fmt.Errorf("enqueue upload: %w", err)
	}
	if j, err := s.jobs.Load(ctx, u.ID); !errors.Is(err, ErrNoJob) {
		return j, err
	}
	if err := s.share(ctx, u); err != nil {
		return Job{}, err
	}
	return s.enqueue(ctx, Job{ID: u.ID, ReportID: reportID, Name: u.Name, SHA256: u.SHA256, Size: u.Size})
}

// Job gives the one that an upload became; ErrNoJob.
func (s *Service) Job(ctx context.Context, upload string) (Job, error) {
	return s.jobs.Load(ctx, upload)
}

// enqueue keeps a job that is known by its id, report and source alone. A report has one at a time, so that what a Sink
// hears of a report is never of another job.
func (s *Service) enqueue(ctx context.Context, j Job) (Job, error) {
	now := time.Now()
	j.Owner, j.State, j.CreatedAt, j.UpdatedAt = s.cfg.Owner, StateQueued, now, now
	j, err := s.jobs.Add(ctx, j, s.cfg.MaxQueued)
	if err != nil {
		return Job{}, err
	}
	select {
	case s.wake <- struct{}{}:
	default: // every worker has a token already
	}
	s.release(j.ID)
	return j, nil
}

// Run works jobs off until ctx ends, first those that an earlier run left. Call it once.
func (s *Service) Run(ctx context.Context) error {
	if err := s.jobs.Resume(ctx, s.cfg.Owner); err != nil {
		return err
	}
	if err := errors.Join(s.sweep(ctx), s.sweepShared(ctx)); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for range s.cfg.Workers {
		group.Go(func() error { s.workOff(ctx); return nil })
	}
	return group.Wait()
}

func (s *Service) workOff(ctx context.Context) {
	look := time.NewTicker(s.cfg.Look)
	defer look.Stop()
	for {
		j, err := s.jobs.Take(ctx, s.cfg.Owner, s.cfg.Lease)
		if err == nil {
			s.work(ctx, j)
			continue
		} else if !errors.Is(err, ErrNoJob) && ctx.Err() == nil {
			s.log.Error("jobs not looked for", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-look.C:
		}
	}
}

// sweep removes the folders of uploads that no job will ever ask for.
func (s *Service) sweep(ctx context.Context) error {
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return fmt.Errorf("read ingest folder: %w", err)
	}
	for _, e := range entries {
		if _, err := uuid.Parse(e.Name()); err != nil || s.isHeld(e.Name()) {
			continue
		}
		// What other hubs can take lies elsewhere: here is only what a kill left.
		if j, err := s.jobs.Load(ctx, e.Name()); err == nil && j.State == StateQueued && s.cfg.Shared == nil {
			continue
		} else if err != nil && !errors.Is(err, ErrNoJob) {
			return err
		}
		if err := os.RemoveAll(filepath.Join(s.cfg.Dir, e.Name())); err != nil {
			return fmt.Errorf("remove leftover: %w", err)
		}
		s.log.Info("removed the leftover of a dead upload", "upload", e.Name())
	}
	return nil
}

func (s *Service) isHeld(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[id]
}

func (s *Service) hold(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[id] = true
}

func (s *Service) release(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, id)
}
