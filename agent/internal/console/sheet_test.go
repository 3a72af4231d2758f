package console

import (
	"strings"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
)

func TestTheDaySheetIsMadeOfThePlanAlone(t *testing.T) {
	c := newCommune(t, usual())
	s := c.sources()
	s.Pairing = func() Pairing {
		return Pairing{Paired: true, Name: "Xã <A>", Contact: "Anh Hùng, 0912 345 678", Connection: Connection{Problem: "X", Detail: "no route"}}
	}
	c.sources = func() Sources { return s }
	today, tomorrow := ask(c.Console, "/sheet?lang=en", nil), ask(c.Console, "/sheet?lang=en&day=1", nil)
	if today.Code != 200 || tomorrow.Code != 200 {
		t.Fatalf("%d, %d", today.Code, tomorrow.Code)
	}
	body := today.Body.String()
	for _, want := range []string{"Xã &lt;A&gt;", "Tuesday 24/11/2026", "17:00:00 – 17:10:00", "law", "priority, hub", "chiều", "Anh Hùng, 0912 345 678", "Press STOP at once"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not on the sheet:\n%s", want, body)
		}
	}
	if body := tomorrow.Body.String(); !strings.Contains(body, "Wednesday 25/11/2026") || strings.Contains(body, "17:10:00") {
		t.Errorf("tomorrow:\n%s", body)
	}
	for _, key := range failures() {
		if vietnamese()[key] == "" || vietnamese()[key+"_do"] == "" {
			t.Errorf("%s has no words", key)
		}
	}
	s.Plan = func() *broadcast.Plan { return nil }
	if w := ask(c.Console, "/sheet", nil); w.Code != 409 || !strings.Contains(w.Body.String(), "PLAN_NONE") {
		t.Errorf("without a plan: %d %s", w.Code, w.Body)
	}
}
