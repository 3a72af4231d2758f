package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

// tap does what a button of the page at the PC does.
func (s *station) tap(action string) mono.Instant {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, s.agent.Console+"/api/v1/"+action, strings.NewReader("{}"))
	s.must(err)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	s.must(err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s", action, res.Status)
	}
	return mono.Now()
}

// silentAfter says how long after an instant the card got the last sound.
func (s *station) silentAfter(instant mono.Instant) time.Duration {
	pcm, fit := s.rec.PCM(), s.rec.Fit()
	last := len(pcm) - 1
	for last >= 0 && pcm[last] == 0 {
		last--
	}
	return fit.Instant(float64(last)).Sub(instant)
}

func TestTheOperatorStopsASoundWithoutTheHub(t *testing.T) {
	s := newStation(t, nil)
	short := s.approved(s.say("warning", warning))
	report := s.approved(s.speech())
	planned := soon(5 * time.Second)
	broadcast := s.at(report, planned)
	next := planned.Add(length(report) + time.Second).Truncate(time.Second)
	later := s.at(short, next)
	s.must(s.AwaitArmed(s.ctx, broadcast))
	s.record()
	s.Hub.Kill()
	instant := mono.Now().Add(time.Until(planned))
	s.must(s.rec.Wait(s.ctx, instant.Add(3*time.Second)))

	stopped := s.tap("stop")
	s.must(s.rec.Wait(s.ctx, stopped.Add(3*time.Second)))
	took := s.silentAfter(stopped)
	t.Logf("silent %v after the tap", took)
	if took > time.Second {
		t.Errorf("the sound went on for %v after the tap, want at most 1 s", took)
	}

	s.agent.Kill() // the stop outlives a power cut
	s.must(s.agent.Start(s.ctx))
	s.must(s.StartHub(s.ctx))
	p := s.only(broadcast)
	if p.Outcome != "cut" || p.Reason != "stopped" || p.ReachedMS < 2500 || p.ReachedMS > 5000 {
		t.Errorf("the record says %s/%s, %d ms", p.Outcome, p.Reason, p.ReachedMS)
	}
	s.must(rig.Await(s.ctx, "the hub knows of the stop", s.decided("hold", "PC")))

	if p := s.only(later); p.Outcome != "skipped" || p.Reason != "stopped" {
		t.Errorf("while the stop holds the next item is %s/%s", p.Outcome, p.Reason)
	}
	s.must(s.Chief.Call(s.ctx, "POST", "agents/"+s.agent.ID+"/decisions", map[string]string{"kind": "release"}, nil))
	again := s.at(short, soon(4*time.Second))
	if p := s.only(again); p.Outcome != "played" {
		t.Errorf("after the continue from the hub the next item is %s/%s", p.Outcome, p.Reason)
	}
}

// decided tells whether the hub's list for the agent begins with a decision of that kind by who.
func (s *station) decided(kind, who string) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		var page struct{ Items []struct{ Kind, Who string } }
		err := s.Author.Call(ctx, "GET", "agents/"+s.agent.ID+"/decisions", nil, &page)
		if err == nil && len(page.Items) == 0 {
			err = fmt.Errorf("nothing was decided")
		}
		return err == nil && page.Items[0].Kind == kind && page.Items[0].Who == who, err
	}
}

// The operator's stop silences even a live bulletin; the next one sounds again (design.md, Timetable, rule 1).
func TestTheOperatorStopsALiveBulletin(t *testing.T) {
	s := newStation(t, nil)
	report := s.approved(s.speech())
	meant := s.meant
	s.record()
	b, approved := s.urgent(report)
	s.must(s.rec.Wait(s.ctx, approved.Add(4*time.Second)))
	stopped := s.tap("stop")
	s.must(s.rec.Wait(s.ctx, stopped.Add(2*time.Second)))
	if took := s.silentAfter(stopped); took > time.Second || took < -3*time.Second {
		t.Errorf("the bulletin was heard until %v after the tap, want at most 1 s", took)
	}
	if p := s.detailed(b.ID); p.Outcome != "cut" || p.Reason != "stopped" {
		t.Errorf("the record says %s/%s", p.Outcome, p.Reason)
	}
	_, approved = s.urgent(report)
	s.must(s.rec.Wait(s.ctx, approved.Add(3*time.Second+length(report))))
	onset := soundcard.MeasureStart(s.rec, meant, approved.Add(time.Second))
	if onset.Correlation < 0.99 {
		t.Errorf("a bulletin issued after the stop was not heard: correlation %.4f", onset.Correlation)
	}
}
