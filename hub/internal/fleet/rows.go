package fleet

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// batch is how many agents are written in one transaction: other writers wait meanwhile.
const batch = 500

type agentRow struct {
	bun.BaseModel `bun:"table:agents"`

	ID          string `bun:"id,pk"`
	Name        string `bun:"name"`
	Area        string `bun:"area"`
	State       State  `bun:"state"`
	PublicKey   string `bun:"public_key"`
	CreatedAt   int64  `bun:"created_at"`
	Software    string `bun:"software"`
	OS          string `bun:"os"`
	LastSeen    int64  `bun:"last_seen"`
	PlanVersion uint64 `bun:"plan_version"`
	PlanState   string `bun:"plan_state"`
	PlanCode    string `bun:"plan_code"`
	Status      string `bun:"status"`
	StatusAt    int64  `bun:"status_at"`
}

type keyRow struct {
	bun.BaseModel `bun:"table:agent_keys"`

	PublicKey string `bun:"public_key,pk"`
	Agent     string `bun:"agent"`
	CreatedAt int64  `bun:"created_at"`
	RevokedAt int64  `bun:"revoked_at"`
}

type holdingsRow struct {
	bun.BaseModel `bun:"table:agent_holdings"`

	Agent     string `bun:"agent,pk"`
	Whole     string `bun:"whole"`
	UpdatedAt int64  `bun:"updated_at"`
}

func (r *agentRow) agent() (Agent, error) {
	key, err := hex.DecodeString(r.PublicKey)
	if err != nil {
		return Agent{}, fmt.Errorf("read agent %s: %w", r.ID, err)
	}
	a := Agent{
		ID: r.ID, Name: r.Name, Area: r.Area, State: r.State, Key: key, CreatedAt: store.Time(r.CreatedAt),
		Software: r.Software, OS: r.OS, LastSeen: store.Time(r.LastSeen),
		PlanVersion: r.PlanVersion, PlanState: r.PlanState, PlanCode: r.PlanCode, StatusAt: store.Time(r.StatusAt),
	}
	if r.Status != "" {
		a.Status = new(broadcast.Status)
		if err := json.Unmarshal([]byte(r.Status), a.Status); err != nil {
			return Agent{}, fmt.Errorf("read status of agent %s: %w", r.ID, err)
		}
	}
	return a, nil
}

// overlay puts what is known in memory over what the row says.
func (f *Fleet) overlay(a *Agent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.live[a.ID]
	if l == nil {
		return
	}
	a.Online = l.online
	if l.lastSeen.After(a.LastSeen) {
		a.LastSeen = l.lastSeen
	}
	if l.software != "" {
		a.Software, a.OS = l.software, l.os
	}
	if l.plan.State != "" {
		a.PlanVersion, a.PlanState, a.PlanCode = cmp.Or(l.plan.Version, a.PlanVersion), l.plan.State, l.plan.Code
	}
	if l.status != nil {
		a.Status, a.StatusAt = l.status, l.statusAt
	}
}

// load fills memory from SQL.
func (f *Fleet) load(ctx context.Context) error {
	var agents []agentRow
	if err := f.o.DB.NewSelect().Model(&agents).Scan(ctx); err != nil {
		return fmt.Errorf("read agents: %w", err)
	}
	for i := range agents {
		a, err := agents[i].agent()
		if err != nil {
			return err
		}
		f.live[a.ID] = &live{name: a.Name, area: a.Area, state: a.State, created: a.CreatedAt, lastSeen: a.LastSeen, software: a.Software, os: a.OS, key: agents[i].PublicKey,
			plan: wire.PlanState{Version: a.PlanVersion, State: a.PlanState, Code: a.PlanCode}, status: a.Status, statusAt: a.StatusAt}
	}
	var held []holdingsRow
	if err := f.o.DB.NewSelect().Model(&held).Scan(ctx); err != nil {
		return fmt.Errorf("read holdings: %w", err)
	}
	for _, row := range held {
		holdings, err := wholeHoldings(row.Whole)
		if err != nil {
			return fmt.Errorf("agent %s: %w", row.Agent, err)
		}
		if l := f.live[row.Agent]; l != nil {
			l.holdings = holdings
		}
	}
	return nil
}

// flush writes what was heard since the last flush, and tells the other hubs: most of what agents say is new by its age alone,
// and published by nobody.
func (f *Fleet) flush(ctx context.Context) error {
	dirty := f.takeDirty()
	if f.o.Tell != nil {
		f.tellAll("status", connected(dirty))
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(dirty)), batch) {
		err := f.o.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return f.write(ctx, tx, ids, dirty) })
		if err != nil {
			f.markDirty(dirty)
			return fmt.Errorf("write agents: %w", err)
		}
	}
	return nil
}

func (f *Fleet) markDirty(agents map[string]*live) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, was := range agents {
		if l := f.live[id]; l != nil {
			l.dirty, l.wholeDirty = l.dirty || was.dirty, l.wholeDirty || was.wholeDirty
		}
	}
}

// heardRow is what was heard of an agent; what is empty in it was not.
type heardRow struct {
	ID          string `bun:"id"`
	LastSeen    int64  `bun:"last_seen"`
	Software    string `bun:"software"`
	OS          string `bun:"os"`
	PlanVersion uint64 `bun:"plan_version"`
	PlanState   string `bun:"plan_state"`
	PlanCode    string `bun:"plan_code"`
	Status      string `bun:"status"`
	StatusAt    int64  `bun:"status_at"`
}

func (f *Fleet) write(ctx context.Context, tx bun.Tx, ids []string, dirty map[string]*live) error {
	var heard []heardRow
	var held []holdingsRow
	for _, id := range ids {
		l := dirty[id]
		if l.dirty {
			row, err := l.heard(id)
			if err != nil {
				return err
			}
			heard = append(heard, row)
		}
		if l.wholeDirty {
			list, err := l.wholeList()
			if err != nil {
				return err
			}
			held = append(held, holdingsRow{Agent: id, Whole: list, UpdatedAt: store.Millis(f.o.Now())})
		}
	}
	if len(heard) > 0 {
		q := tx.NewUpdate().With("heard", tx.NewValues(&heard)).Model((*agentRow)(nil)).ModelTableExpr("agents").TableExpr("heard").
			Where("agents.id = heard.id").Set("last_seen = heard.last_seen")
		for column, unheard := range map[string]string{
			"software": "heard.software = ''", "os": "heard.software = ''", "plan_state": "heard.plan_state = ''", "plan_code": "heard.plan_state = ''",
			"plan_version": "heard.plan_version = 0", "status": "heard.status = ''", "status_at": "heard.status = ''",
		} {
			q = q.Set("?0 = CASE WHEN ?1 THEN agents.?0 ELSE heard.?0 END", bun.Ident(column), bun.Safe(unheard))
		}
		if _, err := q.Exec(ctx); err != nil {
			return err
		}
	}
	if len(held) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&held).On("CONFLICT (agent) DO UPDATE").Set("whole = EXCLUDED.whole").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
	return err
}

func (l *live) heard(id string) (heardRow, error) {
	row := heardRow{ID: id, LastSeen: store.Millis(l.lastSeen), Software: l.software, OS: l.os, PlanVersion: l.plan.Version, PlanState: l.plan.State, PlanCode: l.plan.Code}
	if l.status != nil {
		data, err := json.Marshal(l.status)
		if err != nil {
			return heardRow{}, fmt.Errorf("encode status of agent %s: %w", id, err)
		}
		row.Status, row.StatusAt = string(data), store.Millis(l.statusAt)
	}
	return row, nil
}
