package accounts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/seal"
)

// logged is a service on a database file with so many lines, as another process would open it.
func logged(t *testing.T, dir string, lines int) (*Service, *store.DB) {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.Database(t, dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), db.DB, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		e := Entry{Who: "Lan", Origin: "10.0.0.1", Action: "report.approve", Subject: fmt.Sprint("report ", i+1), Area: "xa-a", Before: []byte(`{"state":"draft"}`), After: []byte(`{"state":"approved"}`)}
		if err := s.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return s, db
}

func TestAuditLogIsReadNewestFirstInPages(t *testing.T) {
	s, _ := logged(t, t.TempDir(), 3)
	first, err := s.Log(t.Context(), 0, 2)
	if err != nil || len(first) != 2 || first[0].Subject != "report 3" || first[1].Subject != "report 2" {
		t.Fatalf("%+v, %v", first, err)
	}
	rest, err := s.Log(t.Context(), first[1].Seq, 2)
	if err != nil || len(rest) != 1 || rest[0].Subject != "report 1" || string(rest[0].After) != `{"state":"approved"}` {
		t.Fatalf("%+v, %v", rest, err)
	}
}

// TestAuditTampering changes the database's file as somebody would who took the hub, and looks whether it shows.
func TestAuditTampering(t *testing.T) {
	if os.Getenv(storetest.Env) != "" {
		t.Skip("it copies the database's file")
	}
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	const lines = 12
	whole := t.TempDir()
	_, db := logged(t, whole, lines)
	if err := db.Close(); err != nil { // everything is in the one file then
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		sql   []string
		line  int64  // that must be named, without a kept head; 0 when only the head shows it
		found string // with it
	}{
		{"nothing", nil, 0, ""},
		{"an edit: who", []string{`UPDATE audit SET who = 'Minh' WHERE seq = 5`}, 5, "not what was written"},
		{"an edit: when", []string{`UPDATE audit SET at = at - 60000 WHERE seq = 5`}, 5, "not what was written"},
		{"an edit: where from", []string{`UPDATE audit SET origin = '10.9.9.9' WHERE seq = 5`}, 5, "not what was written"},
		{"an edit: what", []string{`UPDATE audit SET action = 'report.create' WHERE seq = 5`}, 5, "not what was written"},
		{"an edit: of what", []string{`UPDATE audit SET subject = 'report 9' WHERE seq = 5`}, 5, "not what was written"},
		{"an edit: area", []string{`UPDATE audit SET area = 'xa-b' WHERE seq = 5`}, 5, "not what was written"},
		{"an edit: before", []string{`UPDATE audit SET before = '{}' WHERE seq = 5`}, 5, "not what was written"},
		{"an edit: after", []string{`UPDATE audit SET after = '{}' WHERE seq = 5`}, 5, "not what was written"},
		{"text moved from one field to the next", []string{`UPDATE audit SET action = 'report.approvereport', subject = ' 5' WHERE seq = 5`}, 5, "not what was written"},
		{"the hash alone", []string{`UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 4) WHERE seq = 5`}, 5, "not what was written"},
		{"a deletion", []string{`DELETE FROM audit WHERE seq = 5`}, 5, "deleted"},
		{"the first line deleted", []string{`DELETE FROM audit WHERE seq = 1`}, 1, "deleted"},
		{"several deleted", []string{`DELETE FROM audit WHERE seq BETWEEN 4 AND 7`}, 4, "up to line 7"},
		{"a deletion with the gap closed", []string{`DELETE FROM audit WHERE seq = 5`, `UPDATE audit SET seq = -seq WHERE seq > 5`, `UPDATE audit SET seq = -seq - 1 WHERE seq < 0`}, 5, "not what was written"},
		{"a swap", []string{`UPDATE audit SET seq = 100 WHERE seq = 5`, `UPDATE audit SET seq = 5 WHERE seq = 6`, `UPDATE audit SET seq = 6 WHERE seq = 100`}, 5, "not what was written"},
		{"a swap of what they say", []string{`UPDATE audit SET subject = CASE seq WHEN 5 THEN 'report 6' ELSE 'report 5' END WHERE seq IN (5, 6)`}, 5, "not what was written"},
		{"a line put in between", []string{`UPDATE audit SET seq = -seq WHERE seq > 5`, `UPDATE audit SET seq = 1 - seq WHERE seq < 0`, `INSERT INTO audit SELECT 6, at, who, origin, action, 'report x', area, before, after, hash FROM audit WHERE seq = 5`}, 6, "not what was written"},
		{"a line put before the first", []string{`INSERT INTO audit SELECT 0, at, who, origin, action, subject, area, before, after, hash FROM audit WHERE seq = 5`}, 0, "before the first"},
		{"a line put at the end", []string{`INSERT INTO audit SELECT 13, at, who, origin, action, subject, area, before, after, hash FROM audit WHERE seq = 12`}, 13, "not what was written"},
		{"a cut tail", []string{`DELETE FROM audit WHERE seq > 10`}, 0, "cut off, with all up to line 12"},
		{"everything deleted", []string{`DELETE FROM audit`}, 0, "cut off, with all up to line 12"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "hub")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			s, _ := logged(t, dir, 0)
			envelope, err := s.Head(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			tamper(t, dir, tc.sql...)
			found(t, s, envelope, key, tc.line, tc.found)
		})
	}
	for seq, c := range map[int64]struct {
		line  int64
		found string
	}{5: {6, "not behind the line"}, lines: {0, "another than the kept head names"}} {
		t.Run(fmt.Sprintf("line %d edited, and its hash made anew", seq), func(t *testing.T) {
			s, db := logged(t, t.TempDir(), lines)
			envelope, err := s.Head(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			var rows []auditRow
			if err := db.NewSelect().Model(&rows).Where("seq IN (?, ?)", seq-1, seq).Order("seq").Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			forged := rows[1]
			forged.Who = "Minh"
			forged.Hash = forged.sum(rows[0].Hash)
			if _, err := db.NewUpdate().Model(&forged).WherePK().Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			found(t, s, envelope, key, c.line, c.found)
		})
	}
	t.Run("a whole chain written anew", func(t *testing.T) {
		dir := t.TempDir()
		s, _ := logged(t, dir, lines)
		envelope, err := s.Head(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		tamper(t, dir, `DELETE FROM audit`)
		logged(t, dir, lines+3) // as good a chain as the first
		found(t, s, envelope, key, 0, "written anew")
	})
}

// tamper opens the database beside the hub.
func tamper(t *testing.T, dir string, statements ...string) {
	t.Helper()
	thief, err := store.Open(t.Context(), storetest.Database(t, dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	for _, q := range statements {
		if res, err := thief.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		} else if n, err := res.RowsAffected(); err != nil || n == 0 {
			t.Fatalf("%s: %d rows, %v", q, n, err)
		}
	}
}

// found checks what verify says without a head and with it.
func found(t *testing.T, s *Service, envelope []byte, key seal.Key, line int64, text string) {
	t.Helper()
	head, err := seal.OpenAuditHead(key.Public(), envelope)
	if err != nil {
		t.Fatal(err)
	}
	_, faults, err := s.Verify(t.Context(), nil)
	alone := line != 0 || text == "before the first"
	if alone != (code(err) == "AUDIT_BROKEN") || alone != (len(faults) > 0) || alone && faults[0].Seq != line {
		t.Errorf("without a head: %v, %v", faults, err)
	}
	_, faults, err = s.Verify(t.Context(), &head)
	if text == "" {
		if err != nil || len(faults) > 0 {
			t.Errorf("a whole log: %v, %v", faults, err)
		}
		return
	}
	all := fmt.Sprint(faults)
	if code(err) != "AUDIT_BROKEN" || !strings.Contains(all, text) {
		t.Errorf("with a head: %s, %v", all, err)
	}
}

func TestAuditHeadGrowsOld(t *testing.T) {
	s, _ := logged(t, t.TempDir(), 2)
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := s.Head(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), Entry{Who: "Lan", Action: "later"}); err != nil {
		t.Fatal(err)
	}
	head, err := seal.OpenAuditHead(key.Public(), envelope)
	if err != nil || head.Seq != 2 {
		t.Fatalf("%+v, %v", head, err)
	}
	if n, faults, err := s.Verify(t.Context(), &head); n != 3 || len(faults) > 0 || err != nil {
		t.Errorf("%d lines, %v, %v", n, faults, err)
	}
	other, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.OpenAuditHead(other.Public(), envelope); err == nil {
		t.Error("a head of another key was taken")
	}
}

// TestAuditWritersShareOneChain lets two processes' pools write at once: hub, and command line beside it.
func TestAuditWritersShareOneChain(t *testing.T) {
	dir := t.TempDir()
	hub, _ := logged(t, dir, 0)
	console, _ := logged(t, dir, 0)
	const each = 40
	var writers sync.WaitGroup
	for _, s := range []*Service{hub, hub, console, console} {
		writers.Go(func() {
			for range each {
				if err := s.Record(context.WithoutCancel(t.Context()), Entry{Who: "x", Action: "y"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if n, faults, err := hub.Verify(t.Context(), nil); n != 4*each || len(faults) > 0 || err != nil {
		t.Errorf("%d lines, %v, %v", n, faults, err)
	}
}

// A line that cannot be written takes the change along.
func TestNoChangeWithoutItsLine(t *testing.T) {
	s, db := logged(t, t.TempDir(), 0)
	if _, err := db.ExecContext(t.Context(), `ALTER TABLE audit RENAME TO elsewhere`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), `ALTER TABLE elsewhere RENAME TO audit`) }) // for the next test
	if _, err := s.Add(t.Context(), NewPerson{Name: "Lan", Password: goodPassword, Role: Viewer}); err == nil {
		t.Error("a person was added without an audit log")
	}
	if n, err := s.Count(t.Context()); n != 0 || err != nil {
		t.Errorf("%d people, %v", n, err)
	}
}
