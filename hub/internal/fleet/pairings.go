package fleet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/pairing"
	"github.com/loa-vn/loa/internal/problem"
)

// maxOpen bounds the pairings that wait at once: a wrong code is tried against each, and counts against each.
const maxOpen = 200

type pairingRow struct {
	bun.BaseModel `bun:"table:pairings"`

	ID        string       `bun:"id,pk"`
	Area      string       `bun:"area"`
	Name      string       `bun:"name"`
	State     PairingState `bun:"state"`
	Code      string       `bun:"code"`
	Words     string       `bun:"words"`
	Agent     string       `bun:"agent"`
	Dead      string       `bun:"dead"`
	Tries     int          `bun:"tries"`
	CreatedBy string       `bun:"created_by"`
	CreatedAt int64        `bun:"created_at"`
	ExpiresAt int64        `bun:"expires_at"`
}

func (r *pairingRow) pairing() Pairing {
	return Pairing{
		ID: r.ID, Area: r.Area, Name: r.Name, State: r.State, Code: pairing.Code(r.Code).String(),
		Words: strings.Fields(r.Words), Agent: r.Agent, Dead: r.Dead, Tries: r.Tries, CreatedBy: r.CreatedBy,
		CreatedAt: store.Time(r.CreatedAt), ExpiresAt: store.Time(r.ExpiresAt),
	}
}

// PairingEvent is the Data of a bus event of topic pairing.
type PairingEvent struct {
	State PairingState `json:"state"`
}

// CreatePairing opens a pairing for an agent of that name in that area. An agent that has both already gets
// its new key, and its old one is revoked, when the pairing is confirmed.
func (f *Fleet) CreatePairing(ctx context.Context, area, name, by string) (Pairing, error) {
	name, err := cleanName(name)
	if err != nil {
		return Pairing{}, err
	}
	if area == "" {
		return Pairing{}, errArea()
	}
	code, err := pairing.NewCode()
	if err != nil {
		return Pairing{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Pairing{}, fmt.Errorf("make pairing id: %w", err)
	}
	now := f.o.Now()
	row := pairingRow{
		ID: id.String(), Area: area, Name: name, State: Waiting, Code: string(code), Tries: pairing.MaxTries,
		CreatedBy: by, CreatedAt: store.Millis(now), ExpiresAt: store.Millis(now.Add(pairing.Life)),
	}
	f.pairs.Lock()
	defer f.pairs.Unlock()
	if err := f.expire(ctx); err != nil {
		return Pairing{}, err
	}
	open, err := f.o.DB.NewSelect().Model((*pairingRow)(nil)).Where("state = ?", Waiting).Count(ctx)
	if err != nil {
		return Pairing{}, fmt.Errorf("count pairings: %w", err)
	}
	if open >= maxOpen {
		return Pairing{}, errPairingLimit()
	}
	if _, err := f.o.DB.NewInsert().Model(&row).Exec(ctx); err != nil {
		return Pairing{}, fmt.Errorf("write pairing: %w", err)
	}
	f.publishPairing(&row)
	return row.pairing(), nil
}

// Pairing gives one by id, PAIRING_UNKNOWN when there is none.
func (f *Fleet) Pairing(ctx context.Context, id string) (Pairing, error) {
	row, err := f.pairingRow(ctx, id)
	if err != nil {
		return Pairing{}, err
	}
	return row.pairing(), nil
}

func (f *Fleet) pairingRow(ctx context.Context, id string) (*pairingRow, error) {
	f.pairs.Lock()
	defer f.pairs.Unlock()
	if err := f.expire(ctx); err != nil {
		return nil, err
	}
	row := new(pairingRow)
	err := f.o.DB.NewSelect().Model(row).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errPairingUnknown()
	}
	if err != nil {
		return nil, fmt.Errorf("read pairing: %w", err)
	}
	return row, nil
}

// Confirm brings the answered agent into the fleet. words are what a person read at the agent; they must be
// those of the pairing, with spaces and case as they like, otherwise the pairing is dead (PAIRING_WORDS_DIFFER).
// It returns when the agent has proven its key and is in the fleet.
func (f *Fleet) Confirm(ctx context.Context, id, words, by string) (Pairing, error) {
	row, err := f.pairingRow(ctx, id)
	if err != nil {
		return Pairing{}, err
	}
	if row.State != Answered {
		return Pairing{}, errPairingState()
	}
	var expected pairing.Words
	copy(expected[:], strings.Fields(row.Words))
	if !expected.Match(words) {
		f.o.Log.Warn("pairing ended: the words differ", "pairing", id, "by", by)
		if err := f.kill(ctx, id, errWordsDiffer()); err != nil {
			return Pairing{}, err
		}
		return Pairing{}, errWordsDiffer()
	}
	attempt := f.attempt(id)
	if attempt == nil && f.o.Tell != nil {
		return f.confirmElsewhere(ctx, id, by)
	}
	if attempt == nil { // its connection ended just now, or before this hub started
		return Pairing{}, errors.Join(errPairingDead(), f.kill(ctx, id, errPairingDead()))
	}
	attempt.confirm(by)
	select {
	case <-attempt.ended:
	case <-ctx.Done():
		return Pairing{}, fmt.Errorf("confirm pairing: %w", ctx.Err())
	}
	if attempt.err != nil {
		return Pairing{}, attempt.err
	}
	return f.Pairing(ctx, id)
}

// answered marks that the agent knows the code; false when another took the pairing.
func (f *Fleet) answered(ctx context.Context, id string, words pairing.Words) (*pairingRow, error) {
	done, err := f.o.DB.NewUpdate().Model((*pairingRow)(nil)).Where("id = ? AND state = ?", id, Waiting).
		Set("state = ?", Answered).Set("words = ?", words.String()).Set("code = ''").Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("write pairing: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return nil, errPairingDead().With(err)
	}
	row := new(pairingRow)
	if err := f.o.DB.NewSelect().Model(row).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read pairing: %w", err)
	}
	f.publishPairing(row)
	return row, nil
}

// wrongCode counts a try against every pairing that waits, for nothing says which one was meant.
func (f *Fleet) wrongCode(ctx context.Context) error {
	_, err := f.o.DB.NewUpdate().Model((*pairingRow)(nil)).Where("state = ?", Waiting).Set("tries = tries - 1").Exec(ctx)
	if err != nil {
		return fmt.Errorf("count wrong code: %w", err)
	}
	return f.expire(ctx)
}

func (f *Fleet) expirePairings(ctx context.Context) error {
	f.pairs.Lock()
	defer f.pairs.Unlock()
	return f.expire(ctx)
}

// expire ends the pairings whose time or tries are over. pairs is held.
func (f *Fleet) expire(ctx context.Context) error {
	var over []pairingRow
	err := f.o.DB.NewSelect().Model(&over).Where("state IN (?)", bun.List([]PairingState{Waiting, Answered})).
		Where("expires_at <= ? OR (tries <= 0 AND state = ?)", store.Millis(f.o.Now()), Waiting).Scan(ctx)
	if err != nil {
		return fmt.Errorf("look for old pairings: %w", err)
	}
	for i := range over {
		if err := f.bury(ctx, &over[i], errPairingDead()); err != nil {
			return err
		}
	}
	return nil
}

// kill ends a pairing that is not over yet.
func (f *Fleet) kill(ctx context.Context, id string, cause *problem.Error) error {
	f.pairs.Lock()
	defer f.pairs.Unlock()
	row := new(pairingRow)
	err := f.o.DB.NewSelect().Model(row).Where("id = ? AND state IN (?)", id, bun.List([]PairingState{Waiting, Answered})).
		Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read pairing: %w", err)
	}
	return f.bury(ctx, row, cause)
}

func (f *Fleet) bury(ctx context.Context, row *pairingRow, cause *problem.Error) error {
	row.State, row.Code, row.Dead = Dead, "", cause.Code
	if _, err := f.o.DB.NewUpdate().Model(row).Column("state", "code", "dead").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("end pairing: %w", err)
	}
	f.publishPairing(row)
	if attempt := f.attempt(row.ID); attempt != nil {
		attempt.refuse(cause)
	}
	return nil
}

// adopt writes the agent of a confirmed pairing into the fleet. An agent of that name in that area keeps its id
// and its history; its old keys are revoked. One that an admin blocked stays blocked.
func (f *Fleet) adopt(ctx context.Context, row *pairingRow, agent, key string) (*agentRow, error) {
	now := store.Millis(f.o.Now())
	adopted := &agentRow{ID: agent, Name: row.Name, Area: row.Area, State: Active, PublicKey: key, CreatedAt: now}
	return adopted, f.o.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		done, err := tx.NewUpdate().Model((*pairingRow)(nil)).Where("id = ? AND state = ?", row.ID, Answered).
			Set("state = ?", Confirmed).Set("agent = ?", agent).Exec(ctx)
		if err != nil {
			return fmt.Errorf("write pairing: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return errPairingDead().With(err)
		}
		if err := revokeKeys(ctx, tx, agent, f.o.Now()); err != nil {
			return err
		}
		if err := putAgent(ctx, tx, adopted); err != nil {
			return fmt.Errorf("write agent: %w", err)
		}
		if _, err := tx.NewInsert().Model(&keyRow{PublicKey: key, Agent: agent, CreatedAt: now}).Exec(ctx); err != nil {
			return fmt.Errorf("write agent's key: %w", err)
		}
		return nil
	})
}

// putAgent writes a new agent, or the new key of a known one.
func putAgent(ctx context.Context, tx bun.Tx, agent *agentRow) error {
	var known agentRow
	err := tx.NewSelect().Model(&known).Where("id = ?", agent.ID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = tx.NewInsert().Model(agent).Exec(ctx)
		return err
	}
	if err != nil {
		return err
	}
	if known.State == Blocked {
		agent.State = Blocked
	}
	_, err = tx.NewUpdate().Model(agent).Column("public_key", "state").WherePK().Exec(ctx)
	return err
}

// agentFor gives the id the agent of a pairing will have.
func (f *Fleet) agentFor(ctx context.Context, row *pairingRow) (string, error) {
	var known agentRow
	err := f.o.DB.NewSelect().Model(&known).Column("id").Where("area = ? AND name = ?", row.Area, row.Name).Scan(ctx)
	if err == nil {
		return known.ID, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for agent: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make agent id: %w", err)
	}
	return id.String(), nil
}

func (f *Fleet) publishPairing(row *pairingRow) {
	f.o.Events.Publish(bus.Event{
		Topic: bus.Pairing, Area: row.Area, Agent: row.Agent, ID: row.ID, Data: PairingEvent{row.State},
	})
}

// buryOrphans ends the pairings whose connection this hub's restart cut.
func (f *Fleet) buryOrphans(ctx context.Context) error {
	_, err := f.o.DB.NewUpdate().Model((*pairingRow)(nil)).Where("state = ?", Answered).
		Set("state = ?", Dead).Set("dead = ?", errPairingDead().Code).Exec(ctx)
	if err != nil {
		return fmt.Errorf("end old pairings: %w", err)
	}
	return nil
}

// Attempts that come to nothing fill a bucket for each address: pairingBurst at once, then one each pairingEvery.
// Those that find their pairing do not count: a whole district may sit behind one address.
const (
	pairingBurst = 5
	pairingEvery = 12 * time.Second
	maxAddresses = 4096
)

// mayPair tells whether an address has attempts left. When there are too many addresses to remember, nobody
// new has: a code tried from everywhere at once is no operator at an amplifier.
func (f *Fleet) mayPair(address string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.o.Now()
	until, known := f.addresses[address]
	if !known && len(f.addresses) >= maxAddresses {
		maps.DeleteFunc(f.addresses, func(_ string, until time.Time) bool { return !until.After(now) })
		return len(f.addresses) < maxAddresses
	}
	return until.Add(pairingEvery).Sub(now) <= pairingEvery*pairingBurst
}

// blame counts an attempt that came to nothing.
func (f *Fleet) blame(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	until := f.addresses[address]
	if now := f.o.Now(); until.Before(now) {
		until = now
	}
	f.addresses[address] = until.Add(pairingEvery)
}
