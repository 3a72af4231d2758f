package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/api"
	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/orders"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/hub/internal/push"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
)

// The adapters below join stages that know nothing of each other.

// sink brings finished audio from ingest to library, and counts it.
type sink struct {
	*library.Library
	metrics *api.Metrics
}

func (s sink) Done(ctx context.Context, report string, r ingest.Result) error {
	err := s.Library.Done(ctx, report, library.Finished{File: r.Path, Master: r.Master, Waveform: r.Peaks, Audio: library.Audio{DurationMS: r.DurationMS,
		LoudnessLUFS: r.LoudnessLUFS, TruePeakDBTP: r.TruePeakDBTP, Warnings: r.Warnings, SourceSHA256: r.SourceSHA256, SourceName: r.SourceName, Making: &library.Making{SourceFormat: r.SourceFormat,
			SourceDurationMS: r.SourceDurationMS, TrimStartMS: r.TrimStartMS, TrimEndMS: r.TrimEndMS, GainDB: r.GainDB, LRA: r.LRA,
			BitrateKbps: r.BitrateKbps}}})
	if err == nil {
		s.metrics.Ingested.WithLabelValues("done").Inc()
	}
	return err
}

func (s sink) Failed(ctx context.Context, report string, why *problem.Error) error {
	err := s.Library.Failed(ctx, report, why)
	if err == nil {
		s.metrics.Ingested.WithLabelValues("failed").Inc()
	}
	return err
}

// agents gives planner the agents that get plans.
type agents struct{ fleet *fleet.Fleet }

func (a agents) List(ctx context.Context) ([]planner.AgentRef, error) {
	places, err := a.fleet.Places(ctx)
	refs := make([]planner.AgentRef, len(places))
	for i, p := range places {
		refs[i] = planner.AgentRef{ID: p.ID, Area: p.Area, Name: p.Name}
	}
	return refs, err
}

// bulletins gives planner the urgent bulletins in force.
type bulletins struct{ orders *orders.Desk }

func (b bulletins) InForce(ctx context.Context, now time.Time) ([]planner.Aimed, error) {
	list, err := b.orders.InForce(ctx, now)
	out := make([]planner.Aimed, len(list))
	for i, a := range list {
		out[i] = aimed(a)
	}
	return out, err
}

// urgent tells push whether a bulletin in force needs a blob; one that cannot be asked for waits its turn.
func (a *App) urgent(ctx context.Context, sha256 broadcast.Hash) bool {
	urgent, err := a.orders.Needs(ctx, sha256)
	if err != nil {
		a.o.Logger.Warn("not known whether audio is urgent", "sha256", sha256, "err", err)
	}
	return urgent
}

func aimed(a orders.Aimed) planner.Aimed {
	return planner.Aimed{Bulletin: a.Bulletin, Targets: planner.Targets(a.Targets), Leaves: a.Leaves}
}

// places tells orders what planner knows of areas, agents and the room in plan heads.
type places struct{ planner *planner.Planner }

func (p places) Where(ctx context.Context, t orders.Targets) (orders.Where, error) {
	w, err := p.planner.Where(ctx, planner.Targets(t))
	return orders.Where(w), err
}

func (p places) Reached(ctx context.Context, t orders.Targets) ([]string, error) {
	return p.planner.Reached(ctx, planner.Targets(t))
}

func (p places) Room(ctx context.Context, a orders.Aimed) error { return p.planner.Room(ctx, aimed(a)) }

// heads gives push the planner's heads.
type heads struct{ planner *planner.Planner }

func (h heads) Newer(ctx context.Context, agent string, version uint64, sha256 broadcast.Hash) (push.Head, error) {
	sealed, err := h.planner.Newer(ctx, agent, version, sha256)
	return push.Head{Version: sealed.Version, SHA256: sealed.SHA256, Envelope: sealed.Envelope}, err
}

// countingSealer counts the heads that planner seals.
type countingSealer struct {
	*trust
	metrics *api.Metrics
}

func (c countingSealer) SealHead(payload []byte) ([]byte, error) {
	envelope, err := c.trust.SealHead(payload)
	if err == nil {
		c.metrics.Heads.Inc()
	}
	return envelope, err
}

// plays brings play records from push to evidence and tells the bus of those that are new.
type plays struct {
	fleet    *fleet.Fleet
	evidence *evidence.Log
	bus      bus.Bus
	log      *slog.Logger
}

// Insert acknowledges what is no record too: it would not become one, and those behind it wait.
func (p plays) Insert(ctx context.Context, agent string, records []broadcast.Play) ([]string, error) {
	area, err := p.fleet.AreaOf(ctx, agent)
	if err != nil {
		return nil, err
	}
	var none []string
	records = slices.DeleteFunc(slices.Clone(records), func(r broadcast.Play) bool {
		err := r.Check()
		if err != nil {
			p.log.Warn("play record is left out", "agent", agent, "id", r.ID, "err", err)
			none = append(none, r.ID)
		}
		return err != nil
	})
	ids, fresh, err := p.evidence.Insert(ctx, agent, area, records)
	if err != nil {
		return nil, err
	}
	ids = append(ids, none...)
	for _, r := range fresh {
		p.bus.Publish(bus.Event{Topic: bus.Play, Area: r.Area, Agent: agent, ID: r.ID, Data: map[string]any{
			"broadcast": r.Broadcast, "report": r.Report, "slot": r.Slot, "outcome": r.Outcome, "reason": r.Reason, "planned_start": r.PlannedStart}})
	}
	return ids, nil
}

// decided brings what communes decided at their PCs from push to orders, with a line of the audit log each.
type decided struct {
	fleet    *fleet.Fleet
	orders   *orders.Desk
	accounts *accounts.Service
	log      *slog.Logger
}

// Take acknowledges what is no decision too: it would not become one, and those behind it wait.
func (d decided) Take(ctx context.Context, agent string, made []wire.Decision) (acked []string, err error) {
	area, err := d.fleet.AreaOf(ctx, agent)
	if err != nil {
		return nil, err
	}
	for _, m := range made {
		fresh, err := d.orders.TakeDecision(ctx, agent, area, m.ID, m.Decision)
		var refused *problem.Error
		switch {
		case errors.As(err, &refused):
			d.log.Warn("decision of a commune is left out", "agent", agent, "id", m.ID, "err", err)
		case err != nil:
			return acked, err
		case fresh:
			after, err := json.Marshal(m.Decision)
			if err != nil {
				return acked, fmt.Errorf("encode decision: %w", err)
			}
			err = d.accounts.Record(ctx, accounts.Entry{Who: "agent:" + agent, Origin: "console", Action: "decision." + m.Decision.Kind, Subject: m.ID,
				Area: area, After: after})
			if err != nil {
				return acked, err
			}
		}
		acked = append(acked, m.ID)
	}
	return acked, nil
}

// heard tells planner where a report was played lately.
type heard struct{ evidence *evidence.Log }

func (h heard) HeardSince(ctx context.Context, report string, among []string, since time.Time) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	q := evidence.Query{Report: report, From: since, Limit: 1000}
	for {
		records, next, err := h.evidence.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if r.Outcome != broadcast.Skipped && slices.Contains(among, r.Agent) {
				out[r.Agent] = r.PlannedStart // they come in this order
			}
		}
		if q.After = next; next == "" {
			return out, nil
		}
	}
}

// playLog gives planner what was played, for the why.
type playLog struct{ evidence *evidence.Log }

func (p playLog) Plays(ctx context.Context, agent string, from, to time.Time) ([]broadcast.Play, error) {
	var out []broadcast.Play
	q := evidence.Query{Agent: agent, From: from, To: to, Limit: 1000}
	for {
		records, next, err := p.evidence.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			out = append(out, r.Play)
		}
		if q.After = next; next == "" {
			return out, nil
		}
	}
}
