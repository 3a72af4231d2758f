package broadcast_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
)

func TestInherit(t *testing.T) {
	for _, c := range []struct{ name, chain, want string }{
		{"nothing set", `[]`, `{"windows":[{"start":"05:00","end":"21:00","days":["mon","tue","wed","thu","fri","sat","sun"]}],"dayparts_per_day":0,"minutes_per_daypart":0,"volume":[],"second_person":true,"urgent_volume":100,"commune_may_move":true}`},
		{"a commune may allow every hour where nothing is set above", `[{},{"windows":[{"start":"00:00","end":"24:00"}]}]`,
			`{"windows":[{"start":"00:00","end":"24:00","days":["mon","tue","wed","thu","fri","sat","sun"]}],"dayparts_per_day":0,"minutes_per_daypart":0,"volume":[],"second_person":true,"urgent_volume":100,"commune_may_move":true}`},
		{"windows and weekdays intersect", `[{"windows":[{"start":"05:00","end":"21:00","days":["mon","tue","sat"]}]},{"windows":[{"start":"04:00","end":"06:00","days":["tue","sat","sun"]},{"start":"20:00","end":"22:00","days":["tue"]}]}]`,
			`{"windows":[{"start":"05:00","end":"06:00","days":["tue","sat"]},{"start":"20:00","end":"21:00","days":["tue"]}],"dayparts_per_day":0,"minutes_per_daypart":0,"volume":[],"second_person":true,"urgent_volume":100,"commune_may_move":true}`},
		{"windows that do not meet allow nothing", `[{"windows":[{"start":"05:00","end":"06:00"}]},{"windows":[{"start":"07:00","end":"08:00"}]}]`,
			`{"windows":[],"dayparts_per_day":0,"minutes_per_daypart":0,"volume":[],"second_person":true,"urgent_volume":100,"commune_may_move":true}`},
		{"limits and volumes take the smaller", `[{"dayparts_per_day":3,"minutes_per_daypart":15,"urgent_volume":90,"volume":[{"start":"05:00","end":"07:00","max_percent":60}]},{"dayparts_per_day":2,"minutes_per_daypart":45,"urgent_volume":95,"volume":[{"start":"06:00","end":"08:00","max_percent":40}]}]`,
			`{"windows":[{"start":"05:00","end":"21:00","days":["mon","tue","wed","thu","fri","sat","sun"]}],"dayparts_per_day":2,"minutes_per_daypart":15,"volume":[{"start":"05:00","end":"06:00","max_percent":60},{"start":"06:00","end":"08:00","max_percent":40}],"second_person":true,"urgent_volume":90,"commune_may_move":true}`},
		{"true wins for the second person, false for moving", `[{"second_person":false,"commune_may_move":true},{"second_person":true,"commune_may_move":false},{"second_person":false,"commune_may_move":true}]`,
			`{"windows":[{"start":"05:00","end":"21:00","days":["mon","tue","wed","thu","fri","sat","sun"]}],"dayparts_per_day":0,"minutes_per_daypart":0,"volume":[],"second_person":true,"urgent_volume":100,"commune_may_move":false}`},
		{"whom to call is what the nearest area says", `[{"contact":"Tỉnh, 0203 3838 000"},{"contact":"Anh Hùng, 0912 345 678"},{}]`,
			`{"windows":[{"start":"05:00","end":"21:00","days":["mon","tue","wed","thu","fri","sat","sun"]}],"dayparts_per_day":0,"minutes_per_daypart":0,"volume":[],"second_person":true,"urgent_volume":100,"commune_may_move":true,"contact":"Anh Hùng, 0912 345 678"}`},
		{"no second person where all that is set says so", `[{},{"second_person":false}]`,
			`{"windows":[{"start":"05:00","end":"21:00","days":["mon","tue","wed","thu","fri","sat","sun"]}],"dayparts_per_day":0,"minutes_per_daypart":0,"volume":[],"second_person":false,"urgent_volume":100,"commune_may_move":true}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var chain []broadcast.Policy
			if err := json.Unmarshal([]byte(c.chain), &chain); err != nil {
				t.Fatal(err)
			}
			if got, err := json.Marshal(broadcast.Inherit(chain...)); err != nil || string(got) != c.want {
				t.Errorf("%v\n got %s\nwant %s", err, got, c.want)
			}
		})
	}
}

func drawPolicy(t *rapid.T) (p broadcast.Policy) {
	for range rapid.IntRange(0, 3).Draw(t, "windows") {
		start := rapid.IntRange(0, 23).Draw(t, "start")
		p.Windows = append(p.Windows, broadcast.Window{Start: broadcast.TimeOfDay(start * 3600),
			End: broadcast.TimeOfDay(rapid.IntRange(start+1, 24).Draw(t, "end") * 3600), Days: broadcast.Weekdays(rapid.IntRange(0, 127).Draw(t, "days"))})
	}
	for range rapid.IntRange(0, 2).Draw(t, "volumes") {
		p.Volume = append(p.Volume, broadcast.VolumeRule{Start: 0, End: broadcast.TimeOfDay(rapid.IntRange(1, 24).Draw(t, "until") * 3600), MaxPercent: rapid.IntRange(0, 100).Draw(t, "percent")})
	}
	limit := func(label string) *int {
		if n := rapid.IntRange(0, 20).Draw(t, label); n > 0 {
			return &n
		}
		return nil
	}
	p.DaypartsPerDay, p.MinutesPerDaypart, p.UrgentVolume = limit("dayparts"), limit("minutes"), limit("urgent")
	return p
}

func TestAChildOnlyTightens(t *testing.T) {
	check(t, "one more policy allows nothing new", func(t *rapid.T) {
		parent, child := drawPolicy(t), drawPolicy(t)
		above, below := broadcast.Inherit(parent), broadcast.Inherit(parent, child)
		at := minute(rapid.IntRange(0, 7*1440).Draw(t, "at"))
		span := broadcast.Span{Start: at, End: at.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "length")) * time.Minute)}
		if len(parent.Windows) > 0 && below.Allows(span, zone) && !above.Allows(span, zone) {
			t.Fatal("the child allows what its parent forbids")
		}
		if above.VolumeAt(at, zone) < below.VolumeAt(at, zone) || above.UrgentVolume < below.UrgentVolume {
			t.Fatal("the child is louder than its parent")
		}
		if a, b := above.MinutesPerDaypart, below.MinutesPerDaypart; a > 0 && (b == 0 || b > a) {
			t.Fatal("the child has more minutes than its parent")
		}
	})
}

func TestWindowsThatAdjoinCountAsOne(t *testing.T) {
	r := broadcast.Inherit(broadcast.Policy{Windows: []broadcast.Window{{Start: 22 * 3600, End: broadcast.EndOfDay, Days: 2}, {Start: 0, End: 2 * 3600, Days: 4}}})
	for _, c := range []struct {
		name     string
		from, to int
		want     bool
	}{
		{"over midnight from Tuesday to Wednesday", 23 * 60, 25 * 60, true},
		{"beyond the second window", 23 * 60, 26*60 + 1, false},
		{"before the first", 22*60 - 1, 23 * 60, false},
		{"over the midnight of another day", 47 * 60, 49 * 60, false},
		{"nothing", 23 * 60, 23 * 60, false},
	} {
		if got := r.Allows(broadcast.Span{Start: minute(c.from), End: minute(c.to)}, zone); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestInheritDayparts(t *testing.T) {
	got := broadcast.InheritDayparts(
		[]broadcast.Daypart{{Name: "evening", Start: 17 * 3600, End: 18 * 3600}, {Name: "morning", Start: 5 * 3600, End: 6 * 3600}, {Name: "noon", Start: 11 * 3600, End: 12 * 3600}},
		[]broadcast.Daypart{{Name: "evening", Start: 16 * 3600, End: 17 * 3600}, {Name: "noon", Disabled: true}},
		[]broadcast.Daypart{{Name: "dawn", Start: 4 * 3600, End: 5 * 3600}, {Name: "unknown", Disabled: true}})
	var names []string
	for _, d := range got {
		names = append(names, d.Name+" "+d.Start.String())
	}
	if text, _ := json.Marshal(names); string(text) != `["dawn 04:00","morning 05:00","evening 16:00"]` {
		t.Errorf("%s", text)
	}
}

func TestWithdrawalTakes(t *testing.T) {
	item := broadcast.Item{Report: "r1", Audio: "a1"}
	for _, c := range []struct {
		name string
		w    broadcast.Withdrawal
		want bool
	}{
		{"the report", broadcast.Withdrawal{Report: "r1", Audio: "a1"}, true},
		{"the report by its id alone", broadcast.Withdrawal{Report: "r1"}, true},
		{"another report with the same audio", broadcast.Withdrawal{Report: "r2", Audio: "a1"}, false},
		{"audio of whatever report", broadcast.Withdrawal{Audio: "a1"}, true},
		{"other audio", broadcast.Withdrawal{Audio: "a2"}, false},
		{"nothing", broadcast.Withdrawal{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.w.Takes(item); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
