package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// Entry is one line of the audit log: who did what to what, and from where.
type Entry struct {
	ID      string          `json:"id"`
	At      time.Time       `json:"at"`
	Who     string          `json:"who"`    // a person's name, "agent:" and its id, or "hub"
	Origin  string          `json:"origin"` // network address, or "console"
	Action  string          `json:"action"` // e.g. report.approve
	Subject string          `json:"subject"`
	Area    string          `json:"area"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

type auditRow struct {
	bun.BaseModel `bun:"table:audit"`
	ID            string `bun:"id,pk"`
	At            int64  `bun:"at"`
	Who           string `bun:"who"`
	Origin        string `bun:"origin"`
	Action        string `bun:"action"`
	Subject       string `bun:"subject"`
	Area          string `bun:"area"`
	Before        string `bun:"before"`
	After         string `bun:"after"`
}

// Record adds a line; ID and At are set here.
func (s *Service) Record(ctx context.Context, e Entry) error {
	row := auditRow{ID: uuid.Must(uuid.NewV7()).String(), At: s.now().UnixMilli(), Who: e.Who, Origin: e.Origin,
		Action: e.Action, Subject: e.Subject, Area: e.Area, Before: string(e.Before), After: string(e.After)}
	if _, err := s.db.NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("write audit line: %w", err)
	}
	return nil
}

// Log gives lines newest first, at most limit, older than the line before ("" for the newest).
func (s *Service) Log(ctx context.Context, before string, limit int) ([]Entry, error) {
	var rows []auditRow
	q := s.db.NewSelect().Model(&rows).Order("id DESC").Limit(int64(limit))
	if before != "" {
		q = q.Where("id < ?", before)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	entries := make([]Entry, len(rows))
	for i, r := range rows {
		entries[i] = Entry{ID: r.ID, At: time.UnixMilli(r.At).UTC(), Who: r.Who, Origin: r.Origin, Action: r.Action,
			Subject: r.Subject, Area: r.Area, Before: json.RawMessage(r.Before), After: json.RawMessage(r.After)}
	}
	return entries, nil
}
