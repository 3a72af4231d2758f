package library

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold writes a text as people type it who leave the marks out: small letters without marks, đ as d, one blank between
// words. "Tìm hiểu  Pháp luật" becomes "tim hieu phap luat", whichever of Unicode's two ways it was written in.
func fold(text string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(text) {
		switch r = unicode.ToLower(r); {
		case unicode.Is(unicode.Mn, r):
		case r == 'đ':
			b.WriteByte('d')
		default:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// words are what a report is searched by, one line each, so that no search runs across two of them. Never "": that
// means a row from before there was a search.
func (r *reportRow) words() string {
	var b strings.Builder
	for _, text := range []string{r.Title, r.Series, r.Source, r.Speaker, r.SourceName} {
		b.WriteString("\n" + fold(text))
	}
	if m, err := r.meta(); err == nil { // what cannot be read is found by the rest
		for _, text := range m.LawFields {
			b.WriteString("\n" + fold(text))
		}
		for _, w := range m.Laws {
			b.WriteString("\n" + fold(w.Number) + "\n" + fold(w.Title))
		}
	}
	return b.String()
}

// Index writes the words of reports that were kept before there was a search, or whose writing never came so far. The
// hub calls it as it starts.
func (l *Library) Index(ctx context.Context) error {
	for {
		var rows []reportRow
		if err := l.DB.NewSelect().Model(&rows).Where("search = ''").Limit(200).Scan(ctx); err != nil {
			return fmt.Errorf("read reports without search: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		for _, r := range rows {
			_, err := l.DB.NewUpdate().Model(&r).Set("search = ?", r.words()).WherePK().Where("search = ''").Exec(ctx)
			if err != nil {
				return fmt.Errorf("write search of report: %w", err)
			}
		}
	}
}
