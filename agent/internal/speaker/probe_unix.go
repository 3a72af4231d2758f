//go:build !windows

package speaker

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"github.com/loa-vn/loa/internal/mono"
)

// errNoProbe says that the sound does not go through PulseAudio.
var errNoProbe = errors.New("no pulseaudio stream of ours")

// askLimit bounds one question to the sound server.
const askLimit = 300 * time.Millisecond

// probe asks PulseAudio how long our stream's last frame still takes to the card. oto does not tell, and its
// connection cannot be used: so a second one looks at the stream from outside.
type probe struct {
	client *proto.Client
	conn   net.Conn
	input  uint32 // the sink input that is oto's stream
	tries  int

	sink  uint32
	name  string
	dummy bool
}

type answer struct {
	latency time.Duration // until the last frame that the server was given is at the card
	at      mono.Instant  // when that was so
	sink    string
	dummy   bool
}

func newProbe() *probe {
	client, conn, err := proto.Connect("")
	if err != nil {
		return nil
	}
	client.SetTimeout(askLimit)
	props := proto.PropList{"application.name": proto.PropListString(appName + " watch")}
	if err := client.Request(&proto.SetClientName{Props: props}, &proto.SetClientNameReply{}); err != nil {
		_ = conn.Close() // the first error is the one that counts
		return nil
	}
	return &probe{client: client, conn: conn, input: proto.Undefined, sink: proto.Undefined}
}

func (p *probe) close() {
	if p != nil {
		_ = p.conn.Close() // nothing was written that could be lost
	}
}

// ask gives the latency now.
func (p *probe) ask() (answer, error) {
	if p.input == proto.Undefined {
		if err := p.find(); err != nil {
			return answer{}, err
		}
	}
	var info proto.GetSinkInputInfoReply
	before := mono.Now()
	err := p.client.Request(&proto.GetSinkInputInfo{SinkInputIndex: p.input}, &info)
	if errors.Is(err, proto.ErrNoSuchEntity) {
		return answer{}, errStreamGone
	}
	if err != nil {
		return answer{}, err
	}
	trip := mono.Now().Sub(before)
	if trip > 5*time.Millisecond {
		return answer{}, errors.New("the answer took too long to mean anything")
	}
	if info.SinkIndex != p.sink {
		p.look(info.SinkIndex)
	}
	return answer{
		latency: time.Duration(info.SinkInputLatency+info.SinkLatency) * time.Microsecond,
		at:      before.Add(trip / 2), sink: p.name, dummy: p.dummy,
	}, nil
}

// find looks for oto's stream: the one of this process.
func (p *probe) find() error {
	var list proto.GetSinkInputInfoListReply
	if err := p.client.Request(&proto.GetSinkInputInfoList{}, &list); err != nil {
		return err
	}
	pid := strconv.Itoa(os.Getpid())
	for _, in := range list {
		if in.Properties["application.process.id"].String() == pid && in.Properties["application.name"].String() == appName {
			p.input = in.SinkInputIndex
			return nil
		}
	}
	if p.tries++; p.tries > 20 {
		return errNoProbe
	}
	return errors.New("our stream is not there yet")
}

// look finds out what the sink is. PulseAudio and PipeWire put a null sink of this name where there is no card.
func (p *probe) look(sink uint32) {
	var info proto.GetSinkInfoReply
	if err := p.client.Request(&proto.GetSinkInfo{SinkIndex: sink}, &info); err != nil {
		return // asked again with the next answer
	}
	p.sink, p.name, p.dummy = sink, info.SinkName, info.SinkName == "auto_null"
}

// device looks for something to play on, before oto does: oto can be asked only once in a process.
type device struct{ probe *probe }

// look says what is missing, "" for nothing. sure is false where only trying can tell.
func (d *device) look() (missing string, sure bool) {
	if d.probe == nil {
		if d.probe = newProbe(); d.probe == nil {
			return noServer()
		}
	}
	var sinks proto.GetSinkInfoListReply
	if err := d.probe.client.Request(&proto.GetSinkInfoList{}, &sinks); err != nil {
		d.close()
		return "the sound server does not answer: " + err.Error(), false
	}
	if len(sinks) == 0 {
		return "the sound server has no card", true
	}
	return "", true
}

func (d *device) close() {
	d.probe.close()
	d.probe = nil
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
