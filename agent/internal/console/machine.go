package console

import (
	"net/http"
	"time"

	"github.com/loa-vn/loa/internal/problem"
)

var errClockForm = problem.New("CLOCK_FORM", http.StatusUnprocessableEntity,
	"Không đọc được ngày giờ. Hãy ghi như 2026-11-24T05:30.",
	"Date and time cannot be read. Write them like 2026-11-24T05:30.").At("at")

// setClock takes the time of a person's watch. What keeps it from being believed the clock itself says.
func (c *Console) setClock(s Sources, in request) error {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, in.At, zone(s)); err == nil {
			c.log.Info("clock is set by hand", "to", at, "who", in.Who)
			return s.SetClock(at)
		}
	}
	return errClockForm
}
