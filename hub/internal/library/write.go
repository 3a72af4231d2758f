package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Create opens a report whose audio is being processed.
func (l *Library) Create(ctx context.Context, meta Meta, by Person) (Report, error) {
	row, err := l.opened(ctx, meta, by)
	if err != nil {
		return Report{}, err
	}
	if _, err := l.DB.NewInsert().Model(&row).Exec(ctx); err != nil {
		return Report{}, fmt.Errorf("write report: %w", err)
	}
	l.tell(row)
	return row.report()
}

// opened is the row of a new report.
func (l *Library) opened(ctx context.Context, meta Meta, by Person) (row reportRow, err error) {
	if err := meta.check(); err != nil {
		return row, err
	}
	if err := l.spoken(ctx, meta.Language); err != nil {
		return row, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return row, fmt.Errorf("make report id: %w", err)
	}
	now := store.Millis(l.now())
	row = reportRow{ID: id.String(), Kind: KindReport, Version: 1, AudioVersion: 1, AuthorID: by.ID, AuthorName: by.Name,
		CreatedAt: now, UpdatedAt: now, State: broadcast.ReportProcessing}
	if err := row.setMeta(meta); err != nil {
		return row, err
	}
	row.Search = row.words()
	return row, nil
}

// Edit changes what is written about a report, in every state but withdrawn. What was approved is another text now, so an
// approval ends; writing the same again is no change.
func (l *Library) Edit(ctx context.Context, id string, version int64, meta Meta, by Person) (Report, error) {
	if err := meta.check(); err != nil {
		return Report{}, err
	}
	return l.changed(ctx, id, version, func(row *reportRow) error {
		if row.State == broadcast.ReportWithdrawn {
			return errWithdrawn
		}
		before, err := row.meta()
		if err != nil {
			return err
		}
		if before.same(meta) {
			return errUnchanged
		}
		if meta.Language != before.Language {
			if err := l.spoken(ctx, meta.Language); err != nil {
				return err
			}
		}
		if err := row.setMeta(meta); err != nil {
			return err
		}
		row.Returned = ""
		row.EditorID, row.EditorName = by.ID, by.Name
		if row.State == broadcast.ReportApproved {
			row.State = broadcast.ReportDraft
			row.unapprove()
		}
		return nil
	})
}

// Approve says that the report's audio, as it is now, may be heard. secondPerson tells that the rule of its
// area wants somebody else for that than its author, who made its audio and who last edited it. Approving twice is no error
// and changes nothing.
func (l *Library) Approve(ctx context.Context, id string, version int64, by Person, secondPerson bool) (Report, error) {
	return l.changedIn(ctx, id, version, func(ctx context.Context, tx bun.Tx, row *reportRow) error {
		var made Made
		if err := decode(row.Made, &made); err != nil {
			return err
		}
		switch {
		case row.State == broadcast.ReportWithdrawn:
			return errWithdrawn
		case row.State == broadcast.ReportApproved && row.ApprovedSHA256 == row.SHA256:
			return errUnchanged
		case row.State != broadcast.ReportDraft || row.SHA256 == "":
			return errNotReady
		case secondPerson && (by.ID == row.AuthorID || by.ID == made.By.ID || by.ID == row.EditorID):
			return errSelfApproval
		}
		if err := l.approvable(ctx, tx, row); err != nil {
			return err
		}
		before, err := row.meta()
		if err != nil {
			return err
		}
		meta, err := json.Marshal(before)
		if err != nil {
			return fmt.Errorf("encode meta: %w", err)
		}
		row.State, row.Returned, row.ApprovedMeta = broadcast.ReportApproved, "", string(meta)
		row.ApprovedID, row.ApprovedName = by.ID, by.Name
		row.ApprovedAt, row.ApprovedSHA256 = store.Millis(l.now()), row.SHA256
		return nil
	})
}

// longestWords is how much can be said with a report that goes back to its author.
const longestWords = 1000

// Return gives a report that waits for approval back to its author, with words; it waits for nobody until there is a new
// version. Whoever may approve can still do so.
func (l *Library) Return(ctx context.Context, id string, version int64, by Person, words string) (Report, error) {
	words = strings.TrimSpace(words)
	if n := utf8.RuneCountInString(words); n < 1 || n > longestWords {
		return Report{}, errWords
	}
	text, err := json.Marshal(Return{By: by, At: l.now(), Words: words})
	if err != nil {
		return Report{}, fmt.Errorf("encode return: %w", err)
	}
	return l.changed(ctx, id, version, func(row *reportRow) error {
		if row.State != broadcast.ReportDraft {
			return errNotDraft
		}
		row.Returned = string(text)
		return nil
	})
}

// Withdraw takes a report back for good: it vanishes from every plan, and what sounds of it is cut.
// Withdrawing twice is no error and changes nothing.
func (l *Library) Withdraw(ctx context.Context, id string, by Person, reason string) (Report, error) {
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n < 1 || n > 500 {
		return Report{}, errReason
	}
	return l.changed(ctx, id, 0, func(row *reportRow) error {
		if row.State == broadcast.ReportWithdrawn {
			return errUnchanged
		}
		row.State = broadcast.ReportWithdrawn
		row.WithdrawnID, row.WithdrawnName, row.WithdrawnWhy = by.ID, by.Name, reason
		row.WithdrawnAt = store.Millis(l.now())
		return nil
	})
}

// changed is change with a new version and the report as people see it.
func (l *Library) changed(ctx context.Context, id string, version int64, edit func(*reportRow) error) (Report, error) {
	return l.changedIn(ctx, id, version, func(_ context.Context, _ bun.Tx, row *reportRow) error { return edit(row) })
}

func (l *Library) changedIn(ctx context.Context, id string, version int64, edit func(context.Context, bun.Tx, *reportRow) error) (Report, error) {
	row, err := l.changeIn(ctx, id, version, func(ctx context.Context, tx bun.Tx, row *reportRow) error {
		if err := edit(ctx, tx, row); err != nil {
			return err
		}
		row.Version++
		row.UpdatedAt = store.Millis(l.now())
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return row.report()
	} else if err != nil {
		return Report{}, err
	}
	return row.report()
}
