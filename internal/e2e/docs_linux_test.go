package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/e2e/rig"
)

// TestOperatingByCurl does with curl what docs/operating.md says of reports, programmes and the calendar, word for word.
func TestOperatingByCurl(t *testing.T) {
	needs(t, "ffmpeg", "espeak-ng")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	site, err := rig.NewSite(ctx, rig.SiteOptions{Bin: bin, Dir: dir})
	must(err)
	defer func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
	}()
	must(site.Chief.Call(ctx, "POST", "areas", map[string]any{"code": "tam-giang", "name": "Xã Tam Giang", "dayparts": []map[string]string{{"name": "evening", "start": "17:00", "end": "17:45"}}}, nil))
	agent, err := site.AddAgent(ctx, "tam-giang", "Cụm 1", "PULSE_SERVER=unix:/nowhere")
	must(err)
	must(agent.Stop()) // it is planned for all the same
	text, err := os.ReadFile("../../docs/operating.md")
	must(err)
	speech := filepath.Join(dir, "phong-su.wav")
	must(exec.CommandContext(ctx, "espeak-ng", "-v", "vi", "-s", "130", "-w", speech, strings.Repeat("Người thành niên là người từ đủ mười tám tuổi trở lên. ", 3)).Run())
	bearer := func(c *rig.Client) string {
		var made struct{ Token string }
		must(c.Call(ctx, "POST", "tokens", map[string]string{"label": "curl"}, &made))
		return "Authorization: Bearer " + made.Token
	}
	script := strings.Join([]string{"set -euo pipefail",
		shell(t, string(text), "## The main job with curl", "**Sign in.**"),
		shell(t, string(text), "**The report.**", "**The broadcast**"),
		shell(t, string(text), "**More about a report**", "## Bản tin khẩn cấp"),
		`echo "series=$SERIES report=$REPORT other=$OTHER day=$DAY"`}, "\n")
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HUB="+site.URL, "FILE="+speech, "LAN="+bearer(site.Author), "MINH="+bearer(site.Chief), "JSON=Content-Type: application/json")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for what, want := range map[string]string{"previews": `"occurrences":[{`, "the calendar": `"entries":[{`, "what is heard of the edited series": `"spec":{"title":"Pháp luật hằng ngày"`, "the programme": `"kind":"programme"`} {
		if !strings.Contains(string(said), want) {
			t.Errorf("%s: no %s in what was answered:\n%s", what, want, said)
		}
	}
	ids := map[string]string{}
	last := strings.TrimSpace(string(said[strings.LastIndex(string(said), "series="):]))
	for _, pair := range strings.Fields(last) {
		name, value, _ := strings.Cut(pair, "=")
		ids[name] = value
	}

	var b struct {
		State, Title string
		Heard        int `json:"heard_version"`
		Returned     *struct{ Words string }
	}
	must(site.Author.Call(ctx, "GET", "broadcasts/"+ids["series"], nil, &b))
	if b.State != "draft" || b.Title != "Pháp luật và đời sống" || b.Heard != 1 || b.Returned == nil || b.Returned.Words != "Tên cũ rõ hơn." {
		t.Errorf("the series: %+v", b)
	}
	must(site.Author.Call(ctx, "GET", "broadcasts/"+ids["other"], nil, &b))
	if b.State != "cancelled" {
		t.Errorf("what was heard instead is %s", b.State)
	}
	var r struct{ Items []struct{ Version int } }
	must(site.Author.Call(ctx, "GET", "reports/"+ids["report"]+"/versions", nil, &r))
	if len(r.Items) != 2 {
		t.Errorf("%d audios of the report", len(r.Items))
	}
	var c struct {
		Entries  []struct{ State string }
		Holidays []struct{ Day, Name string }
	}
	must(site.Author.Call(ctx, "GET", "calendar?area=tam-giang&from="+ids["day"]+"&to="+ids["day"], nil, &c))
	if len(c.Holidays) != 1 || c.Holidays[0].Name != "Hội làng" || len(c.Entries) != 0 { // on a holiday the series is silent
		t.Errorf("%s: %+v", ids["day"], c)
	}
}

// shell gives the commands of a document between two words of it.
func shell(t *testing.T, text, from, to string) string {
	t.Helper()
	_, text, begins := strings.Cut(text, from)
	text, _, ends := strings.Cut(text, to)
	parts := strings.Split(text, "```sh\n")
	if !begins || !ends || len(parts) < 2 {
		t.Fatalf("the document has no commands between %q and %q", from, to)
	}
	var out []string
	for _, part := range parts[1:] {
		commands, _, _ := strings.Cut(part, "```")
		out = append(out, commands)
	}
	return strings.Join(out, "\n")
}
