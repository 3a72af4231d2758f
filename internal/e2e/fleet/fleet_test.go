package fleet

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/app"
	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/seal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run starts a hub in this process; stop ends it.
func run(t *testing.T, data string) (url string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	hub, err := app.New(ctx, app.Options{Data: data, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- hub.Run(ctx) }()
	return hub.URL(), sync.OnceFunc(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("hub: %v", err)
		}
	})
}

// Every connected agent that is meant verifies the order of a bulletin and that of its cancel, each once, however they
// are divided between them, and the hub counts their answers.
func TestFleetTakesOrders(t *testing.T) {
	const agents = 100
	data := filepath.Join(t.TempDir(), "hub")
	url, stop := run(t, data)
	for _, p := range rig.People() {
		if code := app.Main(t.Context(), app.Process{Args: append(p.Args(), "--data", data), In: reader(p.Password), Out: io.Discard, Err: t.Output()}); code != 0 {
			t.Fatal("no account")
		}
	}
	site, err := rig.Visit(t.Context(), url, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	call := func(who *rig.Client, method, path string, in, out any) {
		t.Helper()
		if err := who.Call(t.Context(), method, path, in, out); err != nil {
			t.Fatal(err)
		}
	}
	call(site.Chief, "POST", "areas", map[string]any{"code": "xa", "name": "Xã"}, nil)
	stop()
	enrolled, err := hubtest.Enroll(t.Context(), data, "xa", agents)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := hubtest.TrustOf(data)
	if err != nil {
		t.Fatal(err)
	}
	url, stop = run(t, data)
	defer stop()
	site.Author.Base, site.Chief.Base = url, url

	var mu sync.Mutex
	took := map[string][]seal.OrderKind{}
	o := Options{Hub: url, Trust: trust, Ordered: func(agent string, o seal.Order, _ mono.Instant) {
		mu.Lock()
		defer mu.Unlock()
		took[agent] = append(took[agent], o.Kind)
	}}
	for _, e := range enrolled {
		o.Agents = append(o.Agents, Identity(e))
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	var running sync.WaitGroup
	running.Go(func() { f.Run(ctx) })
	defer func() {
		cancel()
		running.Wait()
	}()
	await := func(what string, ok func() bool) {
		t.Helper()
		if err := rig.Await(ctx, what, func(context.Context) (bool, error) { return ok(), nil }); err != nil {
			t.Fatal(err)
		}
	}
	await("all are connected and have a plan", func() bool { return f.Connected() == agents && f.Planned() == agents })

	report, err := site.Ingest(ctx, tone(t), "Báo động lũ", nil)
	if err != nil {
		t.Fatal(err)
	}
	call(site.Chief, "POST", "reports/"+report.ID+"/approve", nil, nil)
	var b struct {
		ID    string
		Reach struct{ Agents, Online, Taken int }
	}
	call(site.Author, "POST", "urgent", map[string]any{"kind": "live", "items": []map[string]string{{"report": report.ID}},
		"targets": map[string]any{"areas": []string{"xa"}, "except": []string{enrolled[0].ID}}}, &b)
	every := func(n int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			for _, kinds := range took {
				if len(kinds) != n {
					return false
				}
			}
			return len(took) == agents-1
		}
	}
	call(site.Chief, "POST", "urgent/"+b.ID+"/approve", nil, nil)
	await("all have the bulletin's order", every(1))
	await("the hub knows", func() bool {
		call(site.Author, "GET", "urgent/"+b.ID, nil, &b)
		return b.Reach.Taken == agents-1
	})
	call(site.Author, "POST", "urgent/"+b.ID+"/cancel", nil, nil)
	await("all have its cancel", every(2))
	mu.Lock()
	defer mu.Unlock()
	if took[enrolled[0].ID] != nil {
		t.Error("the agent that was left out got the order")
	}
	for agent, kinds := range took {
		if kinds[0] != seal.OrderLive || kinds[1] != seal.OrderCancel {
			t.Errorf("%s took %v", agent, kinds)
		}
	}
}

// tone is a sound file.
func tone(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil && os.Getenv("CI") == "" {
		t.Skip("ffmpeg is not installed: make setup")
	}
	file := filepath.Join(t.TempDir(), "tone.wav")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:d=2", file).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return file
}

type reader string

func (r reader) Read(p []byte) (int, error) { return copy(p, string(r)+"\n"), io.EOF }
