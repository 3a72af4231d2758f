package api

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loa-vn/loa/internal/broadcast"
)

// weekdays, timeOfDay and daypart are how the OpenAPI description shows types whose JSON differs from their Go
// form.
type weekdays []string

// Schema implements huma.SchemaProvider.
func (weekdays) Schema(huma.Registry) *huma.Schema {
	words := make([]any, len(broadcast.DaysOfWeek))
	for i, d := range broadcast.DaysOfWeek {
		words[i] = d
	}
	return &huma.Schema{Type: huma.TypeArray, Description: "every day when empty or left out",
		Items: &huma.Schema{Type: huma.TypeString, Enum: words}}
}

type timeOfDay string

// Schema implements huma.SchemaProvider.
func (timeOfDay) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "HH:MM or HH:MM:SS in the fleet's zone; 24:00 is the end of the day",
		Examples: []any{"05:00"}}
}

type daypart struct {
	Name     string               `json:"name" minLength:"1" maxLength:"64"`
	Start    broadcast.TimeOfDay  `json:"start" required:"false" doc:"needed unless disabled"`
	End      broadcast.TimeOfDay  `json:"end" required:"false" doc:"needed unless disabled"`
	Days     broadcast.Weekdays   `json:"days,omitzero"`
	Reserved []broadcast.Reserved `json:"reserved,omitempty" doc:"spans in which another source speaks"`
	Disabled bool                 `json:"disabled,omitzero" doc:"takes an inherited daypart of this name away"`
}

// ifMatch reads the version a person saw: "3", 3 or W/"3"; 0 for * or nothing.
func ifMatch(header string) (int64, error) {
	text := strings.Trim(strings.TrimPrefix(strings.TrimSpace(header), "W/"), `"`)
	if text == "" || text == "*" {
		return 0, nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 1 {
		return 0, errValidation.At("If-Match")
	}
	return v, nil
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// instant reads RFC 3339, or a wall time of the fleet's zone without an offset; "" is the zero time.
func (s *Server) instant(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := s.written(text)
	if err != nil || s.far(t) {
		return time.Time{}, errTime.At(field)
	}
	return t, nil
}

// far tells an instant that nobody means, as agents do: outside of these years lies a slip of the hand, and beyond the
// year 9999 in any zone what no JSON can say.
func (s *Server) far(t time.Time) bool {
	year := t.In(s.Zone).Year()
	return year < 2000 || year > 2200
}

func (s *Server) written(text string) (time.Time, error) {
	// A plus sign that was not escaped in a query arrives as a blank.
	if t, err := time.Parse(time.RFC3339, strings.Replace(text, " ", "+", 1)); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return broadcast.DateOf(t, time.UTC).At(broadcast.TimeOfDay(t.Hour()*3600+t.Minute()*60+t.Second()), s.Zone), nil
		}
	}
	return time.Time{}, errTime
}

// originOf gives scheme and host of a URL.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
