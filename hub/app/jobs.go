package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/internal/broadcast"
)

// secure opens the certificates. Without any it refuses to send passwords over a network in the clear, whatever stands
// before it (docs/security.md).
func (a *App) secure() (err error) {
	if (a.o.TLSCert == "") != (a.o.TLSKey == "") {
		return errTLSFiles.With(errors.New("tls_cert and tls_key go together"))
	}
	if a.certs, err = openCertificates(a.o); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(a.o.Listen)
	if err != nil {
		return errListen.With(err).At("listen")
	}
	if ip := net.ParseIP(host); a.certs == nil && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errExposed.At("listen")
	}
	return nil
}

// greet says where the hub is, and what a new one needs first.
func (a *App) greet(ctx context.Context) error {
	a.o.Logger.Info("hub serves", "url", a.URL(), "version", a.o.Version, "data", a.o.Data, "zone", a.o.Zone.String())
	return a.welcome(ctx)
}

// serve answers requests until ctx ends, then lets those under way finish.
func (a *App) serve(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(a.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := a.server.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		a.o.Logger.Warn("requests cut at the end", "after", drainTime)
		err = a.server.Close()
	}
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}

// bringHeads tells push of new heads; after lost events it looks at all agents.
func (a *App) bringHeads(ctx context.Context) error {
	return a.follow(ctx, []bus.Topic{bus.Plan}, func(e bus.Event) { a.push.PlanChanged(e.Agent) }, a.push.Resync)
}

// tellPlanner lets planner know that an agent was paired, moved, blocked or let in again. Of what agents say of
// themselves every 15 s no plan depends on.
func (a *App) tellPlanner(ctx context.Context) error {
	return a.follow(ctx, []bus.Topic{bus.Agent}, func(e bus.Event) {
		said, ok := fleet.EventOf(e)
		if !ok || said.What == "place" || said.What == "state" || said.What == "paired" {
			a.planner.AgentChanged(e.Agent)
		}
	}, func() { a.planner.AgentChanged("") })
}

// follow hands events on until ctx ends. What was published before it listened is as lost as what it was too slow for.
func (a *App) follow(ctx context.Context, topics []bus.Topic, hear func(bus.Event), lagged func()) error {
	sub := a.bus.Subscribe(topics...)
	defer sub.Close()
	lagged()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-sub.C():
			if e.Topic == bus.Lagged {
				lagged()
			} else {
				hear(e)
			}
		}
	}
}

// complainEvery is how often the log complains of the root key; on the page it is an alarm.
const complainEvery = time.Hour

// complain says while the root key lies on the hub that whoever takes the hub takes it too.
func (a *App) complain(ctx context.Context) error {
	tick := time.NewTicker(complainEvery)
	defer tick.Stop()
	for {
		if rootKeyLies(a.o.Data) {
			a.o.Logger.Warn("the root key lies on the hub: move it to a safe place off this machine", "file", filepath.Join(a.o.Data, rootKeyFile))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// handing is how long an upload may take, at another hub, from the report to its job.
const handing = 10 * time.Minute

// settleOthers does for hubs that were killed and do not come back what they do when they start.
func (a *App) settleOthers(ctx context.Context) error {
	tick := time.NewTicker(handing)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := a.settleUploads(ctx); err != nil && ctx.Err() == nil {
				a.o.Logger.Error("uploads that nobody works on not looked for", "err", err)
			}
		}
	}
}

// settleUploads ends reports whose upload was never handed to ingest, because the hub was killed in between.
func (a *App) settleUploads(ctx context.Context) error {
	jobs, err := a.jobs.Queued(ctx)
	if err != nil {
		return err
	}
	working := map[string]bool{}
	for _, j := range jobs {
		working[j.ReportID] = true
	}
	before := a.o.Now()
	if a.hubs != nil { // another hub may be about to
		before = before.Add(-handing)
	}
	pending, err := a.library.Pending(ctx, before)
	if err != nil {
		return err
	}
	for _, id := range pending {
		if !working[id] {
			if err := a.library.Failed(ctx, id, ingest.ErrUploadCut); err != nil {
				return err
			}
		}
	}
	f := library.Filter{States: []broadcast.ReportState{broadcast.ReportProcessing}, Limit: 200}
	for {
		p, err := a.library.List(ctx, f)
		if err != nil {
			return err
		}
		for _, r := range p.Items {
			if !working[r.ID] && r.Created.Before(before) {
				if err := a.library.Failed(ctx, r.ID, ingest.ErrUploadCut); err != nil {
					return err
				}
			}
		}
		if f.Cursor = p.Next; f.Cursor == "" {
			return nil
		}
	}
}
