package speaker

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/mono"
)

// A child whose end cannot be waited for, because something of it lives on, holds the speaker up: its sign of life
// must tell, for nothing else does.
func TestASpeakerThatIsHeldUpShowsIt(t *testing.T) {
	s := New(Config{Command: []string{"/bin/sh", "-c", "sleep 3 >&- <&- & exit"}, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	await(t, "it is silent", func() bool { return mono.Now().Sub(s.Sign()) > 2*pauseMost })
	await(t, "it goes round again", func() bool { return mono.Now().Sub(s.Sign()) < pauseMost })
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
	}
}
