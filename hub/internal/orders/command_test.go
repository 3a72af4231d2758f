package orders

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

func TestCommandAsksOneAgentAndWaits(t *testing.T) {
	w := newWorld(t)
	l := w.line()
	go func() {
		d := <-l.got
		sum := sha256.Sum256(d.envelope)
		l.OrderState("agent-03", wire.OrderState{SHA256: "of another order"})
		l.OrderState("agent-03", wire.OrderState{SHA256: broadcast.Hash(hex.EncodeToString(sum[:])), Log: []string{"a line"}})
		l.got <- d // to be looked at
	}()
	answer, err := l.Command(t.Context(), "agent-03", broadcast.Command{Do: broadcast.DoLog})
	if err != nil || answer.Code != "" || len(answer.Log) != 1 {
		t.Fatalf("answer %+v, %v", answer, err)
	}
	orders, _ := l.next(t, 1)
	if o := orders[0]; o.Kind != seal.OrderCommand || o.Audience.Agents[0] != "agent-03" || o.Sequence == 0 || o.Expires.Sub(o.IssuedAt) != commandLife {
		t.Errorf("sent %+v", o)
	}
	if len(l.asked) != 0 {
		t.Errorf("%d questions are left", len(l.asked))
	}
	for name, tc := range map[string]struct{ agent, do, code string }{
		"not connected": {"agent-39", broadcast.DoTone, "AGENT_OFFLINE"},
		"no command":    {"agent-03", "format", "COMMAND_INVALID do"},
	} {
		if _, err := l.Command(t.Context(), tc.agent, broadcast.Command{Do: tc.do}); code(err) != tc.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}
