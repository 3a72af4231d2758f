package fleet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// flushEvery is how old an agent's row may be; a hub that is killed forgets at most that much of last_seen.
const flushEvery = 10 * time.Second

// Options of a Fleet.
type Options struct {
	DB     *store.DB
	Events Publisher
	Log    *slog.Logger
	Now    func() time.Time // time.Now when nil

	// Trust gives the envelopes of the trust documents, in order; a newly paired agent pins the last one.
	Trust func(ctx context.Context) ([][]byte, error)
	// Disconnect ends an agent's connection: push.Hub.Disconnect. Nil for none.
	Disconnect func(agent, code string)
	// Tell publishes to other hubs alone. Nil: there are none.
	Tell func(bus.Event)
	// Cut tells whether a hub serves that cannot be heard. Nil: never.
	Cut func() bool
	// Alone says that no other program writes to the database: who may connect is then known from memory.
	Alone bool
}

// Fleet is the hub's knowledge of its agents.
type Fleet struct {
	o Options

	mu   sync.Mutex
	live map[string]*live // by agent id; every agent of the table is in it
	run  string           // tells this Fleet's marks from those of another run
	rev  uint64           // counts everything that is heard of agents
	left uint64           // rev when an agent last left its area for another

	attempts  map[string]*attempt  // by pairing id: those that were answered
	addresses map[string]time.Time // how far ahead of time an address has used up its attempts

	keys   map[string]string       // agents that may connect, by key, as far as memory knows; see admit
	edits  sync.Mutex              // held while who and where agents are, and who may connect, is changed in SQL and then in memory; before mu
	asked  store.Together[*asked]  // keys of those who connect
	placed store.Together[*placed] // those of whom something is kept

	pairs sync.Mutex // held while pairings are read and changed together; before mu
}

// Open reads what was known of the agents before.
func Open(ctx context.Context, o Options) (*Fleet, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f := &Fleet{o: o, live: map[string]*live{}, keys: map[string]string{}, asked: store.Together[*asked]{Most: askAtOnce}, placed: store.Together[*placed]{Most: askAtOnce},
		run: uuid.NewString(), attempts: map[string]*attempt{}, addresses: map[string]time.Time{}}
	if err := errors.Join(f.load(ctx), f.loadKeys(ctx)); err != nil {
		return nil, err
	}
	if o.Tell != nil { // they may be another hub's
		return f, nil
	}
	if err := f.buryOrphans(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

// Run writes what was heard, in batches, until ctx ends; it writes the last one before it returns.
func (f *Fleet) Run(ctx context.Context) error {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := errors.Join(f.flush(ctx), f.expirePairings(ctx)); err != nil && ctx.Err() == nil {
				f.o.Log.Error("fleet not written", "err", err) // still in memory: written next time
			}
		case <-ctx.Done():
			return f.lastFlush(ctx)
		}
	}
}

// lastFlush writes after ctx has ended.
func (f *Fleet) lastFlush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushEvery)
	defer cancel()
	return f.flush(ctx)
}

// Agent gives one by id, AGENT_UNKNOWN when there is none.
func (f *Fleet) Agent(ctx context.Context, id string) (Agent, error) {
	var row agentRow
	err := f.o.DB.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Agent{}, errAgentUnknown()
	}
	if err != nil {
		return Agent{}, fmt.Errorf("read agent: %w", err)
	}
	a, err := row.agent()
	f.overlay(&a)
	return a, err
}

const maxList = 1000

func (f Filter) limit() int {
	if f.Limit <= 0 || f.Limit > maxList {
		return maxList
	}
	return f.Limit
}

// Agents lists by id, which is by age.
func (f *Fleet) Agents(ctx context.Context, filter Filter) ([]Agent, error) {
	limit := filter.limit()
	q := f.o.DB.NewSelect().Model((*agentRow)(nil)).Order("id")
	if filter.Areas != nil {
		q = q.Where("area IN (?)", bun.List(filter.Areas))
	}
	if filter.IDs != nil {
		q = q.Where("id IN (?)", bun.List(filter.IDs))
	}
	if filter.State != "" {
		q = q.Where("state = ?", filter.State)
	}
	if filter.Text != "" {
		escaped := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(filter.Text)
		q = q.Where(`LOWER(name) LIKE LOWER(?) ESCAPE '\'`, "%"+escaped+"%")
	}
	var found []Agent
	for after := filter.After; ; {
		var rows []agentRow
		if err := q.Clone().Where("id > ?", after).Limit(int64(limit)).Scan(ctx, &rows); err != nil {
			return nil, fmt.Errorf("list agents: %w", err)
		}
		for i := range rows {
			a, err := rows[i].agent()
			if err != nil {
				return nil, err
			}
			f.overlay(&a)
			if filter.Online == nil || *filter.Online == a.Online {
				found = append(found, a)
			}
			if len(found) == limit {
				return found, nil
			}
			after = a.ID
		}
		if len(rows) < limit {
			return found, nil
		}
	}
}

// Place is where an agent is.
type Place struct{ ID, Name, Area string }

// Places gives every agent that may connect, by id: what planning needs of them, which is little and asked for often.
func (f *Fleet) Places(ctx context.Context) ([]Place, error) {
	var out []Place
	err := f.o.DB.NewSelect().Model((*agentRow)(nil)).Column("id", "name", "area").Where("state = ?", Active).Order("id").Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("list agents' places: %w", err)
	}
	return out, nil
}

// placed is an agent, and the area it is in.
type placed struct {
	bun.BaseModel `bun:"table:agents"`

	ID   string `bun:"id"`
	Area string `bun:"area"`
}

// AreaOf gives the area that an agent is in, AGENT_UNKNOWN when there is none of this id. It is read with those of the
// agents that are asked for at the same time.
func (f *Fleet) AreaOf(ctx context.Context, id string) (string, error) {
	a := placed{ID: id}
	if err := f.placed.Do(ctx, &a, f.readAreas); err != nil {
		return "", fmt.Errorf("read agent's area: %w", err)
	}
	if a.Area == "" {
		return "", errAgentUnknown()
	}
	return a.Area, nil
}

func (f *Fleet) readAreas(ctx context.Context, all []*placed) error {
	ids := make([]string, len(all))
	for i, a := range all {
		ids[i] = a.ID
	}
	var rows []placed
	if err := f.o.DB.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return err
	}
	areas := make(map[string]string, len(rows))
	for _, row := range rows {
		areas[row.ID] = row.Area
	}
	for _, a := range all {
		a.Area = areas[a.ID]
	}
	return nil
}

// Rename gives an agent another name.
func (f *Fleet) Rename(ctx context.Context, id, name string) error {
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	return f.edit(ctx, id, "place", func(row *agentRow) error { row.Name = name; return nil })
}

// Move puts an agent into another area. The planner recompiles on the event.
func (f *Fleet) Move(ctx context.Context, id, area string) error {
	if area == "" {
		return errArea()
	}
	return f.edit(ctx, id, "place", func(row *agentRow) error { row.Area = area; return nil })
}

// Block keeps an agent from connecting and ends its connection.
func (f *Fleet) Block(ctx context.Context, id string) error { return f.setState(ctx, id, Blocked) }

// Unblock lets a blocked agent connect again.
func (f *Fleet) Unblock(ctx context.Context, id string) error { return f.setState(ctx, id, Active) }

// Revoke makes the agent's key worth nothing, for ever, and ends its connection; its records stay.
func (f *Fleet) Revoke(ctx context.Context, id string) error { return f.setState(ctx, id, Revoked) }

func (f *Fleet) setState(ctx context.Context, id string, to State) error {
	err := f.edit(ctx, id, "state", func(row *agentRow) error {
		if row.State == Revoked && to != Revoked {
			return errAgentRevoked()
		}
		row.State = to
		return nil
	})
	if err == nil && to != Active && f.o.Disconnect != nil {
		f.o.Disconnect(id, map[State]string{Blocked: "AGENT_BLOCKED", Revoked: "AGENT_REVOKED"}[to])
	}
	return err
}

// edit changes who and where an agent is, in SQL and in memory.
func (f *Fleet) edit(ctx context.Context, id, what string, change func(*agentRow) error) error {
	f.edits.Lock()
	defer f.edits.Unlock()
	f.askAgain(id)
	var row agentRow
	err := f.o.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		err := tx.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return errAgentUnknown()
		}
		if err != nil {
			return fmt.Errorf("read agent: %w", err)
		}
		if err := change(&row); err != nil {
			return err
		}
		taken, err := tx.NewSelect().Model((*agentRow)(nil)).
			Where("area = ? AND name = ? AND id <> ?", row.Area, row.Name, id).Exists(ctx)
		if err != nil {
			return fmt.Errorf("look for the name: %w", err)
		}
		if taken {
			return errNameTaken()
		}
		if _, err = tx.NewUpdate().Model(&row).Column("name", "area", "state").WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("write agent: %w", err)
		}
		if row.State == Revoked {
			err = revokeKeys(ctx, tx, id, f.o.Now())
		}
		return err
	})
	if err != nil {
		return err
	}
	f.place(&row, what)
	f.admit(&row)
	return nil
}

// place makes memory know who and where an agent is, and tells of it.
func (f *Fleet) place(row *agentRow, what string) {
	id, area := row.ID, row.Area
	f.mu.Lock()
	l := f.live[id]
	if l == nil {
		l = &live{}
		f.live[id] = l
	}
	before := l.area
	f.put(l, row)
	online := l.online
	f.mu.Unlock()
	f.o.Events.Publish(bus.Event{Topic: bus.Agent, Area: area, Agent: id, ID: id, Data: Event{what, online}})
	if before != "" && before != area { // who sees only the old area learns that it left
		f.o.Events.Publish(bus.Event{Topic: bus.Agent, Area: before, Agent: id, ID: id, Data: Event{what, online}})
	}
}

// put is what a row says of who and where an agent is. mu is held.
func (f *Fleet) put(l *live, row *agentRow) {
	before := l.area
	l.name, l.area, l.state, l.created = row.Name, row.Area, row.State, store.Time(row.CreatedAt)
	f.touch(l)
	if before != "" && before != row.Area {
		f.left = f.rev
	}
}

func revokeKeys(ctx context.Context, tx bun.Tx, agent string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*keyRow)(nil)).Set("revoked_at = ?", store.Millis(now)).
		Where("agent = ? AND revoked_at = 0", agent).Exec(ctx)
	if err != nil {
		return fmt.Errorf("revoke keys: %w", err)
	}
	return nil
}

func cleanName(name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	n := utf8.RuneCountInString(name)
	if n < 1 || n > 100 || !broadcast.PlainLine(name) {
		return "", errName()
	}
	return name, nil
}
