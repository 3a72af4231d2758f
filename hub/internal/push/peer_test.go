package push

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// peer is an agent that speaks the protocol by hand.
type peer struct {
	t        *testing.T
	conn     *wsconn.Conn
	messages chan any // wire.Message, wire.Chunk, or the error that ended it
	cancel   context.CancelFunc
}

func publicKey(n byte) ed25519.PublicKey {
	return ed25519.PublicKey(agentKey(n)[ed25519.SeedSize:])
}

func agentKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func (w *world) dial(t *testing.T) *peer {
	t.Helper()
	return w.dialSlow(t, 4096)
}

// dialSlow makes a peer that reads on only while fewer than so many messages wait for the test.
func (w *world) dialSlow(t *testing.T, waiting int) *peer {
	t.Helper()
	conn, err := wsconn.Dial(t.Context(), w.url, wsconn.DialOptions{Options: wsconn.AgentOptions(), NetDial: w.netDial})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &peer{t: t, conn: conn, messages: make(chan any, waiting), cancel: cancel}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = conn.Run(ctx, nil, p.read)
	}()
	t.Cleanup(func() { cancel(); conn.Abort(wsconn.ErrClosed); <-ended })
	return p
}

func (p *peer) read(ctx context.Context) error {
	for {
		kind, data, err := p.conn.Read()
		if err != nil {
			p.put(ctx, err)
			return err
		}
		if kind == wsconn.Frame {
			chunk, err := wire.DecodeChunk(bytes.Clone(data))
			if err != nil {
				p.t.Error(err)
			}
			p.put(ctx, chunk)
			continue
		}
		m, err := wire.Decode(data)
		if err != nil {
			p.t.Error(err)
		}
		p.put(ctx, m)
	}
}

func (p *peer) put(ctx context.Context, got any) {
	select {
	case p.messages <- got:
	default:
		select {
		case p.messages <- got:
		case <-ctx.Done():
		}
	}
}

func (p *peer) send(m wire.Message) {
	p.t.Helper()
	data, err := wire.Encode(m)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.conn.Send(data); err != nil {
		p.t.Fatal(err)
	}
}

// next waits for what comes next; it has to be an M.
func next[M any](p *peer) M {
	p.t.Helper()
	select {
	case got := <-p.messages:
		m, ok := got.(M)
		if !ok {
			p.t.Fatalf("got %T %+v, not %T", got, got, m)
		}
		return m
	case <-time.After(patience):
		p.t.Fatalf("nothing came, not even a %T", *new(M))
	}
	panic("not reached")
}

func (p *peer) quiet() {
	p.t.Helper()
	select {
	case got := <-p.messages:
		p.t.Fatalf("got %T where nothing may come", got)
	default:
	}
}

func hello(c *wire.Challenge, key ed25519.PrivateKey) *wire.Hello {
	h := &wire.Hello{Agent: "agent-1", Nonce: make([]byte, wire.NonceSize), Software: "test"}
	h.Prove(c, key)
	return h
}

// greet makes a peer agent-1, past its welcome.
func (w *world) greet(t *testing.T) *peer {
	t.Helper()
	p := w.dial(t)
	p.send(hello(next[*wire.Challenge](p), agentKey(1)))
	if m := next[*wire.Welcome](p); m.Agent != "agent-1" || m.Name != "Loa thôn 3" || m.Area != "xa-01" || m.StatusEveryMS != 15000 {
		t.Errorf("welcome is %+v", m)
	}
	return p
}
