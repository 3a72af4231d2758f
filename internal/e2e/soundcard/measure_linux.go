package soundcard

import (
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

// Onset is how one sound began.
type Onset struct {
	At          mono.Instant  // when its first frame was at the card
	Error       time.Duration // At minus the planned instant: positive is late
	Correlation float64       // what of it the card got, see audio.Match
	Frame       int           // the frame of the recording at which it began
}

// MeasureStart looks for reference in the recording, within two seconds of its planned instant.
func MeasureStart(r *Recording, reference []float32, planned mono.Instant) Onset {
	pcm, fit := r.PCM(), r.Fit()
	const margin = 2 * audio.Rate
	from := min(max(int(fit.Frame(planned))-margin, 0), len(pcm))
	to := min(from+2*margin+len(reference), len(pcm))
	offset, correlation := audio.Match(pcm[from:to], reference)
	at := fit.Instant(float64(from + offset))
	return Onset{At: at, Error: at.Sub(planned), Correlation: correlation, Frame: from + offset}
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2]
}
