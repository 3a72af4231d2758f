package pages

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWorkshop is what an editor does to reports before they are heard: words, versions, cuts by ear, programmes.
func TestWorkshop(t *testing.T) {
	t.Parallel()
	ctx, site, dir := hub(t, 6*time.Minute, nil, "ffmpeg", "espeak-ng")
	speech := filepath.Join(dir, "Tim_hieu_phap_luat_so_1.wav")
	if err := run(ctx, "espeak-ng", "-v", "vi", "-s", "180", "-w", speech, words); err != nil {
		t.Fatal(err)
	}
	page, control := newLine(t, strings.TrimPrefix(site.URL, "http://"))
	if err := playwright(ctx, t, "workshop", []string{"LOA_URL=" + page, "LOA_HUB_URL=" + site.URL, "LOA_LINE=" + control, "LOA_SPEECH=" + speech}); err != nil {
		t.Errorf("%v\nhub:\n%s", err, site.Hub.Tail())
	}
}
