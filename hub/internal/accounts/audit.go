package accounts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/seal"
)

// Entry is one line of the audit log: who did what to what, and from where. Seq, At and Hash are set by Record.
//
// The lines are a chain. The hash of a line is the SHA-256 of these eleven texts, each written as a netstring (its
// length in bytes, a colon, the text, a comma): "loa audit line 1", the hash of the line before ("" for the first),
// seq, at in unix milliseconds, who, origin, action, subject, area, before, after.
type Entry struct {
	Seq     int64
	At      time.Time
	Who     string // a person's name, "agent:" and its id, or "hub"
	Origin  string // network address, or "console"
	Action  string // e.g. report.approve
	Subject string
	Area    string
	Before  json.RawMessage
	After   json.RawMessage
	Hash    string
}

type auditRow struct {
	bun.BaseModel `bun:"table:audit"`
	Seq           int64  `bun:"seq,pk"`
	At            int64  `bun:"at"`
	Who           string `bun:"who"`
	Origin        string `bun:"origin"`
	Action        string `bun:"action"`
	Subject       string `bun:"subject"`
	Area          string `bun:"area"`
	Before        string `bun:"before"`
	After         string `bun:"after"`
	Hash          string `bun:"hash"`
}

// sum is the hash of the line behind the one with hash prev.
func (r auditRow) sum(prev string) string {
	h := sha256.New()
	for _, text := range []string{"loa audit line 1", prev, strconv.FormatInt(r.Seq, 10), strconv.FormatInt(r.At, 10),
		r.Who, r.Origin, r.Action, r.Subject, r.Area, r.Before, r.After} {
		_, _ = io.WriteString(h, strconv.Itoa(len(text))+":"+text+",") // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (r auditRow) entry() Entry {
	return Entry{Seq: r.Seq, At: time.UnixMilli(r.At).UTC(), Who: r.Who, Origin: r.Origin, Action: r.Action, Subject: r.Subject,
		Area: r.Area, Before: json.RawMessage(r.Before), After: json.RawMessage(r.After), Hash: r.Hash}
}

// Record adds a line to the end of the chain.
func (s *Service) Record(ctx context.Context, e Entry) error {
	return s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return s.record(ctx, tx, e) })
}

// record adds a line within the transaction of the change it is about. A write transaction has the database to itself
// from its beginning (store opens it so), and seq is the key: of two writers none can take the place of the other.
func (s *Service) record(ctx context.Context, tx bun.Tx, e Entry) error {
	last, err := s.last(ctx, tx)
	if err != nil {
		return err
	}
	row := auditRow{Seq: last.Seq + 1, At: s.now().UnixMilli(), Who: e.Who, Origin: e.Origin, Action: e.Action, Subject: e.Subject,
		Area: e.Area, Before: string(e.Before), After: string(e.After)}
	row.Hash = row.sum(last.Hash)
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("write audit line: %w", err)
	}
	return nil
}

// last gives the newest line, zero when there is none.
func (s *Service) last(ctx context.Context, db bun.IDB) (auditRow, error) {
	var row auditRow
	err := db.NewSelect().Model(&row).Order("seq DESC").Limit(1).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return row, fmt.Errorf("read audit log: %w", err)
	}
	return row, nil
}

// By is who does something, for its audit line.
type By struct{ Name, Origin string }

// Console is the one who may run the hub's commands.
func Console() By { return By{"hub", "console"} }

// line writes what was done to a person; before and after become JSON, nil is nothing.
func (s *Service) line(ctx context.Context, tx bun.Tx, by By, action string, p personRow, before, after any) error {
	e := Entry{Who: by.Name, Origin: by.Origin, Action: action, Subject: p.ID, Area: p.Area}
	for _, v := range []struct {
		from any
		into *json.RawMessage
	}{{before, &e.Before}, {after, &e.After}} {
		if v.from == nil {
			continue
		}
		text, err := json.Marshal(v.from)
		if err != nil {
			return fmt.Errorf("encode audit line: %w", err)
		}
		*v.into = text
	}
	return s.record(ctx, tx, e)
}

// LogFilter chooses lines; what is empty chooses all.
type LogFilter struct {
	Who, Action, Subject string // Action: or what stands before its dot
	From, To             time.Time
}

// Log gives lines newest first, at most limit, older than the line before (0 for the newest).
func (s *Service) Log(ctx context.Context, before int64, limit int) ([]Entry, error) {
	return s.Search(ctx, LogFilter{}, before, limit)
}

// Search is Log of some lines.
func (s *Service) Search(ctx context.Context, f LogFilter, before int64, limit int) ([]Entry, error) {
	var rows []auditRow
	q := s.db.NewSelect().Model(&rows).Order("seq DESC").Limit(int64(limit))
	if before != 0 {
		q = q.Where("seq < ?", before)
	}
	for column, value := range map[string]string{"who": f.Who, "subject": f.Subject} {
		if value != "" {
			q = q.Where("? = ?", bun.Ident(column), value)
		}
	}
	if f.Action != "" {
		q = q.Where("(action = ? OR substr(action, 1, ?) = ?)", f.Action, len(f.Action)+1, f.Action+".")
	}
	if !f.From.IsZero() {
		q = q.Where("at >= ?", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		q = q.Where("at < ?", f.To.UnixMilli())
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	entries := make([]Entry, len(rows))
	for i, r := range rows {
		entries[i] = r.entry()
	}
	return entries, nil
}

// Head signs where the chain ends now. Kept elsewhere, it shows later that nothing up to there was changed or cut.
func (s *Service) Head(ctx context.Context, key seal.Key) ([]byte, error) {
	last, err := s.last(ctx, s.db)
	if err != nil {
		return nil, err
	}
	return seal.SealAuditHead(seal.AuditHead{Seq: last.Seq, Hash: last.Hash, At: s.now().UTC().Truncate(time.Second)}, key)
}
