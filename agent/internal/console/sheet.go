package console

import (
	"net/http"

	"github.com/loa-vn/loa/internal/broadcast"
)

// sheet is a day on paper, today or with ?day=1 tomorrow: what is to be heard, what to do when something fails, whom to
// call. It is made here, network or not.
func (c *Console) sheet(w http.ResponseWriter, r *http.Request) {
	s, t := c.sources(), language(r)
	v, err := Make(s, true)
	if err == nil && (v.Status == nil || v.Plan == nil) {
		err = errNoPlan
	}
	if err != nil {
		c.log.Warn("day sheet", "error", err)
		fail(w, err)
		return
	}
	plan := s.Plan()
	days := 0
	if r.URL.Query().Get("day") == "1" {
		days = 1
	}
	date := broadcast.DateOf(v.At, plan.Zone).AddDays(days)
	slots, err := look(s, plan, *v.Status).Day(date)
	if err != nil {
		c.log.Error("day sheet", "error", err)
		fail(w, err)
		return
	}
	c.show(w, http.StatusOK, "sheet.html", t, zone(s), map[string]any{"V": v, "Lang": t.code, "Other": t.other, "Every": 0, "Script": true,
		"Heading": t.say("sheet"), "Date": date.At(12*3600, plan.Zone), "Days": days, "Slots": slots, "Dayparts": plan.Days[date].Dayparts,
		"Address": "http://" + r.Host, "Fails": failures()})
}

// failures are what the sheet says what to do about.
func failures() []string {
	return []string{"fails_silent", "fails_wrong", "fails_power", "fails_network", "fails_time", "fails_pin"}
}
