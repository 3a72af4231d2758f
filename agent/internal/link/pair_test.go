package link

import (
	"context"
	"errors"
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

const pairCode = pairing.Code("0123456789AB")

func trustEnvelope(t *testing.T) []byte {
	t.Helper()
	root, err := seal.KeyFromSeed(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	role := seal.RoleKeys{Keys: []string{root.ID()}, Threshold: 1}
	made, err := seal.NewTrust(seal.TrustDoc{
		Version: 1, IssuedAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Expires: time.Date(2036, 11, 1, 0, 0, 0, 0, time.UTC),
		Keys:  map[string]seal.PublicKey{root.ID(): root.Public()},
		Roles: seal.Roles{Root: role, Planner: role, Urgent: role, Time: role},
	}, root)
	if err != nil {
		t.Fatal(err)
	}
	return made.Envelope()
}

// pairHub is a hub by hand that knows code; confirm says what becomes of an answered pairing.
func pairHub(t *testing.T, code pairing.Code, confirm func(v *visit, h *pairing.Hub, words pairing.Words) error) string {
	t.Helper()
	envelope := trustEnvelope(t)
	server := wsconn.NewServer(wsconn.HubOptions())
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := server.Upgrade(w, r)
		if err != nil {
			return
		}
		_ = conn.Run(r.Context(), nil, func(context.Context) error {
			err := answer(&visit{t, conn}, envelope, code, confirm)
			var p *problem.Error
			if errors.As(err, &p) {
				(&visit{t, conn}).send(&wire.Refused{Code: p.Code, VI: p.VI, EN: p.EN})
				conn.Close(wsconn.CloseRefused, p.Code)
			}
			return err
		})
	}))
	t.Cleanup(web.Close)
	return web.URL
}

func answer(v *visit, trust []byte, code pairing.Code, confirm func(*visit, *pairing.Hub, pairing.Words) error) error {
	h, err := pairing.NewHub(trust)
	if err != nil {
		return err
	}
	start, err := receiveStep[pairing.Start](v.conn)
	if err != nil {
		return err
	}
	offer, err := h.Start(start)
	if err != nil {
		return err
	}
	if err := sendStep(v.conn, offer); err != nil {
		return err
	}
	reveal, err := receiveStep[pairing.Reveal](v.conn)
	if err != nil {
		return err
	}
	match, reply, err := h.Reveal(reveal, []pairing.Candidate{{ID: "1", Code: code}})
	if err != nil {
		return err
	}
	if err := sendStep(v.conn, reply); err != nil {
		return err
	}
	return confirm(v, h, match.Words)
}

// yes confirms, and takes the proof.
func yes(v *visit, h *pairing.Hub, _ pairing.Words) error {
	confirmed, err := h.Confirm("agent-1", "Loa thôn 3", "xa-01")
	if err != nil {
		return err
	}
	if err := sendStep(v.conn, confirmed); err != nil {
		return err
	}
	done, err := receiveStep[pairing.Done](v.conn)
	if err != nil {
		return err
	}
	if err := h.Done(done); err != nil {
		return err
	}
	v.conn.Close(wsconn.CloseNormal, "")
	return nil
}

func TestPair(t *testing.T) {
	hubWords := make(chan pairing.Words, 1)
	url := pairHub(t, pairCode, func(v *visit, h *pairing.Hub, words pairing.Words) error {
		hubWords <- words
		return yes(v, h, words)
	})
	asked, kept := make(chan []string, 1), false
	person := make(chan struct{})
	go func() { // somebody at the agent, who takes a moment
		words := <-hubWords
		if shown := <-asked; strings.Join(shown, " ") != words.String() {
			t.Errorf("words are %v, the hub's %v", shown, words)
		}
		close(person)
	}()
	got, err := Pair(t.Context(), PairOptions{
		Hub: url, Code: " 0123-4567-89ab ", Name: "may-phat", Key: testKey(),
		Show: func(words []string) { asked <- words; <-person },
		Keep: func(p Paired) error {
			select {
			case <-person:
			default:
				t.Error("kept before the person had seen the words")
			}
			kept = p.Agent == "agent-1" && len(p.Trust) == 1
			return nil
		},
	})
	if err != nil || !kept || got.Agent != "agent-1" || got.Name != "Loa thôn 3" || got.Area != "xa-01" {
		t.Errorf("paired %+v, kept %v, %v", got, kept, err)
	}
}

func TestPairFails(t *testing.T) {
	refuse := func(p *problem.Error) func(*visit, *pairing.Hub, pairing.Words) error {
		return func(*visit, *pairing.Hub, pairing.Words) error { return p }
	}
	noRoom := errors.New("no room")
	tests := map[string]struct {
		code    pairing.Code // the hub's
		confirm func(*visit, *pairing.Hub, pairing.Words) error
		edit    func(*PairOptions)
		want    string
		kept    bool
	}{
		"a wrong code":        {"ZZZZZZZZZZZZ", yes, nil, "PAIRING_CODE_WRONG", false},
		"the words differ":    {pairCode, refuse(problem.New("PAIRING_WORDS_DIFFER", 409, "khác", "differ")), nil, "PAIRING_WORDS_DIFFER", false},
		"the hub goes away":   {pairCode, func(v *visit, _ *pairing.Hub, _ pairing.Words) error { v.conn.Abort(noRoom); return noRoom }, nil, "PAIRING_BROKEN", false},
		"nothing is kept":     {pairCode, yes, func(o *PairOptions) { o.Keep = func(Paired) error { return noRoom } }, "PAIRING_NOT_KEPT", false},
		"nobody answers":      {pairCode, yes, func(o *PairOptions) { o.Hub = "http://127.0.0.1:1" }, "HUB_UNREACHABLE", false},
		"no code":             {pairCode, yes, func(o *PairOptions) { o.Code = "123" }, "PAIRING_CODE_FORM", false},
		"no name":             {pairCode, yes, func(o *PairOptions) { o.Name = "" }, "PAIRING_NAME", false},
		"not over plain HTTP": {pairCode, yes, func(o *PairOptions) { o.Hub = "http://10.1.2.3" }, "HUB_NOT_TLS", false},
		"the hub cannot keep the agent": {pairCode, func(v *visit, h *pairing.Hub, _ pairing.Words) error {
			confirmed, err := h.Confirm("agent-1", "Loa", "xa-01")
			if err != nil {
				return err
			}
			if err := sendStep(v.conn, confirmed); err != nil {
				return err
			}
			if _, err := receiveStep[pairing.Done](v.conn); err != nil {
				return err
			}
			return problem.New("PAIRING_DEAD", 410, "hết", "dead")
		}, nil, "PAIRING_DEAD", true},
		"a hub that does not know the code": {pairCode, nil, func(o *PairOptions) { o.Hub = impostor(t) }, "PAIRING_OTHER_SIDE", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			kept := false
			o := PairOptions{
				Hub: pairHub(t, test.code, test.confirm), Code: string(pairCode), Name: "may-phat", Key: testKey(),
				Show: func([]string) {}, Keep: func(Paired) error { kept = true; return nil },
			}
			if test.edit != nil {
				test.edit(&o)
			}
			_, err := Pair(t.Context(), o)
			var p *problem.Error
			if !errors.As(err, &p) || p.Code != test.want || p.VI == "" || p.EN == "" {
				t.Errorf("pair: %v", err)
			}
			if kept != test.kept {
				t.Errorf("kept is %v", kept)
			}
		})
	}
}

// impostor answers as a hub would, with another code.
func impostor(t *testing.T) string {
	t.Helper()
	server := wsconn.NewServer(wsconn.HubOptions())
	envelope := trustEnvelope(t)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := server.Upgrade(w, r)
		if err != nil {
			return
		}
		_ = conn.Run(r.Context(), nil, func(context.Context) error {
			h, err := pairing.NewHub(envelope)
			if err != nil {
				return err
			}
			start, err := receiveStep[pairing.Start](conn)
			if err != nil {
				return err
			}
			offer, err := h.Start(start)
			if err != nil {
				return err
			}
			if err := sendStep(conn, offer); err != nil {
				return err
			}
			if _, err := receiveStep[pairing.Reveal](conn); err != nil {
				return err
			}
			if err := sendStep(conn, pairing.Answer{MAC: make([]byte, 32), Trust: envelope}); err != nil {
				return err
			}
			_, _, err = conn.Read()
			return err
		})
	}))
	t.Cleanup(web.Close)
	return web.URL
}

func TestPairIsCancelledByThePerson(t *testing.T) {
	url := pairHub(t, pairCode, func(v *visit, _ *pairing.Hub, _ pairing.Words) error { _, err := v.next(); return err })
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Pair(ctx, PairOptions{
		Hub: url, Code: string(pairCode), Name: "may-phat", Key: testKey(),
		Show: func([]string) { cancel() },
		Keep: func(Paired) error { t.Error("kept"); return nil },
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("pair: %v", err)
	}
}

// The admin's yes may come in the very moment in which the person at the agent says no.
func TestWhatThePersonRefusedIsNotKept(t *testing.T) {
	url := pairHub(t, pairCode, yes)
	for range 20 { // the two are chosen between by chance
		ctx, cancel := context.WithCancel(t.Context())
		conn, err := wsconn.Dial(ctx, "ws"+strings.TrimPrefix(url, "http"), wsconn.DialOptions{Options: wsconn.AgentOptions()})
		if err != nil {
			t.Fatal(err)
		}
		kept, shown := 0, make(chan struct{})
		p := pairer{o: PairOptions{Keep: func(Paired) error { kept++; return nil }}, conn: conn}
		cancel()
		close(shown)
		_ = conn.Run(t.Context(), nil, func(context.Context) error { // how it ends does not matter
			conn.Close(wsconn.CloseAway, "")
			return p.finish(ctx, shown, pairing.Done{}, Paired{})
		})
		if kept > 0 {
			t.Fatal("a pairing was kept that the person had refused")
		}
	}
}
