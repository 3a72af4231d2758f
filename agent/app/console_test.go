package app

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/config"
)

// press posts JSON to the console and gives the status and, of a refusal, the code.
func (a *agent) press(t *testing.T, action, body string) (status int, code string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	res, err := client.Post("http://"+a.ConsoleAddr()+"/api/v1/"+action, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var refused struct{ Code string }
	if res.StatusCode >= 400 {
		if err := json.Unmarshal(raw, &refused); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
	}
	return res.StatusCode, refused.Code
}

// await looks at the agent until it is as wanted.
func (a *agent) await(t *testing.T, what string, as func(console.View) bool) console.View {
	t.Helper()
	for limit, v := within(t, 20*time.Second), a.view(t); ; v = a.view(t) {
		if as(v) {
			return v
		}
		if limit.Err() != nil {
			t.Fatalf("never %s: %+v", what, v)
		}
		<-time.After(20 * time.Millisecond)
	}
}

const pinned = `{"pin":"2468","reason":"thử máy"`

// givePIN writes the PIN 2468 with less work for whoever checks it than the console asks for.
func givePIN(t *testing.T, dir string) {
	t.Helper()
	const iterations = 10
	key, err := pbkdf2.Key(sha256.New, "2468", []byte("salt"), iterations, 32)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{"salt": []byte("salt"), "key": key, "iterations": iterations})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, pinFile), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func startWithPIN(t *testing.T) (*agent, *hub) {
	t.Helper()
	dir := t.TempDir()
	h := pair(t, dir)
	givePIN(t, dir)
	a := start(t, dir, machine("1"))
	<-a.Started()
	return a, h
}

func tonedAs(state string) func(console.View) bool {
	return func(v console.View) bool { return v.Tone != nil && v.Tone.State == state }
}

func TestTheTestToneReachesTheCard(t *testing.T) {
	a, _ := startWithPIN(t)
	if status, code := a.press(t, "tone", `{"pin":"1357"}`); status != 403 || code != "PIN_WRONG" {
		t.Errorf("%d %s", status, code)
	}
	if status, code := a.press(t, "tone", pinned+"}"); status != 200 {
		t.Fatal(status, code)
	}
	if status, code := a.press(t, "tone", pinned+"}"); status != 409 || code != "TONE_ON" {
		t.Errorf("a second one: %d %s", status, code)
	}
	v := a.await(t, "heard", tonedAs("heard"))
	sounded := a.card.Sounded()
	if len(sounded) != 1 || sounded[0].Slot != "test-tone" || sounded[0].To != 3*48000 || v.Tone.ReachedMS != 3000 {
		t.Errorf("%+v, %+v", sounded, v.Tone)
	}
	if plays, err := a.paired.playlog.Pending(10, nil); err != nil || len(plays) != 0 {
		t.Errorf("a tone has left a play record: %+v %v", plays, err)
	}
	a.card.Set(player.CardMissing, "gone")
	if status, code := a.press(t, "tone", pinned+"}"); status != 503 || code != "CARD_MISSING" {
		t.Errorf("without a card: %d %s", status, code)
	}
}

func TestAStopEndsTheTestTone(t *testing.T) {
	a, _ := startWithPIN(t)
	if status, code := a.press(t, "tone", pinned+"}"); status != 200 {
		t.Fatal(status, code)
	}
	a.await(t, "sounding", tonedAs("sounding"))
	if status, code := a.press(t, "stop", ""); status != 200 {
		t.Fatal(status, code)
	}
	if v := a.await(t, "cut", tonedAs("cut")); v.Tone.ReachedMS >= 3000 {
		t.Errorf("%+v", v.Tone)
	}
}

func TestTheTestToneIsNeverOverAProgramme(t *testing.T) {
	a, h := startWithPIN(t)
	h.give(a.App, time.Now().Add(5*time.Second), time.Second)
	a.await(t, "due next", func(v console.View) bool { return v.Next != nil })
	if status, code := a.press(t, "tone", pinned+"}"); status != 409 || code != "TONE_PROGRAMME" {
		t.Errorf("before an item: %d %s", status, code)
	}
	if status, code := a.press(t, "mute", pinned+`,"minutes":5}`); status != 200 {
		t.Fatal(status, code)
	}
	a.await(t, "without a next", func(v console.View) bool { return v.Muted && v.Next == nil })
	if status, code := a.press(t, "tone", pinned+"}"); status != 409 || code != "TONE_FORBIDDEN" {
		t.Errorf("muted: %d %s", status, code)
	}
	if len(a.card.Sounded()) != 0 {
		t.Errorf("%+v", a.card.Sounded())
	}
}

func TestTheOperatorSetsAClockThatIsNotTrusted(t *testing.T) {
	dir := t.TempDir()
	pair(t, dir)
	givePIN(t, dir)
	m := machine("1")
	m.Hardware = func() (time.Time, error) { return time.Time{}, errors.New("the battery is dead") }
	m.Kept = nil
	a := start(t, dir, m)
	<-a.Started()
	if v := a.view(t); v.Clock.Trust != "untrusted" {
		t.Fatalf("%+v", v.Clock)
	}
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	at := func(in time.Time) string {
		return pinned + `,"at":"` + in.In(zone).Format("2006-01-02T15:04:05") + `"}`
	}
	if status, code := a.press(t, "clock", at(time.Now().AddDate(1, 0, 0))); status != 422 || code != "CLOCK_IMPLAUSIBLE" {
		t.Errorf("next year: %d %s", status, code)
	}
	if status, code := a.press(t, "clock", at(time.Now())); status != 200 {
		t.Fatal(status, code)
	}
	if v := a.view(t); v.Clock.Trust != "plausible" || time.Since(v.At).Abs() > 20*time.Second {
		t.Errorf("%+v at %v", v.Clock, v.At)
	}
}

func TestTheVolumeHoldsFromTheNextItemOn(t *testing.T) {
	a, h := startWithPIN(t)
	if status, code := a.press(t, "volume", pinned+`,"percent":50}`); status != 200 {
		t.Fatal(status, code)
	}
	h.give(a.App, time.Now().Add(time.Second), time.Second)
	a.await(t, "over", func(v console.View) bool { return v.Outbox == 1 })
	plays, err := a.paired.playlog.Pending(10, nil)
	if err != nil || len(plays) != 1 || plays[0].Volume != 50 {
		t.Errorf("%+v %v", plays, err)
	}
}

func TestAPlanThatTakesThePINBack(t *testing.T) {
	a, h := startWithPIN(t)
	if status, code := a.press(t, "mute", `{"pin":"1357","reason":"thử","minutes":1}`); status != 403 {
		t.Fatal(status, code)
	}
	now := time.Now()
	h.bring(a.paired.cache, broadcast.Head{Audience: "agent-1", Version: 1, IssuedAt: now.Add(-time.Minute), Expires: now.Add(24 * time.Hour), Zone: "Asia/Ho_Chi_Minh",
		Rules:     broadcast.Inherit(),
		Decisions: []broadcast.Decision{{Kind: "pin", Who: "minh", When: now.Add(-time.Minute), Counter: 1, Source: "hub"}}}, nil)
	for limit := within(t, 20*time.Second); a.pin.Chosen(); {
		if limit.Err() != nil {
			t.Fatal("the PIN is still there")
		}
		<-time.After(20 * time.Millisecond)
	}
	if status, code := a.press(t, "mute", pinned+`,"minutes":1}`); status != 409 || code != "PIN_NONE" {
		t.Errorf("%d %s", status, code)
	}
	a.stop()
	b := start(t, a.o.Config.Data, machine("1"))
	<-b.Started()
	if _, page := b.get(t, "/?lang=en"); !strings.Contains(page, "first choose a PIN") {
		t.Error("the page does not ask for another")
	}
}

func TestAPairedAgentThatStartsIsNoFirstHour(t *testing.T) {
	dir := t.TempDir()
	pair(t, dir)
	c, err := config.LoadAgent("", func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.Console = dir, config.ConsoleOff
	a, err := New(Options{Config: c, Version: "test", Built: time.Now().Add(-time.Hour), Log: slog.New(slog.DiscardHandler), Machine: machine("1")})
	if err != nil {
		t.Fatal(err)
	}
	v, err := console.Make(a.sources(), true) // before Run, or while it still opens what the agent keeps
	if err != nil || !v.Paired || v.Status != nil || a.sources().Join != nil {
		t.Errorf("%+v %v", v, err)
	}
}

func TestWhomToCallComesWithThePlan(t *testing.T) {
	dir := t.TempDir()
	h := pair(t, dir)
	c, err := config.LoadAgent("", func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.Console, c.Contact = dir, "127.0.0.1:0", "whoever set up this PC"
	a := startWith(t, c, machine("1"))
	<-a.Started()
	if v := a.view(t); v.Contact != c.Contact {
		t.Errorf("%q", v.Contact)
	}
	now, whom := time.Now(), "Anh Hùng, 0912 345 678"
	h.bring(a.paired.cache, broadcast.Head{Audience: "agent-1", Version: 1, IssuedAt: now.Add(-time.Minute), Expires: now.Add(24 * time.Hour), Zone: "Asia/Ho_Chi_Minh",
		Rules: broadcast.Inherit(broadcast.Policy{Contact: &whom})}, nil)
	a.await(t, "told whom to call", func(v console.View) bool { return v.Contact == whom })
	for _, path := range []string{"/", "/sheet"} {
		if _, page := a.get(t, path); !strings.Contains(page, whom) {
			t.Errorf("%s does not say whom to call", path)
		}
	}
}
