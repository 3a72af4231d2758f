package cache

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
)

func night() Metered { return Metered{Start: 22 * 3600, End: 5 * 3600, Limit: 1000} }

func TestRations(t *testing.T) {
	zone := time.FixedZone("", 7*3600)
	day := func(hour, minute int) time.Time { return time.Date(2026, 11, 24, hour, minute, 0, 0, zone) }
	audio := func(use time.Time) need { return need{kind: kindAudio, use: use} }
	tests := map[string]struct {
		need    need
		missing int64
		now     time.Time
		want    ration
	}{
		"in the hours":                        {audio(day(17, 0)), 60_000, day(3, 0), ration{limit: 1000}},
		"outside, for tomorrow":               {audio(day(41, 0)), 60_000, day(12, 0), ration{waits: true, until: day(22, 0), limit: 1000}},
		"outside, before they open":           {audio(day(17, 0)), 60_000, day(12, 0), ration{limit: 1000}},
		"outside, in the first hour of them":  {audio(day(22, 59)), 60_000, day(12, 0), ration{limit: 1000}},
		"outside, right after that hour":      {audio(day(23, 2)), 60_000, day(12, 0), ration{waits: true, until: day(22, 0), limit: 1000}},
		"outside, but it takes hours to come": {audio(day(25, 0)), 3600 * 3000, day(12, 0), ration{limit: 1000}},
		"a slot too near for the limit":       {audio(day(3, 30)), 25 * 60_000, day(3, 0), ration{}},
		"audio that sounds already":           {audio(day(2, 0)), 60_000, day(3, 0), ration{}},
		"a document":                          {need{kind: kindDay, use: day(99, 0)}, 0, day(12, 0), ration{}},
		"a manifest":                          {need{kind: kindManifest, use: day(99, 0)}, 0, day(12, 0), ration{}},
		"a bulletin's audio":                  {need{kind: kindAudio, urgent: true, use: day(99, 0)}, 60_000, day(12, 0), ration{}},
		"no time to trust":                    {audio(day(3, 0)), 60_000, time.Time{}, ration{waits: true, limit: 1000}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := night().ration(test.need, test.missing, test.now, zone)
			if got.waits != test.want.waits || got.limit != test.want.limit || !got.until.Equal(test.want.until) {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
	if r := (Metered{}).ration(audio(day(99, 0)), 1, day(12, 0), zone); r != (ration{}) {
		t.Errorf("a line that is not metered has the ration %+v", r)
	}
}

// TestNothingIsMissedForTheHours follows audio minute by minute: whatever the hours and the time of its use, it may be
// fetched long enough before, and never outside the hours when inside would do.
func TestNothingIsMissedForTheHours(t *testing.T) {
	zone := time.FixedZone("", 7*3600)
	midnight := time.Date(2026, 11, 24, 0, 0, 0, 0, zone)
	rapid.Check(t, func(t *rapid.T) {
		start, end := rapid.IntRange(0, 1439).Draw(t, "start"), rapid.IntRange(0, 1439).Draw(t, "end")
		if start == end {
			end = (end + 1) % 1440
		}
		m := Metered{Start: broadcast.TimeOfDay(start * 60), End: broadcast.TimeOfDay(end * 60), Limit: rapid.Int64Range(2048, 1<<20).Draw(t, "limit")}
		takes := rapid.IntRange(0, 600).Draw(t, "minutes it takes at the limit")
		missing := int64(takes) * 60 * m.Limit
		use := rapid.IntRange(0, 3*1440).Draw(t, "use")
		n := need{kind: kindAudio, use: midnight.Add(time.Duration(use) * time.Minute)}
		inside := func(minute int) bool { // by the clock on the wall
			of := minute % 1440
			if start < end {
				return start <= of && of < end
			}
			return of >= start || of < end
		}
		fetched := 0 // at the limit, in minutes
		for minute := range use {
			now := midnight.Add(time.Duration(minute) * time.Minute)
			r := m.ration(n, missing-int64(fetched)*60*m.Limit, now, zone)
			if inside(minute) && r.waits {
				t.Fatalf("waits inside the hours, at minute %d", minute)
			}
			if r.waits {
				opens := minute + 1
				for !inside(opens) {
					opens++
				}
				if want := midnight.Add(time.Duration(opens) * time.Minute); !r.until.Equal(want) {
					t.Fatalf("at minute %d waits until %v, the hours open at %v", minute, r.until, want)
				}
				if use-opens < takes-fetched+60 {
					t.Fatalf("waits until minute %d for a slot at %d that takes %d more", opens, use, takes-fetched)
				}
				continue
			}
			fetched++
		}
		if begun := use > takes+11; begun && fetched < takes {
			t.Fatalf("only %d of %d minutes were fetched before the slot", fetched, takes)
		}
	})
}

func TestAudioWaitsForItsHours(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	r.close()
	r.metered = Metered{Start: 22 * 3600, End: 5 * 3600} // it is 10:00 in Vietnam
	r.open()
	var hourly []broadcast.Item
	for i := range 16 {
		hourly = append(hourly, h.report(1000+i))
	}
	r.offer(h.head(nil, hourly...))
	r.fetch(h, 100)
	for i, it := range hourly { // the first is due at 11:00
		if fetched := i < 12; r.cache.Whole(it.Audio) != fetched {
			t.Errorf("audio due at %d:00 is here: %t", 11+i, !fetched)
		}
	}
	if s := r.cache.Status(); s.State != "waiting" || s.Missing != 4 || !strings.Contains(s.Detail, "4 audio files wait for download_hours, from 22:00") {
		t.Errorf("status %+v", s)
	}
}
