package soundcard

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

const askEvery = 50 * time.Millisecond

// Recording is what reached the card since Record.
type Recording struct {
	server connection
	stream uint32
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	pcm    []float32
	points []point
	grown  chan struct{} // closed and replaced when pcm grows
}

// point says that frame is at the card at instant; trip is the question's round trip.
type point struct {
	frame   float64
	instant mono.Instant
	trip    time.Duration
}

// Record begins to record. It ends with Stop, when ctx is cancelled, or when the sink goes away.
func (c *Card) Record(ctx context.Context) (*Recording, error) { return c.RecordOther(ctx, sinkName) }

// RecordOther is Record of a card of the daemon by its name.
func (c *Card) RecordOther(ctx context.Context, name string) (*Recording, error) {
	server, err := c.dial("loa recorder")
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	r := &Recording{server: server, done: make(chan struct{}), grown: make(chan struct{})}
	server.Callback = r.receive
	var reply proto.CreateRecordStreamReply
	err = server.Request(&proto.CreateRecordStream{
		SampleSpec:         proto.SampleSpec{Format: proto.FormatFloat32LE, Channels: 1, Rate: audio.Rate},
		ChannelMap:         proto.ChannelMap{proto.ChannelMono},
		SourceIndex:        proto.Undefined,
		SourceName:         name + ".monitor",
		BufferMaxLength:    proto.Undefined,
		BufferFragSize:     audio.Rate / 50 * 4,
		DirectOnInputIndex: proto.Undefined,
		ChannelVolumes:     proto.ChannelVolumes{proto.VolumeNorm},
		Properties:         proto.PropList{"media.name": proto.PropListString("loa recorder")},
	}, &reply)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("record: %w", err), server.conn.Close())
	}
	r.stream = reply.StreamIndex
	ctx, r.cancel = context.WithCancel(ctx)
	go r.ask(ctx)
	return r, nil
}

// Stop ends the recording; what it holds stays.
func (r *Recording) Stop() {
	r.cancel()
	<-r.done
}

func (r *Recording) receive(message any) {
	data, ok := message.(*proto.DataPacket)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for b := data.Data; len(b) >= 4; b = b[4:] {
		r.pcm = append(r.pcm, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	close(r.grown)
	r.grown = make(chan struct{})
}

// ask collects points until ctx ends or the stream does.
func (r *Recording) ask(ctx context.Context) {
	defer close(r.done)
	defer func() { _ = r.server.conn.Close() }() // nothing is lost with it
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		p, err := r.point()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.points = append(r.points, p)
		r.mu.Unlock()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (r *Recording) point() (point, error) {
	var reply proto.GetRecordLatencyReply
	before := mono.Now()
	err := r.server.Request(&proto.GetRecordLatency{StreamIndex: r.stream}, &reply)
	trip := mono.Now().Sub(before)
	if err != nil {
		return point{}, err
	}
	return point{
		frame:   float64(reply.WriteIndex/4) + float64(reply.Latency)*audio.Rate/1e6,
		instant: before.Add(trip/2 + time.Duration(reply.MonitorLatency)*time.Microsecond),
		trip:    trip,
	}, nil
}

// PCM gives what was recorded up to now.
func (r *Recording) PCM() []float32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pcm[:len(r.pcm):len(r.pcm)]
}

// Wait blocks until the recording holds the frame that was at the card at instant.
func (r *Recording) Wait(ctx context.Context, instant mono.Instant) error {
	for {
		r.mu.Lock()
		grown, n := r.grown, len(r.pcm)
		r.mu.Unlock()
		if f := r.Fit(); f.Points > 10 && f.Frame(instant) <= float64(n) {
			return nil
		}
		select {
		case <-grown:
		case <-r.done:
			return errors.New("wait for sound: the recording has ended")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Fit is the map between frames of a recording and instants.
type Fit struct {
	Points  int           // how many questions it rests on
	Residue time.Duration // root mean square of what it does not explain
	Drift   float64       // how much faster than the machine's clock the card runs, in parts per million

	frame0   float64
	instant0 mono.Instant
	nsFrame  float64 // nanoseconds per frame
}

// Instant says when frame was at the card.
func (f Fit) Instant(frame float64) mono.Instant {
	return f.instant0.Add(time.Duration((frame - f.frame0) * f.nsFrame))
}

// Frame says which frame was at the card at instant.
func (f Fit) Frame(instant mono.Instant) float64 {
	return f.frame0 + float64(instant.Sub(f.instant0))/f.nsFrame
}

// Fit lays the line through the points whose round trip was at most twice the median.
func (r *Recording) Fit() Fit {
	r.mu.Lock()
	points := quick(r.points)
	r.mu.Unlock()
	n := float64(len(points))
	if n == 0 {
		return Fit{nsFrame: 1e9 / audio.Rate}
	}
	f := Fit{Points: len(points), frame0: points[0].frame, instant0: points[0].instant, nsFrame: 1e9 / audio.Rate}
	const nominal = 1e9 / audio.Rate
	// y is what the nominal rate does not explain, in nanoseconds: small numbers keep the sums exact.
	var sx, sy, sxx, sxy float64
	at := func(p point) (x, y float64) {
		x = p.frame - f.frame0
		return x, float64(p.instant.Sub(f.instant0)) - x*nominal
	}
	for _, p := range points {
		x, y := at(p)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	slope := 0.0
	if d := n*sxx - sx*sx; d > 0 && points[len(points)-1].frame-f.frame0 > 5*audio.Rate {
		slope = (n*sxy - sx*sy) / d // shorter than 5 s, the noise is larger than any drift
	}
	mean := (sy - slope*sx) / n
	var rest float64
	for _, p := range points {
		x, y := at(p)
		rest += (y - mean - slope*x) * (y - mean - slope*x)
	}
	f.instant0 = f.instant0.Add(time.Duration(mean))
	f.nsFrame = nominal + slope
	f.Drift = -slope / nominal * 1e6
	f.Residue = time.Duration(math.Sqrt(rest / n))
	return f
}

func quick(points []point) []point {
	trips := make([]time.Duration, len(points))
	for i, p := range points {
		trips[i] = p.trip
	}
	limit := 2 * median(trips)
	var out []point
	for _, p := range points {
		if p.trip <= limit {
			out = append(out, p)
		}
	}
	return out
}
