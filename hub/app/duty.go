package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/loa-vn/loa/hub/internal/store"
)

// dutyLease is for how long a hub that died still has a duty.
const dutyLease = 15 * time.Second

// duty is what one of several hubs does for all of them: whoever takes it has it, by a lease in SQL, until it dies or ends.
type duty struct {
	name  string
	hub   string
	db    *store.DB
	log   *slog.Logger
	lease time.Duration
}

// onDuty runs a job at one hub at a time.
func (a *App) onDuty(name string, run func(context.Context) error) func(context.Context) error {
	if a.hubs == nil {
		return run
	}
	d := duty{name: name, hub: a.hub, db: a.db, log: a.o.Logger, lease: dutyLease}
	return func(ctx context.Context) error { return d.follow(ctx, run) }
}

// follow runs the job whenever this hub has the duty, until ctx ends.
func (d duty) follow(ctx context.Context, run func(context.Context) error) error {
	look := time.NewTicker(d.lease / 3)
	defer look.Stop()
	for {
		has, err := d.take(ctx)
		if err != nil && ctx.Err() == nil {
			d.log.Warn("duty not asked for", "duty", d.name, "err", err)
		}
		if has {
			if err := d.serve(ctx, run); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

// take gives this hub the duty when it has it already, or nobody has.
func (d duty) take(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, d.lease/3)
	defer cancel()
	now := store.Now(d.db)
	res, err := d.db.NewRaw(`INSERT INTO hub_duties (duty, hub, until) VALUES (?, ?, ? + ?)
		ON CONFLICT (duty) DO UPDATE SET hub = EXCLUDED.hub, until = EXCLUDED.until WHERE hub_duties.hub = EXCLUDED.hub OR hub_duties.until <= ?`,
		d.name, d.hub, now, d.lease.Milliseconds(), now).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("take duty: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// serve runs the job while the duty is this hub's, and lets go of it at the end.
func (d duty) serve(ctx context.Context, run func(context.Context) error) error {
	d.log.Info("on duty for all hubs", "duty", d.name)
	work, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- run(work) }()
	renew := time.NewTicker(d.lease / 3)
	defer renew.Stop()
	had := time.Now()
	for {
		select {
		case err := <-ended:
			d.drop(ctx)
			return err
		case <-ctx.Done():
			err := <-ended
			d.drop(ctx)
			return err
		case <-renew.C:
		}
		asked := time.Now()
		has, err := d.take(ctx)
		switch {
		case has:
			had = asked
		case err == nil, time.Since(had) > d.lease: // it is another's, or may be
			d.log.Warn("not on duty any more", "duty", d.name, "err", err)
			stop()
			return <-ended
		}
	}
}

// drop lets another hub have the duty at once.
func (d duty) drop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.lease/3)
	defer cancel()
	_, err := d.db.ExecContext(ctx, "UPDATE hub_duties SET until = 0 WHERE duty = ? AND hub = ?", d.name, d.hub)
	if err != nil {
		d.log.Warn("duty not given back", "duty", d.name, "err", err)
	}
}
