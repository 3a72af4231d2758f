package library

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Bounds of lists that people write.
const (
	maxLaws   = 20
	maxFields = 10
)

// Law is a legal document that a report cites.
type Law struct {
	Number        string         `json:"number" maxLength:"500" doc:"such as 24/2018/QH14"`
	Title         string         `json:"title,omitempty" maxLength:"500"`
	EffectiveFrom broadcast.Date `json:"effective_from,omitempty" doc:"YYYY-MM-DD"`
	ValidUntil    broadcast.Date `json:"valid_until,omitempty" doc:"YYYY-MM-DD, the first day on which it is no longer in force"`
}

// Meta is what people write about a report.
type Meta struct {
	Area       string         `json:"area"` // code of the area that answers for it; "" is the whole tree
	Title      string         `json:"title"`
	Series     string         `json:"series,omitempty"`                    // chuyên mục
	Source     string         `json:"source,omitempty"`                    // the station that produced it
	AirDate    broadcast.Date `json:"air_date,omitempty" doc:"YYYY-MM-DD"` // when that station aired it
	Language   string         `json:"language,omitempty" doc:"one of /languages"`
	Speaker    string         `json:"speaker,omitempty"`
	Rights     string         `json:"rights,omitempty"` // who may use it, and how
	LawFields  []string       `json:"law_fields,omitempty" doc:"such as đất đai"`
	Laws       []Law          `json:"laws,omitempty"` // that it cites
	ValidFrom  time.Time      `json:"valid_from,omitzero"`
	ValidUntil time.Time      `json:"valid_until,omitzero"`
}

// check makes a person's words tidy and refuses what is none.
func (m *Meta) check() error {
	m.Title = strings.TrimSpace(m.Title)
	if n := utf8.RuneCountInString(m.Title); n < 1 || n > 200 {
		return errTitle
	}
	m.LawFields = slices.DeleteFunc(m.LawFields, func(f string) bool { return strings.TrimSpace(f) == "" })
	m.Laws = slices.DeleteFunc(m.Laws, func(w Law) bool { return w == Law{} })
	if len(m.LawFields) > maxFields {
		return errTooMany.At("law_fields")
	}
	texts := map[string]string{"title": m.Title, "series": m.Series, "source": m.Source, "language": m.Language, "speaker": m.Speaker, "rights": m.Rights}
	for i, f := range m.LawFields {
		texts[fmt.Sprintf("law_fields[%d]", i)] = f
	}
	for field, text := range texts {
		if err := checkText(field, text); err != nil {
			return err
		}
	}
	if !isDate(m.AirDate) {
		return errDate.At("air_date")
	}
	if err := checkLaws(m.Laws); err != nil {
		return err
	}
	if !m.ValidFrom.IsZero() && !m.ValidUntil.IsZero() && !m.ValidUntil.After(m.ValidFrom) {
		return errValidity
	}
	return nil
}

func checkText(field, text string) error {
	if utf8.RuneCountInString(text) > 500 {
		return errTooLong.At(field)
	}
	if !broadcast.PlainLine(text) {
		return errText.At(field)
	}
	return nil
}

func checkLaws(laws []Law) error {
	if len(laws) > maxLaws {
		return errTooMany.At("laws")
	}
	for i, w := range laws {
		at := func(field string) string { return fmt.Sprintf("laws[%d].%s", i, field) }
		if strings.TrimSpace(w.Number) == "" && strings.TrimSpace(w.Title) == "" {
			return errLawNumber.At(at("number"))
		}
		for field, text := range map[string]string{"number": w.Number, "title": w.Title} {
			if err := checkText(at(field), text); err != nil {
				return err
			}
		}
		for field, day := range map[string]broadcast.Date{"effective_from": w.EffectiveFrom, "valid_until": w.ValidUntil} {
			if !isDate(day) {
				return errDate.At(at(field))
			}
		}
		if w.EffectiveFrom != "" && w.ValidUntil != "" && w.ValidUntil <= w.EffectiveFrom {
			return errValidity.At(at("valid_until"))
		}
	}
	return nil
}

// isDate says whether it is a day of the calendar, or none.
func isDate(d broadcast.Date) bool {
	_, err := time.Parse(time.DateOnly, string(d))
	return d == "" || err == nil
}

// same tells whether nothing is written otherwise.
func (m *Meta) same(o Meta) bool {
	a, b := *m, o
	if !slices.Equal(a.LawFields, b.LawFields) || !slices.Equal(a.Laws, b.Laws) || !a.ValidFrom.Equal(b.ValidFrom) || !a.ValidUntil.Equal(b.ValidUntil) {
		return false
	}
	return a.Area == b.Area && a.Title == b.Title && a.Series == b.Series && a.Source == b.Source && a.AirDate == b.AirDate &&
		a.Language == b.Language && a.Speaker == b.Speaker && a.Rights == b.Rights
}

func (r *reportRow) setMeta(m Meta) error {
	r.Area, r.Title, r.Series, r.Source, r.Language = m.Area, m.Title, m.Series, m.Source, m.Language
	r.AirDate, r.Speaker, r.Rights = m.AirDate, m.Speaker, m.Rights
	r.ValidFrom, r.ValidUntil = store.Millis(m.ValidFrom), store.Millis(m.ValidUntil)
	r.LawsUntil = ""
	for _, w := range m.Laws {
		if w.ValidUntil != "" && (r.LawsUntil == "" || w.ValidUntil < r.LawsUntil) {
			r.LawsUntil = w.ValidUntil
		}
	}
	var err error
	if r.LawFields, err = list(m.LawFields); err != nil {
		return err
	}
	r.Laws, err = list(m.Laws)
	return err
}

// list writes one as JSON, "" when it has nothing.
func list[T any](items []T) (string, error) {
	if len(items) == 0 {
		return "", nil
	}
	text, err := json.Marshal(items)
	if err != nil {
		return "", fmt.Errorf("encode list: %w", err)
	}
	return string(text), nil
}

func (r *reportRow) meta() (Meta, error) {
	m := Meta{Area: r.Area, Title: r.Title, Series: r.Series, Source: r.Source, AirDate: r.AirDate, Language: r.Language, Speaker: r.Speaker,
		Rights: r.Rights, ValidFrom: store.Time(r.ValidFrom), ValidUntil: store.Time(r.ValidUntil)}
	err := errors.Join(decode(r.LawFields, &m.LawFields), decode(r.Laws, &m.Laws))
	return m, err
}
