package pages

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
)

// words is what the tests' report says: our own, on Article 20 of the Civil Code 2015.
const words = "Theo Điều 20 Bộ luật Dân sự, người thành niên là người từ đủ mười tám tuổi trở lên. Mời bà con nghe chuyên mục Tìm hiểu pháp luật."

const root = "../../.."

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(bin) // among the system's temporary ones; "" when nothing was built
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// TestPages is the officer's and the editor's day through the pages alone, from the upload to what the play log says.
func TestPages(t *testing.T) {
	t.Parallel()
	needs(t, "ffmpeg", "pulseaudio", "espeak-ng", "chromium", "npm")
	if testing.Short() {
		t.Skip("sound takes its time")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute) // two on an idle machine
	defer cancel()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	card, err := soundcard.Start(ctx, filepath.Join(dir, "card"))
	must(err)
	defer func() { _ = card.Close() }()
	site, err := rig.NewSite(ctx, rig.SiteOptions{Bin: build(t), Dir: dir})
	must(err)
	defer func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, area := range areas() {
		must(site.Chief.Call(ctx, "POST", "areas", area, nil))
	}
	_, err = site.AddAgent(ctx, "hoang-dao", "Cụm loa nhà văn hóa", "PULSE_SERVER="+card.Server())
	must(err)
	gone, err := site.AddAgent(ctx, "lien-chau", "Cụm loa bến đò", "PULSE_SERVER=unix:/nowhere")
	must(err)
	must(gone.Stop()) // one that will miss the next daypart
	speech := filepath.Join(dir, "Tim_hieu_phap_luat_so_1.wav")
	must(run(ctx, "espeak-ng", "-v", "vi", "-s", "180", "-w", speech, words))

	page, control := newLine(t, strings.TrimPrefix(site.URL, "http://"))
	if err := playwright(ctx, t, "pages", []string{"LOA_URL=" + page, "LOA_HUB_URL=" + site.URL, "LOA_LINE=" + control, "LOA_SPEECH=" + speech}); err != nil {
		t.Errorf("%v\nhub:\n%s", err, site.Hub.Tail())
	}
}

// hub starts one with two people and three areas, for a test of at most so long; it ends with the test. Its environment
// is the test's and env.
func hub(t *testing.T, most time.Duration, env []string, programs ...string) (ctx context.Context, site *rig.Site, dir string) {
	t.Helper()
	needs(t, append(programs, "chromium", "npm")...)
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), most)
	t.Cleanup(cancel)
	dir = t.TempDir()
	site, err := rig.NewSite(ctx, rig.SiteOptions{Bin: build(t), Dir: dir, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, area := range areas() {
		if err := site.Chief.Call(ctx, "POST", "areas", area, nil); err != nil {
			t.Fatal(err)
		}
	}
	return ctx, site, dir
}

// playwright runs one project of hub/web/playwright.config.ts; its screenshots are kept, to be looked at.
func playwright(ctx context.Context, t *testing.T, project string, env []string) error {
	t.Helper()
	out, err := filepath.Abs(filepath.Join(root, "var"))
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "npm", "test", "--silent", "--", "--project="+project)
	cmd.Dir = filepath.Join(root, "hub", "web")
	cmd.Env = append(os.Environ(), append(env, "LOA_SCREENSHOTS="+filepath.Join(out, "screenshots"), "LOA_RESULTS="+filepath.Join(out, project+"-failed"))...)
	for i, p := range rig.People() {
		who := []string{"AUTHOR", "CHIEF"}[i]
		cmd.Env = append(cmd.Env, "LOA_"+who+"="+p.Name, "LOA_"+who+"_PASSWORD="+p.Password)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // Playwright ends its browser
	cmd.WaitDelay = 15 * time.Second
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("playwright: %w\n%s", err, said)
	}
	t.Logf("%s", said)
	return nil
}

// areas is a province with the usual dayparts and two communes; sound may be heard at any hour, for the tests run at any.
func areas() []map[string]any {
	all := []map[string]any{{"start": "00:00", "end": "24:00"}}
	return []map[string]any{
		{"code": "quang-ninh", "name": "Tỉnh Quảng Ninh", "policy": map[string]any{"windows": all}, "dayparts": []map[string]any{
			{"name": "morning", "start": "05:00", "end": "05:45", "reserved": []map[string]any{{"start": "05:00", "end": "05:15", "label": "Tiếp âm VOV"}}},
			{"name": "evening", "start": "17:00", "end": "17:45"}}},
		{"code": "hoang-dao", "name": "Xã Hoằng Đạo", "parent": "quang-ninh"},
		{"code": "lien-chau", "name": "Xã Liên Châu", "parent": "quang-ninh"},
	}
}

// needs skips a test on a bare machine; where CI is set up, a missing tool is a failure.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil && os.Getenv("CI") == "" {
			t.Skip(p + " is not installed: make setup")
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, made := range []string{"node_modules/.bin/playwright", "dist/index.html"} {
		if _, err := os.Stat(filepath.Join(root, "hub", "web", made)); err != nil && os.Getenv("CI") == "" {
			t.Skip("the pages are not built: make pages")
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func build(t *testing.T) string {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	return bin
}

var bin string // the folder of both programs, once they are built

var built = sync.OnceValue(func() (err error) {
	if bin, err = os.MkdirTemp("", "loa-pages-"); err != nil {
		return err
	}
	for name, pkg := range map[string]string{"loa-hub": "hub", "loa-agent": "agent"} {
		cmd := exec.CommandContext(context.Background(), "go", "build", "-o", filepath.Join(bin, name), "github.com/loa-vn/loa/"+pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
})

func run(ctx context.Context, program string, args ...string) error {
	return exec.CommandContext(ctx, program, args...).Run()
}
