package accounts

import (
	"context"
	"fmt"

	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

// Fault is one place where the audit log is not what was written.
type Fault struct {
	Seq  int64
	What string
}

// String is one line for the console.
func (f Fault) String() string { return fmt.Sprintf("line %d: %s", f.Seq, f.What) }

// verifyPage is how many lines are read at once; maxFaults how many are named.
const (
	verifyPage = 1000
	maxFaults  = 20
)

// Verify reads the whole audit log and gives its length and what is wrong with it, nothing when it is whole. Whoever can
// write the database can also write a whole chain anew: only against a head that was kept elsewhere does that show, and a
// cut tail too. Error beside faults: AUDIT_BROKEN.
func (s *Service) Verify(ctx context.Context, kept *seal.AuditHead) (lines int64, faults []Fault, err error) {
	w := walk{kept: kept}
	for {
		var rows []auditRow
		q := s.db.NewSelect().Model(&rows).Order("seq").Limit(verifyPage)
		if w.begun {
			q = q.Where("seq > ?", w.last.Seq)
		}
		if err := q.Scan(ctx); err != nil {
			return 0, nil, fmt.Errorf("read audit log: %w", err)
		}
		for _, row := range rows {
			w.step(row)
		}
		if len(rows) < verifyPage {
			break
		}
	}
	w.end()
	if len(w.faults) > 0 {
		return w.last.Seq, w.faults, errChain
	}
	return w.last.Seq, nil, nil
}

// ErrHeadForeign is the refusal of a kept head that this hub's key did not sign.
func ErrHeadForeign(cause error) *problem.Error { return errHeadForeign.With(cause) }

// walk goes along the chain.
type walk struct {
	kept   *seal.AuditHead
	last   auditRow
	begun  bool
	faults []Fault
}

func (w *walk) fault(seq int64, what string, args ...any) {
	if len(w.faults) < maxFaults {
		w.faults = append(w.faults, Fault{seq, fmt.Sprintf(what, args...)})
	}
}

func (w *walk) step(row auditRow) {
	switch next := w.last.Seq + 1; {
	case row.Seq < next:
		w.fault(row.Seq, "was put before the first line")
	case row.Seq > next:
		w.fault(next, "deleted, with all up to line %d", row.Seq-1)
	case row.sum(w.last.Hash) != row.Hash:
		w.fault(row.Seq, "not what was written there, or not behind the line it was written behind")
	}
	if w.kept != nil && row.Seq == w.kept.Seq && row.Hash != w.kept.Hash {
		w.fault(row.Seq, "another than the kept head names: lines up to it were written anew")
	}
	w.last, w.begun = row, true
}

func (w *walk) end() {
	if w.kept != nil && w.last.Seq < w.kept.Seq {
		w.fault(w.last.Seq+1, "cut off, with all up to line %d, which the kept head names", w.kept.Seq)
	}
}
