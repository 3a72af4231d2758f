package planner

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Recurrence is an RFC 5545 rule over calendar days. Everything Loa repeats happens at most once a day at one
// wall time of the fleet's zone, so rules are expanded over dates, where no summer time and no offset exists;
// the wall time joins afterwards.
type Recurrence struct {
	start broadcast.Date
	rule  *rrule.ROption // nil: the start only
	until broadcast.Date // last day, inclusive; "" when open
	plus  []broadcast.Date
	minus []broadcast.Date
}

// longestInterval and mostCounts bound what a rule can cost.
const (
	longestInterval = 1000
	mostCounts      = 10000
	mostDates       = 1000 // in exdates, in rdates
	longestRule     = 1000 // bytes; also, what cannot be read is repeated in the answer
)

var freqs = map[string]rrule.Frequency{"DAILY": rrule.DAILY, "WEEKLY": rrule.WEEKLY, "MONTHLY": rrule.MONTHLY, "YEARLY": rrule.YEARLY}

var weekdays = map[string]rrule.Weekday{"MO": rrule.MO, "TU": rrule.TU, "WE": rrule.WE, "TH": rrule.TH, "FR": rrule.FR, "SA": rrule.SA, "SU": rrule.SU}

var byDay = regexp.MustCompile(`^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$`)

// ParseRecurrence reads the value of an RRULE ("" is no rule) that starts on a day. at is the wall time of the
// occurrences, which an UNTIL with a time is compared with; zone reads an UNTIL in UTC. What rrule-go would
// silently read otherwise than RFC 5545 means it (stack.md), and what Loa does not do, is refused.
func ParseRecurrence(text string, start broadcast.Date, at broadcast.TimeOfDay, zone *time.Location) (Recurrence, error) {
	r := Recurrence{start: start}
	text = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:")
	if text == "" {
		return r, nil
	}
	if len(text) > longestRule {
		return r, unsupported("quy tắc quá dài. Hãy bỏ bớt mục.", "it is too long. Leave parts out.")
	}
	if strings.ContainsAny(text, "\r\n") || strings.Contains(text, "RRULE") {
		return r, unsupported("chỉ dùng được một quy tắc. Hãy lập thêm lịch phát cho quy tắc thứ hai.",
			"only one rule can be given. Make a second broadcast for the second rule.")
	}
	opt := rrule.ROption{Interval: 1, Wkst: rrule.MO}
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		key, value, ok := strings.Cut(part, "=")
		if _, twice := parts[key]; !ok || twice || value == "" {
			return r, unsupported(fmt.Sprintf("không đọc được “%s”. Hãy ghi như FREQ=WEEKLY;BYDAY=TU,TH,SU.", part),
				fmt.Sprintf("“%s” cannot be read. Write it like FREQ=WEEKLY;BYDAY=TU,TH,SU.", part))
		}
		parts[key] = value
	}
	for key, value := range parts {
		if err := r.part(&opt, key, value, at, zone); err != nil {
			return r, err
		}
	}
	if err := together(&opt, parts); err != nil {
		return r, err
	}
	opt.Dtstart = midnight(start)
	r.rule = &opt
	if _, err := rrule.NewRRule(opt); err != nil {
		return r, unsupported("giá trị không hợp lệ. Hãy chọn lại quy tắc.", "a value is out of its range. Choose the rule again.").With(err)
	}
	return r, nil
}

// part reads one KEY=VALUE of a rule.
func (r *Recurrence) part(opt *rrule.ROption, key, value string, at broadcast.TimeOfDay, zone *time.Location) (err error) {
	switch key {
	case "FREQ":
		var ok bool
		if opt.Freq, ok = freqs[value]; !ok {
			return unsupported(fmt.Sprintf("FREQ=%s. Hãy dùng DAILY, WEEKLY, MONTHLY hoặc YEARLY; để phát nhiều lần một ngày, hãy lập nhiều lịch phát.", value),
				fmt.Sprintf("FREQ=%s. Use DAILY, WEEKLY, MONTHLY or YEARLY; to sound several times a day make several broadcasts.", value))
		}
	case "INTERVAL":
		opt.Interval, err = number(key, value, 1, longestInterval)
	case "COUNT":
		opt.Count, err = number(key, value, 1, mostCounts)
	case "UNTIL":
		r.until, err = parseUntil(value, at, zone)
	case "WKST":
		day, ok := weekdays[value]
		if !ok {
			return badPart(key, value)
		}
		opt.Wkst = day
	case "BYDAY":
		opt.Byweekday, err = days(value)
	case "BYMONTHDAY":
		opt.Bymonthday, err = numbers(key, value, -31, 31)
	case "BYMONTH":
		opt.Bymonth, err = numbers(key, value, 1, 12)
	case "BYSETPOS":
		opt.Bysetpos, err = numbers(key, value, -366, 366)
	case "BYHOUR", "BYMINUTE", "BYSECOND":
		return unsupported(key+". Hãy ghi giờ phát ở mục giờ phát hoặc chọn buổi phát.", key+". Give the time of day in the broadcast's time, or choose a daypart.")
	default:
		return unsupported(key+". Các mục dùng được: FREQ, INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, WKST; ngày nghỉ ghi ở exdates.",
			key+". What can be used: FREQ, INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, WKST; exceptions go to exdates.")
	}
	return err
}

// together refuses parts that RFC 5545 does not allow beside each other (section 3.3.10).
func together(opt *rrule.ROption, parts map[string]string) error {
	has := func(key string) bool { _, ok := parts[key]; return ok }
	numbered := slices.ContainsFunc(opt.Byweekday, func(d rrule.Weekday) bool { return d.N() != 0 })
	switch {
	case !has("FREQ"):
		return unsupported("thiếu FREQ. Hãy ghi như FREQ=WEEKLY;BYDAY=TU,TH,SU.", "FREQ is missing. Write it like FREQ=WEEKLY;BYDAY=TU,TH,SU.")
	case has("COUNT") && has("UNTIL"):
		return unsupported("COUNT và UNTIL không dùng chung. Hãy bỏ một mục.", "COUNT and UNTIL exclude each other. Leave one out.")
	case numbered && opt.Freq != rrule.MONTHLY && opt.Freq != rrule.YEARLY:
		return unsupported("BYDAY có số thứ tự chỉ dùng với MONTHLY hoặc YEARLY. Hãy bỏ số.", "BYDAY with numbers goes only with MONTHLY or YEARLY. Leave the numbers out.")
	case has("BYMONTHDAY") && opt.Freq == rrule.WEEKLY:
		return unsupported("BYMONTHDAY không dùng với WEEKLY. Hãy dùng MONTHLY.", "BYMONTHDAY does not go with WEEKLY. Use MONTHLY.")
	case has("BYSETPOS") && !has("BYDAY") && !has("BYMONTHDAY") && !has("BYMONTH"):
		return unsupported("BYSETPOS cần thêm BYDAY, BYMONTHDAY hoặc BYMONTH. Hãy thêm một mục.", "BYSETPOS needs BYDAY, BYMONTHDAY or BYMONTH beside it. Add one.")
	}
	return nil
}

func badPart(key, value string) error {
	return unsupported(fmt.Sprintf("%s=%s không hợp lệ. Hãy sửa lại giá trị.", key, value), fmt.Sprintf("%s=%s cannot be. Correct the value.", key, value))
}

func number(key, value string, least, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return 0, badPart(key, value)
	}
	return n, nil
}

func numbers(key, value string, least, most int) ([]int, error) {
	var out []int
	for text := range strings.SplitSeq(value, ",") {
		n, err := number(key, text, least, most)
		if err != nil || n == 0 {
			return nil, badPart(key, value)
		}
		out = append(out, n)
	}
	return out, nil
}

func days(value string) ([]rrule.Weekday, error) {
	var out []rrule.Weekday
	for text := range strings.SplitSeq(value, ",") {
		m := byDay.FindStringSubmatch(text)
		if m == nil {
			return nil, badPart("BYDAY", value)
		}
		day := weekdays[m[2]]
		if m[1] != "" {
			n, err := number("BYDAY", m[1], -53, 53)
			if err != nil || n == 0 {
				return nil, badPart("BYDAY", value)
			}
			day = day.Nth(n)
		}
		out = append(out, day)
	}
	return out, nil
}

// parseUntil gives the last day on which an occurrence at the wall time at may be. A day alone includes that
// day (rrule-go would drop it); a time of a day includes the day when at is not later.
func parseUntil(value string, at broadcast.TimeOfDay, zone *time.Location) (broadcast.Date, error) {
	if t, err := time.Parse("20060102", value); err == nil {
		return broadcast.Date(t.Format(time.DateOnly)), nil
	}
	t, err := time.ParseInLocation("20060102T150405", value, zone)
	if err != nil {
		if t, err = time.Parse("20060102T150405Z", value); err != nil {
			return "", badPart("UNTIL", value)
		}
	}
	day := broadcast.DateOf(t, zone)
	if day.At(at, zone).After(t) {
		day = day.AddDays(-1)
	}
	return day, nil
}

func midnight(d broadcast.Date) time.Time {
	t, _ := time.Parse(time.DateOnly, string(d)) // a Date is checked where it enters
	return t
}

// Expand gives the days of the recurrence from from to to, both included, in order.
func (r Recurrence) Expand(from, to broadcast.Date) []broadcast.Date {
	last := to
	if r.until != "" && r.until < last {
		last = r.until
	}
	var out []broadcast.Date
	if r.rule == nil {
		if r.start <= to {
			out = append(out, r.start)
		}
	} else if last >= r.start {
		opt := *r.rule
		opt.Until = midnight(last)                        // also what ends a rule that never matches
		if rule, err := rrule.NewRRule(opt); err == nil { // checked when it was parsed
			for _, t := range rule.Between(midnight(from), midnight(last), true) {
				out = append(out, broadcast.Date(t.Format(time.DateOnly)))
			}
		}
	}
	out = append(out, r.plus...)
	out = slices.DeleteFunc(out, func(d broadcast.Date) bool { return d < from || d > to || slices.Contains(r.minus, d) })
	slices.Sort(out)
	return slices.Compact(out)
}
