package pages

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
)

// TestOperatorsPhone is the commune operator's evening at home: the hub's page on a phone, and an agent that plays, stops, goes away and
// comes back.
func TestOperatorsPhone(t *testing.T) {
	needs(t, "ffmpeg", "pulseaudio", "espeak-ng", "chromium", "npm")
	if testing.Short() {
		t.Skip("sound takes its time")
	}
	zone := forenoon(time.Now())
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute) // one on an idle machine
	defer cancel()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	card, err := soundcard.Start(ctx, filepath.Join(dir, "card"))
	must(err)
	defer func() { _ = card.Close() }()
	site, err := rig.NewSite(ctx, rig.SiteOptions{Bin: build(t), Dir: dir, Env: []string{"LOA_HUB_TIMEZONE=" + zone}})
	must(err)
	defer func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, area := range areas() {
		must(site.Chief.Call(ctx, "POST", "areas", area, nil))
	}
	hoa := rig.Person{Name: "hoa.dai-xa", Role: "operator", Password: "gio mua thu vang"}
	_, err = site.Join(ctx, hoa, "hoang-dao")
	must(err)
	agent, err := site.AddAgent(ctx, "hoang-dao", "Cụm loa nhà văn hóa", "PULSE_SERVER="+card.Server())
	must(err)
	_, err = site.AddAgent(ctx, "lien-chau", "Cụm loa bến đò", "PULSE_SERVER=unix:/nowhere") // which is nothing of hers
	must(err)
	reports := map[string]string{}
	for one := range strings.SplitSeq(speak(ctx, t, site, dir), ";") {
		title, id, _ := strings.Cut(one, "=")
		reports[title] = id
	}
	place, err := time.LoadLocation(zone)
	must(err)
	today := time.Now().In(place).Format("2006-01-02")
	for title, when := range map[string]map[string]any{
		"Bản tin y tế":        {"at": today + "T13:30:00"},
		"Bản tin khuyến học":  {"at": today + "T14:00:00"},
		"Bản tin nông nghiệp": {"daypart": "evening", "date": today},
	} {
		_, err := site.Schedule(ctx, reports[title], title, when, "hoang-dao")
		must(err)
	}
	_, err = site.Schedule(ctx, reports["Tìm hiểu pháp luật"], "Tìm hiểu pháp luật", map[string]any{"daypart": "evening", "date": today}, "quang-ninh")
	must(err)
	power := newSwitch(t, agent)
	if err := playwright(ctx, t, "phone", []string{"LOA_URL=" + site.URL, "LOA_HUB_URL=" + site.URL, "LOA_CONSOLE=" + agent.Console, "LOA_POWER=" + power, "LOA_OPERATOR=" + hoa.Name,
		"LOA_OPERATOR_PASSWORD=" + hoa.Password, "LOA_LONG=" + reports["Tìm hiểu pháp luật"], "LOA_SPEECH=" + filepath.Join(dir, "Bản tin y tế.wav")}); err != nil {
		t.Errorf("%v\nagent:\n%s\nhub:\n%s", err, agent.Tail(), site.Hub.Tail())
	}
}

// newSwitch gives the address at which a PC is switched off and on again.
func newSwitch(t *testing.T, agent *rig.Agent) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := fmt.Errorf("%s is neither on nor off", r.URL.Path)
		switch r.URL.Path {
		case "/off":
			err = agent.Stop()
		case "/on":
			err = agent.Start(r.Context())
		}
		if err != nil {
			t.Error(err)
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}
