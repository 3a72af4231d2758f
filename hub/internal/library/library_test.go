package library

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ann  = Person{"p-ann", "An"}
	binh = Person{"p-binh", "Bình"}
	meta = Meta{Area: "QN", Title: "Luật An ninh mạng", Series: "Tìm hiểu pháp luật", Laws: []Law{{Number: "24/2018/QH14"}}}
)

type shelf struct {
	*Library
	t     *testing.T
	dir   string
	clock time.Time
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(context.Background(), storetest.Database(t, dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	blobs, err := store.NewFolder(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{t: t, dir: dir, clock: time.Date(2026, 11, 24, 1, 2, 3, 4e6, time.UTC)}
	s.Library = New(Deps{DB: db.DB, Blobs: blobs, Bus: bus.NewLocal(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now: func() time.Time { return s.clock }})
	return s
}

func (s *shelf) create() Report {
	s.t.Helper()
	r, err := s.Create(context.Background(), meta, ann)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// finish gives a report its audio.
func (s *shelf) finish(id string, audio []byte) {
	s.t.Helper()
	path := filepath.Join(s.dir, "made.opus")
	if err := os.WriteFile(path, audio, 0o600); err != nil {
		s.t.Fatal(err)
	}
	err := s.Done(context.Background(), id, Finished{File: path, Waveform: []byte{1, 2}, Audio: Audio{DurationMS: 300_000, LoudnessLUFS: -18.1,
		TruePeakDBTP: -1.6, Warnings: []string{"CLIPPED"}, SourceName: "bai.mp3", Making: &Making{SourceFormat: "mp3/mp3", BitrateKbps: 24}}})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		s.t.Fatalf("the file was not taken over: %v", err)
	}
}

func (s *shelf) report(id string) Report {
	s.t.Helper()
	r, err := s.Report(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func code(err error) string {
	var p *problem.Error
	if errors.As(err, &p) {
		return p.Code
	}
	if err != nil {
		return "not a problem: " + err.Error()
	}
	return ""
}

func TestWayOfAReport(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	events := s.Bus.Subscribe(bus.Report)
	defer events.Close()
	r := s.create()
	if r.State != broadcast.ReportProcessing || r.Version != 1 || r.Author != ann {
		t.Fatalf("created as %+v", r)
	}
	if _, err := s.Approve(ctx, r.ID, 0, binh, true); code(err) != "REPORT_NOT_READY" {
		t.Errorf("approved while it is processed: %v", err)
	}
	s.Progress(ctx, r.ID, "encode", 140)
	if got := s.report(r.ID); got.Progress != 100 || got.Stage != "encode" || got.Version != 1 {
		t.Errorf("in progress: %+v", got)
	}
	audio := bytes.Repeat([]byte("opus"), 40_000) // two chunks and a half
	s.finish(r.ID, audio)
	draft := s.report(r.ID)
	if draft.State != broadcast.ReportDraft || draft.Size != 160_000 || draft.DurationMS != 300_000 || draft.Making.BitrateKbps != 24 ||
		!slices.Equal(draft.Warnings, []string{"CLIPPED"}) || draft.Stage != "" {
		t.Errorf("a draft is %+v", draft)
	}
	s.checkManifest(draft, audio)

	if _, err := s.Approve(ctx, r.ID, 0, ann, true); code(err) != "SELF_APPROVAL" {
		t.Errorf("its author approves it: %v", err)
	}
	if _, err := s.Approve(ctx, r.ID, 9, binh, true); code(err) != "STALE_VERSION" {
		t.Errorf("another version is approved: %v", err)
	}
	approved, err := s.Approve(ctx, r.ID, 1, binh, true)
	if err != nil || approved.State != broadcast.ReportApproved || approved.Approved.SHA256 != draft.SHA256 || approved.Approved.By != binh || !approved.Approved.At.Equal(s.clock) {
		t.Fatalf("approved: %+v, %v", approved, err)
	}
	if again, err := s.Approve(ctx, r.ID, 0, ann, true); err != nil || again.Version != approved.Version {
		t.Errorf("approved twice: %+v, %v", again, err)
	}
	if planned, err := s.Reports(ctx, []string{r.ID, "none"}); err != nil || len(planned) != 1 || planned[r.ID].State != broadcast.ReportApproved || planned[r.ID].Manifest != draft.Manifest {
		t.Errorf("planning sees %+v, %v", planned, err)
	}

	if _, err := s.Withdraw(ctx, r.ID, binh, "  "); code(err) != "REASON_REQUIRED" {
		t.Errorf("withdrawn without a reason: %v", err)
	}
	gone, err := s.Withdraw(ctx, r.ID, binh, "luật đã thay đổi")
	if err != nil || gone.State != broadcast.ReportWithdrawn || gone.Withdrawn.Reason != "luật đã thay đổi" {
		t.Fatalf("withdrawn: %+v, %v", gone, err)
	}
	if again, err := s.Withdraw(ctx, r.ID, ann, "lần hai"); err != nil || again.Withdrawn.By != binh {
		t.Errorf("withdrawn twice: %+v, %v", again, err)
	}
	if _, err := s.Approve(ctx, r.ID, 0, binh, false); code(err) != "REPORT_WITHDRAWN" {
		t.Errorf("approved after it was withdrawn: %v", err)
	}
	if _, err := s.Edit(ctx, r.ID, 0, meta, ann); code(err) != "REPORT_WITHDRAWN" {
		t.Errorf("edited after it was withdrawn: %v", err)
	}
	list, err := s.Withdrawals(ctx, s.clock)
	if err != nil || len(list) != 1 || list[0].Audio != draft.SHA256 || !list[0].At.Equal(s.clock) {
		t.Errorf("withdrawals %+v, %v", list, err)
	}
	if list, err := s.Withdrawals(ctx, s.clock.Add(time.Millisecond)); err != nil || len(list) != 0 {
		t.Errorf("later withdrawals %+v, %v", list, err)
	}
	for range 5 { // created, progress, done, approved, withdrawn
		if e := <-events.C(); e.ID != r.ID || e.Area != "QN" {
			t.Errorf("event %+v", e)
		}
	}
	if n := len(events.C()); n != 0 {
		t.Errorf("%d events too many", n)
	}
}

// checkManifest reads the manifest as an agent does.
func (s *shelf) checkManifest(r Report, audio []byte) {
	s.t.Helper()
	blob, err := s.Blobs.Open(context.Background(), r.Manifest)
	if err != nil {
		s.t.Fatal(err)
	}
	defer blob.Close()
	var m broadcast.Manifest
	if err := json.NewDecoder(io.NewSectionReader(blob, 0, blob.Size())).Decode(&m); err != nil {
		s.t.Fatal(err)
	}
	if m.Audio != r.SHA256 || m.Size != int64(len(audio)) || m.DurationMS != r.DurationMS || m.ChunkSize != broadcast.ChunkSize || len(m.Chunks) != 3 {
		s.t.Fatalf("manifest %+v", m)
	}
	for i, want := range m.Chunks {
		sum := sha256.Sum256(audio[i*broadcast.ChunkSize : min((i+1)*broadcast.ChunkSize, len(audio))])
		if got := broadcast.Hash(hex.EncodeToString(sum[:])); got != want {
			s.t.Errorf("chunk %d is %s in the manifest, %s in the audio", i, want, got)
		}
	}
}

func TestFailed(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	r := s.create()
	why := problem.New("AUDIO_EMPTY", 422, "Tệp không có âm thanh. Hãy chọn tệp khác.", "The file has no sound. Choose another.")
	for range 2 { // ingest may tell it again after a restart
		if err := s.Failed(ctx, r.ID, why); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.report(r.ID); got.State != broadcast.ReportFailed || got.Error == nil || got.Error.Code != "AUDIO_EMPTY" {
		t.Errorf("failed: %+v", got)
	}
	if _, err := s.Approve(ctx, r.ID, 0, binh, false); code(err) != "REPORT_NOT_READY" {
		t.Errorf("a failed report is approved: %v", err)
	}
	if err := s.Failed(ctx, "none", why); code(err) != "REPORT_NOT_FOUND" {
		t.Errorf("nothing fails: %v", err)
	}
}

func TestDoneAgain(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	r := s.create()
	s.finish(r.ID, []byte("audio"))
	if _, err := s.Approve(ctx, r.ID, 0, binh, true); err != nil {
		t.Fatal(err)
	}
	s.finish(r.ID, []byte("audio")) // the hub was killed before the job noted that it was done
	if got := s.report(r.ID); got.State != broadcast.ReportApproved || got.Approved == nil {
		t.Errorf("an approved report became %+v", got)
	}
	w := s.create()
	if _, err := s.Withdraw(ctx, w.ID, ann, "nhầm tệp"); err != nil {
		t.Fatal(err)
	}
	s.finish(w.ID, []byte("other"))
	if got := s.report(w.ID); got.State != broadcast.ReportWithdrawn || got.SHA256 != "" {
		t.Errorf("a report withdrawn while it was processed became %+v", got)
	}
}

// TestACutOfAnEarlierVersionIsOfItsRecording cuts the first of two uploads, and then what came of that.
func TestACutOfAnEarlierVersionIsOfItsRecording(t *testing.T) {
	s, ctx, by := newShelf(t), t.Context(), Person{ID: "u1", Name: "Minh"}
	done := func(id, name, master string) {
		t.Helper()
		f := Finished{File: filepath.Join(t.TempDir(), "audio"), Audio: Audio{DurationMS: 60_000, SourceName: name,
			Making: &Making{SourceFormat: name, SourceDurationMS: 60_000}}}
		if err := os.WriteFile(f.File, []byte(name+"'s sound"), 0o600); err != nil {
			t.Fatal(err)
		}
		if master != "" {
			f.Master = filepath.Join(t.TempDir(), "master")
			if err := os.WriteFile(f.Master, []byte(master), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Done(ctx, id, f); err != nil {
			t.Fatal(err)
		}
	}
	id := s.create().ID
	done(id, "one.wav", "all of one")
	if _, err := s.NextFromUpload(ctx, "upload-2", id, by); err != nil {
		t.Fatal(err)
	}
	done(id, "two.wav", "all of two")
	first, err := s.Version(ctx, id, 1)
	if err != nil || first.Master == "" {
		t.Fatalf("the first version is %+v, %v", first, err)
	}

	if _, cut, err := s.Trim(ctx, id, 0, 1, 5000, 50_000, by); err != nil || cut.Blob != first.Master {
		t.Fatalf("the first version is cut out of %+v, %v", cut, err)
	}
	done(id, "", "")
	got, err := s.Version(ctx, id, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got.N != 3 || got.Master != first.Master || got.SourceName != "one.wav" || got.Making.SourceFormat != "one.wav" {
		t.Errorf("the cut of the first version is %+v of %+v, want of %+v", got, got.Making, first)
	}
	if _, cut, err := s.Trim(ctx, id, 0, 0, 1000, 30_000, by); err != nil || cut.Blob != first.Master {
		t.Errorf("the cut is cut out of %+v, %v", cut, err)
	}
}

// What was taken back while it was processed leaves nothing that nobody will ever clear away.
func TestDoneAfterAWithdrawalKeepsNothing(t *testing.T) {
	s := newShelf(t)
	r := s.create()
	if _, err := s.Withdraw(context.Background(), r.ID, binh, "sai nội dung"); err != nil {
		t.Fatal(err)
	}
	s.finish(r.ID, []byte("opus"))
	if got := s.report(r.ID); got.State != broadcast.ReportWithdrawn || got.SHA256 != "" {
		t.Errorf("it is %+v", got)
	}
	err := s.Blobs.Walk(context.Background(), func(b store.BlobInfo) error { t.Errorf("blob %s is left", b.Hash); return nil })
	if err != nil {
		t.Fatal(err)
	}
}

func TestEdit(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	r := s.create()
	s.finish(r.ID, []byte("audio"))
	if _, err := s.Approve(ctx, r.ID, 0, binh, true); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		version int64
		edit    func(*Meta)
		want    string
	}{
		{"a stale one", 1, func(*Meta) {}, "STALE_VERSION"},
		{"no title", 2, func(m *Meta) { m.Title = "\t" }, "TITLE_INVALID"},
		{"a title of two lines", 2, func(m *Meta) { m.Title = "một\nhai" }, "TEXT_INVALID"},
		{"a title that is read backwards", 2, func(m *Meta) { m.Title = "tin \u202egnp" }, "TEXT_INVALID"},
		{"a bell in the law's number", 2, func(m *Meta) { m.Laws = []Law{{Number: "100\a"}} }, "TEXT_INVALID"},
		{"a title too long", 2, func(m *Meta) { m.Title = strings.Repeat("ỡ", 201) }, "TITLE_INVALID"},
		{"a series too long", 2, func(m *Meta) { m.Series = strings.Repeat("ỡ", 501) }, "TEXT_TOO_LONG"},
		{"valid until before from", 2, func(m *Meta) { m.ValidFrom, m.ValidUntil = s.clock, s.clock }, "VALIDITY_INVALID"},
		{"another title", 2, func(m *Meta) { m.Title, m.ValidUntil = "Luật mới", s.clock.AddDate(1, 0, 0) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := meta
			c.edit(&m)
			if _, err := s.Edit(ctx, r.ID, c.version, m, ann); code(err) != c.want {
				t.Errorf("got %v, want code %q", err, c.want)
			}
		})
	}
	got := s.report(r.ID)
	if got.Title != "Luật mới" || got.State != broadcast.ReportDraft || got.Approved != nil || got.Version != 3 {
		t.Errorf("after the edit: %+v", got)
	}
	planned, err := s.Reports(ctx, []string{r.ID})
	if p := planned[r.ID]; err != nil || p.ValidUntil == nil || !p.ValidUntil.Equal(got.ValidUntil) || p.ValidFrom != nil {
		t.Errorf("planning sees %+v, %v", planned, err)
	}
}

// Who wrote the words that are approved is no second person for them, author or not.
func TestAnEditorApprovesNotTheirOwnEdit(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	r := s.create()
	s.finish(r.ID, []byte("audio"))
	m := meta
	m.Title = "Luật mới"
	edited, err := s.Edit(ctx, r.ID, 1, m, binh)
	if err != nil || edited.Editor == nil || *edited.Editor != binh || edited.Author != ann {
		t.Fatalf("%+v, %v", edited, err)
	}
	for _, by := range []Person{ann, binh} {
		if _, err := s.Approve(ctx, r.ID, 0, by, true); code(err) != "SELF_APPROVAL" {
			t.Errorf("%s: %v", by.Name, err)
		}
	}
	if got, err := s.Approve(ctx, r.ID, 2, Person{"p-chi", "Chi"}, true); err != nil || got.Approved.SHA256 != got.SHA256 {
		t.Errorf("a third person: %+v, %v", got, err)
	}
	// Nor is who made the audio, whoever wrote a word of the report since.
	if _, err := s.NextFromUpload(ctx, "upload", r.ID, binh); err != nil {
		t.Fatal(err)
	}
	s.finish(r.ID, []byte("another audio"))
	if _, err := s.Edit(ctx, r.ID, 0, meta, ann); err != nil {
		t.Fatal(err)
	}
	for _, by := range []Person{ann, binh} {
		if _, err := s.Approve(ctx, r.ID, 0, by, true); code(err) != "SELF_APPROVAL" {
			t.Errorf("%s, of whom the words or the audio are: %v", by.Name, err)
		}
	}
	if got, err := s.Approve(ctx, r.ID, 0, binh, false); err != nil || got.State != broadcast.ReportApproved {
		t.Errorf("where no second person is asked for: %+v, %v", got, err)
	}
}

func TestList(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	var ids []string
	for _, title := range []string{"Luật Đất đai", "100% đúng luật", "An toàn giao thông"} {
		m := meta
		m.Title = title
		r, err := s.Create(ctx, m, ann)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	m := meta
	m.Area = "TL"
	other, err := s.Create(ctx, m, ann)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		filter Filter
		want   []string
	}{
		{"all, newest first", Filter{}, []string{other.ID, ids[2], ids[1], ids[0]}},
		{"an area", Filter{Areas: []string{"TL"}}, []string{other.ID}},
		{"no area", Filter{Areas: []string{}}, nil},
		{"a state", Filter{States: []broadcast.ReportState{broadcast.ReportDraft}}, nil},
		{"a text", Filter{Text: "an toàn"}, []string{ids[2]}},
		{"a text with a sign that means something in SQL", Filter{Text: "0%"}, []string{ids[1]}},
		{"a series", Filter{Series: "Tìm hiểu pháp luật", Areas: []string{"QN"}}, []string{ids[2], ids[1], ids[0]}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, limit := range []int{0, 1, 2} {
				f := c.filter
				f.Limit = limit
				var got []string
				for {
					p, err := s.List(ctx, f)
					if err != nil {
						t.Fatal(err)
					}
					for _, r := range p.Items {
						got = append(got, r.ID)
					}
					if f.Cursor = p.Next; f.Cursor == "" {
						break
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("pages of %d give %v, want %v", limit, got, c.want)
				}
			}
		})
	}
	if _, err := s.List(ctx, Filter{Cursor: "'; DROP TABLE reports"}); code(err) != "CURSOR_INVALID" {
		t.Errorf("a bad cursor gives %v", err)
	}
}
