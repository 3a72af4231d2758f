package ingest

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/problem"
)

// fixtures is the folder of what the tests make once.
var fixtures string

func TestMain(m *testing.M) {
	if dir := os.Getenv("LOA_INGEST_CHILD"); dir != "" {
		child(dir)
		return
	}
	dir, err := os.MkdirTemp("", "loa-ingest")
	if err != nil {
		panic(err)
	}
	fixtures = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// need skips where a program is missing on a developer's machine; on CI it fails.
func need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is not installed", p)
			}
			t.Skipf("%s is not installed", p)
		}
	}
}

func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func ffmpeg(t testing.TB, args ...string) {
	t.Helper()
	command(t, "ffmpeg", append([]string{"-nostdin", "-v", "error", "-y"}, args...)...)
}

const text = "Kính thưa bà con, không bấm vào đường dẫn lạ, không chuyển tiền cho người không quen biết."

var speechOnce sync.Once

// speech is about five seconds of spoken Vietnamese, 22,050 Hz, mono WAV.
func speech(t testing.TB) string {
	t.Helper()
	need(t, "ffmpeg", "ffprobe", "espeak-ng")
	path := filepath.Join(fixtures, "speech.wav")
	speechOnce.Do(func() { command(t, "espeak-ng", "-v", "vi", "-w", path, text) })
	return path
}

// file writes a fixture of the test's own.
func file(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func convert(t testing.TB, path string) (Result, error) {
	t.Helper()
	return Convert(t.Context(), Config{Nice: -1}, slog.New(slog.DiscardHandler), path, t.TempDir(), nil)
}

func mustConvert(t testing.TB, path string) Result {
	t.Helper()
	r, err := convert(t, path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// recorder is a Sink that remembers and takes the file over.
type recorder struct {
	dir string
	// hook runs at each progress, refuse before each Done.
	hook   func(stage string, percent int)
	refuse func() error

	mu       sync.Mutex
	percents []int
	stages   []string
	done     map[string]Result
	failed   map[string]*problem.Error
	over     chan string
}

func newRecorder(t testing.TB) *recorder {
	return &recorder{dir: t.TempDir(), done: map[string]Result{}, failed: map[string]*problem.Error{}, over: make(chan string, 100)}
}

func (r *recorder) Progress(_ context.Context, _, stage string, percent int) {
	r.mu.Lock()
	r.percents, r.stages = append(r.percents, percent), append(r.stages, stage)
	r.mu.Unlock()
	if r.hook != nil {
		r.hook(stage, percent)
	}
}

func (r *recorder) Done(_ context.Context, report string, res Result) error {
	if r.refuse != nil {
		if err := r.refuse(); err != nil {
			return err
		}
	}
	to := filepath.Join(r.dir, report)
	if err := os.Rename(res.Path, to); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	res.Path = to
	r.done[report] = res
	r.over <- report
	return nil
}

func (r *recorder) Failed(_ context.Context, report string, why *problem.Error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed[report] = why
	r.over <- report
	return nil
}

// wait gives the next report that came to an end.
func (r *recorder) wait(t testing.TB) string {
	t.Helper()
	select {
	case id := <-r.over:
		return id
	case <-time.After(30 * time.Second):
		t.Fatal("no job came to its end")
		return ""
	}
}

func openJobs(t testing.TB, dir string) *SQLJobs { return jobsIn(t, "", dir) }

func jobsIn(t testing.TB, database, dir string) *SQLJobs {
	t.Helper()
	db, err := store.Open(t.Context(), database, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return NewSQLJobs(db.DB)
}

func newService(t testing.TB, dir string, jobs Jobs, sink Sink) *Service {
	t.Helper()
	s, err := New(Config{Dir: filepath.Join(dir, "ingest"), Nice: -1, RetryDelay: time.Millisecond, MaxSize: 64 << 20}, jobs, sink, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run starts Run and gives the function that ends it and waits.
func run(t testing.TB, s *Service) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func receive(t testing.TB, s *Service, path string) Upload {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	u, err := s.Receive(t.Context(), f, filepath.Base(path), -1)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func enqueue(t testing.TB, s *Service, report, path string) Job {
	t.Helper()
	j, err := s.Enqueue(t.Context(), report, receive(t, s, path))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// empty says that nothing is left in the ingest folder.
func empty(t testing.TB, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "ingest", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// child is the hub that the test of a kill starts: it works off one upload and says how far it is.
func child(dir string) {
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "hub.db"), "")
	if err != nil {
		panic(err)
	}
	if err := db.Migrate(ctx); err != nil {
		panic(err)
	}
	c := Config{Dir: filepath.Join(dir, "ingest")}
	if shared := os.Getenv("LOA_INGEST_SHARED"); shared != "" {
		c.Owner, c.Shared, c.Lease = "killed hub", store.NewFolderParts(shared), time.Second
	}
	s, err := New(c, NewSQLJobs(db.DB), printer{}, slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	u, err := s.Receive(ctx, os.Stdin, "killed.wav", -1)
	if err != nil {
		panic(err)
	}
	if _, err := s.Enqueue(ctx, "killed", u); err != nil {
		panic(err)
	}
	panic(s.Run(ctx))
}

// printer tells the parent; at the stage that is to be killed it stands still.
type printer struct{}

func (printer) Progress(_ context.Context, _, stage string, percent int) {
	line, _ := json.Marshal(map[string]any{"stage": stage, "percent": percent})
	_, _ = os.Stdout.WriteString(string(line) + "\n")
	if stage == stageEncode && percent > 30 {
		select {}
	}
}
func (printer) Done(context.Context, string, Result) error           { return nil }
func (printer) Failed(context.Context, string, *problem.Error) error { return nil }

// hasWarning says whether a result carries a warning.
func hasWarning(r Result, code string) bool {
	return strings.Contains(strings.Join(r.Warnings, " "), code)
}
