package orders

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

// A command is for now: an agent that is not there does not get it later, and who waits for an answer is told in time.
const (
	commandLife = time.Minute
	commandTime = 15 * time.Second
)

var (
	errAgentOffline = problem.New("AGENT_OFFLINE", 409,
		"Cụm loa này đang mất kết nối nên không nhận được lệnh. Hãy thử lại khi nó trực tuyến.",
		"The cluster is offline and cannot be told. Try again when it is online.")
	errUnanswered = problem.New("COMMAND_UNANSWERED", 504,
		"Cụm loa chưa trả lời. Có thể đường truyền chậm; hãy xem trạng thái rồi thử lại.",
		"The cluster has not answered. Its line may be slow; look at its state and try again.")
	errCommand = problem.New("COMMAND_INVALID", 422,
		"Không có lệnh này. Hãy chọn một lệnh trong danh sách.",
		"There is no such command. Choose one from the list.")
)

// Command has one agent that is connected, to this hub or another, do something now, and gives its answer: a code when it would
// not, and the lines of its log when they were asked for.
func (l *Lane) Command(ctx context.Context, agent string, c broadcast.Command) (wire.OrderState, error) {
	if err := c.Check(); err != nil {
		return wire.OrderState{}, errCommand.With(err).At("do")
	}
	here := len(l.Agents.Here([]string{agent})) > 0
	if !here && !l.Agents.Elsewhere(agent) {
		return wire.OrderState{}, errAgentOffline
	}
	body, err := json.Marshal(c)
	if err != nil {
		return wire.OrderState{}, fmt.Errorf("encode command: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	digest, answer, err := l.ask(ctx, agent, body, here)
	if err != nil {
		return wire.OrderState{}, err
	}
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.asked, digest)
	}()
	select {
	case s := <-answer:
		return s, nil
	case <-ctx.Done():
		return wire.OrderState{}, errUnanswered
	}
}

// ask seals and sends a command.
func (l *Lane) ask(ctx context.Context, agent string, body []byte, here bool) (digest broadcast.Hash, answer chan wire.OrderState, err error) {
	l.sending.Lock()
	defer l.sending.Unlock()
	o := seal.Order{Kind: seal.OrderCommand, Body: body, Audience: seal.OrderAudience{Agents: []string{agent}}, IssuedAt: l.Desk.now()}
	o.Expires = o.IssuedAt.Add(commandLife)
	key, sealed := l.Sealer.OrderKey()
	if o.Sequence, err = l.next(ctx, key); err != nil {
		return "", nil, err
	}
	envelope, err := sealed(o)
	if err != nil {
		return "", nil, err
	}
	digest, answer = digestOf(envelope), make(chan wire.OrderState, 1)
	l.mu.Lock()
	l.asked[digest] = answer
	l.mu.Unlock()
	if !here {
		l.Tell(bus.Event{Topic: bus.Relay, Agent: agent, ID: string(digest), State: relay{Envelope: envelope}})
	} else if l.Agents.Order(envelope, []string{agent}) == 0 {
		l.mu.Lock()
		delete(l.asked, digest)
		l.mu.Unlock()
		return "", nil, errAgentOffline
	}
	return digest, answer, nil
}

// answered hands an answer to whoever waits for it; false when nobody does. mu is held.
func (l *Lane) answered(s wire.OrderState) bool {
	answer, ok := l.asked[s.SHA256]
	if ok {
		delete(l.asked, s.SHA256)
		answer <- s // it has room for the one
	}
	return ok
}
