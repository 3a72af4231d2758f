package planner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

type dayOffRow struct {
	bun.BaseModel `bun:"table:broadcast_days_off"`
	Broadcast     string         `bun:"broadcast,pk"`
	Day           broadcast.Date `bun:"day,pk"`
	ByID          string         `bun:"by_id"`
	ByName        string         `bun:"by_name"`
	At            int64          `bun:"at"`
}

// LeaveDay takes one day out of a repeating broadcast, at once and whatever its version: an edit of the series brings it
// not back. Leaving it twice is no error.
func (p *Planner) LeaveDay(ctx context.Context, id string, day broadcast.Date, by Person) (Broadcast, error) {
	return p.changeDays(ctx, id, day, func(ctx context.Context, tx bun.Tx) error {
		row := dayOffRow{Broadcast: id, Day: day, ByID: by.ID, ByName: by.Name, At: store.Millis(p.now())}
		_, err := tx.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx)
		return err
	})
}

// RestoreDay takes a day back in: the series was approved with it.
func (p *Planner) RestoreDay(ctx context.Context, id string, day broadcast.Date) (Broadcast, error) {
	return p.changeDays(ctx, id, day, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model((*dayOffRow)(nil)).Where("broadcast = ? AND day = ?", id, day).Exec(ctx)
		return err
	})
}

func (p *Planner) changeDays(ctx context.Context, id string, day broadcast.Date, change func(context.Context, bun.Tx) error) (Broadcast, error) {
	var b Broadcast
	err := p.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
		if b, err = loadBroadcast(ctx, tx, id); err != nil {
			return err
		}
		if b.State == Cancelled {
			return errCancelled
		}
		if err := p.maySpare(ctx, tx, b, day); err != nil {
			return err
		}
		if err := change(ctx, tx); err != nil {
			return fmt.Errorf("write days off: %w", err)
		}
		b, err = loadBroadcast(ctx, tx, id)
		return err
	})
	if err != nil {
		return Broadcast{}, err
	}
	p.told(b)
	return b, nil
}

// maySpare refuses a day that neither the broadcast has nor what is heard of it while it waits.
func (p *Planner) maySpare(ctx context.Context, db bun.IDB, b Broadcast, day broadcast.Date) error {
	err := p.hasDay(b.Spec, day)
	if err == nil || b.Heard == 0 {
		return err
	}
	kept, err := newest(ctx, db, "broadcast = ?", b.ID)
	if err != nil {
		return err
	}
	heard, err := kept[b.ID].of(broadcastRow{}).broadcast()
	if err != nil {
		return err
	}
	return p.hasDay(heard.Spec, day)
}

// hasDay refuses a day that is past, or that a repeating broadcast does not have.
func (p *Planner) hasDay(spec Spec, day broadcast.Date) error {
	if _, err := parseDay(string(day)); err != nil {
		return badDate("date", string(day))
	}
	if day < broadcast.DateOf(p.now(), p.Zone) {
		return errTimeInPast
	}
	when, err := spec.When.read(broadcast.Date(spec.When.Date), p.Zone)
	if err != nil {
		return err
	}
	if !spec.When.repeats() || len(when.days.Expand(day, day)) == 0 {
		return errNoSuchDay
	}
	return nil
}

// replaceable refuses a broadcast that says it stands for a day which no series has.
func (p *Planner) replaceable(ctx context.Context, spec Spec) error {
	if spec.Instead == nil {
		return nil
	}
	if spec.When.repeats() {
		return errBroadcastInvalid.At("when.rrule")
	}
	b, err := p.Broadcast(ctx, spec.Instead.Broadcast)
	switch {
	case err != nil:
		return err
	case b.State == Cancelled:
		return errCancelled
	}
	return p.maySpare(ctx, p.DB, b, spec.Instead.Date)
}

// withDaysOff fills in the days that were taken out of broadcasts.
func withDaysOff(ctx context.Context, db bun.IDB, list []Broadcast) error {
	ids := []string{}
	for _, b := range list {
		if b.When.repeats() {
			ids = append(ids, b.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []dayOffRow
	if err := db.NewSelect().Model(&rows).Where("broadcast IN (?)", bun.List(ids)).Order("day").Scan(ctx); err != nil {
		return fmt.Errorf("read days off: %w", err)
	}
	for i := range list {
		for _, r := range rows {
			if r.Broadcast == list[i].ID {
				list[i].DaysOff = append(list[i].DaysOff, r.Day)
			}
		}
	}
	return nil
}

func (s *snapshot) loadDaysOff(ctx context.Context, p *Planner) error {
	var rows []dayOffRow
	if err := p.DB.NewSelect().Model(&rows).Where("day >= ? AND day <= ?", s.first, s.last).Scan(ctx); err != nil {
		return fmt.Errorf("read days off: %w", err)
	}
	for _, r := range rows {
		s.leave(r.Broadcast, r.Day)
	}
	return nil
}

// leave takes a day out of a broadcast.
func (s *snapshot) leave(id string, day broadcast.Date) {
	if s.off[id] == nil {
		s.off[id] = map[broadcast.Date]bool{}
	}
	s.off[id][day] = true
}

// copied is a snapshot to which broadcasts can be added without changing this one.
func (s *snapshot) copied() *snapshot {
	with := *s
	with.approved = slices.Clone(s.approved)
	with.off = make(map[string]map[broadcast.Date]bool, len(s.off))
	for id, days := range s.off {
		with.off[id] = maps.Clone(days)
	}
	return &with
}

// longestWords is how much can be said with a broadcast that goes back to its author.
const longestWords = 1000

// Return gives a draft back to its author, with words; it waits for nobody's approval until there is a new version.
// Whoever may approve can still do so.
func (p *Planner) Return(ctx context.Context, id string, version int, by Person, words string) (Broadcast, error) {
	words = strings.TrimSpace(words)
	if n := utf8.RuneCountInString(words); n < 1 || n > longestWords {
		return Broadcast{}, errWords
	}
	if _, err := p.Broadcast(ctx, id); err != nil {
		return Broadcast{}, err
	}
	return p.edited(ctx, id, version, func(b *Broadcast) error {
		if b.State != Draft {
			return errNotDraft
		}
		b.Returned = &Return{By: by, At: p.now().UTC(), Words: words}
		return nil
	})
}

// Approvals is what was last approved of a broadcast, to see what changed since; Version 0 when nothing ever was.
type Approvals struct {
	Version  int    `json:"version"`
	Approved *Stamp `json:"approved,omitempty"`
	Spec     *Spec  `json:"spec,omitempty"`
}

// LastApproved gives the version of a broadcast that was approved last.
func (p *Planner) LastApproved(ctx context.Context, id string) (Approvals, error) {
	kept, err := newest(ctx, p.DB, "broadcast = ?", id)
	v, ok := kept[id]
	if err != nil || !ok {
		return Approvals{}, err
	}
	b, err := v.of(broadcastRow{ID: id}).broadcast()
	return Approvals{Version: v.Version, Approved: stamp(v.ApprovedID, v.ApprovedName, v.ApprovedAt), Spec: &b.Spec}, err
}
