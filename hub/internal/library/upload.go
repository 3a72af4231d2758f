package library

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/broadcast"
)

// uploadRow says what became of an upload.
type uploadRow struct {
	bun.BaseModel `bun:"table:report_uploads"`
	Upload        string `bun:"upload,pk"`
	Report        string `bun:"report"`
}

// FromUpload opens the report that an upload becomes, which is one however often it is asked for and by whichever hub: a
// hub may be killed before it can say that it did. One that failed because its audio was never worked on waits for it again.
func (l *Library) FromUpload(ctx context.Context, upload string, meta Meta, by Person) (Report, error) {
	row, err := l.opened(ctx, meta, by)
	if err != nil {
		return Report{}, err
	}
	err = l.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		became, err := l.became(ctx, tx, upload, row.ID)
		switch {
		case err != nil:
			return err
		case became == row.ID:
			_, err = tx.NewInsert().Model(&row).Exec(ctx)
			return err
		}
		if row, err = load(ctx, tx, became); err != nil || row.State != broadcast.ReportFailed {
			return err
		}
		row.State, row.Error, row.Progress = broadcast.ReportProcessing, "", 0
		_, err = tx.NewUpdate().Model(&row).Column("state", "error", "progress").WherePK().Exec(ctx)
		return err
	})
	if err != nil {
		return Report{}, fmt.Errorf("write report: %w", err)
	}
	l.tell(row)
	return row.report()
}

// NextFromUpload says that an upload becomes the next audio of a report, which Done, or Failed, ends; once, as FromUpload
// does. Until then the present audio stays in force, and no other is taken.
func (l *Library) NextFromUpload(ctx context.Context, upload, id string, by Person) (Report, error) {
	p := Pending{Made: Made{How: HowUpload, By: by, At: l.now()}}
	row, err := l.changeIn(ctx, id, 0, func(ctx context.Context, tx bun.Tx, row *reportRow) error {
		known, err := tx.NewSelect().Model((*uploadRow)(nil)).Where("upload = ?", upload).Exists(ctx)
		if err != nil {
			return err
		}
		if known && row.awaits() && row.State != broadcast.ReportProcessing {
			return errUnchanged // it was begun already
		}
		if err := row.begin(p); err != nil {
			return err
		}
		_, err = l.became(ctx, tx, upload, id)
		return err
	})
	if err := ignoreUnchanged(err); err != nil {
		return Report{}, err
	}
	return row.report()
}

// became gives the report that an upload became, which is the one of the id when it became none yet.
func (l *Library) became(ctx context.Context, tx bun.Tx, upload, id string) (string, error) {
	u := uploadRow{Upload: upload, Report: id}
	if _, err := tx.NewInsert().Model(&u).On("CONFLICT (upload) DO NOTHING").Exec(ctx); err != nil {
		return "", err
	}
	err := tx.NewSelect().Model(&u).WherePK().Scan(ctx)
	return u.Report, err
}
