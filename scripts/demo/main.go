//go:build linux

// Command demo shows Loa's main job on this machine, with the real programs: a hub and one agent, two
// people and a commune; a report is uploaded, approved by the second person, scheduled a few seconds ahead,
// and heard. ONCE=1 ends when it was; otherwise the programs stay until Ctrl-C. REPORT=file takes a file of
// your own. It exits with 0 only when the hub's play log says played and, on a virtual sound card, the
// recording of the card holds the report.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

// spoken is the demonstration's report: our own words on Article 8 of the Law on Marriage and Family 2014.
const spoken = `Mời bà con nghe chuyên mục Tìm hiểu pháp luật. Theo Điều 8 Luật Hôn nhân và gia đình năm 2014, nam từ đủ hai mươi tuổi
trở lên, nữ từ đủ mười tám tuổi trở lên mới được kết hôn. Việc kết hôn do nam và nữ tự nguyện quyết định. Bà con cần tư vấn, xin gặp
công chức tư pháp của xã. Xin cảm ơn bà con đã lắng nghe.`

const (
	dir       = "var/demo"
	ahead     = 6 * time.Second // from approved to the sound
	enoughRho = 0.99            // what the card got against what was meant, see docs of internal/audio.Match
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := &demo{began: time.Now(), once: os.Getenv("ONCE") == "1"}
	if err := d.run(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called, nothing else is deferred
	}
	if ctx.Err() != nil && d.once {
		os.Exit(130)
	}
}

type demo struct {
	began time.Time
	once  bool
	card  *soundcard.Card // nil: the machine's own
	site  *rig.Site
	agent *rig.Agent
}

// say prints a step with its time.
func (d *demo) say(format string, args ...any) {
	fmt.Printf("%s  %+6.1f s  %s\n", time.Now().Format(time.TimeOnly), time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

func (d *demo) run(ctx context.Context) (err error) {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	report, err := d.speech(ctx)
	if err != nil {
		return err
	}
	env, err := d.soundCard(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if d.card != nil {
			err = errors.Join(err, d.card.Close())
		}
	}()
	if err := d.people(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.site.Close()) }()
	if err := d.commune(ctx, env); err != nil {
		return err
	}
	if err := d.oneReport(ctx, report); err != nil {
		return err
	}
	if d.once {
		return nil
	}
	d.say("hub %s (API: /api/v1/openapi.json), agent %s; Ctrl-C ends both", d.site.URL, d.agent.Console)
	for _, p := range rig.People() {
		d.say("sign in on the hub's pages as %s, %s, with the password: %s", p.Name, p.Role, p.Password)
	}
	<-ctx.Done()
	return nil
}

// speech gives the file to send: REPORT, or words spoken by espeak-ng.
func (d *demo) speech(ctx context.Context) (string, error) {
	if file := os.Getenv("REPORT"); file != "" {
		d.say("takes the report from %s", file)
		return file, nil
	}
	file := filepath.Join(dir, "report.wav")
	cmd := exec.CommandContext(ctx, "espeak-ng", "-v", "vi", "-s", "170", "-w", file, spoken)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("espeak-ng: %w\n%s", err, out)
	}
	d.say("espeak-ng speaks a report in Vietnamese: %s", file)
	return file, nil
}

// soundCard gives the agent the machine's card, or a virtual one where there is none.
func (d *demo) soundCard(ctx context.Context) ([]string, error) {
	if os.Getenv("PULSE_SERVER") != "" {
		d.say("plays on the sound server %s", os.Getenv("PULSE_SERVER"))
		return nil, nil
	}
	if cards, err := os.ReadFile("/proc/asound/cards"); err == nil && !strings.Contains(string(cards), "no soundcards") {
		d.say("plays on this machine's sound card")
		return nil, nil
	}
	card, err := soundcard.Start(ctx, filepath.Join(dir, "card"))
	if err != nil {
		return nil, err
	}
	d.card = card
	d.say("this machine has no sound card: plays on a virtual one (PulseAudio's null sink) and records it")
	return []string{"PULSE_SERVER=" + card.Server()}, nil
}

func (d *demo) people(ctx context.Context) error {
	site, err := rig.NewSite(ctx, rig.SiteOptions{Bin: "bin", Dir: dir,
		Listen: preferred("127.0.0.1:8080"), Console: preferred("127.0.0.1:8090")})
	if err != nil {
		return err
	}
	d.site = site
	d.say("loa-hub serves at %s; people: an officer who authors, an admin who approves", site.URL)
	return nil
}

// preferred gives the usual address when nobody has it, so that pages are where people look for them.
func preferred(addr string) string {
	if answers, _ := rig.Reachable(context.Background(), "http://"+addr+"/livez"); answers {
		return ""
	}
	return addr
}

func (d *demo) commune(ctx context.Context, env []string) error {
	err := d.site.Chief.Call(ctx, "POST", "areas", map[string]any{
		"code": "hoang-dao", "name": "Xã Hoằng Đạo",
		"policy":   map[string]any{"windows": []map[string]any{{"start": "00:00", "end": "24:00"}}},
		"dayparts": []map[string]any{{"name": "morning", "start": "05:00", "end": "05:45"}, {"name": "evening", "start": "17:00", "end": "17:45"}},
	}, nil)
	if err != nil {
		return err
	}
	d.say("commune Xã Hoằng Đạo: its policy allows every hour, so that the demo can be heard now (the default is 05:00-21:00)")
	d.agent, err = d.site.AddAgent(ctx, "hoang-dao", "dai-xa", env...)
	if err != nil {
		return err
	}
	d.say("loa-agent paired (both sides showed the same six words) and runs: %s", d.agent.Console)
	return nil
}

// oneReport is the main job, from the upload to the proof.
func (d *demo) oneReport(ctx context.Context, file string) error {
	report, err := d.site.Ingest(ctx, file, "Tuổi kết hôn theo pháp luật", nil)
	if err != nil {
		return err
	}
	d.say("uploaded and normalised: %.1f s at %.1f LUFS, peak %.1f dBTP, %d bytes", float64(report.DurationMS)/1000,
		report.LoudnessLUFS, report.TruePeakDBTP, report.Size)
	if err := d.site.Approve(ctx, "reports/"+report.ID); err != nil {
		return err
	}
	d.say("report approved by the second person")
	planned := time.Now().Add(ahead).Truncate(time.Second)
	when := map[string]any{"at": planned.In(fleetZone()).Format("2006-01-02T15:04:05")}
	id, err := d.site.Schedule(ctx, report.ID, "Tìm hiểu pháp luật", when, "hoang-dao")
	if err != nil {
		return err
	}
	d.say("broadcast approved for %s", planned.Format(time.TimeOnly))
	armed, cancel := context.WithDeadline(ctx, planned)
	defer cancel()
	if err := d.site.AwaitArmed(armed, id); err != nil {
		return err
	}
	d.say("the agent has plan and audio, checked: armed")
	return d.heard(ctx, report, id, planned)
}

// heard waits for the sound and checks the proof: the hub's play log and, where there is one, the recording.
func (d *demo) heard(ctx context.Context, report rig.Report, id string, planned time.Time) error {
	length := time.Duration(report.DurationMS) * time.Millisecond
	instant := mono.Now().Add(time.Until(planned))
	ctx, cancel := context.WithTimeout(ctx, time.Until(planned)+length+20*time.Second)
	defer cancel()
	var recording *soundcard.Recording
	if d.card != nil {
		var err error
		if recording, err = d.card.Record(ctx); err != nil {
			return err
		}
		defer recording.Stop()
	}
	d.say("waits for %s, and %.1f s of sound", planned.Format(time.TimeOnly), length.Seconds())
	plays, err := d.site.AwaitPlays(ctx, d.agent.ID, id, 1)
	if err != nil {
		return err
	}
	p := plays[0]
	d.say("the hub's play log: %s (%s), %s to %s, %.1f of %.1f s reached the sound card", p.Outcome, p.Reason,
		p.StartedAt.Local().Format("15:04:05.000"), p.EndedAt.Local().Format("15:04:05.000"), float64(p.ReachedMS)/1000, length.Seconds())
	if p.Outcome != "played" {
		return fmt.Errorf("the report was %s: %s", p.Outcome, p.Reason)
	}
	if recording == nil {
		return nil
	}
	if err := recording.Wait(ctx, instant.Add(length)); err != nil {
		return err
	}
	reference, err := d.site.Meant(ctx, report.ID)
	if err != nil {
		return err
	}
	onset := soundcard.MeasureStart(recording, reference, instant)
	d.say("the card's recording: correlation %.4f with the distribution file, began %+.1f ms from its instant",
		onset.Correlation, float64(onset.Error)/float64(time.Millisecond))
	if onset.Correlation < enoughRho {
		return fmt.Errorf("the recording does not hold the report: correlation %.4f", onset.Correlation)
	}
	d.say("heard")
	return nil
}

// fleetZone is the hub's default zone; it has had no summer time since 1975.
func fleetZone() *time.Location { return time.FixedZone("Asia/Ho_Chi_Minh", 7*3600) }
