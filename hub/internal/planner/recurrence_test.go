package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
)

var hanoi = time.FixedZone("+07", 7*3600)

func TestExpand(t *testing.T) {
	for _, c := range []struct {
		name, rule string
		start      broadcast.Date
		want       string // days up to 2027-01-31, as 11-24 or 01-02
	}{
		{"no rule", "", "2026-11-24", "11-24"},
		{"daily, counted", "FREQ=DAILY;COUNT=3", "2026-11-24", "11-24 11-25 11-26"},
		{"every other day", "FREQ=DAILY;INTERVAL=2;COUNT=3", "2026-11-24", "11-24 11-26 11-28"},
		{"the law three times a week", "FREQ=WEEKLY;BYDAY=TU,TH,SU;COUNT=4", "2026-11-24", "11-24 11-26 11-29 12-01"},
		{"start beside the rule does not count", "FREQ=WEEKLY;BYDAY=WE;COUNT=2", "2026-11-24", "11-25 12-02"},
		{"until a day includes it", "FREQ=DAILY;UNTIL=20261126", "2026-11-24", "11-24 11-25 11-26"},
		{"until a wall time later that day", "FREQ=DAILY;UNTIL=20261126T053000", "2026-11-24", "11-24 11-25 11-26"},
		{"until a wall time earlier that day", "FREQ=DAILY;UNTIL=20261126T052959", "2026-11-24", "11-24 11-25"},
		{"until in UTC", "FREQ=DAILY;UNTIL=20261125T223000Z", "2026-11-24", "11-24 11-25 11-26"},
		{"just before, in UTC", "FREQ=DAILY;UNTIL=20261125T222959Z", "2026-11-24", "11-24 11-25"},
		{"last day of the month", "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2", "2026-11-24", "11-30 12-31"},
		{"the 31st skips short months", "FREQ=MONTHLY;COUNT=2;BYMONTHDAY=31", "2026-11-24", "12-31 01-31"},
		{"second Monday", "FREQ=MONTHLY;BYDAY=2MO;COUNT=2", "2026-11-24", "12-14 01-11"},
		{"last working day", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", "2026-11-24", "11-30 12-31"},
		{"a day of the year", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1", "2026-11-24", "01-01"},
		{"small letters and a prefix", "rrule:freq=daily;count=1", "2026-11-24", "11-24"},
		{"a week that starts on Sunday", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "2026-11-24", "11-24 12-06 12-08 12-20"},
		{"a week that starts on Monday", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "2026-11-24", "11-24 11-29 12-08 12-13"},
		{"30 February never comes", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-11-24", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := ParseRecurrence(c.rule, c.start, 5*3600+1800, hanoi)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range r.Expand("2026-11-01", "2027-01-31") {
				got = append(got, string(d[5:]))
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("got %s, want %s", text, c.want)
			}
		})
	}
}

func TestRecurrenceRefuses(t *testing.T) {
	for _, rule := range []string{
		"FREQ=HOURLY", "FREQ=MINUTELY", "FREQ=SECONDLY", "FREQ=FORTNIGHTLY", "INTERVAL=2", "FREQ=DAILY;COUNT=2;UNTIL=20261201",
		"FREQ=DAILY\nFREQ=WEEKLY", "FREQ=DAILY\nRRULE:FREQ=WEEKLY", "FREQ=DAILY;FREQ=WEEKLY", "FREQ=DAILY;BYHOUR=5,17",
		"FREQ=YEARLY;BYWEEKNO=3", "FREQ=YEARLY;BYYEARDAY=1", "FREQ=YEARLY;BYEASTER=1", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;INTERVAL=0",
		"FREQ=DAILY;UNTIL=20260230", "FREQ=DAILY;UNTIL=tomorrow", "FREQ=WEEKLY;BYDAY=1MO", "FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;BYMONTHDAY=3",
		"FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=YEARLY;BYMONTH=13", "FREQ=MONTHLY;BYSETPOS=1", "FREQ=DAILY;", "FREQ",
		"EXDATE=20261124", "FREQ=MONTHLY;BYDAY=54MO", "FREQ=MONTHLY;BYDAY=0MO", "FREQ=DAILY;WKST=XX",
	} {
		if _, err := ParseRecurrence(rule, "2026-11-24", 0, hanoi); code(err) != "RRULE_UNSUPPORTED" {
			t.Errorf("%q gives %v", rule, err)
		}
	}
}

// rule is a random rule, kept apart from its text.
type rule struct {
	freq       string
	interval   int
	start      time.Time
	byday      []time.Weekday
	bymonthday []int
	bymonth    []int
	count      int
	until      time.Time
}

var dayNames = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

func (r rule) String() string {
	parts := []string{"FREQ=" + r.freq, fmt.Sprintf("INTERVAL=%d", r.interval)}
	list := func(key string, n []int) {
		if len(n) > 0 {
			parts = append(parts, key+"="+strings.Trim(strings.ReplaceAll(fmt.Sprint(n), " ", ","), "[]"))
		}
	}
	if len(r.byday) > 0 {
		var names []string
		for _, d := range r.byday {
			names = append(names, dayNames[d])
		}
		parts = append(parts, "BYDAY="+strings.Join(names, ","))
	}
	list("BYMONTHDAY", r.bymonthday)
	list("BYMONTH", r.bymonth)
	if r.count > 0 {
		parts = append(parts, fmt.Sprintf("COUNT=%d", r.count))
	}
	if !r.until.IsZero() {
		parts = append(parts, "UNTIL="+r.until.Format("20060102"))
	}
	return strings.Join(parts, ";")
}

// days is the plain reading of RFC 5545: look at every day and ask whether the rule means it.
func (r rule) days(to time.Time) []broadcast.Date {
	var out []broadcast.Date
	for d := r.start; !d.After(to) && (r.until.IsZero() || !d.After(r.until)); d = d.AddDate(0, 0, 1) {
		if r.means(d) {
			if out = append(out, broadcast.Date(d.Format(time.DateOnly))); len(out) == r.count {
				break
			}
		}
	}
	return out
}

func (r rule) means(d time.Time) bool {
	monday := func(t time.Time) time.Time { return t.AddDate(0, 0, -(int(t.Weekday())+6)%7) }
	last := time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	months := (d.Year()-r.start.Year())*12 + int(d.Month()-r.start.Month())
	periods := map[string]int{"DAILY": int(d.Sub(r.start).Hours() / 24), "WEEKLY": int(monday(d).Sub(monday(r.start)).Hours() / 24 / 7),
		"MONTHLY": months, "YEARLY": d.Year() - r.start.Year()}
	byday, bymonthday, bymonth := r.byday, r.bymonthday, r.bymonth
	if len(byday)+len(bymonthday) == 0 { // what a rule does not say comes from its start
		switch r.freq {
		case "WEEKLY":
			byday = []time.Weekday{r.start.Weekday()}
		case "MONTHLY":
			bymonthday = []int{r.start.Day()}
		case "YEARLY":
			if len(bymonth) == 0 {
				bymonth = []int{int(r.start.Month())}
			}
			bymonthday = []int{r.start.Day()}
		}
	}
	return periods[r.freq]%r.interval == 0 &&
		(len(byday) == 0 || slices.Contains(byday, d.Weekday())) &&
		(len(bymonth) == 0 || slices.Contains(bymonth, int(d.Month()))) &&
		(len(bymonthday) == 0 || slices.Contains(bymonthday, d.Day()) || slices.Contains(bymonthday, d.Day()-last-1))
}

func TestExpandIsRFC5545(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := func(name string) time.Time {
			return time.Date(2026, 1, 1+rapid.IntRange(0, 1200).Draw(t, name), 0, 0, 0, 0, time.UTC)
		}
		r := rule{freq: rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "freq"),
			interval: rapid.IntRange(1, 4).Draw(t, "interval"), start: day("start")}
		if rapid.Bool().Draw(t, "has byday") {
			r.byday = rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) time.Weekday {
				return time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday"))
			}), 1, 4, rapid.ID).Draw(t, "byday")
		}
		if r.freq != "WEEKLY" && rapid.Bool().Draw(t, "has bymonthday") {
			r.bymonthday = rapid.SliceOfNDistinct(rapid.SampledFrom([]int{1, 2, 15, 28, 29, 30, 31, -1, -2, -31}), 1, 3, rapid.ID).Draw(t, "bymonthday")
		}
		if rapid.Bool().Draw(t, "has bymonth") {
			r.bymonth = rapid.SliceOfNDistinct(rapid.IntRange(1, 12), 1, 3, rapid.ID).Draw(t, "bymonth")
		}
		switch rapid.IntRange(0, 2).Draw(t, "end") {
		case 1:
			r.count = rapid.IntRange(1, 30).Draw(t, "count")
		case 2:
			r.until = day("until")
		}
		from := day("from")
		to := from.AddDate(0, 0, rapid.IntRange(0, 400).Draw(t, "length"))
		rec, err := ParseRecurrence(r.String(), broadcast.Date(r.start.Format(time.DateOnly)), 0, hanoi)
		if err != nil {
			t.Fatalf("%s: %v", r, err)
		}
		got := rec.Expand(broadcast.Date(from.Format(time.DateOnly)), broadcast.Date(to.Format(time.DateOnly)))
		want := slices.DeleteFunc(r.days(to), func(d broadcast.Date) bool { return string(d) < from.Format(time.DateOnly) })
		if !slices.Equal(got, want) {
			t.Fatalf("%s from %s gives %v, the plain reading %v", r, r.start.Format(time.DateOnly), got, want)
		}
	})
}

// FuzzParseRecurrence: no text makes the parser panic, and what it takes ends in bounded time.
func FuzzParseRecurrence(f *testing.F) {
	for _, s := range []string{"", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=TU,TH,SU;UNTIL=20261231", "FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=1",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "RRULE:FREQ=DAILY;COUNT=10000", "FREQ=MONTHLY;BYSETPOS=-366;BYMONTHDAY=31",
		"FREQ=WEEKLY;INTERVAL=1000;BYSETPOS=366;BYDAY=MO"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRecurrence(text, "2026-11-24", 19800, hanoi)
		if err != nil {
			return
		}
		began := time.Now()
		days := r.Expand("2026-11-24", "2026-12-31")
		if len(days) > 38 || !slices.IsSorted(days) {
			t.Errorf("%q gives %v", text, days)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%q takes %v", text, took)
		}
	})
}
