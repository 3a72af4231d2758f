package app

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/config"
)

func TestTheDoctorTellsWhatIsWrongAndWhatToDo(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		spoil func(*console.View, *config.Agent)
		code  string // "" for none
	}{
		"all is well":                   {func(*console.View, *config.Agent) {}, ""},
		"audio is being fetched":        {func(v *console.View, _ *config.Agent) { v.Cache.State = "fetching" }, ""},
		"fetching waits for its hours":  {func(v *console.View, _ *config.Agent) { v.Cache.State = "waiting" }, ""},
		"an amplifier that is on":       {func(v *console.View, c *config.Agent) { amp(v, c, "on") }, ""},
		"the agent does not run":        {func(v *console.View, _ *config.Agent) { v.Running = false }, "DOCTOR_STOPPED"},
		"never paired":                  {func(v *console.View, _ *config.Agent) { v.Paired, v.Status = false, nil }, "DOCTOR_PAIRING"},
		"an untrusted clock":            {func(v *console.View, _ *config.Agent) { v.Clock.Trust = "untrusted" }, "DOCTOR_CLOCK"},
		"a full cache":                  {func(v *console.View, _ *config.Agent) { v.Cache.State = "full" }, "DOCTOR_CACHE"},
		"a damaged cache":               {func(v *console.View, _ *config.Agent) { v.Cache.State = "damaged" }, "DOCTOR_CACHE"},
		"no plan":                       {func(v *console.View, _ *config.Agent) { v.Plan = nil }, "DOCTOR_PLAN"},
		"a plan that ran out":           {func(v *console.View, _ *config.Agent) { v.Plan.Expires = now.Add(-time.Hour) }, "DOCTOR_PLAN"},
		"no card":                       {func(v *console.View, _ *config.Agent) { v.Card.State = "missing" }, "CARD_MISSING"},
		"a card that hangs":             {func(v *console.View, _ *config.Agent) { v.Card.State = "stalled" }, "CARD_MISSING"},
		"no hub":                        {func(v *console.View, _ *config.Agent) { v.Connection.Connected = false }, "DOCTOR_HUB"},
		"an amplifier that fails":       {func(v *console.View, c *config.Agent) { amp(v, c, "failing") }, "DOCTOR_AMPLIFIER"},
		"before_sound was added lately": {func(_ *console.View, c *config.Agent) { c.BeforeSound = config.Command{"on"} }, "DOCTOR_AMPLIFIER_RESTART"},
	} {
		t.Run(name, func(t *testing.T) {
			v := console.View{Running: true, Pairing: console.Pairing{Paired: true, Connection: console.Connection{Connected: true}},
				Status: &broadcast.Status{Clock: broadcast.ClockStatus{Trust: "synced"}, Cache: broadcast.CacheStatus{State: "ok"}, Card: broadcast.CardStatus{State: "ok"}},
				Plan:   &console.Summary{Version: 1, Expires: now.Add(time.Hour)}}
			var conf config.Agent
			c.spoil(&v, &conf)
			expectCode(t, judge(v, conf, now), c.code)
		})
	}
}

func amp(v *console.View, c *config.Agent, state string) {
	c.BeforeSound, c.AfterSound = config.Command{"on"}, config.Command{"off"}
	v.Amplifier = &broadcast.AmplifierStatus{State: state}
}

// expectCode wants one problem and no other, in both languages.
func expectCode(t *testing.T, findings []Finding, code string) {
	t.Helper()
	var got []string
	for _, f := range findings {
		if f.Problem == nil {
			continue
		}
		got = append(got, f.Problem.Code)
		if f.Problem.VI == "" || f.Problem.EN == "" || f.Detail == "" {
			t.Errorf("%+v does not say enough", f)
		}
	}
	if code == "" && len(got) == 0 || len(got) == 1 && got[0] == code {
		return
	}
	t.Errorf("it finds %q, not %q", got, code)
}

func TestTheDoctorLooksForTheAmplifiersPrograms(t *testing.T) {
	look := func(name string) (string, error) {
		if name == "relay" {
			return "/usr/bin/relay", nil
		}
		return "", errors.New("not found")
	}
	for name, c := range map[string]struct {
		before, after config.Command
		code          string
	}{
		"none":             {nil, nil, ""},
		"both are there":   {config.Command{"relay", "on"}, config.Command{"relay", "off"}, ""},
		"one is not there": {config.Command{"relay", "on"}, config.Command{"rely", "off"}, "DOCTOR_AMPLIFIER_COMMAND"},
	} {
		t.Run(name, func(t *testing.T) {
			expectCode(t, checkCommands(config.Agent{BeforeSound: c.before, AfterSound: c.after}, look), c.code)
		})
	}
}

func TestTheDoctorLooksAtFolderDiskAndHub(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expectCode(t, checkFolder(dir), "")
	expectCode(t, checkFolder(filepath.Join(dir, "later")), "")
	expectCode(t, checkFolder(file), "DOCTOR_FOLDER")
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("it leaves %v, %v", left, err)
	}

	hub, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "https://" + hub.Addr().String()
	expectCode(t, []Finding{checkHub(t.Context(), address)}, "")
	_ = hub.Close()
	expectCode(t, []Finding{checkHub(t.Context(), address)}, "DOCTOR_HUB")
	expectCode(t, []Finding{checkHub(t.Context(), "https://%zz")}, "DOCTOR_HUB")
}
