package broadcast_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
)

func TestTimeOfDay(t *testing.T) {
	for text, want := range map[string]broadcast.TimeOfDay{"00:00": 0, "05:00": 18000, "23:59:59": 86399, "24:00": 86400, "24:00:00": 86400} {
		if got, err := broadcast.ParseTimeOfDay(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5:00", "05:60", "24:01", "24:00:01", "25:00", "05", "05:00:00:00", "+5:00", "-1:00", "-0:00", "05:0x", " 05:00"} {
		if got, err := broadcast.ParseTimeOfDay(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}

func TestTimeOfDayReadsWhatItWrites(t *testing.T) {
	check(t, "text", func(t *rapid.T) {
		tod := broadcast.TimeOfDay(rapid.IntRange(0, 86400).Draw(t, "seconds"))
		if got, err := broadcast.ParseTimeOfDay(tod.String()); err != nil || got != tod {
			t.Fatalf("%s: %d, %v", tod, got, err)
		}
	})
}

func TestWeekdaysJSON(t *testing.T) {
	for text, want := range map[string]broadcast.Weekdays{`[]`: 0, `["mon"]`: 1, `["sun","mon"]`: 65, `["mon","tue","wed","thu","fri","sat","sun"]`: broadcast.EveryDay} {
		var got broadcast.Weekdays
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{`["Mon"]`, `["monday"]`, `["mon","mon"]`, `[1]`, `"mon"`, `3`} {
		var got broadcast.Weekdays
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s is read as %d", text, got)
		}
	}
	check(t, "reads what it writes", func(t *rapid.T) {
		w := broadcast.Weekdays(rapid.IntRange(0, 127).Draw(t, "days"))
		b, err := json.Marshal(w)
		var got broadcast.Weekdays
		if err != nil || json.Unmarshal(b, &got) != nil || got != w {
			t.Fatalf("%s: %d, %v", b, got, err)
		}
	})
}

func TestDateAtInSummerTime(t *testing.T) {
	for _, c := range []struct{ name, zone, date, wall, want string }{
		{"no summer time", "Asia/Ho_Chi_Minh", "2026-11-24", "05:30", "2026-11-24T05:30:00+07:00"},
		{"end of day is the next midnight", "Asia/Ho_Chi_Minh", "2026-11-24", "24:00", "2026-11-25T00:00:00+07:00"},
		{"Berlin before the gap", "Europe/Berlin", "2026-03-29", "01:59:59", "2026-03-29T01:59:59+01:00"},
		{"Berlin in the gap moves forward", "Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T03:30:00+02:00"},
		{"Berlin start of the gap", "Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T03:00:00+02:00"},
		{"Berlin after the gap", "Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T03:00:00+02:00"},
		{"Berlin in the fold the first counts", "Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T02:30:00+02:00"},
		{"Berlin before the fold", "Europe/Berlin", "2026-10-25", "01:59", "2026-10-25T01:59:00+02:00"},
		{"Berlin after the fold", "Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T03:00:00+01:00"},
		{"Berlin evening of the change", "Europe/Berlin", "2026-10-25", "17:00", "2026-10-25T17:00:00+01:00"},
		{"Berlin midnight before", "Europe/Berlin", "2026-10-25", "00:00", "2026-10-25T00:00:00+02:00"},
		{"New York in the gap", "America/New_York", "2026-03-08", "02:30", "2026-03-08T03:30:00-04:00"},
		{"New York in the fold", "America/New_York", "2026-11-01", "01:30", "2026-11-01T01:30:00-04:00"},
		{"New York after the fold", "America/New_York", "2026-11-01", "02:00", "2026-11-01T02:00:00-05:00"},
		{"Havana has no midnight", "America/Havana", "2026-03-08", "00:00", "2026-03-08T01:00:00-04:00"},
		{"Havana day before ends there", "America/Havana", "2026-03-07", "24:00", "2026-03-08T01:00:00-04:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wall, err := broadcast.ParseTimeOfDay(c.wall)
			if err != nil {
				t.Fatal(err)
			}
			if got := broadcast.Date(c.date).At(wall, mustZone(c.zone)).Format(time.RFC3339); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestDateAtShowsItsWallTimeAndNeverGoesBack(t *testing.T) {
	check(t, "any day", func(t *rapid.T) {
		z := mustZone(rapid.SampledFrom([]string{"Europe/Berlin", "America/New_York", "Asia/Ho_Chi_Minh", "Australia/Lord_Howe"}).Draw(t, "zone"))
		d := broadcast.Date("2026-01-01").AddDays(rapid.IntRange(0, 730).Draw(t, "day"))
		a, b := broadcast.TimeOfDay(rapid.IntRange(0, 86399).Draw(t, "a")), broadcast.TimeOfDay(rapid.IntRange(0, 86399).Draw(t, "b"))
		at := d.At(a, z)
		for m := -120 * time.Minute; m < 0; m += 30 * time.Minute {
			if at.Add(m).Format("2006-01-02T15:04:05") == at.Format("2006-01-02T15:04:05") {
				t.Fatalf("%s %s is the second of two", d, a)
			}
		}
		if broadcast.DateOf(at, z) != d {
			t.Fatalf("%s %s is on %s", d, a, at)
		}
		shown := at.Format("15:04:05")
		if want := time.Date(2000, 1, 1, 0, 0, int(a), 0, time.UTC).Format("15:04:05"); shown < want {
			t.Fatalf("%s %s shows the earlier %s", d, want, shown)
		}
		if a < b && d.At(b, z).Before(at.Add(-time.Hour)) {
			t.Fatalf("%s: %s comes after %s", d, a, b)
		}
	})
}

func TestDates(t *testing.T) {
	for _, text := range []string{"2026-02-29", "2026-13-01", "24-11-2026", "", "2026-11-24T00:00:00Z"} {
		if d, err := broadcast.ParseDate(text); err == nil {
			t.Errorf("%q is read as %s", text, d)
		}
	}
	if got := broadcast.Date("2028-02-28").AddDays(2); got != "2028-03-01" {
		t.Errorf("leap year: %s", got)
	}
	if got := day.Weekday(); got != time.Tuesday {
		t.Errorf("weekday %s", got)
	}
}
