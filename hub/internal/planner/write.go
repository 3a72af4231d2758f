package planner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
)

// Create writes a new broadcast as a draft.
func (p *Planner) Create(ctx context.Context, spec Spec, by Person) (Broadcast, error) {
	c, err := p.check(ctx, &spec)
	if err != nil {
		return Broadcast{}, err
	}
	if err := p.replaceable(ctx, spec); err != nil {
		return Broadcast{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Broadcast{}, fmt.Errorf("make broadcast id: %w", err)
	}
	now := p.now().UTC()
	b := Broadcast{ID: id.String(), Version: 1, Spec: spec, State: Draft, Author: by, Editor: by, Created: now, Updated: now}
	row, err := b.row()
	if err != nil {
		return Broadcast{}, err
	}
	row.LastAt = store.Millis(c.lastAt(spec))
	if _, err := p.DB.NewInsert().Model(&row).Exec(ctx); err != nil {
		return Broadcast{}, fmt.Errorf("write broadcast: %w", err)
	}
	p.told(b)
	return b, nil
}

// Edit writes a new version, which is heard once it is approved; until then the one that was approved last is.
func (p *Planner) Edit(ctx context.Context, id string, version int, spec Spec, by Person) (Broadcast, error) {
	c, err := p.check(ctx, &spec)
	if err != nil {
		return Broadcast{}, err
	}
	return p.change(ctx, id, version, c.lastAt(spec), func(_ context.Context, _ bun.Tx, b *Broadcast) error {
		if b.State == Cancelled {
			return errCancelled
		}
		if b.Instead != nil || spec.Instead != nil {
			spec.Instead = b.Instead // what it stands for never changes
		}
		if b.State == Approved {
			b.Heard = b.Version
		}
		b.Version++
		b.Spec, b.Editor, b.State, b.Approved, b.Returned = spec, by, Draft, nil, nil
		return nil
	})
}

// Approve says that this version may be heard; version is the one the person saw, 0 when it does not matter.
// Approving twice is no error and changes nothing.
func (p *Planner) Approve(ctx context.Context, id string, version int, by Person) (Broadcast, error) {
	b, err := p.Broadcast(ctx, id)
	switch {
	case err != nil:
		return Broadcast{}, err
	case b.State == Cancelled:
		return Broadcast{}, errCancelled
	case version != 0 && version != b.Version:
		return Broadcast{}, errStale
	case b.State == Approved:
		return b, nil
	}
	spec := b.Spec
	c, err := p.check(ctx, &spec) // the world may have changed since it was written
	if err != nil {
		return Broadcast{}, err
	}
	if err := c.approvable(); err != nil {
		return Broadcast{}, err
	}
	// Author is who began it, Editor who wrote this version: neither is a second person.
	if c.place.secondPerson(c.tree) && (by.ID == b.Author.ID || by.ID == b.Editor.ID) {
		return Broadcast{}, errSelfApproval
	}
	return p.change(ctx, id, b.Version, c.lastAt(spec), func(ctx context.Context, tx bun.Tx, b *Broadcast) error {
		switch b.State { // it may have changed while it was checked
		case Cancelled:
			return errCancelled
		case Approved:
			return nil
		}
		b.Returned = nil
		b.State, b.Heard, b.Approved = Approved, 0, &Stamp{By: by, At: p.now().UTC()}
		return keepVersion(ctx, tx, *b)
	})
}

// Cancel takes a broadcast out of all plans for good; what sounds of it is cut. Cancelling twice is no error.
func (p *Planner) Cancel(ctx context.Context, id string, version int, by Person) (Broadcast, error) {
	return p.change(ctx, id, version, time.Time{}, func(_ context.Context, _ bun.Tx, b *Broadcast) error {
		if b.State != Cancelled {
			b.State, b.Heard, b.Cancelled = Cancelled, 0, &Stamp{By: by, At: p.now().UTC()}
		}
		return nil
	})
}

// edited is change that leaves when the broadcast ends as it is.
func (p *Planner) edited(ctx context.Context, id string, version int, edit func(*Broadcast) error) (Broadcast, error) {
	var row broadcastRow
	if err := p.DB.NewSelect().Model(&row).Column("last_at").Where("id = ?", id).Scan(ctx); err != nil {
		return Broadcast{}, fmt.Errorf("read broadcast: %w", err)
	}
	return p.change(ctx, id, version, store.Time(row.LastAt), func(_ context.Context, _ bun.Tx, b *Broadcast) error { return edit(b) })
}

// change reads a broadcast, lets edit change it and writes it, in one transaction.
func (p *Planner) change(ctx context.Context, id string, version int, lastAt time.Time,
	edit func(context.Context, bun.Tx, *Broadcast) error) (Broadcast, error) {
	var b Broadcast
	err := p.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
		if b, err = loadBroadcast(ctx, tx, id); err != nil {
			return err
		}
		if version != 0 && version != b.Version {
			return errStale
		}
		if err := edit(ctx, tx, &b); err != nil {
			return err
		}
		b.Updated = p.now().UTC()
		row, err := b.row()
		if err != nil {
			return err
		}
		row.LastAt = store.Millis(lastAt)
		if _, err := tx.NewUpdate().Model(&row).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("write broadcast: %w", err)
		}
		return nil
	})
	if err != nil {
		return Broadcast{}, err
	}
	p.told(b)
	return b, nil
}

// keepVersion writes an approved version down for good: what could have been in a plan must stay known, to
// take back reports and to answer for what was heard.
func keepVersion(ctx context.Context, tx bun.Tx, b Broadcast) error {
	row, err := b.row()
	if err != nil {
		return err
	}
	v := versionRow{Broadcast: b.ID, Version: b.Version, Spec: row.Spec, EditorID: row.EditorID, EditorName: row.EditorName,
		ApprovedID: row.ApprovedID, ApprovedName: row.ApprovedName, ApprovedAt: row.ApprovedAt}
	if _, err := tx.NewInsert().Model(&v).Exec(ctx); err != nil {
		return fmt.Errorf("write approved version: %w", err)
	}
	seen := map[string]bool{}
	for _, item := range b.Items {
		if seen[item.Report] {
			continue
		}
		seen[item.Report] = true
		u := usedRow{Report: item.Report, Broadcast: b.ID, Version: b.Version}
		if _, err := tx.NewInsert().Model(&u).Exec(ctx); err != nil {
			return fmt.Errorf("write approved version: %w", err)
		}
	}
	return nil
}

func (p *Planner) told(b Broadcast) {
	p.Bus.Publish(bus.Event{Topic: bus.Broadcast, Area: b.Area, ID: b.ID, Data: map[string]any{"state": b.State, "version": b.Version}})
	p.BroadcastChanged(b.ID)
}

func (s Spec) names(area string) bool {
	return s.Area == area || slices.Contains(s.Targets.Areas, area) || slices.Contains(s.Targets.Except, area)
}

// broadcastsNaming tells whether a broadcast that is not cancelled names an area, or what is heard of it does.
func broadcastsNaming(ctx context.Context, db bun.IDB, area string) (bool, error) {
	var rows []broadcastRow
	if err := db.NewSelect().Model(&rows).Where("state <> ?", Cancelled).Scan(ctx); err != nil {
		return false, fmt.Errorf("read broadcasts: %w", err)
	}
	for _, r := range rows {
		b, err := r.broadcast()
		if err != nil {
			return false, err
		}
		if b.names(area) {
			return true, nil
		}
	}
	kept, err := lastApproved(ctx, db, Draft)
	for _, v := range kept {
		b, err := v.of(broadcastRow{}).broadcast()
		if err != nil || b.names(area) {
			return true, err
		}
	}
	return false, err
}
