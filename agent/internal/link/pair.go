package link

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/loa-vn/loa/internal/pairing"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// PairOptions are one attempt to bring this agent into a hub's fleet.
type PairOptions struct {
	Hub      string // as in Options
	Security Security
	Code     string             // as typed
	Name     string             // what this machine calls itself; the hub's name for it may differ
	Key      ed25519.PrivateKey // made for this pairing: it becomes the agent's identity

	// Show is given the six words, for a person to compare with the hub's. It may wait for that person: nothing
	// is kept before it has returned, and cancelling Pair's ctx is how it says no. A pairing that ends in the
	// meantime does not wait for it.
	Show func(words []string)
	// Keep makes key, identity and trust durable. It is called once the admin has confirmed, before the hub takes
	// the agent in; should it fail, the pairing does.
	Keep func(Paired) error
}

// Paired is what a pairing gives the agent.
type Paired struct {
	Agent string   // id
	Name  string   // as the hub has it
	Area  string   // code
	Trust [][]byte // envelopes of the trust documents; the last one is to be pinned
}

// Pair proves the code, has a person compare the words, and waits until an admin has confirmed them or the
// pairing is over (15 minutes). A *problem.Error says what to do next.
func Pair(ctx context.Context, o PairOptions) (Paired, error) {
	code, err := pairing.ParseCode(o.Code)
	if err != nil {
		return Paired{}, err
	}
	agent, err := pairing.NewAgent(o.Key, code, o.Name)
	if err != nil {
		return Paired{}, err
	}
	url, err := endpoint(o.Hub, wire.PairPath)
	if err != nil {
		return Paired{}, err
	}
	config, err := o.Security.tlsConfig()
	if err != nil {
		return Paired{}, err
	}
	conn, err := wsconn.Dial(ctx, url, wsconn.DialOptions{Options: wsconn.AgentOptions(), TLS: config})
	if err != nil {
		return Paired{}, dialProblem(err)
	}
	p := pairer{o: o, conn: conn, agent: agent}
	err = conn.Run(ctx, nil, p.run)
	if ctx.Err() != nil {
		return Paired{}, ctx.Err()
	}
	if err != nil {
		return Paired{}, pairProblem(err)
	}
	return p.paired, nil
}

// pairer is the agent's side of internal/pairing's protocol on one connection.
type pairer struct {
	o      PairOptions
	conn   *wsconn.Conn
	agent  *pairing.Agent
	paired Paired
}

func (p *pairer) run(ctx context.Context) error {
	if err := sendStep(p.conn, p.agent.Start()); err != nil {
		return err
	}
	offer, err := receiveStep[pairing.Offer](p.conn)
	if err != nil {
		return err
	}
	reveal, err := p.agent.Offer(offer)
	if err != nil {
		return err
	}
	if err := sendStep(p.conn, reveal); err != nil {
		return err
	}
	answer, err := receiveStep[pairing.Answer](p.conn)
	if err != nil {
		return err
	}
	words, err := p.agent.Answer(answer)
	if err != nil {
		return err
	}
	shown := make(chan struct{})
	go func() { // not waited for: it may hang on a terminal
		defer close(shown)
		p.o.Show(words[:])
	}()
	confirmed, err := receiveStep[pairing.Confirmed](p.conn)
	if err != nil {
		return err
	}
	done, joined, err := p.agent.Confirmed(confirmed)
	if err != nil {
		return err
	}
	paired := Paired{joined.Agent, joined.Name, joined.Area, [][]byte{joined.Trust.Envelope()}}
	return p.finish(ctx, shown, done, paired)
}

// finish keeps what was paired and proves the key, beside reading: the hub closes in order once the agent is in
// its fleet, and anything else says that it is not.
func (p *pairer) finish(ctx context.Context, shown <-chan struct{}, done pairing.Done, paired Paired) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		select {
		case <-ctx.Done():
			return
		case <-shown:
		}
		if ctx.Err() != nil { // both at once: the person said no
			return
		}
		err := p.o.Keep(paired)
		if err != nil {
			err = notKept(err)
		} else {
			err = sendStep(p.conn, done)
		}
		if err != nil {
			p.conn.Abort(err)
		}
	})
	_, err := expect[*wire.Bye](p.conn)
	var closed *wsconn.Closed
	if errors.As(err, &closed) && closed.Code == wsconn.CloseNormal {
		p.paired = paired
		return nil
	}
	return err
}

// notKept leaves a reason that Keep has for people as it is.
func notKept(err error) error {
	var p *problem.Error
	if errors.As(err, &p) {
		return err
	}
	return problem.New("PAIRING_NOT_KEPT", http.StatusInsufficientStorage,
		"Máy này không lưu được kết quả ghép nối. Hãy kiểm tra ổ đĩa và quyền ghi, rồi ghép nối lại với mã mới.",
		"This machine could not store the pairing. Check its disk and permissions, then pair again with a new code.").With(err)
}

// dialProblem leaves what the hub answered, or what its certificate lacks, as it is.
func dialProblem(err error) error {
	var p *problem.Error
	if errors.As(err, &p) {
		return err
	}
	if untrusted(err) {
		return errCertificate.With(err).At("hub")
	}
	return problem.New(unreachable, http.StatusBadGateway,
		"Không kết nối được tới hub. Hãy kiểm tra địa chỉ, đường mạng và xem hub có đang chạy không.",
		"The hub cannot be reached. Check its address, the network, and that the hub runs.").With(err).At("hub")
}

func pairProblem(err error) error {
	var p *problem.Error
	if errors.As(err, &p) {
		return err
	}
	return problem.New("PAIRING_BROKEN", http.StatusBadGateway,
		"Đường nối tới hub bị đứt trong khi ghép nối. Hãy xin mã mới và thử lại.",
		"The line to the hub broke during the pairing. Ask for a new code and try again.").With(err)
}

func receiveStep[M pairing.Message](conn *wsconn.Conn) (M, error) {
	var none M
	step, err := expect[*wire.Pair](conn)
	if err != nil {
		return none, err
	}
	if step.Step != none.Step() {
		return none, pairing.ErrOrder.With(fmt.Errorf("%s in the place of %s", step.Step, none.Step()))
	}
	return pairing.Decode[M](step.Body)
}

func sendStep[M pairing.Message](conn *wsconn.Conn, m M) error {
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
