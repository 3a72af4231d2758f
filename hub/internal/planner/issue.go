package planner

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// batch is how many heads share a transaction; a thousand would hold up other writers.
const batch = 100

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
	return SealedHead{Version: row.Version, Envelope: []byte(row.Envelope), SHA256: broadcast.Hash(row.SHA256),
		IssuedAt: store.Time(row.IssuedAt), Expires: store.Time(row.ExpiresAt)}, nil
}

// issued reads what was issued, without the envelopes.
func (p *Planner) issued(ctx context.Context) (map[string]planRow, error) {
	var rows []planRow
	if err := p.DB.NewSelect().Model(&rows).ExcludeColumn("envelope").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read plans: %w", err)
	}
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
	var errs []error
	var rows []planRow
	for _, d := range won {
		row, err := p.seal(d)
		if err != nil {
			errs = append(errs, fmt.Errorf("seal plan of agent %s: %w", d.head.Audience, err))
			continue
		}
		rows = append(rows, row)
	}
	if err := p.keep(ctx, rows); err != nil {
		return 0, errors.Join(append(errs, err)...)
	}
	for _, row := range rows {
		p.Bus.Publish(bus.Event{Topic: bus.Plan, Area: row.Area, Agent: row.Agent, Data: map[string]any{"version": row.Version}})
	}
	return len(rows), errors.Join(errs...)
}

// reserve takes the next version for each draft by compare-and-set, before anything is sealed with it: two
// hubs can never seal two heads of one version, which an agent would refuse for good.
func (p *Planner) reserve(ctx context.Context, drafts []draftHead) (won []draftHead, err error) {
	err = p.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		won = won[:0]
		for _, d := range drafts {
			next := d.row.Reserved + 1
			var res sql.Result
			var err error
			if d.row.Agent == "" {
				row := planRow{Agent: d.head.Audience, Reserved: next}
				res, err = tx.NewInsert().Model(&row).On("CONFLICT (agent) DO NOTHING").Exec(ctx)
			} else {
				res, err = tx.NewUpdate().Table("plans").Set("reserved = ?", next).
					Where("agent = ?", d.head.Audience).Where("reserved = ?", d.row.Reserved).Exec(ctx)
			}
			if err != nil {
				return fmt.Errorf("reserve plan version: %w", err)
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 {
				continue
			}
			d.head.Version = next
			won = append(won, d)
		}
		return nil
	})
	return won, err
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
	return planRow{Agent: d.head.Audience, Version: d.head.Version, ContentHash: d.content, Envelope: string(envelope),
		SHA256: hash(envelope), IssuedAt: store.Millis(d.head.IssuedAt), ExpiresAt: store.Millis(d.head.Expires), Area: d.head.Area}, nil
}

func (p *Planner) keep(ctx context.Context, rows []planRow) error {
	return p.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		for _, r := range rows {
			_, err := tx.NewUpdate().Model(&r).Column("version", "content_hash", "envelope", "sha256", "issued_at", "expires_at").
				WherePK().Where("version < ?", r.Version).Exec(ctx)
			if err != nil {
				return fmt.Errorf("write plan: %w", err)
			}
		}
		return nil
	})
}
