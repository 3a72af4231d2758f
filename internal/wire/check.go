package wire

import (
	"errors"
	"fmt"
	"strings"

	"github.com/loa-vn/loa/internal/broadcast"
)

// ErrTooLarge says that a message or frame is over the protocol's limit.
var ErrTooLarge = errors.New("it is larger than the protocol allows")

// Check of an unknown message: it cannot be sent.
func (*Unknown) Check() error { return errors.New("its type is not known") }

// Check implements Message.
func (m *Challenge) Check() error { return sized("nonce", m.Nonce, NonceSize) }

// Check implements Message.
func (m *Hello) Check() error {
	err := errors.Join(text("agent", m.Agent), text("software", m.Software), text("os", m.OS), text("boot", m.Boot),
		sized("key", m.Key, 32), sized("nonce", m.Nonce, NonceSize), sized("proof", m.Proof, 64))
	if m.PlanSHA256 != "" {
		err = errors.Join(err, hash(m.PlanSHA256))
	}
	return err
}

// Check implements Message.
func (m *Refused) Check() error {
	return errors.Join(text("code", m.Code), longText("vi", m.VI), longText("en", m.EN))
}

// Check implements Message.
func (m *Welcome) Check() error {
	return errors.Join(text("agent", m.Agent), text("name", m.Name), text("area", m.Area), text("software", m.Software),
		within("status_every_ms", m.StatusEveryMS, 0, maxStatusSpan))
}

// Check implements Message.
func (m *Time) Check() error {
	if (len(m.Nonce) == 0) == (len(m.Envelope) == 0) {
		return errors.New("it needs a nonce or an envelope")
	}
	if len(m.Nonce) > 0 {
		return sized("nonce", m.Nonce, NonceSize)
	}
	return sealed(m.Envelope)
}

// Check implements Message.
func (m *Trust) Check() error {
	if len(m.Envelopes) == 0 || len(m.Envelopes) > MaxEnvelopes {
		return fmt.Errorf("it has %d envelopes, not 1 to %d", len(m.Envelopes), MaxEnvelopes)
	}
	var err error
	for _, e := range m.Envelopes {
		err = errors.Join(err, sealed(e))
	}
	return err
}

// Check implements Message.
func (m *Plan) Check() error { return sealed(m.Envelope) }

// Check implements Message.
func (m *PlanState) Check() error {
	if m.State != PlanActive && m.State != PlanFetching && m.State != PlanRefused {
		return fmt.Errorf("state %.20q is not known", m.State)
	}
	return text("code", m.Code)
}

// Check implements Message.
func (m *Want) Check() error {
	err := errors.Join(hash(m.SHA256), within("offset", m.Offset, 0, maxOffset), within("end", m.End, 0, maxOffset),
		within("window", m.Window, MinWindow, MaxWindow))
	if m.Offset%Grain != 0 {
		err = errors.Join(err, fmt.Errorf("offset %d is not a multiple of %d", m.Offset, Grain))
	}
	if m.End != 0 && m.End <= m.Offset {
		err = errors.Join(err, fmt.Errorf("end %d is not after offset %d", m.End, m.Offset))
	}
	return err
}

// Check implements Message.
func (m *Got) Check() error {
	err := errors.Join(hash(m.SHA256), within("offset", m.Offset, 0, maxOffset))
	if m.Window != 0 {
		err = errors.Join(err, within("window", m.Window, MinWindow, MaxWindow))
	}
	return err
}

// Check implements Message.
func (m *Queued) Check() error { return hash(m.SHA256) }

// Check implements Message.
func (m *StopWant) Check() error { return hash(m.SHA256) }

// Check implements Message.
func (m *Gone) Check() error { return hash(m.SHA256) }

// Check implements Message.
func (m *Holdings) Check() error {
	if len(m.Items) > MaxHoldings {
		return fmt.Errorf("it has %d items, more than %d", len(m.Items), MaxHoldings)
	}
	var err error
	for _, h := range m.Items {
		err = errors.Join(err, hash(h.SHA256), within("have", h.Have, 0, maxOffset), within("size", h.Size, 0, maxOffset))
	}
	return err
}

// Check implements Message. What a status says is for people and for counting; only its size is limited.
func (*Status) Check() error { return nil }

// Check implements Message. What a record claims is looked at by who keeps it; here only what the exchange needs.
func (m *Plays) Check() error {
	if len(m.Records) == 0 || len(m.Records) > MaxPlays {
		return fmt.Errorf("it has %d records, not 1 to %d", len(m.Records), MaxPlays)
	}
	var err error
	for i := range m.Records {
		if m.Records[i].ID == "" {
			err = errors.Join(err, fmt.Errorf("record %d has no id", i))
		}
		err = errors.Join(err, text("id", m.Records[i].ID))
	}
	return err
}

// Check implements Message.
func (m *PlaysAck) Check() error { return named(m.IDs, MaxPlays) }

// Check implements Message. What a decision says is looked at by who keeps it.
func (m *Decisions) Check() error {
	if len(m.Items) == 0 {
		return errors.New("it has no items")
	}
	ids := make([]string, len(m.Items))
	for i, item := range m.Items {
		if ids[i] = item.ID; item.ID == "" {
			return fmt.Errorf("decision %d has no id", i)
		}
	}
	return named(ids, MaxDecisions)
}

// Check implements Message.
func (m *DecisionsAck) Check() error { return named(m.IDs, MaxDecisions) }

func named(ids []string, most int) error {
	if len(ids) > most {
		return fmt.Errorf("it has %d ids, more than %d", len(ids), most)
	}
	var err error
	for _, id := range ids {
		err = errors.Join(err, text("id", id))
	}
	return err
}

// Check implements Message.
func (m *Order) Check() error { return sealed(m.Envelope) }

// Check implements Message.
func (m *OrderState) Check() error {
	err := errors.Join(hash(m.SHA256), text("code", m.Code))
	size := 0
	for _, line := range m.Log {
		size += len(line)
	}
	if len(m.Log) > MaxLogLines || size > MaxLog {
		err = errors.Join(err, fmt.Errorf("a log of %d lines, %d bytes", len(m.Log), size))
	}
	return err
}

// Check implements Message.
func (m *Bye) Check() error { return text("code", m.Code) }

// Check implements Message.
func (m *Pair) Check() error {
	if empty(m.Type()) == nil {
		return fmt.Errorf("step %.20q is not known", m.Step)
	}
	return nil
}

// ValidHash tells whether h is a SHA-256 in lower-case hex.
func ValidHash(h broadcast.Hash) bool {
	return len(h) == 64 && strings.Trim(string(h), "0123456789abcdef") == ""
}

func hash(h broadcast.Hash) error {
	if !ValidHash(h) {
		return fmt.Errorf("%.70q is not a SHA-256 in lower-case hex", string(h))
	}
	return nil
}

func sized(name string, b []byte, size int) error {
	if len(b) != size {
		return fmt.Errorf("%s has %d bytes, not %d", name, len(b), size)
	}
	return nil
}

func sealed(envelope []byte) error {
	if len(envelope) == 0 || len(envelope) > maxEnvelope {
		return fmt.Errorf("an envelope has %d bytes, not 1 to %d", len(envelope), maxEnvelope)
	}
	return nil
}

func text(name, s string) error     { return short(name, s, maxText) }
func longText(name, s string) error { return short(name, s, 8*maxText) }

func short(name, s string, most int) error {
	if len(s) > most {
		return fmt.Errorf("length of %s %d is not from 0 to %d", name, len(s), most)
	}
	return nil
}

func within(name string, v, low, high int64) error {
	if v < low || v > high {
		return fmt.Errorf("%s %d is not from %d to %d", name, v, low, high)
	}
	return nil
}
