package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Message is one control message.
type Message interface {
	// Type is its name on the wire.
	Type() string
	// Check tells what of it breaks the protocol's limits.
	Check() error
}

// Unknown is a message of a type this version does not know; it is counted and ignored.
type Unknown struct{ Name string }

// Challenge opens a link: the hub's nonce, to be signed by the agent.
type Challenge struct {
	Nonce []byte `json:"nonce"`
}

// Hello is the agent's answer: who it is, proven by Proof, and what it already has.
type Hello struct {
	Agent        string         `json:"agent"`
	Key          []byte         `json:"key"`   // Ed25519 public key: the agent's identity
	Nonce        []byte         `json:"nonce"` // the agent's own, so that what it signs is never wholly another's choice
	Proof        []byte         `json:"proof"` // signature over ProofText
	Software     string         `json:"software"`
	OS           string         `json:"os"`
	Boot         string         `json:"boot"` // changes with each boot of the machine
	PlanVersion  uint64         `json:"plan_version"`
	PlanSHA256   broadcast.Hash `json:"plan_sha256"` // of the head's envelope, "" when it has none
	TrustVersion uint64         `json:"trust_version"`
}

// Refused is the hub's no, with the sentence and next step for people; it closes the connection afterwards.
type Refused struct {
	Code string `json:"code"`
	VI   string `json:"vi"`
	EN   string `json:"en"`
}

// Welcome ends the handshake. Now is the hub's clock, for logs only: it is not sealed and sets no clock.
type Welcome struct {
	Agent         string    `json:"agent"`
	Name          string    `json:"name"`
	Area          string    `json:"area"`
	Software      string    `json:"software"`
	StatusEveryMS int64     `json:"status_every_ms"`
	Now           time.Time `json:"now"`
}

// Time asks for the time (agent, Nonce) or answers with a sealed document about that nonce (hub, Envelope).
type Time struct {
	Nonce    []byte `json:"nonce,omitempty"`
	Envelope []byte `json:"envelope,omitempty"`
}

// Trust brings the trust documents after the agent's, in order.
type Trust struct {
	Envelopes [][]byte `json:"envelopes"`
}

// Plan brings a sealed plan head.
type Plan struct {
	Envelope []byte `json:"envelope"`
}

// States of a plan on its agent.
const (
	PlanActive   = "active"
	PlanFetching = "fetching" // its day documents or manifests are still coming
	PlanRefused  = "refused"  // Code says why
)

// PlanState tells what became of the newest head.
type PlanState struct {
	Version uint64 `json:"version"`
	State   string `json:"state"`
	Code    string `json:"code,omitempty"`
}

// Want asks for the bytes [Offset, End) of a blob; End 0 is the blob's end. Window is how many bytes the
// agent takes before it has acknowledged them. Due is when it needs the blob; zero is now.
type Want struct {
	SHA256 broadcast.Hash `json:"sha256"`
	Offset int64          `json:"offset"`
	End    int64          `json:"end,omitempty"`
	Window int64          `json:"window"`
	Due    time.Time      `json:"due,omitzero"`
}

// Got acknowledges everything of a wanted blob before Offset; Window and Due, when not zero, are the new ones.
type Got struct {
	SHA256 broadcast.Hash `json:"sha256"`
	Offset int64          `json:"offset"`
	Window int64          `json:"window,omitempty"`
	Due    time.Time      `json:"due,omitzero"`
}

// Queued says that a want waits for its turn on the hub's line.
type Queued struct {
	SHA256 broadcast.Hash `json:"sha256"`
}

// StopWant ends a want; frames on their way are ignored.
type StopWant struct {
	SHA256 broadcast.Hash `json:"sha256"`
}

// Gone says that the hub has no such blob, or not for this agent.
type Gone struct {
	SHA256 broadcast.Hash `json:"sha256"`
}

// Holding is what an agent has of a blob: Have bytes from its beginning, Size 0 while unknown, Whole when
// all of it is there and was checked against the hash.
type Holding struct {
	SHA256 broadcast.Hash `json:"sha256"`
	Have   int64          `json:"have"`
	Size   int64          `json:"size"`
	Whole  bool           `json:"whole"`
}

// Holdings tells what the agent has. Full begins anew: what is not in it, or in the ones after it, is not
// there. Otherwise only the named ones changed; Have 0 says that it was dropped.
type Holdings struct {
	Full  bool      `json:"full"`
	Items []Holding `json:"items"`
}

// Status is broadcast.Status.
type Status struct{ broadcast.Status }

// Plays brings play records; the agent keeps each until PlaysAck names it.
type Plays struct {
	Records []broadcast.Play `json:"records"`
}

// PlaysAck names records that are committed on the hub.
type PlaysAck struct {
	IDs []string `json:"ids"`
}

// Decision of the commune, made at the agent's PC, with its id there.
type Decision struct {
	ID       string             `json:"id"`
	Decision broadcast.Decision `json:"decision"`
}

// Decisions brings what the commune decided; the agent keeps each until DecisionsAck names it.
type Decisions struct {
	Items []Decision `json:"items"`
}

// DecisionsAck names decisions that are committed on the hub.
type DecisionsAck struct {
	IDs []string `json:"ids"`
}

// Order brings a sealed order.
type Order struct {
	Envelope []byte `json:"envelope"`
}

// OrderState tells what became of the order whose envelope has that hash: Code "" is done. Log is the answer to a command
// that asks for it, oldest line first.
type OrderState struct {
	SHA256 broadcast.Hash `json:"sha256"`
	Code   string         `json:"code"`
	Log    []string       `json:"log,omitempty"`
}

// Bye is an orderly end by either side.
type Bye struct {
	Code string `json:"code"`
}

// Pair is one step of a pairing, opaque here: its body is made and read by internal/pairing. A pairing that
// fails ends with Refused.
type Pair struct {
	Step string // start | offer | reveal | answer | confirmed | done
	Body json.RawMessage
}

// Names of the messages on the wire.
func (m *Unknown) Type() string    { return m.Name }
func (*Challenge) Type() string    { return "challenge" }
func (*Hello) Type() string        { return "hello" }
func (*Refused) Type() string      { return "refused" }
func (*Welcome) Type() string      { return "welcome" }
func (*Time) Type() string         { return "time" }
func (*Trust) Type() string        { return "trust" }
func (*Plan) Type() string         { return "plan" }
func (*PlanState) Type() string    { return "plan_state" }
func (*Want) Type() string         { return "want" }
func (*Got) Type() string          { return "got" }
func (*Queued) Type() string       { return "queued" }
func (*StopWant) Type() string     { return "stop_want" }
func (*Gone) Type() string         { return "gone" }
func (*Holdings) Type() string     { return "holdings" }
func (*Status) Type() string       { return "status" }
func (*Plays) Type() string        { return "plays" }
func (*PlaysAck) Type() string     { return "plays_ack" }
func (*Decisions) Type() string    { return "decisions" }
func (*DecisionsAck) Type() string { return "decisions_ack" }
func (*Order) Type() string        { return "order" }
func (*OrderState) Type() string   { return "order_state" }
func (*Bye) Type() string          { return "bye" }
func (m *Pair) Type() string       { return pairPrefix + m.Step }

const pairPrefix = "pair_"

// UnmarshalJSON keeps the body as it is.
func (m *Pair) UnmarshalJSON(b []byte) error {
	m.Body = append(m.Body[:0], b...)
	return nil
}

// MarshalJSON gives the body.
func (m *Pair) MarshalJSON() ([]byte, error) {
	if len(m.Body) == 0 {
		return []byte("{}"), nil
	}
	return m.Body, nil
}

// empty gives a message of the type to decode into, nil for an unknown one.
func empty(name string) Message {
	for _, m := range []Message{ // nil of each type: all but one would be made in vain
		(*Challenge)(nil), (*Hello)(nil), (*Refused)(nil), (*Welcome)(nil), (*Time)(nil), (*Trust)(nil), (*Plan)(nil), (*PlanState)(nil), (*Want)(nil), (*Got)(nil), (*Queued)(nil),
		(*StopWant)(nil), (*Gone)(nil), (*Holdings)(nil), (*Status)(nil), (*Plays)(nil), (*PlaysAck)(nil), (*Decisions)(nil), (*DecisionsAck)(nil), (*Order)(nil),
		(*OrderState)(nil), (*Bye)(nil),
	} {
		if m.Type() == name {
			m, _ = reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
			return m
		}
	}
	for _, step := range pairSteps() {
		if pairPrefix+step == name {
			return &Pair{Step: step}
		}
	}
	return nil
}

func pairSteps() []string {
	return []string{"start", "offer", "reveal", "answer", "confirmed", "done"}
}

// envelope is the outer form of a control message.
type envelope struct {
	Type string          `json:"type"`
	Body json.RawMessage `json:"body"`
}

// Encode gives the bytes of a text message. It fails for a message that breaks the protocol's limits: the
// other side would refuse it.
func Encode(m Message) ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.Type(), err)
	}
	// The bytes of envelope, without reading the body once more: with a head's, that would be half of the work.
	buf, _ := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	name, err := json.Marshal(m.Type())
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.Type(), err)
	}
	buf.WriteString(`{"type":`)
	buf.Write(name)
	buf.WriteString(`,"body":`)
	if err := json.NewEncoder(buf).Encode(m); err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.Type(), err)
	}
	data := buf.Bytes()
	if len(data) > MaxControl {
		return nil, fmt.Errorf("encode %s: %w", m.Type(), ErrTooLarge)
	}
	data[len(data)-1] = '}' // for the newline that an Encoder writes
	return bytes.Clone(data), nil
}

// buffers are what messages are written in, whose size is not known before.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// IsGot tells whether data is a Got as Encode writes it.
func IsGot(data []byte) bool {
	name, _, _ := split(data)
	return string(name) == "got"
}

// split takes a message apart that is written as Encode does: its type and its body, which may not be JSON.
func split(data []byte) (name, body []byte, ok bool) {
	rest, ok := bytes.CutPrefix(data, []byte(`{"type":"`))
	if !ok {
		return nil, nil, false
	}
	name, body, ok = bytes.Cut(rest, []byte(`","body":`))
	if !ok {
		return nil, nil, false
	}
	body, ok = bytes.CutSuffix(body, []byte("}"))
	return name, body, ok
}

// Decode reads a text message.
func Decode(data []byte) (Message, error) {
	if len(data) > MaxControl {
		return nil, fmt.Errorf("decode message: %w", ErrTooLarge)
	}
	// As Encode writes it, it is read once; else, and for what is wrong with it, twice.
	if name, body, ok := split(data); ok {
		if m, err := decode(string(name), body); m != nil && err == nil {
			return m, nil
		}
	}
	var outer envelope
	if err := json.Unmarshal(data, &outer); err != nil {
		return nil, fmt.Errorf("decode message: %w", err)
	}
	if outer.Type == "" {
		return nil, fmt.Errorf("decode message: it has no type")
	}
	m, err := decode(outer.Type, outer.Body)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", outer.Type, err)
	}
	if m == nil {
		return &Unknown{Name: outer.Type}, nil
	}
	return m, nil
}

// decode reads a body, nil for a type that is not known.
func decode(name string, body []byte) (Message, error) {
	m := empty(name)
	if m == nil {
		return nil, nil
	}
	if len(body) == 0 {
		return nil, errors.New("it has no body")
	}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	if farZone(body) {
		if _, err := json.Marshal(m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// farZone tells whether there may be a time whose zone is a day away: Go reads it and refuses to write it (go.dev/issue/54580),
// so that nobody could keep it or pass it on.
func farZone(body []byte) bool {
	for _, zone := range []string{"+24:", "-24:", "+23:60", "-23:60"} {
		if bytes.Contains(body, []byte(zone)) {
			return true
		}
	}
	return false
}
