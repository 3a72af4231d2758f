package broadcast

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Invalid says what is wrong with a policy, a daypart or a plan: a stable code, the field, and a sentence with
// the next step in both languages. The hub turns it into a problem.
type Invalid struct {
	Code   string
	Field  string
	VI, EN string
}

// Codes of Invalid.
const (
	CodePolicyInvalid  = "POLICY_INVALID"  // A value of the policy cannot be. The answer says which, and what it may be.
	CodeDaypartInvalid = "DAYPART_INVALID" // A value of a daypart cannot be. The answer says which, and what it may be.
	CodeDaypartOverlap = "DAYPART_OVERLAP" // Two dayparts overlap. Change the time or the days of one.
	CodePlanInvalid    = "PLAN_INVALID"    // A plan holds what cannot be. Update hub and agent to the same release.
)

// Error is the English sentence with the field.
func (e *Invalid) Error() string { return fmt.Sprintf("%s: %s: %s", e.Code, e.Field, e.EN) }

// Most a policy or daypart may hold: far above any real area, low enough for a head of 16 KiB.
const (
	maxWindows  = 28
	maxReserved = 12
	maxName     = 60
)

// Validate checks a policy as one area sets it.
func (p *Policy) Validate() error {
	bad := func(field, vi, en string) error { return &Invalid{CodePolicyInvalid, field, vi, en} }
	if p.Windows != nil && len(p.Windows) == 0 {
		return bad("windows", "Danh sách khung giờ rỗng. Hãy bỏ hẳn mục này để thừa kế, hoặc thêm một khung giờ.",
			"The list of windows is empty. Leave it out to inherit, or add a window.")
	}
	if len(p.Windows) > maxWindows || len(p.Volume) > maxWindows {
		return bad("windows", "Có quá nhiều khung giờ (tối đa 28). Hãy gộp bớt.", "There are too many windows (28 at most). Join some.")
	}
	for i, w := range p.Windows {
		if !span(w.Start, w.End) || w.Days > EveryDay {
			return bad(fmt.Sprintf("windows[%d]", i), spanVI, spanEN)
		}
	}
	for i, v := range p.Volume {
		if !span(v.Start, v.End) {
			return bad(fmt.Sprintf("volume[%d]", i), spanVI, spanEN)
		}
		if v.MaxPercent < 0 || v.MaxPercent > 100 {
			return bad(fmt.Sprintf("volume[%d].max_percent", i), "Âm lượng phải từ 0 đến 100 phần trăm. Hãy sửa lại.", "The volume must be 0 to 100 percent. Correct it.")
		}
	}
	for _, n := range []struct {
		field    string
		value    *int
		min, max int
	}{{"dayparts_per_day", p.DaypartsPerDay, 1, 48}, {"minutes_per_daypart", p.MinutesPerDaypart, 1, 1440}, {"urgent_volume", p.UrgentVolume, 1, 100}} {
		if n.value != nil && (*n.value < n.min || *n.value > n.max) {
			return bad(n.field, fmt.Sprintf("Giá trị phải từ %d đến %d. Hãy bỏ mục này nếu không giới hạn.", n.min, n.max),
				fmt.Sprintf("The value must be %d to %d. Leave it out for no limit.", n.min, n.max))
		}
	}
	if p.Contact != nil && !isContact(*p.Contact) {
		return bad("contact", "Người liên hệ là một dòng, không quá 200 chữ. Hãy rút ngắn lại.", "The contact is one line of at most 200 letters. Make it shorter.")
	}
	return nil
}

// maxContact is a name, a place and two telephone numbers.
const maxContact = 200

// isContact tells whether a line says whom to call; none is one too.
func isContact(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxContact && !strings.ContainsFunc(s, unicode.IsControl)
}

const (
	spanVI = "Giờ bắt đầu phải trước giờ kết thúc và không qua nửa đêm. Qua nửa đêm thì tách làm hai: đến 24:00 và từ 00:00."
	spanEN = "The start must be before the end and not cross midnight. Split one that does: until 24:00 and from 00:00."
)

func span(start, end TimeOfDay) bool { return 0 <= start && start < end && end <= EndOfDay }

// Validate checks a daypart as one area sets it. A disabled one needs only its name.
func (d *Daypart) Validate() error {
	bad := func(field, vi, en string) error { return &Invalid{CodeDaypartInvalid, field, vi, en} }
	if !plainName(d.Name) {
		return bad("name", "Tên buổi phát phải có 1–60 ký tự, không có / @ #. Hãy sửa lại tên.",
			"The daypart's name must have 1 to 60 characters, none of / @ #. Correct the name.")
	}
	if d.Disabled {
		return nil
	}
	if !span(d.Start, d.End) {
		return bad("start", spanVI, spanEN)
	}
	if d.Days > EveryDay {
		return bad("days", "Ngày trong tuần không hợp lệ. Dùng mon đến sun.", "A weekday is not valid. Use mon to sun.")
	}
	if len(d.Reserved) > maxReserved {
		return bad("reserved", "Có quá nhiều khoảng dành riêng (tối đa 12). Hãy gộp bớt.", "There are too many reserved spans (12 at most). Join some.")
	}
	for i, r := range d.Reserved {
		field := fmt.Sprintf("reserved[%d]", i)
		if !span(r.Start, r.End) || r.Start < d.Start || r.End > d.End {
			return bad(field, "Khoảng dành riêng phải nằm trong buổi phát. Hãy sửa giờ của nó.", "A reserved span must lie inside the daypart. Correct its times.")
		}
		for _, o := range d.Reserved[:i] {
			if r.Start < o.End && o.Start < r.End {
				return bad(field, "Hai khoảng dành riêng chồng lên nhau. Hãy sửa giờ của một khoảng.", "Two reserved spans overlap. Correct the times of one.")
			}
		}
	}
	return nil
}

// ValidateDayparts checks the dayparts of one area, its own or as inherited: each for itself, names used
// once, no two at the same time of a common weekday.
func ValidateDayparts(list []Daypart) error {
	for i, d := range list {
		if err := list[i].Validate(); err != nil {
			return err
		}
		for _, o := range list[:i] {
			if d.Name == o.Name {
				return &Invalid{CodeDaypartInvalid, "name", fmt.Sprintf("Tên buổi phát %q dùng hai lần. Hãy đổi một tên.", d.Name),
					fmt.Sprintf("The daypart name %q is used twice. Change one.", d.Name)}
			}
			if !d.Disabled && !o.Disabled && d.Days.Over(o.Days) && d.Start < o.End && o.Start < d.End {
				return &Invalid{CodeDaypartOverlap, "start", fmt.Sprintf("Buổi phát %q và %q trùng giờ. Hãy đổi giờ hoặc ngày của một buổi.", o.Name, d.Name),
					fmt.Sprintf("The dayparts %q and %q overlap. Change the time or the days of one.", o.Name, d.Name)}
			}
		}
	}
	return nil
}

// PlainLine tells whether a text shows as one line in its own order: terminals and pages print what people wrote,
// and a control character or a mark of direction in it shows something else than what was approved.
func PlainLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) })
}

// plainName is a name that can be part of a slot id: no separator of one, nothing unprintable.
func plainName(s string) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n >= 1 && n <= maxName && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return strings.ContainsRune("/@#", r) || !unicode.IsPrint(r) })
}

func (h Hash) valid() bool {
	return len(h) == 64 && !strings.ContainsFunc(string(h), func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
}

func (r Rules) validate() bool {
	for i, w := range r.Windows {
		if !span(w.Start, w.End) || w.Days > EveryDay {
			return false
		}
		if slices.ContainsFunc(r.Windows[:i], func(o Window) bool { return w.Days.Over(o.Days) && w.Start < o.End && o.Start < w.End }) {
			return false
		}
	}
	volumes := !slices.ContainsFunc(r.Volume, func(v VolumeRule) bool { return !span(v.Start, v.End) || v.MaxPercent < 0 || v.MaxPercent > 100 })
	return volumes && isContact(r.Contact) && r.DaypartsPerDay >= 0 && r.MinutesPerDaypart >= 0 && r.UrgentVolume >= 1 && r.UrgentVolume <= 100
}
