package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/mono"
)

// phone is a commune's operator, signed in on the hub from home.
type phone struct {
	*station
	*rig.Client
}

type desk struct {
	Held, Muted bool
	Volume      int `json:"volume_percent"`
	Today       []struct{ Slot, State, Outcome, Reason string }
	Decisions   []struct {
		Kind, Who, Reason, Source string
		Holds                     bool
		HadAt                     time.Time `json:"had_at"`
	}
}

func (p *phone) desk() (d desk) {
	p.t.Helper()
	p.must(p.Call(p.ctx, "GET", "agents/"+p.agent.ID+"/desk", nil, &d))
	return d
}

// slot gives the slot of a broadcast of one item.
func (p *phone) slot(broadcast string) string {
	p.t.Helper()
	for _, sl := range p.desk().Today {
		if strings.Contains(sl.Slot, broadcast) {
			return sl.Slot
		}
	}
	p.t.Fatalf("%s is not in today's list", broadcast)
	return ""
}

// decide gives the instant before the decision was sent; when it returns the hub's page says that the PC has it.
func (p *phone) decide(what map[string]any) mono.Instant {
	p.t.Helper()
	before := mono.Now()
	p.must(p.Call(p.ctx, "POST", "agents/"+p.agent.ID+"/decisions", what, nil))
	p.must(rig.Await(p.ctx, "the PC has it", func(context.Context) (bool, error) {
		d := p.desk().Decisions
		return len(d) > 0 && d[0].Kind == what["kind"] && d[0].Holds && !d[0].HadAt.IsZero(), nil
	}))
	return before
}

func TestTheOperatorDecidesFromHome(t *testing.T) {
	s := newStation(t, nil)
	client, err := s.Join(s.ctx, rig.Person{Name: "hoa.dai-xa", Role: "operator", Password: "gio mua thu vang"}, "hoang-dao")
	s.must(err)
	hoa := &phone{s, client}
	short := s.approved(s.say("warning", warning))
	report := s.approved(s.speech())
	s.record()

	planned := soon(5 * time.Second)
	sounding := s.at(report, planned)
	s.must(s.AwaitArmed(s.ctx, sounding))
	s.must(s.rec.Wait(s.ctx, mono.Now().Add(time.Until(planned)).Add(2*time.Second)))
	stopped := hoa.decide(map[string]any{"kind": "hold"})
	s.must(s.rec.Wait(s.ctx, stopped.Add(3500*time.Millisecond)))
	took := s.silentAfter(stopped)
	t.Logf("silent %v after the tap on the phone", took)
	if took > 3*time.Second {
		t.Errorf("the sound went on for %v after the tap, want at most 3 s", took)
	}
	if p := s.only(sounding); p.Outcome != "cut" || p.Reason != "stopped" {
		t.Errorf("the record says %s/%s", p.Outcome, p.Reason)
	}
	if p := s.only(s.at(short, planned.Add(length(report)+time.Second).Truncate(time.Second))); p.Outcome != "skipped" || p.Reason != "stopped" || !hoa.desk().Held {
		t.Errorf("while the stop holds the next item is %s/%s", p.Outcome, p.Reason)
	}
	if made := s.console(); len(made) == 0 || made[0].Kind != "hold" || made[0].Source != "hub" || made[0].Who != "hoa.dai-xa" {
		t.Errorf("the page at the PC lists %+v", made)
	}
	hoa.decide(map[string]any{"kind": "release"})

	start := soon(6 * time.Second)
	skipped, moved := s.at(short, start), s.at(short, start.Add(10*time.Minute))
	muted, quiet := s.at(short, start.Add(9*time.Second)), s.at(short, start.Add(14*time.Second))
	hoa.decide(map[string]any{"kind": "skip", "subject": hoa.slot(skipped), "reason": "đã phát hôm qua"})
	hoa.decide(map[string]any{"kind": "move", "subject": hoa.slot(moved), "to": start.Add(3 * time.Second), "reason": "họp thôn"})
	if p := s.only(skipped); p.Outcome != "skipped" || p.Reason != "commune_skipped" {
		t.Errorf("the skipped item is %s/%s", p.Outcome, p.Reason)
	}
	if p := s.only(moved); p.Outcome != "played" || !p.StartedAt.Truncate(time.Second).Equal(start.Add(3*time.Second)) {
		t.Errorf("the moved item is %s/%s at %v, want %v", p.Outcome, p.Reason, p.StartedAt, start.Add(3*time.Second))
	}
	loud := loudest(s.rec.PCM())
	hoa.decide(map[string]any{"kind": "mute", "until": start.Add(10 * time.Second), "reason": "đám tang"})
	hoa.decide(map[string]any{"kind": "volume", "percent": 20, "reason": "loa sát trường học"})
	if p := s.only(muted); p.Outcome != "skipped" || p.Reason != "muted" {
		t.Errorf("the muted item is %s/%s", p.Outcome, p.Reason)
	}
	begins := len(s.rec.PCM())
	if p := s.only(quiet); p.Outcome != "played" {
		t.Errorf("after the mute the item is %s/%s", p.Outcome, p.Reason)
	}
	if soft := loudest(s.rec.PCM()[begins:]); soft == 0 || soft > loud/2 {
		t.Errorf("at 20 percent the loudest sample is %.3f, before it was %.3f", soft, loud)
	}

	s.tap("stop")
	s.must(rig.Await(s.ctx, "the phone shows the PC's stop", func(context.Context) (bool, error) {
		d := hoa.desk()
		return d.Held && d.Decisions[0].Kind == "hold" && d.Decisions[0].Source == "pc", nil
	}))
}

// console gives what the page at the PC lists as decided, newest first.
func (s *station) console() []struct{ Kind, Who, Source string } {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.agent.Console+"/api/v1/status", http.NoBody)
	s.must(err)
	res, err := http.DefaultClient.Do(req)
	s.must(err)
	defer res.Body.Close()
	var view struct {
		Decisions []struct{ Kind, Who, Source string }
	}
	s.must(json.NewDecoder(res.Body).Decode(&view))
	return view.Decisions
}
