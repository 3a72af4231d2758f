package wsconn

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
)

// handshakeTimeout bounds dialling, TLS and the upgrade together.
const handshakeTimeout = 20 * time.Second

// ProtocolVersion is the refusal of a peer that does not speak wire.Protocol.
func ProtocolVersion() *problem.Error {
	return problem.New("PROTOCOL_VERSION", http.StatusUpgradeRequired,
		"Hai bên không dùng chung phiên bản giao thức "+wire.Protocol+". Hãy cập nhật loa-agent và loa-hub lên cùng phiên bản.",
		"The two sides do not share protocol version "+wire.Protocol+". Update loa-agent and loa-hub to the same release.")
}

// OriginRefused is the refusal of a browser: agents send no Origin.
func OriginRefused() *problem.Error {
	return problem.New("ORIGIN_REFUSED", http.StatusForbidden,
		"Địa chỉ này chỉ dành cho loa-agent, không dành cho trình duyệt. Hãy mở trang chính của hub.",
		"This address is for loa-agent only, not for browsers. Open the hub's main page.")
}

// Server upgrades HTTP requests of agents. It is safe for concurrent use.
type Server struct {
	o        Options
	upgrader websocket.Upgrader
}

// NewServer makes a Server; its connections share one pool of write buffers.
func NewServer(o Options) *Server {
	return &Server{o: o, upgrader: websocket.Upgrader{
		HandshakeTimeout: handshakeTimeout,
		ReadBufferSize:   o.readBuffer,
		WriteBufferSize:  o.writeBuffer,
		WriteBufferPool:  &sync.Pool{},
		Subprotocols:     []string{wire.Protocol},
		CheckOrigin:      func(r *http.Request) bool { return r.Header.Get("Origin") == "" },
	}}
}

// Upgrade makes a request a Conn. When it fails the request has been answered.
func (s *Server) Upgrade(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	switch {
	case len(r.Header.Values("Origin")) > 0:
		return nil, Refuse(w, OriginRefused())
	case !slices.Contains(websocket.Subprotocols(r), wire.Protocol):
		w.Header().Set("Upgrade", "websocket") // RFC 9110, 15.5.22: 426 names what is wanted
		return nil, Refuse(w, ProtocolVersion())
	}
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil, fmt.Errorf("upgrade to websocket: %w", err)
	}
	return newConn(ws, s.o), nil
}

// maxFirst is how long a first message may be: what is longer than half a write buffer goes out in pieces, past what is held.
const maxFirst = 256

// UpgradeWith is Upgrade where the hub speaks first: its first message, of at most maxFirst bytes, leaves together with the
// answer to the request.
func (s *Server) UpgradeWith(first []byte, w http.ResponseWriter, r *http.Request) (*Conn, error) {
	if len(first) > maxFirst {
		return nil, wire.ErrTooLarge
	}
	a := &answer{ResponseWriter: w}
	c, err := s.Upgrade(a, r)
	if err != nil {
		return nil, err
	}
	c.written = int64(len(first))
	err = c.message(websocket.TextMessage, first, time.Now().Add(s.o.WriteTimeout))
	if a.held != nil {
		err = a.held.release(err)
	}
	if err != nil {
		c.Abort(ErrClosed)
		return nil, fmt.Errorf("send first message: %w", err)
	}
	return c, nil
}

// problemDocument is RFC 9457 with the stable code and the Vietnamese sentence.
type problemDocument struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	DetailVI string `json:"detail_vi,omitempty"`
	Code     string `json:"code"`
}

// Refuse answers a request that did not become a websocket, and gives p back.
func Refuse(w http.ResponseWriter, p *problem.Error) error {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	body := problemDocument{"about:blank", http.StatusText(p.Status), p.Status, p.EN, p.VI, p.Code}
	if err := json.NewEncoder(w).Encode(body); err != nil {
		return p.With(err)
	}
	return p
}

// DialOptions say how to reach a hub.
type DialOptions struct {
	Options
	TLS     *tls.Config
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error) // nil for the network
}

// maxAnswer is the most bytes that a hub, and a proxy before it, may say until there is a websocket. What reads their answers
// has no limit of its own, and a fast line brings gigabytes in handshakeTimeout.
const maxAnswer = 256 << 10

// answering is a connection that ends when more comes than may.
type answering struct {
	net.Conn
	left atomic.Int64 // bytes
}

// Read implements net.Conn.
func (a *answering) Read(p []byte) (int, error) {
	n, err := a.Conn.Read(p)
	if a.left.Add(-int64(n)) < 0 {
		return 0, wire.ErrTooLarge
	}
	return n, err
}

// Dial opens a websocket at a ws or wss address. A hub that refuses gives a *problem.Error with its code.
func Dial(ctx context.Context, url string, o DialOptions) (*Conn, error) {
	dial, conn := o.NetDial, &answering{}
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn.left.Store(maxAnswer)
	dialer := websocket.Dialer{
		Proxy: http.ProxyFromEnvironment,
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			conn.Conn = c
			return conn, nil
		},
		TLSClientConfig:  o.TLS,
		HandshakeTimeout: handshakeTimeout,
		ReadBufferSize:   o.readBuffer,
		WriteBufferSize:  o.writeBuffer,
		Subprotocols:     []string{wire.Protocol},
	}
	ws, answer, err := dialer.DialContext(ctx, url, nil)
	if answer != nil && answer.Body != nil {
		defer answer.Body.Close()
	}
	switch {
	case errors.Is(err, websocket.ErrBadHandshake) && answer != nil:
		return nil, refusal(answer)
	case err != nil:
		return nil, fmt.Errorf("connect to hub: %w", err)
	case ws.Subprotocol() != wire.Protocol:
		_ = ws.Close() // refused below
		return nil, ProtocolVersion()
	}
	conn.left.Store(math.MaxInt64)
	return newConn(ws, o.Options), nil
}

// refusal reads why the hub did not upgrade.
func refusal(answer *http.Response) error {
	var p problemDocument
	body, err := io.ReadAll(io.LimitReader(answer.Body, 16<<10))
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil || p.Code == "" {
		return problem.New("HUB_ANSWER", answer.StatusCode,
			fmt.Sprintf("Máy chủ trả lời %d chứ không mở đường nối. Hãy kiểm tra địa chỉ hub.", answer.StatusCode),
			fmt.Sprintf("The server answered %d and opened no link. Check the hub's address.", answer.StatusCode))
	}
	return problem.New(p.Code, answer.StatusCode, p.DetailVI, p.Detail)
}
