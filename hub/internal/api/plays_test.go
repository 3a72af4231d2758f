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
