package api

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Whoever reads the log finds every field in every record: what never sounded has null where others have times.
func TestPlaysNameTheirTimes(t *testing.T) {
	b := newBench(t)
	at := time.Date(2026, 11, 24, 5, 30, 0, 0, time.UTC)
	heard := broadcast.Play{ID: "p1", Report: "r", PlannedStart: at, PlannedEnd: at.Add(time.Minute), StartedAt: at, EndedAt: at.Add(time.Minute),
		Outcome: broadcast.Played, Reason: broadcast.ReasonComplete, ReachedMS: 60_000}
	skipped := broadcast.Play{ID: "p2", Report: "r", PlannedStart: at.Add(time.Hour), PlannedEnd: at.Add(time.Hour), Outcome: broadcast.Skipped,
		Reason: broadcast.ReasonQuietHours}
	_, _, err := b.Evidence.Insert(t.Context(), "agent", "xa-a", []broadcast.Play{heard, skipped})
	check(t, err)
	_, _, body := b.ask(t, "officer-a", "GET", "/api/v1/plays?report=r", "")
	var got struct {
		Items []map[string]any `json:"items"`
	}
	check(t, json.Unmarshal([]byte(body), &got))
	if len(got.Items) != 2 {
		t.Fatal(body)
	}
	for i, want := range []any{"2026-11-24T05:30:00Z", nil} {
		if started, there := got.Items[i]["started_at"]; !there || started != want {
			t.Errorf("started_at of %d: %v, %v", i, started, there)
		}
		if _, there := got.Items[i]["ended_at"]; !there {
			t.Errorf("no ended_at in %d", i)
		}
	}
}

// A page of one outcome is full of it, however many others lie between.
func TestPlaysOfOneOutcome(t *testing.T) {
	b := newBench(t)
	at := time.Date(2026, 11, 24, 5, 30, 0, 0, time.UTC)
	var plays []broadcast.Play
	for i, outcome := range []broadcast.Outcome{broadcast.Played, broadcast.Played, broadcast.Cut, broadcast.Played, broadcast.Skipped, broadcast.Cut} {
		start := at.Add(time.Duration(i) * time.Hour)
		plays = append(plays, broadcast.Play{ID: "p" + string(rune('0'+i)), Report: "r", PlannedStart: start, PlannedEnd: start.Add(time.Minute), Outcome: outcome})
	}
	_, _, err := b.Evidence.Insert(t.Context(), "agent", "xa-a", plays)
	check(t, err)
	for query, want := range map[string]string{"outcome=cut&limit=2": "p2 p5 ", "outcome=played&limit=2": "p0 p1 ", "outcome=skipped": "p4 ", "limit=3": "p0 p1 p2 "} {
		_, _, body := b.ask(t, "officer-a", "GET", "/api/v1/plays?"+query, "")
		var got struct {
			Items []struct{ ID string } `json:"items"`
		}
		check(t, json.Unmarshal([]byte(body), &got))
		ids := ""
		for _, p := range got.Items {
			ids += p.ID + " "
		}
		if ids != want {
			t.Errorf("%s: %s, want %s", query, ids, want)
		}
	}
	if _, _, body := b.ask(t, "officer-a", "GET", "/api/v1/plays?outcome=heard", ""); codeOf(body) != "VALIDATION" {
		t.Errorf("an outcome that is none: %s", body)
	}
}
