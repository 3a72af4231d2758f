// Package evidence is the hub's proof of what was heard: it takes play records from push, keeps each once,
// and gives them to the api by time, agent, report and area, and their sums by month. A record is acknowledged
// to its agent only after it is on disk, and counted in the sums by the same transaction. Of what was planned and has
// no record a day later it keeps that it is unknown. All methods are safe for concurrent use.
package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Record is a play record with the agent it came from.
type Record struct {
	broadcast.Play
	Agent      string    `json:"agent"`
	Area       string    `json:"area"`
	ReceivedAt time.Time `json:"received_at"`
}

type playRow struct {
	bun.BaseModel `bun:"table:plays"`
	ID            string `bun:"id,pk"`
	Agent         string `bun:"agent"`
	Area          string `bun:"area"`
	Slot          string `bun:"slot"`
	Broadcast     string `bun:"broadcast"`
	Version       int    `bun:"version"`
	Report        string `bun:"report"`
	Title         string `bun:"title"`
	Class         string `bun:"class"`
	Owner         string `bun:"owner"`
	Audio         string `bun:"audio"`
	PlannedStart  int64  `bun:"planned_start"`
	PlannedEnd    int64  `bun:"planned_end"`
	StartedAt     int64  `bun:"started_at"`
	EndedAt       int64  `bun:"ended_at"`
	Outcome       string `bun:"outcome"`
	Reason        string `bun:"reason"`
	Volume        int    `bun:"volume"`
	ReachedMS     int64  `bun:"reached_ms"`
	MissedMS      int64  `bun:"missed_ms"`
	Segments      string `bun:"segments"`
	Clock         string `bun:"clock"`
	ReceivedAt    int64  `bun:"received_at"`
}

// Log is the play log of all agents.
type Log struct {
	db   *bun.DB
	zone *time.Location
	now  func() time.Time

	deliveries store.Together[*delivery]
}

// New makes the log; zone is the fleet's, whose months sums are of, now is the hub's clock.
func New(db *bun.DB, zone *time.Location, now func() time.Time) *Log {
	return &Log{db: db, zone: zone, now: now, deliveries: store.Together[*delivery]{Most: commitAtOnce}}
}

// Query picks records by planned start.
type Query struct {
	From, To  time.Time // [From, To); zero is open
	Agent     string
	Report    string
	Broadcast string
	Outcome   broadcast.Outcome
	Areas     []string // nil: every area
	Newest    bool     // first, not last
	After     string   // cursor of the last page
	Limit     int      // 1 to 1,000
}

// List gives records in the order of their planned start, or against it, and the cursor of the next page ("" at the end).
// An unknown cursor gives an error.
func (l *Log) List(ctx context.Context, q Query) (records []Record, next string, err error) {
	var rows []playRow
	way, behind := "ASC", ">"
	if q.Newest {
		way, behind = "DESC", "<"
	}
	sel := l.db.NewSelect().Model(&rows).Order("planned_start "+way, "id "+way).Limit(int64(q.Limit) + 1)
	if !q.From.IsZero() {
		sel = sel.Where("planned_start >= ?", q.From.UnixMilli())
	}
	if !q.To.IsZero() {
		sel = sel.Where("planned_start < ?", q.To.UnixMilli())
	}
	for column, value := range map[string]string{"agent": q.Agent, "report": q.Report, "broadcast": q.Broadcast, "outcome": string(q.Outcome)} {
		if value != "" {
			sel = sel.Where("? = ?", bun.Ident(column), value)
		}
	}
	switch {
	case q.Areas != nil && len(q.Areas) == 0:
		return nil, "", nil
	case q.Areas != nil:
		sel = sel.Where("area IN (?)", bun.List(q.Areas))
	}
	if q.After != "" {
		var at int64
		start, id, ok := strings.Cut(q.After, ".")
		if _, err := fmt.Sscanf(start, "%d", &at); err != nil || !ok {
			return nil, "", fmt.Errorf("read cursor %q", q.After)
		}
		sel = sel.Where("(planned_start "+behind+" ? OR (planned_start = ? AND id "+behind+" ?))", at, at, id)
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list plays: %w", err)
	}
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		last := rows[len(rows)-1]
		next = fmt.Sprintf("%d.%s", last.PlannedStart, last.ID)
	}
	records = make([]Record, len(rows))
	for i, r := range rows {
		var segments []broadcast.Segment
		_ = json.Unmarshal([]byte(r.Segments), &segments) // written by Insert alone
		records[i] = r.record(segments)
	}
	return records, next, nil
}

func (r playRow) record(segments []broadcast.Segment) Record {
	return Record{Agent: r.Agent, Area: r.Area, ReceivedAt: store.Time(r.ReceivedAt), Play: broadcast.Play{ID: r.ID, Slot: r.Slot,
		Broadcast: r.Broadcast, Version: r.Version, Report: r.Report, Title: r.Title, Class: broadcast.Class(r.Class), Owner: broadcast.Owner(r.Owner), Audio: broadcast.Hash(r.Audio),
		PlannedStart: store.Time(r.PlannedStart), PlannedEnd: store.Time(r.PlannedEnd), StartedAt: store.Time(r.StartedAt), EndedAt: store.Time(r.EndedAt),
		Outcome: broadcast.Outcome(r.Outcome), Reason: r.Reason, Volume: r.Volume, ReachedMS: r.ReachedMS, MissedMS: r.MissedMS,
		Segments: segments, Clock: r.Clock}}
}
