package push

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// maxTogether is how many bytes of trust documents fit into a control message as base64.
const maxTogether = wire.MaxControl/4*3 - 1<<10

// session is one connection, from challenge to end.
type session struct {
	hub    *Hub
	conn   *wsconn.Conn
	id     uint64
	remote string

	agent string // once proven; set before the session can be found by it

	know     sync.Mutex // held while a head is looked up and sent, so that an older one cannot overtake
	version  uint64     // of the head the agent has or was sent
	sha256   broadcast.Hash
	trust    uint64 // version of the newest trust document that it has or was sent
	trusts   uint64 // the same, of those that it took for all that is known
	refusals int    // of heads, in a row

	pace     pace // of what it sends; used by the reader alone
	outgoing streams
}

// badProof and the others below are what a handshake can be refused with; fleet adds those about the key.
func badProof() *problem.Error {
	return problem.New("LINK_PROOF", http.StatusUnauthorized,
		"Agent không chứng minh được khoá của mình. Hãy ghép nối lại bằng loa-agent pair.",
		"The agent did not prove its key. Pair it again with loa-agent pair.")
}

func otherIdentity() *problem.Error {
	return problem.New("LINK_IDENTITY", http.StatusUnauthorized,
		"Khoá này thuộc về một cụm loa khác. Hãy ghép nối lại bằng loa-agent pair.",
		"This key belongs to another loudspeaker cluster. Pair the agent again with loa-agent pair.")
}

func badHello() *problem.Error {
	return problem.New("LINK_HELLO", http.StatusBadRequest,
		"Lời chào đầu tiên của agent không đúng giao thức. Hãy cập nhật loa-agent.",
		"The agent's first message does not follow the protocol. Update loa-agent.")
}

// errRefused ends a session after its refusal was sent, errPanicked one that met a fault of this program.
var (
	errRefused  = errors.New("agent is refused")
	errPanicked = errors.New("session panicked")
)

// run serves the connection, of an agent that was sent the challenge.
func (s *session) run(ctx context.Context, challenge *wire.Challenge) {
	greeted := sync.OnceFunc(func() { s.hub.handshakes.Add(-1) })
	defer greeted()
	defer s.outgoing.close()
	s.outgoing.frames, s.outgoing.metrics = s.hub.frames, &s.hub.o.Metrics
	if line := s.hub.uplink; line != nil {
		s.outgoing.limit = &limited{line: line, turn: turn{wake: s.conn.Wake}, queued: s.queued}
	}
	err := s.conn.Run(ctx, &s.outgoing, func(ctx context.Context) error {
		online := false
		defer func() {
			if online {
				s.hub.o.Fleet.Offline(s.agent, s.id)
			}
		}()
		err := s.aside(func() error {
			hello, err := s.greet(challenge)
			greeted()
			if err != nil {
				return err
			}
			online = true
			s.hub.o.Fleet.Online(s.agent, s.id, hello, s.remote)
			s.hub.bring(s)
			return nil
		})
		if err != nil {
			return err
		}
		return s.serve(ctx)
	})
	if errors.Is(err, wsconn.ErrSlow) {
		count(s.hub.o.Metrics.Slow, 1)
	}
	s.debug("link ended", "err", err)
}

// aside has work done by another goroutine. A session mostly waits, and ten thousand stacks stay as large as the deepest work
// that was done on them: a signature's check or a document's reading takes four times what waiting does.
func (s *session) aside(work func() error) error {
	done := make(chan error, 1)
	s.hub.hands.do(func() { done <- s.guarded(work) })
	return <-done
}

// guarded does work; what one agent makes panic ends its own connection only.
func (s *session) guarded(work func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.log().Error("session panicked", "cause", cause, "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return work()
}

// greet is the handshake: the agent is who its key says.
func (s *session) greet(challenge *wire.Challenge) (*wire.Hello, error) {
	impatient := time.AfterFunc(helloTime, func() { s.conn.Close(wsconn.CloseProtocol, "no hello") })
	defer impatient.Stop()
	_, data, err := s.conn.Read()
	if err != nil {
		return nil, err
	}
	m, err := wire.Decode(data)
	hello, ok := m.(*wire.Hello)
	if err != nil || !ok {
		return nil, s.refuse(badHello().With(err))
	}
	cutOff := s.hub.cutOff.Load()
	name, area, err := s.identify(challenge, hello)
	if err != nil {
		return nil, s.refuse(err)
	}
	s.version, s.sha256, s.trust, s.trusts = hello.PlanVersion, hello.PlanSHA256, hello.TrustVersion, hello.TrustVersion
	err = s.hub.admit(s, &wire.Welcome{
		Agent: s.agent, Name: name, Area: area, Software: s.hub.o.Software,
		StatusEveryMS: statusEvery.Milliseconds(), Now: s.hub.o.Now(),
	})
	if err != nil {
		return nil, err
	}
	// From here on Disconnect finds this connection; a key revoked just before must not slip through.
	if s.hub.cutOff.Load() != cutOff {
		if _, _, err := s.identify(challenge, hello); err != nil {
			return nil, s.refuse(err)
		}
	}
	s.debug("agent connected", "software", hello.Software, "plan", hello.PlanVersion)
	return hello, nil
}

func (s *session) identify(c *wire.Challenge, hello *wire.Hello) (name, area string, err error) {
	if !hello.Proven(c) {
		return "", "", badProof()
	}
	ctx, cancel := call()
	defer cancel()
	id, name, area, err := s.hub.o.Fleet.ByKey(ctx, hello.Key)
	if err != nil {
		return "", "", err
	}
	if id != hello.Agent {
		return "", "", otherIdentity()
	}
	s.agent = id
	return name, area, nil
}

// refuse tells the agent why, and ends the session.
func (s *session) refuse(err error) error {
	var p *problem.Error
	if !errors.As(err, &p) {
		p = busy().With(err)
	}
	s.log().Info("agent refused", "code", p.Code, "err", err)
	count(s.hub.o.Metrics.Refused, 1)
	if err := s.send(&wire.Refused{Code: p.Code, VI: p.VI, EN: p.EN}); err != nil {
		return err
	}
	s.conn.Close(wsconn.CloseRefused, p.Code)
	return errRefused
}

// update sends the trust documents and the head that the agent does not have.
func (s *session) update() error {
	ctx, cancel := call()
	defer cancel()
	s.know.Lock()
	defer s.know.Unlock()
	if err := s.updateTrust(ctx); err != nil {
		return err // a head may need them
	}
	head, err := s.hub.o.Heads.Newer(ctx, s.agent, s.version, s.sha256)
	if err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	if head.Version == 0 {
		return nil
	}
	if err := s.send(&wire.Plan{Envelope: head.Envelope}); err != nil {
		return fmt.Errorf("send head %d: %w", head.Version, err)
	}
	s.version, s.sha256 = head.Version, head.SHA256
	return nil
}

// planState takes what became of a head. One that is refused is offered again, ever more rarely, with the trust documents that were
// sent before it: the agent's clock may have been wrong, or its disk full.
func (s *session) planState(m *wire.PlanState) {
	s.know.Lock()
	defer s.know.Unlock()
	if m.State != wire.PlanRefused {
		if m.Version == s.version { // and not of one that it had before
			s.refusals, s.trusts = 0, s.trust
		}
		return
	}
	s.version, s.sha256, s.trust = 0, "", s.trusts
	s.hub.later(s, fmt.Errorf("agent refuses its head: %s", m.Code), min(s.hub.o.RetryEvery<<min(s.refusals, 16), longestRetry))
	s.refusals++
}

func (s *session) updateTrust(ctx context.Context) error {
	documents, err := s.hub.o.Trusts.TrustsAfter(ctx, s.trust)
	if err != nil {
		return fmt.Errorf("read trust documents: %w", err)
	}
	for len(documents) > 0 {
		n := together(documents)
		if err := s.send(&wire.Trust{Envelopes: documents[:n]}); err != nil {
			return fmt.Errorf("send trust documents: %w", err)
		}
		s.trust += uint64(n) // versions are skipped by none (design.md, Trust document)
		documents = documents[n:]
	}
	return nil
}

// together tells how many of the documents go into one message: as many as it holds, because an agent that was off
// for long takes one that is over only together with a later one that is not.
func together(documents [][]byte) int {
	n, size := 0, 0
	for n < min(len(documents), wire.MaxEnvelopes) {
		if size += len(documents[n]); n > 0 && size > maxTogether {
			break
		}
		n++
	}
	return n
}

// call bounds one call to SQL or a signer. It may outlive the connection: what an agent said is worth keeping when its line
// has just ended.
func call() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), callTime)
}

// log says of whom it speaks. It is made when there is something to say: ten thousand loggers take more than what they say.
func (s *session) log() *slog.Logger {
	return s.hub.o.Log.With("connection", s.id, "remote", s.remote, "agent", s.agent)
}

// debug tells what is told of every connection.
func (s *session) debug(msg string, args ...any) {
	if s.hub.o.Log.Enabled(context.Background(), slog.LevelDebug) {
		s.log().Debug(msg, args...)
	}
}

func (s *session) send(m wire.Message) error {
	data, err := wire.Encode(m)
	if err != nil {
		s.log().Error("message not sent", "type", m.Type(), "err", err)
		return err
	}
	return s.conn.Send(data)
}

// queued tells the agent that its want waits for its turn.
func (s *session) queued(sha256 broadcast.Hash) {
	_ = s.send(&wire.Queued{SHA256: sha256}) // a connection that is ending needs no more
}

// bye ends the session in order; it never blocks.
func (s *session) bye(code string, closeCode int) {
	if data, err := wire.Encode(&wire.Bye{Code: code}); err == nil {
		_ = s.conn.Send(data) // a connection that is closing already is closed all the same
	}
	s.conn.Close(closeCode, code)
}
