package fleet

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/pairing"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

const (
	maxAttempts = 64               // connections that pair at once
	stepTime    = 20 * time.Second // of one step of an agent
	proofTime   = 2 * time.Minute  // from confirmed to done: a person at the agent may have to say yes as well
)

// attempt is one agent's connection for pairing, from start to done.
type attempt struct {
	f    *Fleet
	conn *wsconn.Conn
	hub  *pairing.Hub
	row  *pairingRow
	key  string // hex of what the agent says is its key

	once      sync.Once
	confirmed chan struct{} // closed by confirm
	by        string
	refused   chan *problem.Error // capacity 1
	ended     chan struct{}       // closed when the attempt is over; err is then set
	err       error
}

// confirm says that a person has compared the words.
func (a *attempt) confirm(by string) {
	a.once.Do(func() { a.by = by; close(a.confirmed) })
}

// refuse ends the attempt with a reason for the agent.
func (a *attempt) refuse(p *problem.Error) {
	select {
	case a.refused <- p:
	default: // it is refused already
	}
}

func (f *Fleet) attempt(id string) *attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.attempts[id]
}

// PairHandler is the endpoint wire.PairPath, where agents wait for their pairing. A pairing lives as long as its
// connection: when that ends, the agent begins anew with another code.
func (f *Fleet) PairHandler() http.Handler {
	server := wsconn.NewServer(wsconn.HubOptions())
	slots := make(chan struct{}, maxAttempts)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		remote := wsconn.HTTPClientIP(r)
		if !f.mayPair(remote) {
			f.o.Log.Warn("pairing refused: too many attempts", "remote", remote)
			_ = wsconn.Refuse(w, errPairingLimit()) // the answer is all there is to do
			return
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			_ = wsconn.Refuse(w, errPairingLimit()) // the answer is all there is to do
			return
		}
		conn, err := server.Upgrade(w, r)
		if err != nil {
			f.o.Log.Debug("pairing not begun", "remote", remote, "err", err)
			return
		}
		a := &attempt{
			f: f, conn: conn,
			confirmed: make(chan struct{}), refused: make(chan *problem.Error, 1), ended: make(chan struct{}),
		}
		err = conn.Run(r.Context(), nil, a.run)
		if a.row == nil {
			f.blame(remote)
		}
		f.o.Log.Info("pairing attempt ended", "remote", remote, "err", err)
	})
}

// run is the hub's side of internal/pairing's protocol.
func (a *attempt) run(ctx context.Context) error {
	err := a.answer(ctx)
	if err == nil {
		err = a.settle(ctx)
	}
	if a.row != nil {
		err = a.finish(ctx, err)
	}
	if err != nil {
		a.tell(problemOf(err))
		return err
	}
	a.conn.Close(wsconn.CloseNormal, "paired")
	return nil
}

// tell sends the agent the reason and ends the connection.
func (a *attempt) tell(p *problem.Error) {
	if data, err := wire.Encode(&wire.Refused{Code: p.Code, VI: p.VI, EN: p.EN}); err == nil {
		_ = a.conn.Send(data) // the agent may be gone already
	}
	a.conn.Close(wsconn.CloseRefused, p.Code)
}

// finish ends a pairing that this attempt took, one way or the other.
func (a *attempt) finish(ctx context.Context, err error) error {
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTime)
		defer cancel()
		err = errors.Join(err, a.f.kill(ctx, a.row.ID, problemOf(err)))
	}
	a.f.mu.Lock()
	delete(a.f.attempts, a.row.ID)
	a.f.mu.Unlock()
	if err != nil {
		a.err = problemOf(err)
	}
	close(a.ended)
	return err
}

// answer takes start and reveal, and finds the pairing.
func (a *attempt) answer(ctx context.Context) error {
	impatient := time.AfterFunc(2*stepTime, func() { a.conn.Abort(errors.New("agent did not answer")) })
	defer impatient.Stop()
	trust, err := a.f.o.Trust(ctx)
	if err != nil || len(trust) == 0 {
		return fmt.Errorf("read %d trust documents: %w", len(trust), err)
	}
	if a.hub, err = pairing.NewHub(trust[len(trust)-1]); err != nil {
		return err
	}
	start, err := receive[pairing.Start](a.conn)
	if err != nil {
		return err
	}
	offer, err := a.hub.Start(start)
	if err != nil {
		return err
	}
	if err := send(a.conn, offer); err != nil {
		return err
	}
	reveal, err := receive[pairing.Reveal](a.conn)
	if err != nil {
		return err
	}
	answer, err := a.match(ctx, reveal)
	if err != nil {
		return err
	}
	return send(a.conn, answer)
}

// match takes the pairing whose code the agent knows, or counts a wrong try.
func (a *attempt) match(ctx context.Context, reveal pairing.Reveal) (pairing.Answer, error) {
	f := a.f
	f.pairs.Lock() // so that no two attempts see the same tries left
	defer f.pairs.Unlock()
	if err := f.expire(ctx); err != nil {
		return pairing.Answer{}, err
	}
	var open []pairingRow
	if err := f.o.DB.NewSelect().Model(&open).Where("state = ?", Waiting).Scan(ctx); err != nil {
		return pairing.Answer{}, fmt.Errorf("read pairings: %w", err)
	}
	candidates := make([]pairing.Candidate, len(open))
	for i, row := range open {
		candidates[i] = pairing.Candidate{ID: row.ID, Code: pairing.Code(row.Code)}
	}
	match, answer, err := a.hub.Reveal(reveal, candidates)
	if errors.Is(err, pairing.ErrCodeWrong) {
		return pairing.Answer{}, errors.Join(err, f.wrongCode(ctx))
	}
	if err != nil {
		return pairing.Answer{}, err
	}
	if a.row, err = f.answered(ctx, match.ID, match.Words); err != nil {
		return pairing.Answer{}, err
	}
	a.key = hex.EncodeToString(match.Key)
	f.mu.Lock()
	f.attempts[a.row.ID] = a
	f.mu.Unlock()
	return answer, nil
}

// decision is the agent's id after a person confirmed it, or why it will not be.
type decision struct {
	agent string
	err   error
}

// settle waits for the person who compares the words, then for the agent's proof, and adopts the agent. The
// connection is read meanwhile, so that an agent that goes away is noticed.
func (a *attempt) settle(ctx context.Context) error {
	deciding, cancel := context.WithCancel(ctx)
	decided := make(chan decision, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { a.decide(deciding, decided) })
	done, err := receive[pairing.Done](a.conn)
	if err != nil {
		cancel()
		if d := <-decided; d.err != nil && !errors.Is(d.err, context.Canceled) {
			return d.err // that is why the connection ended
		}
		return err
	}
	d := <-decided // a done that comes too early waits, and proves nothing
	if d.err != nil {
		return d.err
	}
	if err := a.hub.Done(done); err != nil {
		return err
	}
	return a.adopt(ctx, d.agent)
}

// decide waits for the person, sends confirmed with the agent's id, and waits for the proof until settle ends.
func (a *attempt) decide(ctx context.Context, decided chan<- decision) {
	agent, err := a.confirmation(ctx)
	decided <- decision{agent, err}
	if err != nil {
		a.tell(problemOf(err)) // ends settle's reading
		return
	}
	patience := time.NewTimer(proofTime)
	defer patience.Stop()
	select {
	case <-ctx.Done():
	case <-patience.C:
		a.conn.Abort(errors.New("agent did not prove its key"))
	}
}

func (a *attempt) confirmation(ctx context.Context) (agent string, err error) {
	expiry := time.NewTimer(store.Time(a.row.ExpiresAt).Sub(a.f.o.Now()))
	defer expiry.Stop()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-expiry.C:
		return "", errPairingDead()
	case p := <-a.refused:
		return "", p
	case <-a.confirmed:
	}
	if agent, err = a.f.agentFor(ctx, a.row); err != nil {
		return "", err
	}
	confirmed, err := a.hub.Confirm(agent, a.row.Name, a.row.Area)
	if err != nil {
		return "", err
	}
	return agent, send(a.conn, confirmed)
}

// adopt makes the agent one of the fleet.
func (a *attempt) adopt(ctx context.Context, agent string) error {
	f := a.f
	f.edits.Lock()
	defer f.edits.Unlock()
	f.askAgain(agent)
	row, err := f.adopt(ctx, a.row, agent, a.key)
	if err != nil {
		return err
	}
	f.o.Log.Info("agent paired", "agent", agent, "area", a.row.Area, "name", a.row.Name, "by", a.by)
	if f.o.Disconnect != nil {
		f.o.Disconnect(agent, "AGENT_REVOKED") // the connection made with the old key
	}
	f.place(row, "paired")
	f.admit(row)
	a.row.State, a.row.Agent = Confirmed, agent
	f.publishPairing(a.row)
	return nil
}

func problemOf(err error) *problem.Error {
	var p *problem.Error
	if errors.As(err, &p) {
		return p
	}
	return errPairingBroken().With(err)
}

// receive reads the next step of the pairing.
func receive[M pairing.Message](conn *wsconn.Conn) (M, error) {
	var none M
	_, data, err := conn.Read()
	if err != nil {
		return none, err
	}
	m, err := wire.Decode(data)
	if err != nil {
		return none, pairing.ErrMessage.With(err)
	}
	step, ok := m.(*wire.Pair)
	if !ok || step.Step != none.Step() {
		return none, pairing.ErrOrder.With(fmt.Errorf("%s in the place of %s", m.Type(), none.Step()))
	}
	return pairing.Decode[M](step.Body)
}

func send[M pairing.Message](conn *wsconn.Conn, m M) error {
	body, err := pairing.Encode(m)
	if err != nil {
		return err
	}
	data, err := wire.Encode(&wire.Pair{Step: m.Step(), Body: body})
	if err != nil {
		return err
	}
	return conn.Send(data)
}
