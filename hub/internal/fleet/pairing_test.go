package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/pairing"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// trust is the envelope of a trust document.
func trust(t *testing.T) []byte {
	t.Helper()
	root, err := seal.KeyFromSeed(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	role := seal.RoleKeys{Keys: []string{root.ID()}, Threshold: 1}
	doc := seal.TrustDoc{
		Version: 1, IssuedAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Expires: time.Date(2036, 11, 1, 0, 0, 0, 0, time.UTC),
		Keys:  map[string]seal.PublicKey{root.ID(): root.Public()},
		Roles: seal.Roles{Root: role, Planner: role, Urgent: role, Time: role},
	}
	made, err := seal.NewTrust(doc, root)
	if err != nil {
		t.Fatal(err)
	}
	return made.Envelope()
}

// serve is the pairing endpoint of a world.
func (w *world) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(w.PairHandler())
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

// applicant is an agent that pairs; each step is given to the test.
type applicant struct {
	agent  *pairing.Agent
	words  chan pairing.Words
	done   chan error
	joined pairing.Joined
	stop   context.CancelFunc
}

// apply begins a pairing with a code. tamper may change done before it is sent.
func apply(t *testing.T, url, code string, n byte, tamper func(*pairing.Done)) *applicant {
	t.Helper()
	parsed, err := pairing.ParseCode(code)
	if err != nil {
		t.Fatal(err)
	}
	a := &applicant{words: make(chan pairing.Words, 1), done: make(chan error, 1)}
	if a.agent, err = pairing.NewAgent(key(n), parsed, "may-phat"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a.stop = cancel
	conn, err := wsconn.Dial(ctx, url, wsconn.DialOptions{Options: wsconn.AgentOptions()})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.done <- conn.Run(ctx, nil, func(context.Context) error { return a.run(conn, tamper) })
	}()
	t.Cleanup(func() { cancel(); conn.Abort(wsconn.ErrClosed); <-ended })
	return a
}

func (a *applicant) run(conn *wsconn.Conn, tamper func(*pairing.Done)) error {
	if err := send(conn, a.agent.Start()); err != nil {
		return err
	}
	offer, err := hear[pairing.Offer](conn)
	if err != nil {
		return err
	}
	reveal, err := a.agent.Offer(offer)
	if err != nil {
		return err
	}
	if err := send(conn, reveal); err != nil {
		return err
	}
	answer, err := hear[pairing.Answer](conn)
	if err != nil {
		return err
	}
	words, err := a.agent.Answer(answer)
	if err != nil {
		return err
	}
	a.words <- words
	confirmed, err := hear[pairing.Confirmed](conn)
	if err != nil {
		return err
	}
	done, joined, err := a.agent.Confirmed(confirmed)
	if err != nil {
		return err
	}
	a.joined = joined
	if tamper != nil {
		tamper(&done)
	}
	if err := send(conn, done); err != nil {
		return err
	}
	_, err = hear[pairing.Done](conn) // nothing more comes but the end
	var closed *wsconn.Closed
	if errors.As(err, &closed) && closed.Code == wsconn.CloseNormal {
		return nil
	}
	return err
}

// hear is receive, with a refusal as the problem it is.
func hear[M pairing.Message](conn *wsconn.Conn) (M, error) {
	var none M
	_, data, err := conn.Read()
	if err != nil {
		return none, err
	}
	m, err := wire.Decode(data)
	if err != nil {
		return none, err
	}
	switch m := m.(type) {
	case *wire.Refused:
		return none, problem.New(m.Code, 403, m.VI, m.EN)
	case *wire.Pair:
		return pairing.Decode[M](m.Body)
	}
	return none, fmt.Errorf("got %s", m.Type())
}

func await[T any](t *testing.T, from <-chan T, what string) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not come", what)
	}
	return got
}

func TestPairing(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	url := w.serve(t)
	p, err := w.CreatePairing(ctx, "xa-01", "Loa thôn 3", "admin")
	if err != nil || p.State != Waiting || len(p.Code) != 14 || !p.ExpiresAt.Equal(w.now.Add(15*time.Minute)) {
		t.Fatalf("pairing is %+v, %v", p, err)
	}
	if _, err := w.Confirm(ctx, p.ID, "x", "admin"); code(err) != "PAIRING_STATE" {
		t.Errorf("confirmed before an agent came: %v", err)
	}
	a := apply(t, url, strings.ToLower(p.Code), 1, nil)
	words := await(t, a.words, "the words")
	p, err = w.Pairing(ctx, p.ID)
	if err != nil || p.State != Answered || strings.Join(p.Words, " ") != words.String() || p.Code != "" {
		t.Fatalf("answered pairing is %+v, %v", p, err)
	}
	p, err = w.Confirm(ctx, p.ID, "  "+strings.ToUpper(strings.Join(p.Words, "  ")), "admin")
	if err != nil || p.State != Confirmed || p.Agent == "" {
		t.Fatalf("confirmed pairing is %+v, %v", p, err)
	}
	if err := await(t, a.done, "the agent's end"); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
	if a.joined.Agent != p.Agent || a.joined.Name != "Loa thôn 3" || a.joined.Area != "xa-01" || a.joined.Trust.Version() != 1 {
		t.Errorf("the agent has %+v", a.joined)
	}
	if id, _, _, err := w.ByKey(ctx, public(1)); err != nil || id != p.Agent {
		t.Errorf("its key is %s's, %v", id, err)
	}
	if got := w.events.take(); got != "xa-01 pairing waiting, xa-01 pairing answered, xa-01 paired false, xa-01 pairing confirmed" {
		t.Errorf("published %q", got)
	}
	if _, err := w.Confirm(ctx, p.ID, words.String(), "admin"); code(err) != "PAIRING_STATE" {
		t.Errorf("confirmed twice: %v", err)
	}
}

func TestPairingThatDies(t *testing.T) {
	tests := map[string]struct {
		tamper func(*pairing.Done)
		end    func(*testing.T, *world, Pairing, *applicant) error // what Confirm says, if asked
		agent  string                                              // what the agent hears, "" for nothing
		dead   string
		hub    string
	}{
		"the words differ": {nil, func(t *testing.T, w *world, p Pairing, _ *applicant) error {
			_, err := w.Confirm(t.Context(), p.ID, "ba be bi bo bu by", "admin")
			return err
		}, "PAIRING_WORDS_DIFFER", "PAIRING_WORDS_DIFFER", "PAIRING_WORDS_DIFFER"},
		"too few words": {nil, func(t *testing.T, w *world, p Pairing, _ *applicant) error {
			_, err := w.Confirm(t.Context(), p.ID, strings.Join(p.Words[:5], " "), "admin")
			return err
		}, "PAIRING_WORDS_DIFFER", "PAIRING_WORDS_DIFFER", "PAIRING_WORDS_DIFFER"},
		"the agent does not hold its key": {func(d *pairing.Done) { d.Signature[0] ^= 1 },
			func(t *testing.T, w *world, p Pairing, _ *applicant) error {
				_, err := w.Confirm(t.Context(), p.ID, strings.Join(p.Words, " "), "admin")
				return err
			}, "PAIRING_PROOF", "PAIRING_PROOF", "PAIRING_PROOF"},
		"the agent goes away": {nil, func(t *testing.T, w *world, p Pairing, a *applicant) error {
			a.stop()
			for {
				if p, err := w.Pairing(t.Context(), p.ID); err != nil || p.State == Dead {
					return err
				}
			}
		}, "", "PAIRING_BROKEN", ""},
		"its time is over": {nil, func(t *testing.T, w *world, p Pairing, _ *applicant) error {
			w.pass(15 * time.Minute)
			_, err := w.Confirm(t.Context(), p.ID, strings.Join(p.Words, " "), "admin")
			return err
		}, "PAIRING_DEAD", "PAIRING_DEAD", "PAIRING_STATE"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w, ctx := newWorld(t), t.Context()
			url := w.serve(t)
			p, err := w.CreatePairing(ctx, "xa-01", "Loa", "admin")
			if err != nil {
				t.Fatal(err)
			}
			a := apply(t, url, p.Code, 1, test.tamper)
			await(t, a.words, "the words")
			if p, err = w.Pairing(ctx, p.ID); err != nil {
				t.Fatal(err)
			}
			if err := test.end(t, w, p, a); test.hub != "" && code(err) != test.hub {
				t.Errorf("the hub says %v", err)
			}
			if err := await(t, a.done, "the agent's end"); test.agent != "" && code(err) != test.agent {
				t.Errorf("the agent hears %v", err)
			}
			p, err = w.Pairing(ctx, p.ID)
			if err != nil || p.State != Dead || p.Dead != test.dead || p.Agent != "" {
				t.Errorf("the pairing is %+v, %v", p, err)
			}
			if list, err := w.Agents(ctx, Filter{}); err != nil || len(list) != 0 {
				t.Errorf("the fleet has %d agents, %v", len(list), err)
			}
		})
	}
}

func TestWrongCodesCountAgainstEveryPairing(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	url := w.serve(t)
	var open []Pairing
	for i := range 3 {
		p, err := w.CreatePairing(ctx, "xa-01", fmt.Sprint("Loa ", i), "admin")
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, p)
	}
	for try := range pairing.MaxTries {
		a := apply(t, url, "0000-0000-0000", byte(try), nil)
		if err := await(t, a.done, "the agent's end"); code(err) != "PAIRING_CODE_WRONG" {
			t.Fatalf("try %d: %v", try, err)
		}
	}
	for _, p := range open {
		if p, err := w.Pairing(ctx, p.ID); err != nil || p.State != Dead || p.Code != "" {
			t.Errorf("the pairing is %+v, %v", p, err)
		}
	}
	w.pass(time.Minute) // for the address
	a := apply(t, url, open[0].Code, 9, nil)
	if err := await(t, a.done, "the agent's end"); code(err) != "PAIRING_CODE_WRONG" {
		t.Errorf("the right code, too late: %v", err)
	}
}

func TestAddressesAreLimited(t *testing.T) {
	w := newWorld(t)
	url := w.serve(t)
	for range pairingBurst {
		if !w.mayPair("127.0.0.1") {
			t.Fatal("refused before the limit")
		}
		w.blame("127.0.0.1")
	}
	_, err := wsconn.Dial(t.Context(), url, wsconn.DialOptions{Options: wsconn.AgentOptions()})
	var p *problem.Error
	if !errors.As(err, &p) || p.Code != "PAIRING_LIMIT" || p.Status != http.StatusTooManyRequests {
		t.Errorf("one more attempt: %v", err)
	}
	if !w.mayPair("10.0.0.1") {
		t.Error("another address is refused")
	}
	w.pass(pairingEvery)
	if !w.mayPair("127.0.0.1") {
		t.Error("a while later there is not one more attempt")
	}
	w.blame("127.0.0.1")
	if w.mayPair("127.0.0.1") {
		t.Error("a while later there is more than one more attempt")
	}
	for i := range maxAddresses {
		w.blame(fmt.Sprint(i))
	}
	if w.mayPair("one too many") {
		t.Error("addresses are remembered without a limit")
	}
}

func TestADistrictBehindOneAddressPairs(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	url := w.serve(t)
	for i := range 3 * pairingBurst {
		p, err := w.CreatePairing(ctx, "xa-01", fmt.Sprint("Loa thôn ", i), "admin")
		if err != nil {
			t.Fatal(err)
		}
		a := apply(t, url, p.Code, byte(i+1), nil)
		words := await(t, a.words, "the words")
		if _, err := w.Confirm(ctx, p.ID, words.String(), "admin"); err != nil {
			t.Fatal(err)
		}
		if err := await(t, a.done, "the agent's end"); err != nil {
			t.Fatalf("agent %d ended with %v", i, err)
		}
	}
}

func TestPairingsOfBefore(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	waiting, err := w.CreatePairing(ctx, "xa-01", "waiting", "admin")
	if err != nil {
		t.Fatal(err)
	}
	answered, err := w.CreatePairing(ctx, "xa-01", "answered", "admin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.answered(ctx, answered.ID, pairing.Words{"a", "b", "c", "d", "e", "f"}); err != nil {
		t.Fatal(err)
	}
	w.open(t)
	if p, err := w.Pairing(ctx, waiting.ID); err != nil || p.State != Waiting || p.Code != waiting.Code {
		t.Errorf("the waiting one is %+v, %v", p, err)
	}
	if p, err := w.Pairing(ctx, answered.ID); err != nil || p.State != Dead {
		t.Errorf("the answered one, whose connection is gone, is %+v, %v", p, err)
	}
	w.pass(pairing.Life)
	if p, err := w.Pairing(ctx, waiting.ID); err != nil || p.State != Dead || p.Code != "" {
		t.Errorf("the waiting one, later, is %+v, %v", p, err)
	}
	if _, err := w.Pairing(ctx, "x"); code(err) != "PAIRING_UNKNOWN" {
		t.Errorf("no pairing: %v", err)
	}
	for name, test := range map[string]struct{ area, name, code string }{
		"no area": {"", "x", "AGENT_AREA"}, "no name": {"x", "", "AGENT_NAME"},
	} {
		if _, err := w.CreatePairing(ctx, test.area, test.name, "admin"); code(err) != test.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}
