package orders

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Bounds of a bulletin. What is urgent is short, and a plan head has 16 KiB for everything.
const (
	maxItems     = 10
	maxTargets   = 2000
	maxTitle     = 200
	maxReason    = 500
	defaultUntil = time.Hour
	maxUntil     = 24 * time.Hour
	minEvery     = 60     // seconds
	maxEvery     = 86_400 // seconds
	maxCount     = 100
)

// Create writes a new bulletin as a draft. Its reports must be fit to be heard already: when it is to be
// approved, minutes count.
func (d *Desk) Create(ctx context.Context, spec Spec, by Person) (Bulletin, error) {
	now := d.now()
	if err := spec.check(now); err != nil {
		return Bulletin{}, err
	}
	where, err := d.Places.Where(ctx, spec.Targets)
	if err != nil {
		return Bulletin{}, err
	}
	items, err := d.items(ctx, spec, now)
	if err != nil {
		return Bulletin{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Bulletin{}, fmt.Errorf("make bulletin id: %w", err)
	}
	b := Bulletin{ID: id.String(), Kind: spec.Kind, Title: spec.Title, Area: where.Area, Items: items, Targets: spec.Targets,
		Until: spec.Until, Repeat: spec.Repeat, State: Draft, Author: by, Created: now}
	if b.Title == "" {
		b.Title = items[0].Title
	}
	row, err := b.row()
	if err != nil {
		return Bulletin{}, err
	}
	if _, err := d.DB.NewInsert().Model(&row).Exec(ctx); err != nil {
		return Bulletin{}, fmt.Errorf("write bulletin: %w", err)
	}
	d.tell(b)
	return b, nil
}

// check looks at what needs nothing but the spec, and fills in what was left out.
func (s *Spec) check(now time.Time) error {
	s.Title = strings.TrimSpace(s.Title)
	if s.Until.IsZero() {
		s.Until = now.Add(defaultUntil)
	}
	s.Until = s.Until.UTC().Truncate(time.Millisecond)
	t := s.Targets
	switch {
	case s.Kind != Live && s.Kind != Drill:
		return errInvalid.At("kind")
	case utf8.RuneCountInString(s.Title) > maxTitle || !broadcast.PlainLine(s.Title):
		return errInvalid.At("title")
	case len(s.Reports) < 1 || len(s.Reports) > maxItems:
		return errInvalid.At("items")
	case len(t.Areas)+len(t.Agents) == 0 || len(t.Areas)+len(t.Agents)+len(t.Except) > maxTargets:
		return errInvalid.At("targets")
	case !s.Until.After(now) || s.Until.After(now.Add(maxUntil)):
		return errUntil
	case s.Repeat != nil && (s.Repeat.Every < minEvery || s.Repeat.Every > maxEvery || s.Repeat.Count < 1 || s.Repeat.Count > maxCount):
		return errInvalid.At("repeat")
	}
	return nil
}

// items gives the reports as plan heads name them, or says which cannot be heard until the bulletin's end.
func (d *Desk) items(ctx context.Context, spec Spec, now time.Time) ([]broadcast.Item, error) {
	reports, err := d.Reports.Reports(ctx, spec.Reports)
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	var out []broadcast.Item
	for i, id := range spec.Reports {
		r, known := reports[id]
		err := errReportUnknown
		if known {
			err = unfit(r, now, spec.Until)
		}
		if err != nil {
			return nil, err.At(fmt.Sprintf("items[%d].report", i))
		}
		out = append(out, r.Item())
	}
	return out, nil
}

// Approve puts a bulletin in force from this instant. Live or drill, the rule is that of every broadcast: where a
// target asks for a second person, its author is none. Approving twice is no error and changes nothing.
func (d *Desk) Approve(ctx context.Context, id string, by Person) (Bulletin, error) {
	b, err := d.Bulletin(ctx, id)
	switch {
	case err != nil:
		return Bulletin{}, err
	case b.State == Cancelled:
		return Bulletin{}, errCancelled
	case b.State == Ended:
		return Bulletin{}, errEnded
	case b.State == Approved:
		return b, nil
	}
	where, err := d.Places.Where(ctx, b.Targets) // the world may have changed since it was written
	if err != nil {
		return Bulletin{}, err
	}
	if where.SecondPerson && by.ID == b.Author.ID {
		return Bulletin{}, errSelfApproval
	}
	if err := d.unchanged(ctx, b); err != nil {
		return Bulletin{}, err
	}
	for {
		out, err := d.approve(ctx, b, by)
		if !errors.Is(err, errRoomTaken) {
			return out, err
		}
	}
}

// errRoomTaken: another was approved, here or by another hub, since room was looked for.
var errRoomTaken = errors.New("another bulletin was approved meanwhile")

// approve looks for room in the heads and writes the approval, or gives errRoomTaken.
func (d *Desk) approve(ctx context.Context, b Bulletin, by Person) (Bulletin, error) {
	seen, err := approvals(ctx, d.DB)
	if err != nil {
		return Bulletin{}, err
	}
	b.IssuedAt = d.now()
	if err := d.Places.Room(ctx, b.aimed()); err != nil {
		return Bulletin{}, err
	}
	return d.change(ctx, b.ID, func(ctx context.Context, tx bun.Tx, row *bulletinRow, now time.Time) error {
		switch {
		case row.State == Cancelled:
			return errCancelled
		case row.State == Approved:
			return errUnchanged
		case store.Millis(now) >= row.UntilAt:
			return errEnded
		}
		if n, err := approvals(ctx, tx); err != nil {
			return err
		} else if n != seen {
			return errRoomTaken
		}
		row.State, row.ApprovedID, row.ApprovedName, row.ApprovedAt = Approved, by.ID, by.Name, store.Millis(now)
		return nil
	})
}

// approvals counts all there ever were.
func approvals(ctx context.Context, db bun.IDB) (int, error) {
	n, err := db.NewSelect().Model((*bulletinRow)(nil)).Where("approved_at > 0").Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count approvals: %w", err)
	}
	return int(n), nil
}

// unchanged refuses a bulletin whose reports are no longer what was written into it.
func (d *Desk) unchanged(ctx context.Context, b Bulletin) error {
	spec := Spec{Until: b.Until}
	for _, it := range b.Items {
		spec.Reports = append(spec.Reports, it.Report)
	}
	items, err := d.items(ctx, spec, d.now())
	if err != nil {
		return err
	}
	if !slices.EqualFunc(items, b.Items, func(x, y broadcast.Item) bool { return x.Audio == y.Audio && x.Manifest == y.Manifest }) {
		return errReportChanged
	}
	return nil
}

// Cancel takes a bulletin back for good: it leaves the plan heads, and agents stop its sound. Cancelling twice is
// no error and changes nothing.
func (d *Desk) Cancel(ctx context.Context, id, reason string, by Person) (Bulletin, error) {
	reason = strings.TrimSpace(reason)
	if utf8.RuneCountInString(reason) > maxReason {
		return Bulletin{}, errInvalid.At("reason")
	}
	return d.change(ctx, id, func(_ context.Context, _ bun.Tx, row *bulletinRow, now time.Time) error {
		switch {
		case row.State == Cancelled:
			return errUnchanged
		case store.Millis(now) >= row.LeavesAt: // until then it may still sound
			return errEnded
		}
		row.State, row.CancelledID, row.CancelledName = Cancelled, by.ID, by.Name
		row.CancelledAt, row.CancelledWhy = store.Millis(now), reason
		return nil
	})
}

// change lets edit change a row and writes it, unless the row has become another in between.
func (d *Desk) change(ctx context.Context, id string, edit func(context.Context, bun.Tx, *bulletinRow, time.Time) error) (Bulletin, error) {
	var b Bulletin
	changed := false
	err := d.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		row, err := load(ctx, tx, id)
		if err != nil {
			return err
		}
		before, now := row.State, d.now()
		if err := edit(ctx, tx, &row, now); errors.Is(err, errUnchanged) {
			b, err = row.bulletin(now)
			return err
		} else if err != nil {
			return err
		}
		res, err := tx.NewUpdate().Model(&row).WherePK().Where("state = ?", before).Exec(ctx)
		if err != nil {
			return fmt.Errorf("write bulletin: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errStale
		}
		changed = true
		b, err = row.bulletin(now)
		return err
	})
	if err != nil {
		return Bulletin{}, err
	}
	if changed {
		d.tell(b)
		d.Log.InfoContext(ctx, "bulletin changed", "bulletin", b.ID, "kind", b.Kind, "state", b.State)
	}
	return b, nil
}
