package broadcast_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// refused holds an error to its code and field.
func refused(t *testing.T, err error, code, field string) {
	t.Helper()
	var bad *broadcast.Invalid
	switch {
	case code == "" && err != nil:
		t.Errorf("refused: %v", err)
	case code != "" && (!errors.As(err, &bad) || bad.Code != code || bad.Field != field || bad.VI == "" || bad.EN == ""):
		t.Errorf("%v, want %s at %s", err, code, field)
	}
}

func TestPolicyValidate(t *testing.T) {
	for _, c := range []struct{ name, policy, field string }{
		{"nothing set", `{}`, ""},
		{"a usual one", `{"windows":[{"start":"05:00","end":"24:00","days":["mon"]}],"dayparts_per_day":3,"minutes_per_daypart":45,"volume":[{"start":"05:00","end":"06:00","max_percent":0}],"urgent_volume":100}`, ""},
		{"an empty list of windows", `{"windows":[]}`, "windows"},
		{"a window over midnight", `{"windows":[{"start":"22:00","end":"02:00"}]}`, "windows[0]"},
		{"an empty window", `{"windows":[{"start":"05:00","end":"06:00"},{"start":"05:00","end":"05:00"}]}`, "windows[1]"},
		{"a volume over midnight", `{"volume":[{"start":"22:00","end":"02:00","max_percent":5}]}`, "volume[0]"},
		{"a volume above 100", `{"volume":[{"start":"01:00","end":"02:00","max_percent":101}]}`, "volume[0].max_percent"},
		{"no daypart at all", `{"dayparts_per_day":0}`, "dayparts_per_day"},
		{"negative minutes", `{"minutes_per_daypart":-1}`, "minutes_per_daypart"},
		{"a silent urgent volume", `{"urgent_volume":0}`, "urgent_volume"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p broadcast.Policy
			if err := json.Unmarshal([]byte(c.policy), &p); err != nil {
				t.Fatal(err)
			}
			code := ""
			if c.field != "" {
				code = broadcast.CodePolicyInvalid
			}
			refused(t, p.Validate(), code, c.field)
		})
	}
}

func TestValidateDayparts(t *testing.T) {
	for _, c := range []struct{ name, dayparts, code, field string }{
		{"none", `[]`, "", ""},
		{"usual", `[{"name":"Buổi sáng","start":"05:00","end":"05:45","reserved":[{"start":"05:00","end":"05:15"},{"start":"05:15","end":"05:30"}]},{"name":"evening","start":"17:00","end":"17:45"}]`, "", ""},
		{"touching", `[{"name":"a","start":"05:00","end":"06:00"},{"name":"b","start":"06:00","end":"07:00"}]`, "", ""},
		{"the same time on other days", `[{"name":"a","start":"05:00","end":"06:00","days":["mon"]},{"name":"b","start":"05:00","end":"06:00","days":["tue"]}]`, "", ""},
		{"disabled needs a name only", `[{"name":"a","disabled":true}]`, "", ""},
		{"overlap on a common day", `[{"name":"a","start":"05:00","end":"06:00","days":["mon","tue"]},{"name":"b","start":"05:59","end":"07:00","days":["tue"]}]`, broadcast.CodeDaypartOverlap, "start"},
		{"a name twice", `[{"name":"a","start":"05:00","end":"06:00"},{"name":"a","start":"07:00","end":"08:00"}]`, broadcast.CodeDaypartInvalid, "name"},
		{"no name", `[{"name":"","start":"05:00","end":"06:00"}]`, broadcast.CodeDaypartInvalid, "name"},
		{"a name that would break a slot id", `[{"name":"a/b","start":"05:00","end":"06:00"}]`, broadcast.CodeDaypartInvalid, "name"},
		{"over midnight", `[{"name":"a","start":"23:00","end":"01:00"}]`, broadcast.CodeDaypartInvalid, "start"},
		{"a relay outside", `[{"name":"a","start":"05:00","end":"06:00","reserved":[{"start":"05:30","end":"06:01"}]}]`, broadcast.CodeDaypartInvalid, "reserved[0]"},
		{"relays that overlap", `[{"name":"a","start":"05:00","end":"06:00","reserved":[{"start":"05:00","end":"05:20"},{"start":"05:10","end":"05:30"}]}]`, broadcast.CodeDaypartInvalid, "reserved[1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var list []broadcast.Daypart
			if err := json.Unmarshal([]byte(c.dayparts), &list); err != nil {
				t.Fatal(err)
			}
			refused(t, broadcast.ValidateDayparts(list), c.code, c.field)
		})
	}
}

// sound is a small plan that NewPlan takes.
func sound() (broadcast.Head, []broadcast.Day) {
	at := minute(1100)
	item := broadcast.Item{Report: "r", Audio: audio[1], Manifest: audio[2], DurationMS: 60_000}
	head := broadcast.Head{Audience: "agent", Version: 1, IssuedAt: minute(0), Expires: minute(3000), Zone: zone.String(), Rules: broadcast.Inherit(),
		Bulletins: []broadcast.Bulletin{{ID: "u", Kind: "live", IssuedAt: minute(1), Until: minute(9), Items: []broadcast.Item{item}, Repeat: &broadcast.Repeat{EveryMS: 60_000, Count: 2}}},
		Decisions: []broadcast.Decision{{Kind: "mute", When: minute(5), Source: "pc"}},
		Days:      []broadcast.DayRef{{Date: day, Hash: audio[0]}}}
	return head, []broadcast.Day{{Date: day,
		Dayparts: []broadcast.Occurrence{{Name: "p", Start: minute(1000), End: minute(1030), Reserved: []broadcast.Span{{Start: minute(1010), End: minute(1020)}}}},
		Candidates: []broadcast.Candidate{
			{Broadcast: "x", Version: 1, Class: broadcast.Normal, Owner: broadcast.OwnerHub, ApprovedAt: minute(0), At: &at, Lateness: broadcast.Lateness{Rule: broadcast.LateJoin}, Items: []broadcast.Item{item}},
			{Broadcast: "d", Version: 1, Class: broadcast.Priority, Owner: broadcast.OwnerCommune, ApprovedAt: minute(0), Daypart: "p", Lateness: broadcast.Lateness{Rule: broadcast.LateSkip}, Items: []broadcast.Item{item}}}}}
}

func TestNewPlanRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		field string
		spoil func(h *broadcast.Head, d *broadcast.Day)
	}{
		"nothing is wrong":        {"", func(*broadcast.Head, *broadcast.Day) {}},
		"the PC's own zone":       {"zone", func(h *broadcast.Head, _ *broadcast.Day) { h.Zone = "Local" }},
		"an unknown zone":         {"zone", func(h *broadcast.Head, _ *broadcast.Day) { h.Zone = "Mars/Base" }},
		"no audience":             {"audience", func(h *broadcast.Head, _ *broadcast.Day) { h.Audience = "" }},
		"an end before its issue": {"expires", func(h *broadcast.Head, _ *broadcast.Day) { h.Expires = h.IssuedAt }},
		"windows that overlap": {"rules", func(h *broadcast.Head, _ *broadcast.Day) {
			h.Rules.Windows = append(h.Rules.Windows, h.Rules.Windows...)
		}},
		"no urgent volume":        {"rules", func(h *broadcast.Head, _ *broadcast.Day) { h.Rules.UrgentVolume = 0 }},
		"a contact of two lines":  {"rules", func(h *broadcast.Head, _ *broadcast.Day) { h.Rules.Contact = "a\nb" }},
		"a day that is not named": {"days[0]", func(_ *broadcast.Head, d *broadcast.Day) { d.Date = "2026-11-25" }},
		"a missing day": {"days", func(h *broadcast.Head, _ *broadcast.Day) {
			h.Days = append(h.Days, broadcast.DayRef{Date: "2026-11-25"})
		}},
		"an empty daypart":            {"days[0].dayparts[0]", func(_ *broadcast.Head, d *broadcast.Day) { d.Dayparts[0].End = d.Dayparts[0].Start }},
		"a daypart on another date":   {"days[0].dayparts[0]", func(_ *broadcast.Head, d *broadcast.Day) { d.Dayparts[0].End = minute(1500) }},
		"a relay outside its daypart": {"days[0].dayparts[0]", func(_ *broadcast.Head, d *broadcast.Day) { d.Dayparts[0].Reserved[0].End = minute(1040) }},
		"dayparts out of order": {"days[0].dayparts[1]", func(_ *broadcast.Head, d *broadcast.Day) {
			d.Dayparts = append(d.Dayparts, broadcast.Occurrence{Name: "q", Start: minute(10), End: minute(20)})
		}},
		"an instant on another date":   {"days[0].candidates[0]", func(_ *broadcast.Head, d *broadcast.Day) { *d.Candidates[0].At = minute(1441) }},
		"instant and daypart":          {"days[0].candidates[0]", func(_ *broadcast.Head, d *broadcast.Day) { d.Candidates[0].Daypart = "p" }},
		"an urgent candidate":          {"days[0].candidates[0]", func(_ *broadcast.Head, d *broadcast.Day) { d.Candidates[0].Class = broadcast.Urgent }},
		"no approval":                  {"days[0].candidates[1]", func(_ *broadcast.Head, d *broadcast.Day) { d.Candidates[1].ApprovedAt = time.Time{} }},
		"no lateness":                  {"days[0].candidates[1]", func(_ *broadcast.Head, d *broadcast.Day) { d.Candidates[1].Lateness = broadcast.Lateness{} }},
		"a candidate twice":            {"days[0].candidates[2]", func(_ *broadcast.Head, d *broadcast.Day) { d.Candidates = append(d.Candidates, d.Candidates[0]) }},
		"no items":                     {"days[0].candidates[1]", func(_ *broadcast.Head, d *broadcast.Day) { d.Candidates[1].Items = nil }},
		"an item without length":       {"days[0].candidates[1].items[0]", func(_ *broadcast.Head, d *broadcast.Day) { d.Candidates[1].Items[0].DurationMS = 0 }},
		"a hash in capitals":           {"days[0].candidates[1].items[0]", func(_ *broadcast.Head, d *broadcast.Day) { d.Candidates[1].Items[0].Audio = "ABCDEF" }},
		"an id that breaks slot ids":   {"days[0].candidates[1]", func(_ *broadcast.Head, d *broadcast.Day) { d.Candidates[1].Broadcast = "a#b" }},
		"a bulletin of unknown kind":   {"bulletins[0]", func(h *broadcast.Head, _ *broadcast.Day) { h.Bulletins[0].Kind = "test" }},
		"a bulletin twice":             {"bulletins[1]", func(h *broadcast.Head, _ *broadcast.Day) { h.Bulletins = append(h.Bulletins, h.Bulletins[0]) }},
		"a repetition without pause":   {"bulletins[0]", func(h *broadcast.Head, _ *broadcast.Day) { h.Bulletins[0].Repeat.EveryMS = 0 }},
		"a withdrawal of nothing":      {"withdrawals[0]", func(h *broadcast.Head, _ *broadcast.Day) { h.Withdrawals = []broadcast.Withdrawal{{At: minute(1)}} }},
		"a decision of unknown kind":   {"decisions[0]", func(h *broadcast.Head, _ *broadcast.Day) { h.Decisions[0].Kind = "shout" }},
		"a decision of unknown source": {"decisions[0]", func(h *broadcast.Head, _ *broadcast.Day) { h.Decisions[0].Source = "" }},
		"a move to nowhere":            {"decisions[0]", func(h *broadcast.Head, _ *broadcast.Day) { h.Decisions[0].Kind = "move" }},
	} {
		t.Run(name, func(t *testing.T) {
			h, d := sound()
			for i := range d[0].Candidates { // the two share an array of items
				d[0].Candidates[i].Items = append([]broadcast.Item(nil), d[0].Candidates[i].Items...)
			}
			c.spoil(&h, &d[0])
			_, err := broadcast.NewPlan(h, d)
			code := ""
			if c.field != "" {
				code = broadcast.CodePlanInvalid
			}
			refused(t, err, code, c.field)
		})
	}
}

// FuzzPlan: whatever parses and passes NewPlan gives a timetable without overlap and a ruling that wakes again.
func FuzzPlan(f *testing.F) {
	head, days := sound()
	h, err := json.Marshal(head)
	if err != nil {
		f.Fatal(err)
	}
	d, err := json.Marshal(days)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(h, d, int64(1000))
	f.Add(h, []byte(`[]`), int64(0))
	f.Add([]byte(`{"zone":"Europe/Berlin"}`), d, int64(-5))
	f.Fuzz(func(t *testing.T, h, d []byte, at int64) {
		var head broadcast.Head
		var days []broadcast.Day
		if json.Unmarshal(h, &head) != nil || json.Unmarshal(d, &days) != nil || len(days) > 5 {
			return
		}
		p, err := broadcast.NewPlan(head, days)
		if err != nil {
			return
		}
		now := minute(int(at % 100_000))
		var s broadcast.State
		s.Restarted(now)
		if r := p.Decide(now, s); !r.Wake.After(now) {
			t.Fatalf("wake %s at %s", r.Wake, now)
		}
		p.Why(now, s, nil)
		for date := range p.Days {
			slots := sounding(p.Slots(date, nil))
			for i, a := range slots {
				for _, b := range slots[i+1:] {
					if spanOf(a).Over(spanOf(b)) {
						t.Fatalf("%s and %s overlap", a.ID, b.ID)
					}
				}
			}
		}
	})
}

func TestPlainLine(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "Tìm hiểu pháp luật: điều 173 & “tội trộm cắp”": true, "<b>": true, "e\u0302\u0301": true,
		"a\nb": false, "a\tb": false, "\x1b[2J": false, "a\x00b": false, "tin \u202egnp": false, "\u2066x": false, "\xff": false, "\u0085": false,
	} {
		if got := broadcast.PlainLine(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
