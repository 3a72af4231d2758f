package app

import (
	"context"
	"time"

	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
)

// How often it is looked for days whose records should all be there, how long records may take, and how many days a hub
// that was off goes back.
const (
	settleEvery = time.Hour
	settleAfter = 24 * time.Hour
	settleBack  = 31
)

// settleDays writes down, day by day, what was planned and never accounted for.
func (a *App) settleDays(ctx context.Context) error {
	again := time.NewTicker(settleEvery)
	defer again.Stop()
	for {
		if err := a.settle(ctx); err != nil && ctx.Err() == nil {
			a.o.Logger.Error("the play log is not settled", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// settle goes on with the days that are over for long enough. A new hub begins with yesterday's yesterday.
func (a *App) settle(ctx context.Context) error {
	last := broadcast.DateOf(a.o.Now().Add(-settleAfter), a.o.Zone).AddDays(-1)
	date, err := a.evidence.Settled(ctx)
	if err != nil {
		return err
	}
	if date == "" {
		date = last.AddDays(-1)
	}
	for date = max(date.AddDays(1), last.AddDays(1-settleBack)); date <= last; date = date.AddDays(1) {
		if err := a.settleDay(ctx, date); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) settleDay(ctx context.Context, date broadcast.Date) error {
	began := date.At(0, a.o.Zone)
	var owed []evidence.Owed
	var failed error
	err := a.planner.Due(ctx, date, func(ref planner.AgentRef, slots []broadcast.Slot) {
		agent, err := a.fleet.Agent(ctx, ref.ID)
		if err != nil {
			failed = err
		}
		if err != nil || agent.CreatedAt.After(began) { // it was not there from the day's beginning
			return
		}
		for _, s := range slots {
			owed = append(owed, evidence.Owed{Agent: ref.ID, Area: ref.Area, Slot: s})
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return a.evidence.Settle(ctx, date, owed)
}
