package sheet

import (
	"bytes"
	"encoding/csv"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

var heads = []string{"Phóng sự", "Lúc", "Số"}

// nasty is what a person could name a report to have it run on another's machine.
var nasty = []string{"=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", `=HYPERLINK("http://x","y")`, `=cmd|' /C calc'!A0`, "Luật, \"đất đai\"\nsố 1", "'=1", ""}

func at() time.Time {
	return time.Date(2026, 11, 24, 5, 30, 15, 0, time.FixedZone("+07", 7*3600))
}

func fill(t *testing.T, w Writer, err error) {
	t.Helper()
	for _, text := range nasty {
		if err == nil {
			err = w.Row(text, at(), int64(-3))
		}
	}
	if err == nil {
		err = w.Row(nil, time.Time{}, 1.5)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestNoCellOfCSVBeginsAFormula(t *testing.T) {
	var b bytes.Buffer
	w, err := NewCSV(&b, heads)
	fill(t, w, err)
	text, ok := strings.CutPrefix(b.String(), "\ufeff")
	if !ok {
		t.Error("no byte order mark")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != len(nasty)+2 || !slices.Equal(rows[0], heads) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, want := range nasty {
		got := rows[i+1]
		if got[1] != "2026-11-24 05:30:15" || got[2] != "-3" {
			t.Errorf("row %d: %q", i, got)
		}
		if strings.ContainsAny(got[0][:min(1, len(got[0]))], "=+-@\t\r\n") {
			t.Errorf("%q begins a formula", got[0])
		}
		if plain := strings.TrimPrefix(got[0], "'"); strings.ReplaceAll(plain, "\r", "") != strings.ReplaceAll(strings.TrimPrefix(want, "'"), "\r", "") {
			t.Errorf("got %q of %q", got[0], want)
		}
	}
	if last := rows[len(rows)-1]; !slices.Equal(last, []string{"", "", "1.5"}) {
		t.Errorf("last row %q", last)
	}
}

func TestXLSXHoldsTextsAsTextsAndTimesAsTimes(t *testing.T) {
	var b bytes.Buffer
	w, err := newXLSX(&b, "Nhật ký", heads, 6) // heads and five rows on a sheet
	fill(t, w, err)
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.GetSheetList(); !slices.Equal(got, []string{"Nhật ký 1", "Nhật ký 2", "Nhật ký 3"}) {
		t.Fatalf("sheets %q", got)
	}
	var seen []string
	for _, sheet := range f.GetSheetList() {
		rows, err := f.GetRows(sheet)
		if err != nil || !slices.Equal(rows[0], heads) {
			t.Fatalf("%s: %q, %v", sheet, rows, err)
		}
		for i := range rows[1:] {
			cell := "A" + string(rune('2'+i))
			formula, err := f.GetCellFormula(sheet, cell)
			kind, err2 := f.GetCellType(sheet, cell)
			text, err3 := f.GetCellValue(sheet, cell)
			if err != nil || err2 != nil || err3 != nil || formula != "" || text != "" && kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
				t.Errorf("%s %s: formula %q, type %v of %q, %v %v %v", sheet, cell, formula, kind, text, err, err2, err3)
			}
			seen = append(seen, text)
			if text != "" || i == 0 {
				if when, _ := f.GetCellValue(sheet, "B"+cell[1:]); when != "24/11/2026 05:30:15" {
					t.Errorf("%s %s: time %q", sheet, cell, when)
				}
			}
		}
	}
	for i, want := range nasty {
		// XML knows one kind of line end; what a reader gives of \r is \n.
		if got := strings.ReplaceAll(seen[i], "\r", "\n"); got != strings.ReplaceAll(want, "\r", "\n") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A table of a year must not lie in memory: rows go to the disk as they come.
func TestALongTableTakesBoundedMemory(t *testing.T) {
	var before, after runtime.MemStats
	w, err := NewXLSX(io.Discard, "x", heads)
	if err != nil {
		t.Fatal(err)
	}
	row := []any{strings.Repeat("Tìm hiểu pháp luật ", 10), at(), int64(1)}
	write := func(n int) {
		for range n {
			if err := w.Row(row...); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(80_000) // past what the library keeps in memory
	runtime.GC()
	runtime.ReadMemStats(&before)
	write(60_000)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if more := int64(after.HeapAlloc) - int64(before.HeapAlloc); more > 8<<20 {
		t.Errorf("60,000 more rows, about 20 MB, hold %d bytes more", more)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
