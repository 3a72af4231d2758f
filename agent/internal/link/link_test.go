package link

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

const (
	one = broadcast.Hash("1111111111111111111111111111111111111111111111111111111111111111")
	two = broadcast.Hash("2222222222222222222222222222222222222222222222222222222222222222")
)

// diary is what a hub by hand saw, and when after the start.
type diary struct {
	mu    sync.Mutex
	began time.Time
	lines []string
}

func newDiary() *diary { return &diary{began: time.Now()} }

func (d *diary) add(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%v ", time.Since(d.began))+fmt.Sprintf(format, args...))
}

// of gives the lines about something.
func (d *diary) of(what string) (found []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, line := range d.lines {
		if strings.Contains(line, what) {
			found = append(found, line)
		}
	}
	return found
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestRefusalIsShownAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		l, stop := start(t, newAgent(), func(v *visit, _ *frames) error {
			d.add("attempt")
			v.send(&wire.Challenge{Nonce: newNonce()})
			if _, err := v.next(); err != nil {
				return err
			}
			v.send(&wire.Refused{Code: "AGENT_BLOCKED", VI: "bị chặn", EN: "blocked"})
			v.conn.Close(wsconn.CloseRefused, "")
			return nil
		})
		<-time.After(time.Hour)
		synctest.Wait()
		if s := l.State(); s.Connected || s.Problem != "AGENT_BLOCKED" || s.Detail != "blocked" {
			t.Errorf("state is %+v", s)
		}
		// The wait is 15 s in the mean once it has grown: about 240 attempts.
		if n := len(d.of("attempt")); n < 150 || n > 400 {
			t.Errorf("%d attempts in an hour", n)
		}
		stop()
	})
}

func TestHubOfAnotherVersion(t *testing.T) {
	l, stop := start(t, newAgent(), func(v *visit, _ *frames) error {
		v.send(&wire.Welcome{}) // in the place of a challenge
		v.conn.Close(wsconn.CloseNormal, "")
		return nil
	})
	defer stop()
	for l.State().Problem == "CONNECTING" {
		<-time.After(time.Millisecond)
	}
	if s := l.State(); s.Problem != "HUB_UNREACHABLE" || !strings.Contains(s.Detail, "welcome") {
		t.Errorf("state is %+v", s)
	}
}

// TestRhythm: half an hour of a quiet link, and a burst of changes in it.
func TestRhythm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a := newDiary(), newAgent()
		_, stop := start(t, a, func(v *visit, _ *frames) error {
			if err := v.greet(); err != nil {
				return err
			}
			for {
				m, err := v.next()
				if err != nil {
					return err
				}
				d.add("%s", m.Type())
				if ask, ok := m.(*wire.Time); ok {
					v.send(&wire.Time{Envelope: ask.Nonce})
				}
			}
		})
		<-time.After(30*time.Minute + 3*time.Second)
		same(t, d.of("time"), rounds(0, 10*time.Minute+3*timeGap, 20*time.Minute+6*timeGap, 30*time.Minute+9*timeGap)...)
		if n := len(d.of("status")); n != 121 {
			t.Errorf("%d statuses in half an hour, not one each 15 s", n)
		}
		same(t, d.of("holdings"), "0s holdings")

		began := time.Since(d.began)
		for range 100 {
			a.change("status", func() {})
			a.change("holdings", func() {})
			<-time.After(30 * time.Millisecond)
		}
		if n := len(d.of("status")) - 121; n < 5 || n > 7 {
			t.Errorf("%d statuses in 3 s of changes from %v", n, began)
		}
		if n := len(d.of("holdings")) - 1; n < 3 || n > 4 {
			t.Errorf("%d holdings in 3 s of changes", n)
		}
		stop()
		if a.times != 4*timeAsks {
			t.Errorf("the clock got %d times", a.times)
		}
	})
}

func TestTimeIsAskedAgainWhenNoAnswerComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a := newDiary(), newAgent()
		_, stop := start(t, a, func(v *visit, _ *frames) error {
			if err := v.greet(); err != nil {
				return err
			}
			var late []byte
			for {
				m, err := v.next()
				if err != nil {
					return err
				}
				if ask, ok := m.(*wire.Time); ok {
					d.add("time")
					if late != nil {
						v.send(&wire.Time{Envelope: late}) // the answer to the question before
					}
					late = ask.Nonce
				}
			}
		})
		<-time.After(61 * time.Second)
		same(t, d.of("time"), "0s time", "1m0s time")
		stop()
		if a.times != 0 {
			t.Error("an answer to another question was taken")
		}
	})
}

func TestPlaysThatTheHubCannotTakeDoNotKeepTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a := newDiary(), newAgent()
		for i := range 103 {
			a.outbox = append(a.outbox, broadcast.Play{ID: fmt.Sprintf("%03d", i)})
		}
		_, stop := start(t, a, func(v *visit, _ *frames) error {
			if err := v.greet(); err != nil {
				return err
			}
			for {
				m, err := v.next()
				if err != nil {
					return err
				}
				plays, ok := m.(*wire.Plays)
				if !ok {
					continue
				}
				d.add("%d plays from %s", len(plays.Records), plays.Records[0].ID)
				ack := &wire.PlaysAck{}
				for _, p := range plays.Records {
					if p.ID != "001" { // this one the hub can never take
						ack.IDs = append(ack.IDs, p.ID)
					}
				}
				if len(plays.Records) > 1 || plays.Records[0].ID != "103" {
					v.send(ack)
				}
			}
		})
		<-time.After(35 * time.Second)
		same(t, d.of("plays"), "0s 100 plays from 000", "0s 3 plays from 100", "30s 1 plays from 001")
		a.change("outbox", func() { a.outbox = append(a.outbox, broadcast.Play{ID: "103"}) })
		<-time.After(62 * time.Second) // never acknowledged: sent again after a minute, with what cooled down
		same(t, d.of("plays")[3:], "35s 1 plays from 103", "1m35s 2 plays from 001")
		stop()
	})
}

func TestDecisionsAreToldUntilTheHubHasThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a := newDiary(), newAgent()
		for i := range wire.MaxDecisions + 1 {
			a.decided = append(a.decided, wire.Decision{ID: fmt.Sprintf("%02d", i)})
		}
		deaf := true
		_, stop := start(t, a, func(v *visit, _ *frames) error {
			if err := v.greet(); err != nil {
				return err
			}
			for {
				m, err := v.next()
				if err != nil {
					return err
				}
				made, ok := m.(*wire.Decisions)
				if !ok {
					continue
				}
				d.add("%d decisions from %s", len(made.Items), made.Items[0].ID)
				if deaf { // as a hub that does not know them
					deaf = false
					continue
				}
				ack := &wire.DecisionsAck{}
				for _, item := range made.Items {
					ack.IDs = append(ack.IDs, item.ID)
				}
				v.send(ack)
			}
		})
		<-time.After(90 * time.Second)
		a.change("decided", func() { a.decided = append(a.decided, wire.Decision{ID: "99"}) })
		<-time.After(time.Second)
		same(t, d.of("decisions"), "0s 20 decisions from 00", "1m0s 20 decisions from 00", "1m0s 1 decisions from 20", "1m30s 1 decisions from 99")
		stop()
	})
}

// An answer behind a download on a slow line comes too late to tell the time: the agent must not wait ten minutes,
// silent, to ask again.
func TestTimeThatIsRefusedIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a := newDiary(), newAgent()
		_, stop := start(t, a, func(v *visit, _ *frames) error {
			if err := v.greet(); err != nil {
				return err
			}
			for {
				m, err := v.next()
				if err != nil {
					return err
				}
				ask, ok := m.(*wire.Time)
				if !ok {
					continue
				}
				d.add("time")
				if len(d.of("time")) < 3 {
					v.send(&wire.Time{Envelope: []byte("another")})
				} else {
					v.send(&wire.Time{Envelope: ask.Nonce}, &wire.Time{Envelope: ask.Nonce}) // the second is nobody's
				}
			}
		})
		<-time.After(12*time.Minute + 2*time.Second)
		same(t, d.of("time"), append([]string{"0s time", "1m0s time"}, rounds(2*time.Minute, 12*time.Minute+3*timeGap)...)...)
		stop()
	})
}

// rounds gives the four asks of each round that begins so long after the connection.
func rounds(begin ...time.Duration) (asks []string) {
	for _, at := range begin {
		for range timeAsks {
			asks = append(asks, fmt.Sprintf("%v time", at))
			at += timeGap
		}
	}
	return asks
}

func TestFit(t *testing.T) {
	small := make([]broadcast.Play, 250)
	big := make([]broadcast.Play, 100)
	for i := range small {
		small[i].ID = "x"
	}
	for i := range big {
		big[i] = broadcast.Play{ID: "x", Title: strings.Repeat("ậ", 1000)}
	}
	huge := []broadcast.Play{{ID: "x", Title: strings.Repeat("x", wire.MaxControl)}}
	for name, test := range map[string]struct {
		plays []broadcast.Play
		n     int
		err   error
	}{
		"none":            {nil, 0, nil},
		"many":            {small, 100, nil},
		"large ones":      {big, 12, nil},
		"one that cannot": {huge, 0, wire.ErrTooLarge},
	} {
		data, n, err := fit(test.plays)
		if n != test.n || !errors.Is(err, test.err) || len(data) > wire.MaxControl || n > 0 && !json.Valid(data) {
			t.Errorf("%s: %d of %d, %v", name, n, len(test.plays), err)
		}
	}
}

func TestDocumentsAndOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a := newDiary(), newAgent()
		_, stop := start(t, a, func(v *visit, _ *frames) error {
			if err := v.greet(); err != nil {
				return err
			}
			v.send(&wire.Trust{Envelopes: [][]byte{{1}}}, &wire.Plan{Envelope: []byte("head 1")}, &wire.Order{Envelope: []byte("X")})
			for {
				m, err := v.next()
				if err != nil {
					return err
				}
				switch m := m.(type) {
				case *wire.PlanState:
					d.add("plan %d %s", m.Version, m.State)
				case *wire.OrderState:
					d.add("order %s", m.Code)
				}
			}
		})
		<-time.After(time.Second)
		a.change("plan", func() { a.state.State = wire.PlanActive })
		a.change("plan", func() {})
		<-time.After(time.Second)
		same(t, d.of("plan"), "0s plan 0 refused", "0s plan 1 fetching", "1s plan 1 active") // the first is of the trust document
		same(t, d.of("order"), "0s order CODE_X")
		stop()
		if len(a.offered) != 1 || a.offered[0] != "head 1" {
			t.Errorf("offered %q", a.offered)
		}
	})
}

// The hub offers it again when it hears of it, and only then.
func TestEachRefusalOfAHeadIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a := newDiary(), newAgent()
		a.refuses = "PLAN_NOT_KEPT"
		_, stop := start(t, a, func(v *visit, _ *frames) error {
			if err := v.greet(); err != nil {
				return err
			}
			v.send(&wire.Plan{Envelope: []byte("head 1")})
			for {
				m, err := v.next()
				if err != nil {
					return err
				}
				if m, ok := m.(*wire.PlanState); ok && len(d.of("plan")) < 3 {
					d.add("plan %s %s", m.State, m.Code)
					v.send(&wire.Plan{Envelope: []byte("head 1")})
				}
			}
		})
		<-time.After(time.Second)
		same(t, d.of("plan"), slices.Repeat([]string{"0s plan refused PLAN_NOT_KEPT"}, 3)...)
		stop()
	})
}

func TestHubThatBreaksTheProtocolIsLeft(t *testing.T) {
	for name, data := range map[string]string{
		"no JSON":            "hello",
		"an agent's message": `{"type":"want","body":{"sha256":"` + string(one) + `","offset":0,"window":4096}}`,
		"a second challenge": `{"type":"challenge","body":{"nonce":"` + strings.Repeat("A", 43) + `="}}`,
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 10)
			_, stop := start(t, newAgent(), func(v *visit, _ *frames) error {
				err := v.greet()
				_ = v.conn.Send([]byte(data))
				for err == nil {
					_, err = v.next()
				}
				ended <- err
				return err
			})
			var closed *wsconn.Closed
			if err := <-ended; !errors.As(err, &closed) || closed.Code != wsconn.CloseProtocol {
				t.Errorf("the agent left with %v", err)
			}
			stop()
		})
	}
}
