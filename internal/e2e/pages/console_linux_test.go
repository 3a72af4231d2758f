package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
)

// TestConsole is the commune operator's page in a real browser: the first hour of an agent that nobody has paired, then
// every action while its line to the hub is cut.
func TestConsole(t *testing.T) {
	needs(t, "ffmpeg", "pulseaudio", "espeak-ng", "chromium", "npm")
	if testing.Short() {
		t.Skip("sound takes its time")
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute) // one on an idle machine
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
	bin := build(t)
	site, err := rig.NewSite(ctx, rig.SiteOptions{Bin: bin, Dir: dir, Env: []string{"LOA_HUB_TIMEZONE=" + forenoon(time.Now())}})
	must(err)
	defer func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, area := range areas() {
		if area["code"] == "hoang-dao" {
			area["policy"] = map[string]any{"contact": "Anh Hùng, 0912 345 678"}
		}
		must(site.Chief.Call(ctx, "POST", "areas", area, nil))
	}
	reports := speak(ctx, t, site, dir)
	hub, control := newLine(t, strings.TrimPrefix(site.URL, "http://"))
	pc := newPC(t, filepath.Join(bin, "loa-agent"), filepath.Join(dir, "pc"), "PULSE_SERVER="+card.Server())
	must(pc.start(ctx))
	if err := playwright(ctx, t, "console", []string{"LOA_URL=" + pc.address, "LOA_HUB_URL=" + site.URL, "LOA_HUB_LINE=" + hub, "LOA_LINE=" + control,
		"LOA_PC=" + pc.control, "LOA_SPEECH=" + filepath.Join(dir, "Bản tin y tế.wav"), "LOA_REPORTS=" + reports}); err != nil {
		t.Errorf("%v\nagent:\n%s\nhub:\n%s", err, pc.Tail(), site.Hub.Tail())
	}
}

// forenoon is a zone in which it is ten in the morning or a little later, whenever the test runs: much of what an
// operator does is about the rest of the day.
func forenoon(now time.Time) string {
	east := 10 - now.UTC().Hour()
	if east < -12 {
		east += 24
	}
	return fmt.Sprintf("Etc/GMT%+d", -east) // POSIX counts to the west
}

// speak gives approved reports: one that lasts half a minute, and three short ones.
func speak(ctx context.Context, t *testing.T, site *rig.Site, dir string) string {
	t.Helper()
	var ids []string
	for title, said := range map[string]string{"Tìm hiểu pháp luật": strings.Repeat(words+" ", 3), "Bản tin nông nghiệp": "Vụ đông đã đến.",
		"Bản tin y tế": "Trạm y tế mở cửa lúc bảy giờ.", "Bản tin khuyến học": "Ngày hội khuyến học bắt đầu."} {
		speech := filepath.Join(dir, title+".wav")
		if err := run(ctx, "espeak-ng", "-v", "vi", "-s", "150", "-w", speech, said); err != nil {
			t.Fatal(err)
		}
		r, err := site.Ingest(ctx, speech, title, nil)
		if err == nil {
			err = site.Approve(ctx, "reports/"+r.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, title+"="+r.ID)
	}
	return strings.Join(ids, ";")
}

// pc is the commune's: an agent that begins unpaired, and that somebody may start again without what its clock knew.
type pc struct {
	*rig.Process
	address, control string
	program, dir     string
	env              []string
}

func newPC(t *testing.T, program, dir string, env ...string) *pc {
	t.Helper()
	console, err := rig.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	p := &pc{address: "http://" + console, program: program, dir: dir, env: append([]string{"LOA_AGENT_DATA=" + dir, "LOA_AGENT_CONSOLE=" + console}, env...)}
	ctl := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := p.forgetTime(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	p.control = ctl.URL
	t.Cleanup(func() {
		ctl.Close()
		if p.Process != nil {
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
		}
	})
	return p
}

func (p *pc) start(ctx context.Context) (err error) {
	if p.Process, err = rig.Start(p.program, []string{"run"}, p.env, p.dir+".log"); err != nil {
		return err
	}
	return rig.Await(ctx, "the console answers", func(ctx context.Context) (bool, error) { return rig.Reachable(ctx, p.address+"/livez") })
}

// forgetTime is a start after years without power: what the clock knew is gone.
func (p *pc) forgetTime(ctx context.Context) error {
	return errors.Join(p.Stop(), os.Remove(filepath.Join(p.dir, "clock.json")), p.start(ctx))
}
