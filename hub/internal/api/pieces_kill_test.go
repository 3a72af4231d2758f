package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/s3"
)

// A hub may be killed anywhere between the last piece of an upload and its note of what that became: the upload becomes one
// report all the same, or one audio of it.
func TestAnUploadBecomesOneReportAcrossAKill(t *testing.T) {
	// dies puts things back to where they were when the hub was killed there.
	for name, dies := range map[string]func(t *testing.T, b *bench, s *sender, report string){
		"after the job": func(*testing.T, *bench, *sender, string) {},
		"before the job": func(t *testing.T, b *bench, s *sender, _ string) {
			b.loseJob(t, s)
		},
		"before the job, and starts again": func(t *testing.T, b *bench, s *sender, report string) {
			b.loseJob(t, s)
			check(t, b.Library.Failed(t.Context(), report, ingest.ErrUploadCut))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			s := b.killed(t, dies, "title", "Tìm hiểu pháp luật")
			if all, err := b.Library.List(t.Context(), library.Filter{Limit: 10}); err != nil || len(all.Items) != 1 || all.Items[0].State != broadcast.ReportProcessing {
				t.Errorf("reports: %+v, %v", all.Items, err)
			}
			b.hasOneJob(t, s)
		})
		t.Run("the next audio of a report, "+name, func(t *testing.T) {
			b := newBench(t)
			r, err := b.Library.Create(t.Context(), library.Meta{Area: "xa-a", Title: "Luật"}, library.Person{ID: "officer-a", Name: "officer-a"})
			check(t, err)
			check(t, b.Library.Failed(t.Context(), r.ID, ingest.ErrSilent))
			s := b.killed(t, dies, "report", r.ID)
			b.hasOneJob(t, s)
			if r, err = b.Library.Report(t.Context(), r.ID); err != nil || r.Pending == nil || r.Pending.Error != nil {
				t.Errorf("%+v, %v", r.Pending, err)
			}
		})
	}
}

// killed sends an upload to a hub that dies over it, and asks again.
func (b *bench) killed(t *testing.T, dies func(*testing.T, *bench, *sender, string), said ...string) *sender {
	t.Helper()
	s, w := b.begins(t, "officer-a", len(sound), said...)
	want(t, w, 201, "")
	id := filepath.Base(s.at)
	r, err := b.Uploads.Open(t.Context(), id+"/"+infoPart)
	check(t, err)
	info, err := io.ReadAll(r)
	check(t, errors.Join(err, r.Close()))
	w = s.send(0, sound)
	want(t, w, 204, "")
	report := w.Header().Get(reportHeader)
	check(t, b.Uploads.Put(t.Context(), id+"/000000000000-1", strings.NewReader(sound), int64(len(sound))))
	check(t, b.Uploads.Put(t.Context(), id+"/"+infoPart, bytes.NewReader(info), int64(len(info))))
	dies(t, b, s, report)
	for range 2 {
		if again := s.find().Header().Get(reportHeader); again != report {
			t.Errorf("it became report %s, and then %s", report, again)
		}
	}
	return s
}

func (b *bench) loseJob(t *testing.T, s *sender) {
	t.Helper()
	res, err := b.DB.ExecContext(t.Context(), "DELETE FROM ingest_jobs WHERE id = ?", filepath.Base(s.at))
	check(t, err)
	if n, err := res.RowsAffected(); n != 1 || err != nil {
		t.Fatalf("%d jobs, %v", n, err)
	}
}

func (b *bench) hasOneJob(t *testing.T, s *sender) {
	t.Helper()
	if j, err := b.Ingest.Job(t.Context(), filepath.Base(s.at)); err != nil || j.State != ingest.StateQueued {
		t.Errorf("%+v, %v", j, err)
	}
	if n := len(b.leftovers(t)); n != 1 {
		t.Errorf("ingest has %d uploads, want the one", n)
	}
}

// What fails for a reason of the hub's own loses no upload: the same person asks again.
func TestAHubThatCannotTakeAnUploadNowKeepsIt(t *testing.T) {
	b := newBench(t)
	s, _ := b.begins(t, "officer-a", len(sound), "title", "Tìm hiểu pháp luật")
	_, err := b.DB.ExecContext(t.Context(), "ALTER TABLE reports RENAME TO away")
	check(t, err)
	want(t, s.send(0, sound), 500, "INTERNAL")
	_, err = b.DB.ExecContext(t.Context(), "ALTER TABLE away RENAME TO reports")
	check(t, err)
	if w := s.find(); w.Header().Get(reportHeader) == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// An upload is gone on with wherever its parts can be read; what two hubs were sent both counts once.
func TestAnUploadGoesOnAtAnotherHub(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (one, other store.Parts){
		"folder": func(t *testing.T) (one, other store.Parts) {
			dir := t.TempDir()
			return store.NewFolderParts(dir), store.NewFolderParts(dir)
		},
		"S3": func(t *testing.T) (one, other store.Parts) {
			address := s3.Start(t)
			hub := func() store.Parts {
				b, err := store.OpenS3(t.Context(), address, t.TempDir())
				check(t, err)
				return b.Parts()
			}
			return hub(), hub()
		},
	} {
		t.Run(name, func(t *testing.T) {
			one, other := newBench(t), newBench(t)
			one.Uploads, other.Uploads = open(t)
			one.pieces.store.parts, other.pieces.store.parts = one.Uploads, other.Uploads
			long := strings.Repeat("loa phường ", 1<<20) // more than two pieces
			s, w := one.begins(t, "officer-a", len(long), "title", "Tìm hiểu pháp luật")
			want(t, w, 201, "")
			u, err := one.pieces.store.upload(t.Context(), filepath.Base(s.at))
			check(t, err)
			want(t, s.send(0, long[:1000]), 204, "")
			there := &sender{bench: other, t: t, person: "officer-a", at: s.at}
			if w := there.find(); w.Header().Get("Upload-Offset") != "1000" {
				t.Fatalf("at the other hub: %v", w.Header())
			}
			want(t, there.send(1000, long[1000:6<<20]), 204, "")
			_, err = u.WriteChunk(t.Context(), 1000, strings.NewReader(long[1000:3<<20])) // the first one still hears what came before
			check(t, err)
			if w := there.find(); w.Header().Get("Upload-Offset") != "6291456" {
				t.Fatalf("what was acknowledged is not there: %v", w.Header())
			}
			want(t, there.send(6<<20, long[6<<20:]), 204, "")
			if left, err := other.Uploads.List(t.Context(), ""); err != nil || len(left) != 1 {
				t.Errorf("left: %v, %v", left, err)
			}
			j, err := other.Ingest.Job(t.Context(), filepath.Base(s.at))
			if err != nil || j.SHA256 != hashOf(long) {
				t.Errorf("it became %+v, %v", j, err)
			}
		})
	}
}

func hashOf(text string) broadcast.Hash {
	sum := sha256.Sum256([]byte(text))
	return broadcast.Hash(hex.EncodeToString(sum[:]))
}
