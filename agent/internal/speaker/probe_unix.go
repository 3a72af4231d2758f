//go:build !windows

package speaker

import (
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
	if err := p.client.Request(&proto.GetSinkInputInfo{SinkInputIndex: p.input}, &info); err != nil {
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

// checkDevice has nothing to check here: a missing server or card makes oto fail.
func checkDevice() error { return nil }
