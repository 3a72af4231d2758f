package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/agent/internal/player/playertest"
	"github.com/loa-vn/loa/internal/broadcast"
)

// putIn sends a file of the distribution format to the console as the commune's own item.
func (a *agent) putIn(t *testing.T, daypart string, length time.Duration) (status int, code string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, f := range [][2]string{{"pin", "2468"}, {"reason", "Trạm y tế nhờ"}, {"title", "Lịch tiêm"}, {"daypart", daypart}} {
		if err := form.WriteField(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("audio", "tiem.opus")
	if err == nil {
		_, err = io.Copy(part, playertest.Report(length))
	}
	if err != nil || form.Close() != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 60 * time.Second}
	res, err := client.Post("http://"+a.ConsoleAddr()+"/api/v1/own", form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var refused struct{ Code string }
	_ = json.NewDecoder(res.Body).Decode(&refused) // a status has none
	return res.StatusCode, refused.Code
}

// evening gives a plan of version v with a daypart that has begun, in a zone where it is the forenoon.
func (h *hub) evening(a *App, v uint64, second bool, made ...broadcast.Decision) (daypart string) {
	h.t.Helper()
	now := time.Now()
	zone, err := time.LoadLocation(fmt.Sprintf("Etc/GMT%+d", (now.UTC().Hour()-10+12+24)%24-12))
	if err != nil {
		h.t.Fatal(err)
	}
	day := broadcast.Day{Date: broadcast.DateOf(now, zone), Dayparts: []broadcast.Occurrence{{Name: "evening", Start: now.Add(-time.Minute), End: now.Add(10 * time.Minute)}}}
	head := broadcast.Head{Audience: "agent-1", Version: v, IssuedAt: now.Add(-time.Minute), Expires: now.Add(24 * time.Hour), Zone: zone.String(), Decisions: made,
		Rules: broadcast.Inherit(broadcast.Policy{SecondPerson: &second, Windows: []broadcast.Window{{Start: 0, End: broadcast.EndOfDay}}})}
	h.bring(a.paired.cache, head, []broadcast.Day{day})
	return broadcast.OccurrenceKey(day.Date, "evening")
}

func TestTheCommunesOwnItemIsHeardAndRecordedAsItsOwn(t *testing.T) {
	a, h := startWithPIN(t)
	daypart := h.evening(a.App, 1, false)
	a.await(t, "with a plan", func(v console.View) bool { return v.Plan != nil })
	if status, code := a.putIn(t, daypart, 2*time.Second); status != 200 {
		t.Fatal(status, code)
	}
	a.await(t, "heard", func(v console.View) bool { return v.Outbox == 1 })
	plays, err := a.paired.playlog.Pending(10, nil)
	if err != nil || len(plays) != 1 || plays[0].Outcome != broadcast.Played || plays[0].Reason != broadcast.ReasonComplete || plays[0].Owner != broadcast.OwnerCommune ||
		plays[0].Title != "Lịch tiêm" || plays[0].ReachedMS < 1990 {
		t.Errorf("%+v %v", plays, err)
	}
	told := a.paired.decisions.Pending(10)
	if len(told) != 1 || told[0].Decision.Kind != "own" || told[0].Decision.Reason != "Trạm y tế nhờ" {
		t.Errorf("the hub would be told %+v", told)
	}
}

func TestTheCommunesOwnItemWaitsForTheHubsOfficerAcrossARestart(t *testing.T) {
	a, h := startWithPIN(t)
	daypart := h.evening(a.App, 1, true)
	a.await(t, "with a plan", func(v console.View) bool { return v.Plan != nil })
	if status, code := a.putIn(t, daypart, 2*time.Second); status != 200 {
		t.Fatal(status, code)
	}
	own := a.view(t).Own
	if len(own) != 1 || own[0].Approved || len(a.view(t).Today) != 0 {
		t.Fatalf("%+v", own)
	}
	a.stop()
	b := start(t, a.o.Config.Data, machine("1"))
	<-b.Started()
	subject := b.paired.decisions.List()[0].Decision.Subject
	h.evening(b.App, 2, true, broadcast.Decision{Kind: "allow", Subject: subject, Who: "minh", When: time.Now(), Counter: 1, Source: "hub"})
	b.await(t, "heard", func(v console.View) bool { return v.Outbox == 1 })
	plays, err := b.paired.playlog.Pending(10, nil)
	if err != nil || len(plays) != 1 || plays[0].Outcome != broadcast.Played || plays[0].Owner != broadcast.OwnerCommune {
		t.Errorf("%+v %v", plays, err)
	}
	if err := b.paired.keepOwn(); err != nil || !b.paired.own.Has(plays[0].Audio) {
		t.Errorf("its audio is gone while it can still be asked for: %v", err)
	}
}
