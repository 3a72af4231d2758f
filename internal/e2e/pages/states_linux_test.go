package pages

import (
	"testing"
	"time"
)

// TestStates is every page while the hub is slow, when it fails, and when there is nothing to show.
func TestStates(t *testing.T) {
	t.Parallel()
	ctx, site, _ := hub(t, 4*time.Minute, nil, "ffmpeg")
	if err := playwright(ctx, t, "states", []string{"LOA_URL=" + site.URL, "LOA_HUB_URL=" + site.URL}); err != nil {
		t.Errorf("%v\nhub:\n%s", err, site.Hub.Tail())
	}
}
