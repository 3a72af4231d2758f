package library

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/uptrace/bun"
)

// Language is one that reports are spoken in.
type Language struct {
	bun.BaseModel `bun:"table:languages" json:"-"`
	Code          string `bun:"code,pk" json:"code" doc:"BCP 47 where there is one: vi, tyz, yue-x-san"`
	VI            string `bun:"vi" json:"vi" doc:"its name in Vietnamese"`
	EN            string `bun:"en" json:"en" doc:"its name in English"`
	Position      int64  `bun:"position" json:"-"`
}

// Languages gives those that a report may be spoken in, in the order of lists.
func (l *Library) Languages(ctx context.Context) ([]Language, error) {
	out := []Language{}
	if err := l.DB.NewSelect().Model(&out).Order("position", "code").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read languages: %w", err)
	}
	return out, nil
}

var languageCode = regexp.MustCompile(`^[a-z]{2,8}(-[a-z0-9]{1,8}){0,4}$`)

// SetLanguage adds a language at the end of the list, or names one anew. None is ever taken away: reports are spoken in it.
func (l *Library) SetLanguage(ctx context.Context, g Language) (Language, error) {
	g.VI, g.EN = strings.TrimSpace(g.VI), strings.TrimSpace(g.EN)
	if !languageCode.MatchString(g.Code) {
		return g, errLanguageCode
	}
	for field, text := range map[string]string{"vi": g.VI, "en": g.EN} {
		if text == "" {
			return g, errLanguageName.At(field)
		}
		if err := checkText(field, text); err != nil {
			return g, err
		}
	}
	err := l.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		last := int64(0)
		if err := tx.NewSelect().Model((*Language)(nil)).ColumnExpr("COALESCE(MAX(position), 0)").Scan(ctx, &last); err != nil {
			return fmt.Errorf("read languages: %w", err)
		}
		g.Position = last + 1
		_, err := tx.NewInsert().Model(&g).On("CONFLICT (code) DO UPDATE").Set("vi = EXCLUDED.vi").Set("en = EXCLUDED.en").Exec(ctx)
		if err != nil {
			return fmt.Errorf("write language: %w", err)
		}
		return nil
	})
	return g, err
}

// spoken refuses a language that is not in the list. What is kept from before there was one stays as it is.
func (l *Library) spoken(ctx context.Context, code string) error {
	if code == "" {
		return nil
	}
	known, err := l.Languages(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(known, func(g Language) bool { return g.Code == code }) {
		return errLanguage
	}
	return nil
}
