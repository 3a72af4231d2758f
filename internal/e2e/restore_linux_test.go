package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAgentsFollowARestoredHub: a hub's disk dies, and the backup is older than what its agent has seen of plans and
// orders. The agent takes the restored hub's next plan and its next urgent order.
func TestAgentsFollowARestoredHub(t *testing.T) {
	s := newStation(t, nil)
	report := s.approved(s.say("warning", warning))
	s.must(s.AwaitArmed(s.ctx, s.at(report, soon(time.Hour))))
	backup := filepath.Join(s.dir, "hub.tar")
	s.must(s.HubCommand(s.ctx, "backup", backup))

	for hours := range 3 { // what the backup does not know
		s.must(s.AwaitArmed(s.ctx, s.at(report, soon(time.Duration(2+hours)*time.Hour))))
	}
	b, _ := s.urgent(report)
	s.only(b.ID)

	s.Hub.Kill()
	s.must(os.RemoveAll(s.HubData()))
	s.must(s.HubCommand(s.ctx, "restore", backup))
	s.must(s.StartHub(s.ctx))
	s.must(s.SignIn(s.ctx))

	s.must(s.AwaitArmed(s.ctx, s.at(report, soon(6*time.Hour))))
	b, _ = s.urgent(report)
	if p := s.only(b.ID); p.Outcome != "played" {
		t.Errorf("the urgent bulletin after the restore is %s/%s", p.Outcome, p.Reason)
	}
	var audit struct {
		Items []struct {
			Action string
			After  map[string]any
		}
	}
	s.must(s.Chief.Call(s.ctx, "GET", "audit?limit=200", nil, &audit))
	for _, line := range audit.Items {
		if line.Action == "order.refuse" { // the plan had the bulletin, too, but later
			t.Errorf("the agent refused the order: %v", line.After)
		}
	}
}
