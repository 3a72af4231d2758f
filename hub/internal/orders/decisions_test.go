package orders

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

const station = "01a20972-a42a-7d88-a076-8cfe699912a5"

func (w *world) madeAtPC(kind, subject string, counter uint64) broadcast.Decision {
	return broadcast.Decision{Kind: kind, Subject: subject, Who: "PC", When: w.at, Counter: counter, Source: "pc"}
}

func (w *world) standing() []broadcast.Decision {
	w.t.Helper()
	all, err := w.Standing(w.t.Context(), w.at)
	if err != nil {
		w.t.Fatal(err)
	}
	return all[station]
}

func TestADecisionOfThePCIsKeptOnce(t *testing.T) {
	w := newWorld(t)
	id, made := uuid.NewString(), w.madeAtPC("hold", "2026-11-24/evening", 1)
	for i, want := range []bool{true, false} {
		if fresh, err := w.TakeDecision(t.Context(), station, "TL", id, made); err != nil || fresh != want {
			t.Errorf("time %d: %v, %v", i, fresh, err)
		}
	}
	if s := w.standing(); len(s) != 1 || s[0].Kind != "hold" || !s[0].When.Equal(w.at) {
		t.Errorf("%+v", s)
	}
}

func TestWhatIsNoDecisionIsRefused(t *testing.T) {
	w := newWorld(t)
	hub := w.madeAtPC("hold", "", 1)
	hub.Source = "hub"
	for name, tc := range map[string]struct {
		id   string
		made broadcast.Decision
	}{
		"no id":               {"", w.madeAtPC("hold", "", 1)},
		"unknown kind":        {uuid.NewString(), w.madeAtPC("louder", "", 1)},
		"in the hub's name":   {uuid.NewString(), hub},
		"longer than allowed": {uuid.NewString(), w.madeAtPC("skip", strings.Repeat("x", 301), 1)},
	} {
		_, err := w.TakeDecision(t.Context(), station, "TL", tc.id, tc.made)
		var p *problem.Error
		if !errors.As(err, &p) || p.Code != "DECISION_INVALID" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s := w.standing(); len(s) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestThePhoneOverrulesThePCAndThePCThePhone(t *testing.T) {
	w := newWorld(t)
	if _, err := w.TakeDecision(t.Context(), station, "TL", uuid.NewString(), w.madeAtPC("hold", "2026-11-24/evening", 4)); err != nil {
		t.Fatal(err)
	}
	w.at = w.at.Add(time.Minute)
	made, err := w.Decide(t.Context(), station, "TL", broadcast.Decision{Kind: "release", Who: "hoa"})
	if err != nil || made.Made.Counter != 5 || made.Made.Seen != 4 || made.Made.Source != "hub" {
		t.Fatalf("%+v %v", made, err)
	}
	if s := w.standing(); len(s) != 1 || s[0].Kind != "release" {
		t.Errorf("%+v", s)
	}
	w.at = w.at.Add(time.Minute)
	if _, err := w.TakeDecision(t.Context(), station, "TL", uuid.NewString(), w.madeAtPC("hold", "2026-11-24/evening", 5)); err != nil {
		t.Fatal(err)
	}
	if s := w.standing(); len(s) != 2 || s[1].Kind != "hold" { // the phone did not know of it
		t.Errorf("%+v", s)
	}
	if list, err := w.Decisions(t.Context(), station); err != nil || len(list) != 3 || list[0].Made.Kind != "hold" {
		t.Errorf("%+v %v", list, err)
	}
}

func TestAHeadHasRoomForTheNewestDecisions(t *testing.T) {
	w := newWorld(t)
	for i := range 60 {
		d := broadcast.Decision{Kind: "skip", Subject: fmt.Sprintf("slot-%02d", i), Who: "hoa", Reason: strings.Repeat("ữ", 500)}
		if _, err := w.Decide(t.Context(), station, "TL", d); err != nil {
			t.Fatal(err)
		}
		w.at = w.at.Add(time.Second)
	}
	s := w.standing()
	if len(s) < 5 || len(s) > 20 || s[len(s)-1].Subject != "slot-59" || len([]rune(s[0].Reason)) != headReason {
		t.Errorf("%d decisions, the last about %s", len(s), s[len(s)-1].Subject)
	}
	w.at = w.at.Add(decisionMatters)
	if s := w.standing(); len(s) != 0 {
		t.Errorf("%d decisions still stand after they cannot matter", len(s))
	}
}
