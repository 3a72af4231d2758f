//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

// neighbours are two agents, each on a card of its own, that are heard from one house.
type neighbours struct {
	site  *rig.Site
	cards [2]*soundcard.Card
}

// houses starts a hub, a commune and two agents; second is the second one's card.
func houses(ctx context.Context, dir string, second soundcard.Options) (*neighbours, error) {
	site, _, card, err := commune(ctx, dir)
	if err != nil {
		return nil, err
	}
	n := &neighbours{site: site, cards: [2]*soundcard.Card{card}}
	if n.cards[1], err = soundcard.StartWith(ctx, filepath.Join(dir, "second"), second); err == nil {
		_, err = site.AddAgent(ctx, "xa", "dai-ben", "PULSE_SERVER="+n.cards[1].Server())
	}
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func (n *neighbours) close() error {
	errs := []error{n.site.Close()}
	for _, c := range n.cards {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// record begins to record both cards; stop ends it.
func (n *neighbours) record(ctx context.Context) (recs [2]*soundcard.Recording, stop func(), err error) {
	stop = func() {
		for _, r := range recs {
			if r != nil {
				r.Stop()
			}
		}
	}
	for i, c := range n.cards {
		if recs[i], err = c.Record(ctx); err != nil {
			stop()
			return recs, nil, err
		}
	}
	return recs, stop, nil
}

// errTorn says that a card did not get a piece whole: where other programs want every processor, PulseAudio drops
// sound.
var errTorn = errors.New("the piece was torn")

// apart is how far from each other both cards got a piece of sound.
func apart(recs [2]*soundcard.Recording, piece []float32, planned mono.Instant) (time.Duration, error) {
	a, b := soundcard.MeasureStart(recs[0], piece, planned), soundcard.MeasureStart(recs[1], piece, planned)
	if a.Correlation < 0.9 || b.Correlation < 0.9 {
		return 0, fmt.Errorf("%w: correlations %.3f and %.3f", errTorn, a.Correlation, b.Correlation)
	}
	return a.At.Sub(b.At).Abs(), nil
}

// agentsApart is the largest distance between two agents' starts of the same slot, over ten of them.
func agentsApart(ctx context.Context, dir string) (rows []Row, err error) {
	const plays, every, mostTorn = 10, 5 * time.Second, 2
	n, err := houses(ctx, dir, soundcard.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	report, err := approved(ctx, n.site, dir, 2500*time.Millisecond)
	if err != nil {
		return nil, err
	}
	meant, err := n.site.Meant(ctx, report.ID)
	if err != nil {
		return nil, err
	}
	recs, stop, err := n.record(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	first := time.Now().Add(10 * time.Second).Truncate(time.Second)
	for i := range plays {
		if err := armed(ctx, n.site, report, first.Add(time.Duration(i)*every)); err != nil {
			return nil, err
		}
	}
	var worst time.Duration
	torn := 0
	for i := range plays {
		planned := instantOf(first.Add(time.Duration(i) * every))
		for _, r := range recs {
			if err := r.Wait(ctx, planned.Add(every-500*time.Millisecond)); err != nil {
				return nil, err
			}
		}
		d, err := apart(recs, meant, planned)
		if errors.Is(err, errTorn) && torn < mostTorn {
			fmt.Printf("  play %d does not count: %v\n", i, err)
			torn++
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("play %d: %w", i, err)
		}
		worst = max(worst, d)
	}
	return []Row{against("agents-apart-ms", "ms", worst.Seconds()*1000, 2)}, nil
}

// driftMinutes is how long the neighbours are listened to; DRIFT_MINUTES is for a quick look.
func driftMinutes() (time.Duration, error) {
	minutes := 30
	if asked := os.Getenv("DRIFT_MINUTES"); asked != "" {
		var err error
		if minutes, err = strconv.Atoi(asked); err != nil || minutes < 1 || minutes > 120 {
			return 0, fmt.Errorf("DRIFT_MINUTES=%s: 1 to 120", asked)
		}
	}
	return time.Duration(minutes) * time.Minute, nil
}

// drift is the largest distance between two neighbours within one item, on cards whose clocks are 40 ppm apart or
// more. A piece in every half minute is recorded and looked for.
func drift(ctx context.Context, dir string) (rows []Row, err error) {
	const every, piece, leastApart = 30 * time.Second, 3 * time.Second, 40
	length, err := driftMinutes()
	if err != nil {
		return nil, err
	}
	if err := command(ctx, "scripts/setup.sh", "drift"); err != nil {
		return nil, err
	}
	n, err := houses(ctx, dir, soundcard.Options{PPM: 60})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	report, err := approved(ctx, n.site, dir, length+30*time.Second)
	if err != nil {
		return nil, err
	}
	meant, err := n.site.Meant(ctx, report.ID)
	if err != nil {
		return nil, err
	}
	begin := time.Now().Add(30 * time.Second).Truncate(time.Second)
	if err := armed(ctx, n.site, report, begin); err != nil {
		return nil, err
	}
	planned := instantOf(begin)
	between, err := n.drift(ctx)
	if err != nil {
		return nil, err
	}
	if math.Abs(between) < leastApart {
		return nil, fmt.Errorf("the cards' clocks are only %.0f ppm apart", between)
	}
	var worst, squares float64
	looks, torn := 0, 0
	for at := every; at <= length; at += every {
		d, err := n.look(ctx, meant[audio.Frames(at):audio.Frames(at+piece)], planned.Add(at), piece)
		if errors.Is(err, errTorn) && torn < int(length/every)/10 {
			fmt.Printf("  after %v: %v\n", at, err)
			torn++
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%v into the sound: %w", at, err)
		}
		ms := d.Seconds() * 1000
		worst, squares, looks = max(worst, ms), squares+ms*ms, looks+1
		fmt.Printf("  after %v: %.3f ms apart\n", at, ms)
	}
	fmt.Printf("  cards %.0f ppm apart, %v: rms %.3f ms, worst %.3f ms\n", between, length, math.Sqrt(squares/float64(looks)), worst)
	row := against("drift-30min-ms", "ms", worst, 1)
	row.PeerName = fmt.Sprintf("promised, %v, %.0f ppm", length, math.Abs(between))
	return []Row{row}, nil
}

// look records both cards around a piece and gives how far apart they got it.
func (n *neighbours) look(ctx context.Context, piece []float32, planned mono.Instant, length time.Duration) (time.Duration, error) {
	if err := pass(ctx, planned.Add(-2*time.Second).Sub(mono.Now())); err != nil {
		return 0, err
	}
	recs, stop, err := n.record(ctx)
	if err != nil {
		return 0, err
	}
	defer stop()
	for _, r := range recs {
		if err := r.Wait(ctx, planned.Add(length+2*time.Second)); err != nil {
			return 0, err
		}
	}
	return apart(recs, piece, planned)
}

// drift gives by how many ppm the second card's clock is faster than the first's.
func (n *neighbours) drift(ctx context.Context) (float64, error) {
	recs, stop, err := n.record(ctx)
	if err != nil {
		return 0, err
	}
	defer stop()
	if err := pass(ctx, 20*time.Second); err != nil {
		return 0, err
	}
	a, b := recs[0].Fit(), recs[1].Fit()
	fmt.Printf("  the cards run at %+.1f and %+.1f ppm\n", a.Drift, b.Drift)
	return b.Drift - a.Drift, nil
}
