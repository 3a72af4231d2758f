// Package sheet writes tables for spreadsheet programs: it takes rows from api and gives CSV or XLSX, row by row, with
// bounded memory. A text stays a text: none becomes a formula in the program that opens it. A Writer is for one goroutine.
package sheet

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// Writer takes the rows of one table. Cells are string, int64, float64 or time.Time, whose wall clock is written; nil and
// the zero time are empty cells. Close ends the file, it does not close what it is written to.
type Writer interface {
	Row(cells ...any) error
	Close() error
}

// NewCSV writes UTF-8 with a byte order mark: without it Excel takes Vietnamese letters for another code page.
func NewCSV(to io.Writer, heads []string) (Writer, error) {
	if _, err := io.WriteString(to, "\ufeff"); err != nil {
		return nil, fmt.Errorf("write table: %w", err)
	}
	w := &csvWriter{csv.NewWriter(to)}
	w.w.UseCRLF = true // RFC 4180
	err := w.Row(texts(heads)...)
	return w, err
}

type csvWriter struct{ w *csv.Writer }

func (c *csvWriter) Row(cells ...any) error {
	out := make([]string, len(cells))
	for i, v := range cells {
		switch v := v.(type) {
		case nil:
		case string:
			out[i] = harmless(v)
		case time.Time:
			if !v.IsZero() {
				out[i] = v.Format("2006-01-02 15:04:05")
			}
		case int64:
			out[i] = strconv.FormatInt(v, 10)
		case float64:
			out[i] = strconv.FormatFloat(v, 'f', -1, 64)
		default:
			return fmt.Errorf("write table: a cell of type %T", v)
		}
	}
	if err := c.w.Write(out); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (c *csvWriter) Close() error {
	if c.w.Flush(); c.w.Error() != nil {
		return fmt.Errorf("write table: %w", c.w.Error())
	}
	return nil
}

// harmless puts an apostrophe before what a spreadsheet program would take for a formula (OWASP, CSV Injection); the wide
// forms count too, which some programs fold.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(text)[0]) {
		return "'" + text
	}
	return text
}

// maxRows is how many rows a sheet of XLSX holds.
const maxRows = excelize.TotalRows

// NewXLSX writes a workbook; what does not fit on one sheet goes on the next. Rows are kept in a temporary file until Close.
func NewXLSX(to io.Writer, title string, heads []string) (Writer, error) {
	return newXLSX(to, title, heads, maxRows)
}

func newXLSX(to io.Writer, title string, heads []string, rows int) (*xlsxWriter, error) {
	x := &xlsxWriter{to: to, file: excelize.NewFile(), title: title, heads: heads, rows: rows}
	var err error
	if x.bold, err = x.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}}); err == nil {
		date := "dd/mm/yyyy hh:mm:ss"
		x.date, err = x.file.NewStyle(&excelize.Style{CustomNumFmt: &date})
	}
	if err == nil {
		err = x.turn()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin table: %w", err), x.file.Close())
	}
	return x, nil
}

type xlsxWriter struct {
	to         io.Writer
	file       *excelize.File
	title      string
	heads      []string
	rows       int // that a sheet holds
	bold, date int // styles
	sheets     int
	sheet      *excelize.StreamWriter
	used       int // rows of the sheet
}

// turn begins the next sheet.
func (x *xlsxWriter) turn() (err error) {
	if x.sheet != nil {
		if err := x.sheet.Flush(); err != nil {
			return err
		}
	}
	x.sheets++
	name := fmt.Sprintf("%s %d", x.title, x.sheets)
	if x.sheets == 1 {
		err = x.file.SetSheetName("Sheet1", name)
	} else {
		_, err = x.file.NewSheet(name)
	}
	if err != nil {
		return err
	}
	if x.sheet, err = x.file.NewStreamWriter(name); err != nil {
		return err
	}
	if err := x.sheet.SetColWidth(1, len(x.heads), 20); err != nil {
		return err
	}
	if err := x.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	x.used = 1
	return x.sheet.SetRow("A1", texts(x.heads), excelize.RowOpts{StyleID: x.bold})
}

func (x *xlsxWriter) Row(cells ...any) error {
	if x.used == x.rows {
		if err := x.turn(); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	out := make([]any, len(cells))
	for i, v := range cells {
		switch v := v.(type) {
		case nil, string, int64, float64: // a string is written as one, never as a formula
			out[i] = v
		case time.Time:
			if !v.IsZero() {
				out[i] = excelize.Cell{StyleID: x.date, Value: v}
			}
		default:
			return fmt.Errorf("write table: a cell of type %T", v)
		}
	}
	x.used++
	if err := x.sheet.SetRow("A"+strconv.Itoa(x.used), out); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (x *xlsxWriter) Close() error {
	err := x.sheet.Flush()
	if err == nil {
		err = x.file.Write(x.to)
	}
	if err = errors.Join(err, x.file.Close()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func texts(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}
