package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/problem"
)

var errMigrateTo = problem.New("MIGRATE_TO", 400,
	"Hãy ghi cơ sở dữ liệu PostgreSQL và kho S3 đích: loa-hub migrate --to postgres://… --to s3://….",
	"Name the PostgreSQL database and the S3 store to move to: loa-hub migrate --to postgres://… --to s3://….")

var errUploadsWait = problem.New("UPLOADS_WAIT", 409,
	"Còn tệp tải lên chưa xử lý xong. Hãy chạy loa-hub serve cho đến khi xong rồi chuyển.",
	"There are uploads that were not worked off. Run loa-hub serve until they are, then move.")

func migrateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Move a hub that does not run from SQLite and a folder to PostgreSQL and S3, with all history", Args: cobra.NoArgs}
	to := cmd.Flags().StringArray("to", nil, "postgres://… and s3://…, one each or one of them alone")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := settings(cmd)
		if err != nil {
			return err
		}
		m := relocation{c: c}
		for _, address := range *to {
			switch {
			case store.Shared(address):
				m.database = address
			case inS3(address):
				m.blobs = address
			default:
				return errMigrateTo.At("to")
			}
		}
		if m.database == "" && m.blobs == "" {
			return errMigrateTo.At("to")
		}
		return m.run(cmd)
	}
	return cmd
}

// relocation brings a hub to other stores; what it leaves is not touched.
type relocation struct {
	c               config.Hub
	database, blobs string
}

func (m relocation) run(cmd *cobra.Command) (err error) {
	if !store.Shared(m.c.Database) {
		if file, err := store.Path(m.c.Database, m.c.Data); err != nil {
			return err
		} else if _, err := os.Stat(file); err != nil {
			return errNothingToBackUp.With(err).At("data")
		}
	}
	release, err := holdData(m.c.Data) // a hub that serves holds it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	o := FromConfig(m.c)
	if m.blobs != "" { // before the database: whatever it names is there then
		from, err := openBlobs(ctx, o)
		if err != nil {
			return err
		}
		o.Blobs = m.blobs
		to, err := openBlobs(ctx, o)
		if err != nil {
			return err
		}
		n, err := store.CopyBlobs(ctx, from, to, func(n int) {
			if n%500 == 0 {
				_, _ = fmt.Fprintf(out, "%d blobs\n", n)
			}
		})
		if err != nil {
			return fmt.Errorf("move blobs: %w", err)
		}
		if _, err := fmt.Fprintf(out, "blobs moved: %d\n", n); err != nil {
			return err
		}
	}
	if m.database != "" {
		n, err := m.copyDatabase(ctx)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "rows moved: %d\n", n); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(out, "Nothing here was changed. Set database and blobs to the new places and start the hub; agents and people notice nothing but a reconnect.")
	return err
}

func (m relocation) copyDatabase(ctx context.Context) (rows int, err error) {
	from, err := store.Open(ctx, m.c.Database, m.c.Data)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if err := from.Migrate(ctx); err != nil { // of a hub that was updated and not started since
		return 0, err
	}
	if left, err := ingest.NewSQLJobs(from.DB).Queued(ctx); err != nil || len(left) > 0 {
		return 0, errors.Join(err, errUploadsWait)
	}
	to, err := store.Open(ctx, m.database, "")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if rows, err = store.Copy(ctx, from, to); err != nil {
		return 0, err
	}
	people, err := accounts.New(ctx, to.DB, time.Now)
	if err != nil {
		return rows, err
	}
	by := accounts.Console()
	return rows, people.Record(ctx, accounts.Entry{Who: by.Name, Origin: by.Origin, Action: "hub.migrate"})
}
