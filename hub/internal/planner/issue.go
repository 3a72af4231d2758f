package planner

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// batch is how many heads share a transaction; a thousand would hold up other writers.
const batch = 256

// planRow is a row of table plans.
type planRow struct {
	bun.BaseModel `bun:"table:plans"`
	Agent         string `bun:"agent,pk"`
	Reserved      uint64 `bun:"reserved"`
	Version       uint64 `bun:"version"`
	ContentHash   string `bun:"content_hash"`
	Envelope      string `bun:"envelope"`
	SHA256        string `bun:"sha256"`
	IssuedAt      int64  `bun:"issued_at"`
	ExpiresAt     int64  `bun:"expires_at"`

	Area string `bun:"-"` // of the agent, for the event
}

// SealedHead is an agent's newest plan head.
type SealedHead struct {
	Version  uint64
	Envelope []byte
	SHA256   broadcast.Hash // of Envelope
	IssuedAt time.Time
	Expires  time.Time
}

// ErrNoPlan says that no head was ever sealed for an agent.
var ErrNoPlan = errors.New("no plan for this agent yet")

// Head gives an agent's newest head, or ErrNoPlan.
func (p *Planner) Head(ctx context.Context, agent string) (SealedHead, error) {
	var row planRow
	err := p.DB.NewSelect().Model(&row).Where("agent = ?", agent).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && row.Version == 0:
		return SealedHead{}, ErrNoPlan
	case err != nil:
		return SealedHead{}, fmt.Errorf("read plan: %w", err)
	}
	return row.sealed(), nil
}

// Heads gives the newest heads of agents that have one, without their envelopes.
func (p *Planner) Heads(ctx context.Context, agents []string) (map[string]SealedHead, error) {
	out := make(map[string]SealedHead, len(agents))
	for some := range slices.Chunk(agents, batch) {
		var rows []planRow
		err := p.DB.NewSelect().Model(&rows).ExcludeColumn("envelope").Where("agent IN (?) AND version > 0", bun.List(some)).Scan(ctx)
		if err != nil {
			return nil, fmt.Errorf("read plans: %w", err)
		}
		for _, r := range rows {
			out[r.Agent] = r.sealed()
		}
	}
	return out, nil
}

func (r planRow) sealed() SealedHead {
	return SealedHead{Version: r.Version, Envelope: []byte(r.Envelope), SHA256: broadcast.Hash(r.SHA256),
		IssuedAt: store.Time(r.IssuedAt), Expires: store.Time(r.ExpiresAt)}
}

// Carried gives the decisions that an agent's newest head says; none where the newest is another than version.
func (p *Planner) Carried(ctx context.Context, agent string, version uint64) ([]broadcast.Decision, error) {
	sealed, err := p.Head(ctx, agent)
	if err != nil || sealed.Version != version {
		return nil, err
	}
	var envelope struct {
		Payload []byte `json:"payload"`
	}
	var head broadcast.Head
	if err := json.Unmarshal(sealed.Envelope, &envelope); err != nil {
		return nil, fmt.Errorf("decode envelope: %w", err)
	}
	if err := json.Unmarshal(envelope.Payload, &head); err != nil {
		return nil, fmt.Errorf("decode head: %w", err)
	}
	return head.Decisions, nil
}

// issued reads what was issued, without the envelopes, while nothing is.
func (p *Planner) issued(ctx context.Context) (map[string]planRow, error) {
	var rows []planRow
	if err := p.DB.NewSelect().Model(&rows).ExcludeColumn("envelope").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read plans: %w", err)
	}
	p.know(rows)
	out := make(map[string]planRow, len(rows))
	for _, r := range rows {
		out[r.Agent] = r
	}
	return out, nil
}

// draftHead is a head that is to be issued.
type draftHead struct {
	head    broadcast.Head
	content string
	row     planRow // as issued before
}

// issue gives drafts their versions, seals, keeps and announces them. A draft whose version another hub took
// first is left out: that hub compiles, too, and the next sweep compares again.
func (p *Planner) issue(ctx context.Context, drafts []draftHead) (int, error) {
	won, err := p.reserve(ctx, drafts)
	if err != nil {
		return 0, err
	}
	rows, errs := p.sealAll(won)
	p.askAgain(rows)
	if err := p.keep(ctx, rows); err != nil {
		return 0, errors.Join(append(errs, err)...)
	}
	p.know(rows)
	for _, row := range rows {
		p.Bus.Publish(bus.Event{Topic: bus.Plan, Area: row.Area, Agent: row.Agent, Data: map[string]any{"version": row.Version}})
	}
	return len(rows), errors.Join(errs...)
}

// reserve takes the next version for each draft by compare-and-set, before anything is sealed with it: two
// hubs can never seal two heads of one version, which an agent would refuse for good.
func (p *Planner) reserve(ctx context.Context, drafts []draftHead) (won []draftHead, err error) {
	rows := make([]planRow, len(drafts))
	for i, d := range drafts {
		rows[i] = planRow{Agent: d.head.Audience, Reserved: d.row.Reserved + 1}
	}
	var taken []string
	err = p.DB.NewInsert().Model(&rows).On("CONFLICT (agent) DO UPDATE").Set("reserved = EXCLUDED.reserved").
		Where("plan_row.reserved = EXCLUDED.reserved - 1").Returning("agent").Scan(ctx, &taken)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("reserve plan versions: %w", err)
	}
	mine := make(map[string]bool, len(taken))
	for _, agent := range taken {
		mine[agent] = true
	}
	for i, d := range drafts {
		if mine[d.head.Audience] {
			d.head.Version = rows[i].Reserved
			won = append(won, d)
		}
	}
	return won, nil
}

// sealAll seals on all cores: a signature of 10,000 agents' heads is the larger half of a sweep.
func (p *Planner) sealAll(drafts []draftHead) (rows []planRow, errs []error) {
	sealed, failed := make([]planRow, len(drafts)), make([]error, len(drafts))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(drafts)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(drafts); i = int(next.Add(1)) - 1 {
				sealed[i], failed[i] = p.seal(drafts[i])
			}
		})
	}
	wg.Wait()
	for i, err := range failed {
		if err != nil {
			errs = append(errs, fmt.Errorf("seal plan of agent %s: %w", drafts[i].head.Audience, err))
			continue
		}
		rows = append(rows, sealed[i])
	}
	return rows, errs
}

func (p *Planner) seal(d draftHead) (planRow, error) {
	payload, err := json.Marshal(d.head)
	if err != nil {
		return planRow{}, fmt.Errorf("encode head: %w", err)
	}
	envelope, err := p.Sealer.SealHead(payload)
	if err != nil {
		return planRow{}, err
	}
	if len(envelope) > maxEnvelope {
		return planRow{}, fmt.Errorf("envelope of %d bytes, at most %d", len(envelope), maxEnvelope)
	}
	return planRow{Agent: d.head.Audience, Reserved: d.head.Version, Version: d.head.Version, ContentHash: d.content, Envelope: string(envelope),
		SHA256: hash(envelope), IssuedAt: store.Millis(d.head.IssuedAt), ExpiresAt: store.Millis(d.head.Expires), Area: d.head.Area}, nil
}

// perStatement is how many heads one statement writes: 32 of the largest are half of what SQLite takes as one.
const perStatement = 32

func (p *Planner) keep(ctx context.Context, rows []planRow) error {
	return p.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		for some := range slices.Chunk(rows, perStatement) {
			q := tx.NewInsert().Model(&some).On("CONFLICT (agent) DO UPDATE")
			for _, column := range []string{"version", "content_hash", "envelope", "sha256", "issued_at", "expires_at"} {
				q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
			}
			if _, err := q.Where("plan_row.version < EXCLUDED.version").Exec(ctx); err != nil {
				return fmt.Errorf("write plans: %w", err)
			}
		}
		return nil
	})
}

// Restored makes every plan of a database that comes back from a backup be issued anew, with a version that rises by rise.
func Restored(ctx context.Context, db *bun.DB, rise int) error {
	_, err := db.NewUpdate().Model((*planRow)(nil)).Set("reserved = reserved + ?", rise).Set("content_hash = ''").Where("TRUE").Exec(ctx)
	if err != nil {
		return fmt.Errorf("raise plan versions: %w", err)
	}
	return nil
}
