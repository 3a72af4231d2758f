//go:build !windows

package speaker

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

const (
	// askLimit bounds one question to the sound server.
	askLimit = 300 * time.Millisecond

	// A stream holds 0.7 s, most of it in the server, which asks for more when there is room for 0.3 s and not, as it
	// would by itself, at each step of the card: 20 times a second. Each time costs more than the sound.
	streamBytes  = uint32(700 * audio.Rate / 1000 * 4)
	requestBytes = uint32(300 * audio.Rate / 1000 * 4)
)

// pulse is our stream at a PulseAudio server, or at one that speaks like it. It implements stream.
type pulse struct {
	client *proto.Client
	conn   net.Conn
	id     uint32
	more   chan struct{} // has one element when something below has changed
	pcm    []byte

	mu   sync.Mutex
	room int // bytes that the server has asked for
	sink string
	end  error
}

// openPulse opens a stream; nil says that there is no such server, or none for us.
func openPulse() (stream, error) {
	client, conn, err := connect(appName, readyLimit)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, err
	case err != nil:
		return nil, nil // there may be another way to a card
	}
	s := &pulse{client: client, conn: conn, more: make(chan struct{}, 1)}
	client.Callback = s.told
	var reply proto.CreatePlaybackStreamReply
	if err := client.Request(&proto.CreatePlaybackStream{
		SampleSpec: proto.SampleSpec{Format: proto.FormatFloat32LE, Channels: 1, Rate: audio.Rate},
		ChannelMap: proto.ChannelMap{proto.ChannelMono}, ChannelVolumes: proto.ChannelVolumes{proto.VolumeNorm},
		SinkIndex: proto.Undefined, AdjustLatency: true,
		BufferMaxLength: 2 * streamBytes, BufferTargetLength: streamBytes, BufferMinimumRequest: requestBytes,
		BufferPrebufferLength: proto.Undefined,
		Properties:            proto.PropList{"media.name": proto.PropListString(appName)},
	}, &reply); err != nil {
		_ = conn.Close() // the first error is the one that counts
		return nil, err
	}
	client.SetTimeout(askLimit)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id, s.sink = reply.StreamIndex, reply.SinkName
	s.room += int(reply.Missing)
	return s, nil
}

// connect makes a connection with a name, on which each question has a limit.
func connect(name string, limit time.Duration) (*proto.Client, net.Conn, error) {
	client, conn, err := proto.Connect("")
	if err != nil {
		return nil, nil, err
	}
	client.SetTimeout(limit)
	props := proto.PropList{
		"application.name":       proto.PropListString(name),
		"application.process.id": proto.PropListString(strconv.Itoa(os.Getpid())),
	}
	if err := client.Request(&proto.SetClientName{Props: props}, &proto.SetClientNameReply{}); err != nil {
		_ = conn.Close() // the first error is the one that counts
		return nil, nil, err
	}
	return client, conn, nil
}

func (s *pulse) close() { _ = s.conn.Close() } // nothing was written that could be lost

// told takes what the server says unasked.
func (s *pulse) told(message any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := message.(type) {
	case *proto.Request:
		s.room += int(m.Length)
	case *proto.PlaybackStreamMoved:
		s.sink = m.DestName
	case *proto.PlaybackStreamKilled:
		s.end = errStreamGone
	case *proto.ConnectionClosed:
		s.end = errServerGone
	default:
		return
	}
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *pulse) wants() <-chan struct{} { return s.more }

// feed gives the server what it has room for, in one piece: each piece wakes it.
func (s *pulse) feed(m *mixer) error {
	s.mu.Lock()
	room, err := s.room/4*4, s.end
	s.room -= room
	s.mu.Unlock()
	if err != nil || room == 0 {
		return err
	}
	if len(s.pcm) < room {
		s.pcm = make([]byte, room)
	}
	for n := 0; n < room; {
		k, _ := m.Read(s.pcm[n:room]) // it never fails
		n += k
	}
	return s.client.Send(s.id, s.pcm[:room])
}

// ask implements stream.
func (s *pulse) ask() (answer, error) {
	var reply proto.GetPlaybackLatencyReply
	before := mono.Now()
	err := s.client.Request(&proto.GetPlaybackLatency{StreamIndex: s.id}, &reply)
	trip := mono.Now().Sub(before)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return answer{}, errNoAnswer
	case errors.Is(err, proto.ErrNoSuchEntity):
		return answer{}, errStreamGone
	case err != nil:
		return answer{}, err
	case !reply.Running || trip > 5*time.Millisecond: // then it means nothing
		return answer{}, errNoAnswer
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ahead := float64(reply.Latency) * audio.Rate / 1e6
	// PulseAudio and PipeWire put a null sink of this name where there is no card.
	return answer{float64(reply.ReadIndex)/4 - ahead, before.Add(trip / 2), s.sink, s.sink == "auto_null"}, nil
}

// device looks for something to play on, before oto does: oto can be asked only once in a process.
type device struct {
	client *proto.Client
	conn   net.Conn
}

// look says what is missing, "" for nothing. sure is false where only trying can tell.
func (d *device) look() (missing string, sure bool) {
	if d.client == nil {
		var err error
		if d.client, d.conn, err = connect(appName+" watch", askLimit); err != nil {
			return noServer()
		}
	}
	var sinks proto.GetSinkInfoListReply
	if err := d.client.Request(&proto.GetSinkInfoList{}, &sinks); err != nil {
		d.close()
		return "the sound server does not answer: " + err.Error(), false
	}
	if len(sinks) == 0 {
		return "the sound server has no card", true
	}
	return "", true
}

func (d *device) close() {
	if d.client != nil {
		_ = d.conn.Close() // nothing was written that could be lost
		d.client, d.conn = nil, nil
	}
}

// noServer looks for what ALSA could play on without one.
func noServer() (missing string, sure bool) {
	cards, err := os.ReadFile("/proc/asound/cards")
	if err == nil && !bytes.Contains(cards, []byte("no soundcards")) {
		return "", true
	}
	return "there is no sound server and no card", false
}

// endpoint gives the card that the system plays on where it may change unseen; a sound server tells.
func endpoint() string { return "" }
