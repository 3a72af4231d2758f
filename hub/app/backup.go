package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/backup"
	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/hub/internal/orders"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/durable"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

var (
	errNothingToBackUp = problem.New("NOTHING_TO_BACK_UP", 404,
		"Không có dữ liệu ở đây. Hãy ghi đúng thư mục dữ liệu ở mục data.",
		"There is no hub's data here. Name its data folder by data.")
	errBackupExists = problem.New("BACKUP_EXISTS", 409,
		"Tệp này đã có. Hãy chọn tên khác: bản sao lưu không ghi đè tệp nào.",
		"This file exists. Choose another name: a backup overwrites nothing.")
	errBlobsRotten = problem.New("BLOBS_DAMAGED", 500,
		"Bản sao lưu đã ghi xong, nhưng các tệp nêu trên bị hỏng trên ổ đĩa của máy chủ. Hãy kiểm tra ổ đĩa và tải lại các tin đó.",
		"The backup is written, but the files named above are damaged on the hub's disk. Check the disk and upload those reports again.")
	errDataNotEmpty = problem.New("DATA_NOT_EMPTY", 409,
		"Nơi khôi phục đã có dữ liệu của một máy chủ. Hãy chuyển dữ liệu đó đi chỗ khác hoặc chọn thư mục trống ở mục data.",
		"There is a hub's data already. Move it away, or name an empty folder by data.")
	errRestoreShared = problem.New("RESTORE_SHARED", 409,
		"Bản sao lưu được khôi phục vào SQLite và thư mục. Hãy để trống mục database và blobs, rồi chuyển sang PostgreSQL bằng loa-hub migrate.",
		"A backup is restored to SQLite and a folder. Leave database and blobs empty, then move it to PostgreSQL by loa-hub migrate.")
	errRestoreUnfinished = problem.New("RESTORE_UNFINISHED", 409,
		"Lần khôi phục trước chưa xong. Hãy chạy lại loa-hub restore.",
		"A restore did not come to its end here. Run loa-hub restore again.")
)

// restoring is a folder of the data folder that is there while a restore has not come to its end.
const restoring = "restoring"

func backupCommand(p Process) *cobra.Command {
	return &cobra.Command{Use: "backup FILE", Short: "Write everything the hub keeps to a file, - for standard output; it may serve meanwhile",
		Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
			c, err := settings(cmd)
			if err != nil {
				return err
			}
			if !store.Shared(c.Database) {
				if file, err := store.Path(c.Database, c.Data); err != nil {
					return err
				} else if _, err := os.Stat(file); err != nil {
					return errNothingToBackUp.With(err).At("data")
				}
			}
			return withAccounts(cmd, func(ctx context.Context, c config.Hub, db *store.DB, s *accounts.Service) error {
				return writeBackup(ctx, cmd, backupPlan{c: c, db: db, people: s, software: p.Version, to: args[0]})
			})
		}}
}

// backupPlan is a backup that is to be written.
type backupPlan struct {
	c        config.Hub
	db       *store.DB
	people   *accounts.Service
	software string
	to       string
}

func writeBackup(ctx context.Context, cmd *cobra.Command, b backupPlan) error {
	copies, err := os.MkdirTemp(b.c.Data, "backup-copies-*")
	if err != nil {
		return fmt.Errorf("make folder for copies: %w", err)
	}
	defer os.RemoveAll(copies) // what is left over harms nobody
	blobs, err := readBlobs(cmd.Context(), FromConfig(b.c), copies)
	if err != nil {
		return err
	}
	files, err := keptFiles(b.c.Data)
	if err != nil {
		return err
	}
	by := accounts.Console()
	if err := b.people.Record(ctx, accounts.Entry{Who: by.Name, Origin: by.Origin, Action: "hub.backup"}); err != nil {
		return err
	}
	source := backup.Source{DB: b.db, Blobs: blobs, Dir: b.c.Data, Files: files, Software: b.software, Now: time.Now()}
	var sum backup.Summary
	write := func(w io.Writer) (err error) { sum, err = backup.Write(ctx, w, source); return err }
	say := cmd.OutOrStdout()
	if b.to == "-" {
		say = cmd.ErrOrStderr()
		err = write(cmd.OutOrStdout())
	} else {
		err = writeNew(b.to, write)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(say, "backup written: %s\nIt holds the hub's keys: keep it where nobody else can read it. The root key is not in it.\n", counted(sum))
	if err == nil && len(sum.Damaged) > 0 {
		err = tellDamaged(say, sum)
	}
	return err
}

func counted(s backup.Summary) string {
	return fmt.Sprintf("database, %d key and trust files, %d blobs, %.1f MB", s.Files, s.Blobs, float64(s.Bytes)/1e6)
}

func tellDamaged(w io.Writer, s backup.Summary) error {
	for _, hash := range s.Damaged {
		if _, err := fmt.Fprintln(w, "damaged blob:", hash); err != nil {
			return err
		}
	}
	return errBlobsRotten
}

// writeNew makes a file that is whole or not there; it overwrites nothing.
func writeNew(file string, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(file); err == nil {
		return errBackupExists.At(file)
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("make backup: %w", err)
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), file); errors.Is(err, fs.ErrExist) {
		return errBackupExists.At(file)
	} else if err != nil {
		return fmt.Errorf("keep backup: %w", err)
	}
	return durable.SyncDir(filepath.Dir(file))
}

// keptFiles are the files of the data folder that nobody can make again: keys and trust documents, of the private CA
// too. A root key is not among them, wherever it lies: who has it can name any other key.
func keptFiles(data string) (files []string, err error) {
	for _, pattern := range []string{"*-key*", filepath.Join(trustFolder, "*"), filepath.Join(tlsFolder, "*")} {
		found, err := filepath.Glob(filepath.Join(data, pattern))
		if err != nil {
			return nil, fmt.Errorf("list files to keep: %w", err)
		}
		for _, file := range found {
			info, err := os.Lstat(file)
			if err != nil {
				return nil, fmt.Errorf("list files to keep: %w", err)
			}
			if info.Mode().IsRegular() && !strings.HasPrefix(filepath.Base(file), "root") {
				files = append(files, strings.TrimPrefix(file, data+string(filepath.Separator)))
			}
		}
	}
	slices.Sort(files)
	return files, nil
}

func restoreCommand() *cobra.Command {
	return &cobra.Command{Use: "restore FILE", Short: "Bring back what a backup holds, - for standard input, where no hub's data is",
		Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
			c, err := settings(cmd)
			if err != nil {
				return err
			}
			from := cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("open backup: %w", err)
				}
				defer f.Close() // only read
				from = f
			}
			return restore(cmd, c, from)
		}}
}

func restore(cmd *cobra.Command, c config.Hub, from io.Reader) (err error) {
	release, err := holdStore(c.Data, c.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	t, err := newTarget(cmd.Context(), c)
	if err != nil {
		return err
	}
	sum, err := t.fill(cmd.Context(), from)
	if err != nil {
		return errors.Join(err, t.clear(context.WithoutCancel(cmd.Context())))
	}
	out := cmd.OutOrStdout()
	_, err = fmt.Fprintf(out, "restored: %s, as they were on %s\n%s\n", counted(sum), sum.MadeAt.In(c.Zone).Format("2006-01-02 15:04:05 MST"),
		"Everybody signs in again, and tokens are made anew. What was decided later is not in it: look through withdrawals, cancelled\n"+
			"broadcasts, blocked agents and disabled people before the next daypart.")
	if err == nil && len(sum.Damaged) > 0 {
		err = tellDamaged(out, sum)
	}
	return err
}

// target is where a restore goes.
type target struct {
	data     string
	database string // its file
	blobs    *store.Folder
	now      time.Time
}

// newTarget takes a place that is empty, or becomes so because an earlier restore did not come to its end in it.
func newTarget(ctx context.Context, c config.Hub) (t target, err error) {
	t.data, t.now = c.Data, time.Now()
	if store.Shared(c.Database) || inS3(c.Blobs) {
		return t, errRestoreShared.At("database")
	}
	if t.database, err = store.Path(c.Database, c.Data); err != nil {
		return t, err
	}
	folder, err := blobFolder(FromConfig(c))
	if err != nil {
		return t, err
	}
	_, err = os.Lstat(filepath.Join(t.data, restoring))
	again := err == nil
	if !again {
		if err := t.empty(folder); err != nil {
			return t, err
		}
	}
	if t.blobs, err = store.NewFolder(folder); err != nil || !again {
		return t, err
	}
	return t, t.clear(ctx)
}

func (t target) empty(blobs string) error {
	if _, err := os.Lstat(t.database); err == nil {
		return errDataNotEmpty.At(t.database)
	}
	files, err := keptFiles(t.data)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		return errDataNotEmpty.At(files[0])
	}
	found := errors.New("there is one")
	err = store.OpenFolder(blobs).Walk(context.Background(), func(store.BlobInfo) error { return found })
	switch {
	case errors.Is(err, found):
		return errDataNotEmpty.At(blobs)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// staged is where the database comes into being: beside its place, so that a rename brings it there.
func (t target) staged() string { return t.database + "." + restoring }

// fill restores, and moves what it restored into its place at the end, the database last.
func (t target) fill(ctx context.Context, from io.Reader) (backup.Summary, error) {
	stage := filepath.Join(t.data, restoring)
	if err := errors.Join(os.Mkdir(stage, 0o700), os.MkdirAll(filepath.Dir(t.database), 0o700)); err != nil {
		return backup.Summary{}, fmt.Errorf("make folder to restore in: %w", err)
	}
	sum, err := backup.Read(ctx, from, backup.Target{Database: t.staged(), Dir: stage, Blobs: t.blobs})
	if err != nil {
		return sum, err
	}
	if err := t.settle(ctx, sum); err != nil {
		return sum, err
	}
	return sum, t.move(stage)
}

// settle makes of the database of then one to go on with now.
func (t target) settle(ctx context.Context, sum backup.Summary) (err error) {
	db, err := store.Open(ctx, "sqlite:"+t.staged(), "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if now, newest, err := db.Schema(ctx); err != nil {
		return backup.ErrDamaged.With(err)
	} else if now > newest {
		return backup.ErrNewer.At(sum.Software)
	}
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	people, err := accounts.New(ctx, db.DB, time.Now)
	if err != nil {
		return err
	}
	after, err := json.Marshal(map[string]any{"made_at": sum.MadeAt, "software": sum.Software})
	if err != nil {
		return err
	}
	chain, err := trustChain(filepath.Join(t.data, restoring), nil)
	if err != nil && !errors.Is(err, errNoTrust) {
		return err
	}
	var signers []string
	if len(chain) > 0 {
		roles := chain[len(chain)-1].Doc().Roles
		signers = roles.Of(seal.Urgent).Keys
	}
	by := accounts.Console()
	rise := sum.Rise(t.now)
	return errors.Join(planner.Restored(ctx, db.DB, rise), orders.Restored(ctx, db.DB, signers, rise), ingest.NewSQLJobs(db.DB).Restored(ctx), people.Restored(ctx),
		people.Record(ctx, accounts.Entry{Who: by.Name, Origin: by.Origin, Action: "hub.restore", After: after}))
}

func (t target) move(stage string) error {
	err := filepath.WalkDir(stage, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		to := filepath.Join(t.data, strings.TrimPrefix(path, stage))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return errors.Join(os.Rename(path, to), durable.SyncDir(filepath.Dir(to)))
	})
	if err != nil {
		return fmt.Errorf("move what was restored into its place: %w", err)
	}
	return errors.Join(os.Rename(t.staged(), t.database), durable.SyncDir(filepath.Dir(t.database)),
		os.RemoveAll(stage), durable.SyncDir(t.data))
}

// clear takes away everything that a restore brought here.
func (t target) clear(ctx context.Context) error {
	files, err := keptFiles(t.data)
	for _, file := range files {
		err = errors.Join(err, os.Remove(filepath.Join(t.data, file)))
	}
	for _, database := range []string{t.database, t.staged()} {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if gone := os.Remove(database + suffix); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}
	err = errors.Join(err, t.blobs.Walk(ctx, func(b store.BlobInfo) error { return t.blobs.Delete(ctx, b.Hash) }))
	return errors.Join(err, os.RemoveAll(filepath.Join(t.data, restoring)))
}
