package link

import (
	"fmt"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/loa-vn/loa/agent/agenttest"
)

// TestAnOrderIsNeverFarBehindAudio sends heads while audio streams, from the first moment of a connection on, when
// nothing is known of the line. Each may be behind 2 s of audio (design.md, Pairing and link).
func TestAnOrderIsNeverFarBehindAudio(t *testing.T) {
	if testing.Short() {
		t.Skip("a slow line takes its time")
	}
	const most = 2*time.Second + 1500*time.Millisecond // for the head itself, the frames' headers and a busy machine
	for _, rate := range []int{2, 20, 200} {           // KB/s
		t.Run(fmt.Sprintf("%d KB per s", rate), func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			line := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "line", "127.0.0.1:0", strings.TrimPrefix(h.url, "http://"))
			if err := line.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(line.Stop)
			if _, err := line.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"type":"bandwidth","attributes":{"rate":%d}}`, rate))); err != nil {
				t.Fatal(err)
			}
			a := newAgent("a")
			audio := random(1, 8<<20)
			a.wants = []agenttest.Want{{SHA256: h.addBlob(audio), Size: int64(len(audio))}}
			a.start(t, h, "http://"+line.Listen)
			h.await(t, "the agent is online", "a", func(s *said) bool { return s.online > 0 })
			for version := uint64(1); version <= 4; version++ {
				<-time.After(700 * time.Millisecond) // let audio fill the line
				sent := time.Now()
				h.setHead("a", version, fmt.Sprintf("head %d", version))
				a.await(t, "the head", func() bool { return a.version == version })
				if took := time.Since(sent); took > most {
					t.Errorf("head %d took %v, want at most %v", version, took, most)
				} else {
					t.Logf("head %d took %v", version, took)
				}
			}
			if a.holds(a.wants[0].SHA256) {
				t.Error("the audio was over before the last head")
			}
		})
	}
}
