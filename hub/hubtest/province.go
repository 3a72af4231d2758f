package hubtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
)

// Province is a planner on a real database and a real folder, with many agents; only its library and its fleet are
// played. It is for measuring, by one goroutine.
type Province struct {
	planner *planner.Planner
	db      *store.DB
	agents  []planner.AgentRef
	key     seal.Key
	changes int
}

// NewProvince has a province of communes with as many agents in each, and a month of programmes.
func NewProvince(ctx context.Context, dir string, communes, agentsEach int) (_ *Province, err error) {
	db, err := store.Open(ctx, "", dir)
	if err != nil {
		return nil, err
	}
	p := &Province{db: db}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	blobs, err := store.NewFolder(filepath.Join(dir, "blobs"))
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		return nil, err
	}
	if p.key, err = seal.NewKey(); err != nil {
		return nil, err
	}
	p.planner = planner.New(planner.Deps{DB: db.DB, Blobs: blobs, Bus: bus.NewLocal(), Reports: p, Agents: p, Sealer: p,
		Zone: zone, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	err = p.settle(ctx, communes, agentsEach)
	return p, err
}

func (p *Province) settle(ctx context.Context, communes, agentsEach int) error {
	evening := broadcast.Daypart{Name: "evening"}
	evening.Start, _ = broadcast.ParseTimeOfDay("17:00")
	evening.End, _ = broadcast.ParseTimeOfDay("17:45")
	if _, err := p.planner.CreateArea(ctx, planner.Area{Code: "tinh", Name: "Tỉnh", Dayparts: []broadcast.Daypart{evening}}); err != nil {
		return err
	}
	for i := range communes {
		code := fmt.Sprintf("xa-%04d", i)
		if _, err := p.planner.CreateArea(ctx, planner.Area{Code: code, Name: "Xã " + code, Parent: "tinh"}); err != nil {
			return err
		}
		for j := range agentsEach {
			n := i*agentsEach + j
			p.agents = append(p.agents, planner.AgentRef{ID: fmt.Sprintf("019a8f3c-1d2e-7f00-8a4b-%012x", n), Area: code, Name: fmt.Sprint("Cụm ", n)})
		}
	}
	for range 5 {
		if err := p.Change(ctx); err != nil {
			return err
		}
	}
	_, err := p.planner.Sweep(ctx)
	return err
}

// Change approves one more programme, every day, in every commune.
func (p *Province) Change(ctx context.Context) error {
	p.changes++
	b, err := p.planner.Create(ctx, planner.Spec{Title: fmt.Sprint("Tìm hiểu pháp luật ", p.changes), When: planner.When{Daypart: "evening", RRule: "FREQ=DAILY"},
		Targets: planner.Targets{Areas: []string{"tinh"}}, Items: []planner.ItemRef{{Report: fmt.Sprint("report-", p.changes)}}}, planner.Person{ID: "lan"})
	if err == nil {
		_, err = p.planner.Approve(ctx, b.ID, 0, planner.Person{ID: "minh"})
	}
	return err
}

// Sweep makes the heads that are due, and says how many.
func (p *Province) Sweep(ctx context.Context) (int, error) { return p.planner.Sweep(ctx) }

// Head gives the envelope of an agent's newest head and whose it is.
func (p *Province) Head(ctx context.Context, i int) (agent string, envelope []byte, err error) {
	sealed, err := p.planner.Head(ctx, p.agents[i].ID)
	return p.agents[i].ID, sealed.Envelope, err
}

// Key is what the heads are sealed with.
func (p *Province) Key() seal.Key { return p.key }

// Close closes the database.
func (p *Province) Close() error { return p.db.Close() }

// List implements planner.Agents.
func (p *Province) List(context.Context) ([]planner.AgentRef, error) { return p.agents, nil }

// Reports implements planner.Reports: whatever is asked for is five minutes long and approved.
func (p *Province) Reports(_ context.Context, ids []string) (map[string]broadcast.Report, error) {
	out := map[string]broadcast.Report{}
	for _, id := range ids {
		hash := broadcast.Hash(strings.Repeat("0", 64-len(id)) + strings.Map(hexed, id))
		out[id] = broadcast.Report{ID: id, Title: "Tìm hiểu pháp luật", State: broadcast.ReportApproved, DurationMS: 300_000, Audio: hash, Manifest: hash}
	}
	return out, nil
}

func hexed(r rune) rune {
	if strings.ContainsRune("0123456789abcdef", r) {
		return r
	}
	return 'f'
}

// Withdrawals implements planner.Reports.
func (p *Province) Withdrawals(context.Context, time.Time) ([]broadcast.Withdrawal, error) {
	return nil, nil
}

// SealHead implements planner.Sealer.
func (p *Province) SealHead(payload []byte) ([]byte, error) {
	return seal.Seal(seal.TypePlanHead, payload, p.key)
}

// HeadKey implements planner.Sealer.
func (p *Province) HeadKey() string { return p.key.ID() }
