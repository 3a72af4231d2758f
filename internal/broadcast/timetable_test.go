package broadcast_test

import (
	"testing"

	"github.com/loa-vn/loa/internal/conformance"
)

func TestTimetableVectors(t *testing.T) {
	conformance.Check(t, "testdata/timetable", conformance.Direct)
}
