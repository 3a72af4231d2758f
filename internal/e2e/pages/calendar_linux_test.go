package pages

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/e2e/rig"
)

// TestCalendar is planning and approving through the pages alone, one test for each thing they promise. No sound is
// needed: its two clusters are paired, and offline.
func TestCalendar(t *testing.T) {
	t.Parallel()
	ctx, site, dir := hub(t, 12*time.Minute, nil, "ffmpeg", "espeak-ng") // a minute on an idle machine, building included
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for area, name := range map[string]string{"hoang-dao": "Cụm loa nhà văn hóa", "lien-chau": "Cụm loa bến đò"} {
		agent, err := site.AddAgent(ctx, area, name, "PULSE_SERVER=unix:/nowhere")
		must(err)
		must(agent.Stop())
	}
	speech := filepath.Join(dir, "speech.wav")
	must(run(ctx, "espeak-ng", "-v", "vi", "-s", "150", "-w", speech, words))
	long := filepath.Join(dir, "long.wav") // as long as what is drawn in the calendar must be to be pressed
	must(run(ctx, "ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", speech, "-t", "600", long))
	for title, file := range map[string]string{"Luật giao thông": speech, "Luật đất đai": speech, "Bộ luật dài": long} {
		id, err := site.Author.Upload(ctx, file, map[string]string{"title": title, "series": "Tìm hiểu pháp luật"})
		must(err)
		must(rig.Await(ctx, title, func(ctx context.Context) (bool, error) {
			var r rig.Report
			err := site.Author.Call(ctx, "GET", "reports/"+id, nil, &r)
			return r.State == "draft", err
		}))
		must(site.Chief.Call(ctx, "POST", "reports/"+id+"/approve", nil, nil))
	}
	env := []string{"LOA_URL=" + site.URL, "LOA_HUB_URL=" + site.URL}
	if err := playwright(ctx, t, "calendar", env); err != nil {
		t.Errorf("%v\nhub:\n%s", err, site.Hub.Tail())
	}
}
