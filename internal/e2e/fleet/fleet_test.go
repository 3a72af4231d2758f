package fleet

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/app"
	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/faults"
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

// village is a hub in this process with a commune of simulated agents.
type village struct {
	*testing.T
	ctx    context.Context
	data   string // the hub's folder
	site   *rig.Site
	fleet  *Fleet
	agents []hubtest.Enrolled
}

// newVillage has so many agents connect; o is what is special about them.
func newVillage(t *testing.T, agents int, o Options) *village {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	v := &village{T: t, ctx: ctx, data: filepath.Join(t.TempDir(), "hub")}
	url, stop := run(t, v.data)
	for _, p := range rig.People() {
		if code := app.Main(ctx, app.Process{Args: append(p.Args(), "--data", v.data), In: reader(p.Password), Out: io.Discard, Err: t.Output()}); code != 0 {
			t.Fatal("no account")
		}
	}
	var err error
	if v.site, err = rig.Visit(ctx, url, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	v.call(v.site.Chief, "POST", "areas", map[string]any{"code": "xa", "name": "Xã"}, nil)
	stop()
	if v.agents, err = hubtest.Enroll(ctx, v.data, "xa", agents); err != nil {
		t.Fatal(err)
	}
	if o.Trust, err = hubtest.TrustOf(v.data); err != nil {
		t.Fatal(err)
	}
	o.Hub, stop = run(t, v.data)
	t.Cleanup(stop)
	v.site.Author.Base, v.site.Chief.Base = o.Hub, o.Hub
	for _, e := range v.agents {
		o.Agents = append(o.Agents, Identity(e))
	}
	if v.fleet, err = New(o); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { v.fleet.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	v.await("all are connected and have a plan", func() bool { return v.fleet.Connected() == agents && v.fleet.Planned() == agents })
	return v
}

func (v *village) call(who *rig.Client, method, path string, in, out any) {
	v.Helper()
	if err := who.Call(v.ctx, method, path, in, out); err != nil {
		v.Fatal(err)
	}
}

func (v *village) await(what string, ok func() bool) {
	v.Helper()
	if err := rig.Await(v.ctx, what, func(context.Context) (bool, error) { return ok(), nil }); err != nil {
		v.Fatal(err)
	}
}

// Every connected agent that is meant verifies the order of a bulletin and that of its cancel, each once, however they
// are divided between them, and the hub counts their answers.
func TestFleetTakesOrders(t *testing.T) {
	const agents = 100
	var mu sync.Mutex
	took := map[string][]seal.OrderKind{}
	v := newVillage(t, agents, Options{Ordered: func(agent string, o seal.Order, _ mono.Instant) {
		mu.Lock()
		defer mu.Unlock()
		took[agent] = append(took[agent], o.Kind)
	}})
	site := v.site
	report, err := site.Ingest(v.ctx, tone(t), "Báo động lũ", nil)
	if err != nil {
		t.Fatal(err)
	}
	v.call(site.Chief, "POST", "reports/"+report.ID+"/approve", nil, nil)
	var b struct {
		ID    string
		Reach struct{ Agents, Online, Taken int }
	}
	v.call(site.Author, "POST", "urgent", map[string]any{"kind": "live", "items": []map[string]string{{"report": report.ID}},
		"targets": map[string]any{"areas": []string{"xa"}, "except": []string{v.agents[0].ID}}}, &b)
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
	v.call(site.Chief, "POST", "urgent/"+b.ID+"/approve", nil, nil)
	v.await("all have the bulletin's order", every(1))
	v.await("the hub knows", func() bool {
		v.call(site.Author, "GET", "urgent/"+b.ID, nil, &b)
		return b.Reach.Taken == agents-1
	})
	v.call(site.Author, "POST", "urgent/"+b.ID+"/cancel", nil, nil)
	v.await("all have its cancel", every(2))
	mu.Lock()
	defer mu.Unlock()
	if took[v.agents[0].ID] != nil {
		t.Error("the agent that was left out got the order")
	}
	for agent, kinds := range took {
		if kinds[0] != seal.OrderLive || kinds[1] != seal.OrderCancel {
			t.Errorf("%s took %v", agent, kinds)
		}
	}
}

// An agent fetches what the hub has, whole and as it is, no faster than its line, and says what went wrong.
func TestFleetFetches(t *testing.T) {
	const size, perS = 3<<20 + 1, 4 << 20
	manners := []Manner{{}, {Line: perS}, {Line: 64 << 10, Flap: 3 * time.Second}}
	v := newVillage(t, len(manners), Options{Manner: func(agent int) Manner { return manners[agent] }})
	fast, slow, breaks := v.agents[0].ID, v.agents[1].ID, v.agents[2].ID
	data, random := make([]byte, size), faults.Random(t)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	keep := func(as, data []byte) broadcast.Hash {
		t.Helper()
		name := fmt.Sprintf("%x", sha256.Sum256(as))
		dir := filepath.Join(v.data, "blobs", name[:2])
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, name), data, 0o600)); err != nil {
			t.Fatal(err)
		}
		return broadcast.Hash(name)
	}
	sound, damaged := keep(data, data), keep(data[1:], data)
	for name, test := range map[string]struct {
		agent string
		blob  broadcast.Hash
		want  string // in the error
	}{
		"over a fast line":         {fast, sound, ""},
		"over a slow line":         {slow, sound, ""},
		"a blob that is not there": {fast, broadcast.Hash(strings.Repeat("0", 64)), "no such blob"},
		"a blob with other bytes":  {fast, damaged, "have the hash"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			err := v.fleet.Fetch(v.ctx, test.agent, test.blob)
			if test.want == "" && err != nil || test.want != "" && !strings.Contains(fmt.Sprint(err), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			if took := time.Since(began).Seconds(); test.agent == slow && took < 0.9*size/perS {
				t.Errorf("%d bytes took %.2f s at %d a second", size, took, perS)
			}
		})
	}
	t.Run("the next after one that was called off", func(t *testing.T) {
		ctx, cancel := context.WithCancel(v.ctx)
		cancel()
		for range 20 {
			if err := v.fleet.Fetch(ctx, slow, sound); !errors.Is(err, context.Canceled) {
				t.Errorf("called off: %v", err)
			}
		}
		if err := v.fleet.Fetch(v.ctx, slow, sound); err != nil {
			t.Error(err)
		}
	})
	t.Run("over a line that breaks", func(t *testing.T) {
		v.await("it breaks in the middle", func() bool { return errors.Is(v.fleet.Fetch(v.ctx, breaks, sound), errBroken) })
		if err := v.fleet.Fetch(v.ctx, fast, sound); err != nil {
			t.Errorf("over another line: %v", err)
		}
	})
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
