package console

import (
	"math"
	"net/http"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// quietest is the lower end of the level meter, in dBFS: below, an amplifier's own noise is louder.
const quietest = -60

// decibels of a peak from 0 to 1, not below quietest.
func decibels(peak float64) int {
	if peak <= 0 {
		return quietest
	}
	return int(math.Round(min(max(20*math.Log10(peak), quietest), 0)))
}

// live is GET /api/v1/live: what the page moves several times a second.
type live struct {
	Clock     string `json:"clock"` // in the fleet's zone
	Playing   string `json:"playing,omitempty"`
	Seconds   int    `json:"seconds"` // since it began
	Of        int    `json:"of"`
	LevelDBFS int    `json:"level_dbfs"` // of what goes to the card
}

func (c *Console) live(w http.ResponseWriter, _ *http.Request) {
	s := c.sources()
	if s.Live == nil {
		fail(w, errNoPlan)
		return
	}
	l := s.Live()
	out := live{Clock: l.At.In(zone(s)).Format("15:04:05"), LevelDBFS: decibels(l.Level)}
	if l.Now != nil {
		out.Playing = l.Now.Slot
		out.Seconds, out.Of = progress(l.Now, l.At)
	}
	c.send(w, out)
}

// progress is how many seconds of what sounds have been heard, and of how many.
func progress(now *broadcast.Sounding, at time.Time) (seconds, of int) {
	of = int(now.End.Sub(now.Start) / time.Second)
	return min(max(int(at.Sub(now.Start)/time.Second), 0), of), of
}
