package ingest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/problem"
)

func TestReceive(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx      context.Context
		r        io.Reader
		declared int64
		want     error
	}{
		"empty":                    {t.Context(), strings.NewReader(""), -1, ErrEmpty},
		"declared empty":           {t.Context(), strings.NewReader(""), 0, ErrEmpty},
		"cut":                      {t.Context(), strings.NewReader("abc"), 10, ErrUploadCut},
		"broken off":               {t.Context(), io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(io.ErrUnexpectedEOF)), -1, ErrUploadCut},
		"too large":                {t.Context(), io.LimitReader(zeros{}, 1001), -1, ErrTooLarge},
		"too large by declaration": {t.Context(), iotest.ErrReader(errors.New("must not be read")), 1001, ErrTooLarge},
		"too large and undeclared": {t.Context(), zeros{}, 5, ErrTooLarge},
		"cancelled":                {cancelled, zeros{}, -1, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := New(Config{Dir: filepath.Join(dir, "ingest"), MaxSize: 1000}, nil, nil, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Receive(c.ctx, c.r, "a.mp3", c.declared); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			empty(t, dir)
		})
	}
	t.Run("whole", func(t *testing.T) {
		dir := t.TempDir()
		s := newService(t, dir, nil, nil)
		u, err := s.Receive(t.Context(), iotest.OneByteReader(strings.NewReader("loa phường")), "../../etc/a.mp3", int64(len("loa phường")))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte("loa phường"))
		if u.Size != int64(len("loa phường")) || u.Name != "a.mp3" || string(u.SHA256) != hex.EncodeToString(sum[:]) || string(content(t, u.Path)) != "loa phường" {
			t.Errorf("%+v", u)
		}
		if filepath.Dir(filepath.Dir(u.Path)) != filepath.Join(dir, "ingest") {
			t.Errorf("outside of the folder: %s", u.Path)
		}
		if err := s.Discard(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		empty(t, dir)
		if err := s.Discard(t.Context(), "../ingest"); err == nil {
			t.Error("discarded what is no upload")
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"Phóng sự 30-6.mp3":       "Phóng sự 30-6.mp3",
		"../../etc/passwd":        "passwd",
		`C:\Users\cán bộ\tin.wav`: "tin.wav",
		"a\x00b.mp3":              "ab.mp3",
		"tin\u202e3pm.exe":        "tin3pm.exe",
		"a\r\nSet-Cookie: x.mp3":  "aSet-Cookie: x.mp3",
		"\xff\xfe.mp3":            ".mp3",
		"..":                      "audio",
		"":                        "audio",
		"a/":                      "audio",
		strings.Repeat("đ", 500):  strings.Repeat("đ", 200),
	} {
		if got := cleanName(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestJobsOneAfterTheOther(t *testing.T) {
	wav := speech(t)
	dir := t.TempDir()
	sink := newRecorder(t)
	times := 0
	sink.refuse = func() error {
		if times++; times == 1 {
			return errors.New("the database is away for a moment")
		}
		return nil
	}
	jobs := openJobs(t, dir)
	s := newService(t, dir, jobs, sink)
	run(t, s)
	good := enqueue(t, s, "good", wav)
	bad := enqueue(t, s, "bad", file(t, "a.mp3", []byte("MZ\x90\x00 this is a program")))
	sink.wait(t)
	sink.wait(t)

	if r := sink.done["good"]; r.DurationMS < 4000 || len(content(t, r.Path)) != int(r.Size) {
		t.Errorf("%+v", r)
	}
	if why := sink.failed["bad"]; !errors.Is(why, ErrNotAudio) {
		t.Errorf("%v", why)
	}
	await(t, func() bool {
		j, err := jobs.Load(t.Context(), bad.ID)
		return err == nil && j.State == StateFailed && j.Code == "AUDIO_NOT_AUDIO"
	})
	if j, err := jobs.Load(t.Context(), good.ID); err != nil || j.State != StateDone || j.Name != "speech.wav" {
		t.Errorf("%+v %v", j, err)
	}
	await(t, func() bool { left, _ := os.ReadDir(filepath.Join(dir, "ingest")); return len(left) == 0 })
}

// await polls until a condition holds.
func await(t testing.TB, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("never came true")
		}
	}
}

func TestRestartInTheMiddle(t *testing.T) {
	wav := speech(t)
	for _, stage := range []string{stageMeasure, stageEncode} {
		t.Run(stage, func(t *testing.T) {
			dir := t.TempDir()
			jobs := openJobs(t, dir)
			first := newRecorder(t)
			reached := make(chan struct{}, 100)
			first.hook = func(at string, _ int) {
				if at == stage {
					reached <- struct{}{}
				}
			}
			s := newService(t, dir, jobs, first)
			stop := run(t, s)
			j := enqueue(t, s, "report", wav)
			<-reached
			stop()
			if len(first.done)+len(first.failed) > 0 {
				t.Fatal("a stop is not an end")
			}
			if j, err := jobs.Load(t.Context(), j.ID); err != nil || j.State != StateQueued || j.Attempts != 0 {
				t.Fatalf("%+v %v", j, err)
			}

			second := newRecorder(t)
			again := newService(t, dir, jobs, second)
			stop = run(t, again)
			second.wait(t)
			stop()
			if second.done["report"].Size == 0 {
				t.Errorf("failed: %v", second.failed["report"])
			}
			empty(t, dir)
		})
	}
}

// TestKilled kills a hub with -9 in the middle of encoding and starts another over the same folder.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	killAtWork(t, dir)

	leftover := filepath.Join(dir, "ingest", "0197a1b2-0000-7000-8000-000000000000")
	if err := os.MkdirAll(leftover, 0o700); err != nil {
		t.Fatal(err)
	}
	jobs, sink := openJobs(t, dir), newRecorder(t)
	s := newService(t, dir, jobs, sink)
	u := receive(t, s, speech(t)) // one that came in before Run: the sweep must spare it
	stop := run(t, s)
	sink.wait(t)
	stop()
	if sink.done["killed"].Size == 0 {
		t.Errorf("failed: %v", sink.failed["killed"])
	}
	if _, err := os.Stat(leftover); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a dead upload's folder is still there: %v", err)
	}
	if err := s.Discard(t.Context(), u.ID); err != nil {
		t.Error(err)
	}
	empty(t, dir)
}

// killAtWork runs a hub over a folder, and kills it in the middle of encoding.
func killAtWork(t *testing.T, dir string, env ...string) {
	t.Helper()
	wav := speech(t)
	hub := exec.CommandContext(t.Context(), os.Args[0])
	hub.Env = append(append(os.Environ(), "LOA_INGEST_CHILD="+dir), env...)
	in, err := os.Open(wav)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	hub.Stdin = in
	out, err := hub.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := hub.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), `"encode"`); {
	}
	if err := hub.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = hub.Wait() // it was killed
}

// TestKilledAtAnotherHub: what a hub was killed over another one brings to its end, from a folder of its own.
func TestKilledAtAnotherHub(t *testing.T) {
	dir, shared := t.TempDir(), t.TempDir()
	killAtWork(t, dir, "LOA_INGEST_SHARED="+shared)
	other := t.TempDir()
	jobs, sink := openJobs(t, dir), newRecorder(t)
	s := newService(t, other, jobs, sink)
	s.cfg.Owner, s.cfg.Shared, s.cfg.Look = "other hub", store.NewFolderParts(shared), 100*time.Millisecond
	stop := run(t, s)
	sink.wait(t)
	stop()
	if sink.done["killed"].Size == 0 {
		t.Errorf("failed: %v", sink.failed["killed"])
	}
	empty(t, other)
	if left, err := s.cfg.Shared.List(t.Context(), ""); err != nil || len(left) > 0 {
		t.Errorf("left among what hubs share: %v, %v", left, err)
	}
}

// TestAJobThatIsLostIsNotDelivered: a hub that slept over its lease does not tell what another one will tell.
func TestAJobThatIsLostIsNotDelivered(t *testing.T) {
	dir := t.TempDir()
	jobs, sink := openJobs(t, dir), newRecorder(t)
	s := newService(t, dir, jobs, sink)
	s.cfg.Owner, s.cfg.Shared, s.cfg.Lease = "one", store.NewFolderParts(t.TempDir()), time.Hour
	taken := make(chan Job, 1)
	sink.hook = func(stage string, _ int) {
		if stage != stageVerify || len(taken) > 0 {
			return
		}
		if err := jobs.Resume(t.Context(), "one"); err != nil { // its lease is over
			t.Error(err)
		}
		j, err := jobs.Take(t.Context(), "other", time.Hour)
		if err != nil {
			t.Error(err)
		}
		taken <- j
	}
	stop := run(t, s)
	j := enqueue(t, s, "report", speech(t))
	await(t, func() bool { return len(taken) > 0 })
	await(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, "ingest", j.ID, workFolder))
		return errors.Is(err, os.ErrNotExist)
	})
	stop()
	empty(t, dir) // whose upload nobody asks for here
	if len(sink.done)+len(sink.failed) > 0 {
		t.Errorf("delivered all the same: %v, %v", sink.done, sink.failed)
	}
	if err := jobs.Renew(t.Context(), <-taken, time.Hour); err != nil {
		t.Errorf("the other hub has it no more: %v", err)
	}
	r, err := s.cfg.Shared.Open(t.Context(), sharedFolder+j.ID)
	if err != nil {
		t.Fatalf("the other hub has no upload: %v", err)
	}
	_ = r.Close()
}

func TestQueueHasAnEnd(t *testing.T) {
	dir := t.TempDir()
	s, err := New(Config{Dir: filepath.Join(dir, "ingest"), MaxQueued: 1}, openJobs(t, dir), newRecorder(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	path := file(t, "a", []byte("a"))
	first := receive(t, s, path)
	if _, err := s.Enqueue(t.Context(), "1", first); err != nil {
		t.Fatal(err)
	}
	if j, err := s.Enqueue(t.Context(), "1", first); err != nil || j.ID != first.ID {
		t.Errorf("the same upload again: %+v %v", j, err)
	}
	second := receive(t, s, path)
	if _, err := s.Enqueue(t.Context(), "2", second); !errors.Is(err, ErrBusy) {
		t.Errorf("%v", err)
	}
}

// TestPoison is an upload that killed the hub three times.
func TestPoison(t *testing.T) {
	dir := t.TempDir()
	jobs, sink := openJobs(t, dir), newRecorder(t)
	s := newService(t, dir, jobs, sink)
	u := receive(t, s, file(t, "a", []byte("a")))
	_, err := jobs.Add(t.Context(), Job{ID: u.ID, ReportID: "poison", Attempts: attemptsMost, CreatedAt: time.Now()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, s)
	sink.wait(t)
	stop()
	if !errors.Is(sink.failed["poison"], ErrInternal) {
		t.Errorf("%v", sink.failed)
	}
	empty(t, dir)
}

// TestSinkThatNeverTakes leaves the job for later: the next start, here.
func TestSinkThatNeverTakes(t *testing.T) {
	dir := t.TempDir()
	jobs := openJobs(t, dir)
	deaf := &deafSink{tried: make(chan struct{}, 100)}
	s := newService(t, dir, jobs, deaf)
	j := enqueue(t, s, "report", file(t, "a", []byte("plain text")))
	stop := run(t, s)
	for range deliveries {
		<-deaf.tried
	}
	await(t, func() bool { // it has a pause
		_, err := jobs.Take(t.Context(), "", 0)
		return errors.Is(err, ErrNoJob)
	})
	stop()
	if j, err := jobs.Load(t.Context(), j.ID); err != nil || j.State != StateQueued {
		t.Errorf("%+v %v", j, err)
	}
	sink := newRecorder(t)
	stop = run(t, newService(t, dir, jobs, sink))
	sink.wait(t)
	stop()
	if !errors.Is(sink.failed["report"], ErrNotAudio) {
		t.Errorf("%v", sink.failed)
	}
	empty(t, dir)
}

type deafSink struct{ tried chan struct{} }

func (d *deafSink) Progress(context.Context, string, string, int) {}
func (d *deafSink) Done(context.Context, string, Result) error    { return errors.New("away") }
func (d *deafSink) Failed(context.Context, string, *problem.Error) error {
	d.tried <- struct{}{}
	return errors.New("away")
}
