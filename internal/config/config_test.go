package config

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

func noEnv(string) (string, bool) { return "", false }

func env(pairs ...string) Env {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "loa.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	h, err := LoadHub("", noEnv, nil)
	if err != nil {
		t.Fatal(err)
	}
	if h.Listen != "127.0.0.1:8080" || h.Data != "./var/hub" || h.Database != "sqlite:var/hub/hub.db" ||
		h.Blobs != "file:var/hub/blobs" || h.Bus != "memory" || h.Zone.String() != "Asia/Ho_Chi_Minh" || h.LogLevel != slog.LevelInfo {
		t.Errorf("hub: %+v", h)
	}
	a, err := LoadAgent("", noEnv, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.Data != "./var/agent" || a.Console != "127.0.0.1:8090" || a.CacheLimit != 8<<30 {
		t.Errorf("agent: %+v", a)
	}
}

func TestFlagBeatsEnvironmentBeatsFile(t *testing.T) {
	path := write(t, "data: /file\nname: file\nconsole: 127.0.0.1:1\nlog_level: debug\n")
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	AgentFlags(fs)
	if err := fs.Parse([]string{"--config", path, "--data", "/flag"}); err != nil {
		t.Fatal(err)
	}
	a, err := LoadAgent("", env("LOA_AGENT_DATA", "/env", "LOA_AGENT_NAME", "env"), fs)
	if err != nil {
		t.Fatal(err)
	}
	if a.Data != "/flag" || a.Name != "env" || a.Console != "127.0.0.1:1" || a.LogLevel != slog.LevelDebug {
		t.Errorf("%+v", a)
	}
}

func TestEveryKeyIsReadFromTheEnvironment(t *testing.T) {
	for name, p := range map[string]program{"hub": hub(), "agent": agent()} {
		for _, k := range p.keys {
			// A value no key accepts shows that the variable is read; keys that take any text are read below.
			_, bad := "", "\x00 no such value"
			var err error
			if name == "hub" {
				_, err = LoadHub("", env(p.prefix+strings.ToUpper(k.name), bad), nil)
			} else {
				_, err = LoadAgent("", env(p.prefix+strings.ToUpper(k.name), bad), nil)
			}
			if free := slices.Contains([]string{"data", "name", "hub_ca", "contact", "log_file"}, k.name); (err == nil) != free {
				t.Errorf("%s %s: %v", name, k.name, err)
			}
		}
	}
	a, err := LoadAgent("", env("LOA_AGENT_CONFIG", write(t, "data: /x\n"), "LOA_AGENT_NAME", "n"), nil)
	if err != nil || a.Data != "/x" || a.Name != "n" {
		t.Errorf("%+v %v", a, err)
	}
}

func TestRefused(t *testing.T) {
	cases := map[string]struct{ text, code, says string }{
		"misspelt key":        {"lisen: 127.0.0.1:1", "CONFIG_UNKNOWN_KEY", `"listen"`},
		"misspelt zone":       {"time_zone: UTC", "CONFIG_UNKNOWN_KEY", `"timezone"`},
		"strange key":         {"zzzzzzzz: 1", "CONFIG_UNKNOWN_KEY", `"zzzzzzzz"`},
		"nested key":          {"data:\n  dir: /x", "CONFIG_UNKNOWN_KEY", "data.dir"},
		"double key":          {"data: a\ndata: b", "CONFIG_UNREADABLE", "data"},
		"list for a value":    {"data: [a, b]", "CONFIG_INVALID", "list"},
		"no YAML":             {"data: [", "CONFIG_UNREADABLE", ""},
		"port out of range":   {"listen: 127.0.0.1:99999", "CONFIG_INVALID", "99999"},
		"no port":             {"listen: localhost", "CONFIG_INVALID", "localhost"},
		"unknown zone":        {"timezone: Asia/Saigong", "CONFIG_INVALID", "Saigong"},
		"the machine's zone":  {"timezone: Local", "CONFIG_INVALID", "Local"},
		"unknown database":    {"database: mysql://x", "CONFIG_INVALID", "mysql"},
		"unknown blobs":       {"blobs: ftp://x", "CONFIG_INVALID", "ftp"},
		"unknown bus":         {"bus: kafka://x", "CONFIG_INVALID", "kafka"},
		"a half of a bus":     {"bus: hubs\nbus_hubs: 10.0.0.2:4223", "CONFIG_INVALID", "bus_listen"},
		"the other half":      {"bus: hubs\nbus_listen: 10.0.0.1:4223", "CONFIG_INVALID", "bus_hubs"},
		"both without a bus":  {"bus_listen: 10.0.0.1:4223\nbus_hubs: 10.0.0.2:4223", "CONFIG_INVALID", "bus: hubs"},
		"a bus on any port":   {"bus: hubs\nbus_listen: 10.0.0.1:0\nbus_hubs: 10.0.0.2:4223", "CONFIG_INVALID", "no port"},
		"a hub without port":  {"bus: hubs\nbus_listen: 10.0.0.1:4223\nbus_hubs: 10.0.0.2", "CONFIG_INVALID", "10.0.0.2"},
		"a hub without host":  {"bus: hubs\nbus_listen: 10.0.0.1:4223\nbus_hubs: 10.0.0.2:4223,:4223", "CONFIG_INVALID", "no machine"},
		"a hub as a URL":      {"bus: hubs\nbus_listen: 10.0.0.1:4223\nbus_hubs: nats://10.0.0.2:4223", "CONFIG_INVALID", "10.0.0.2"},
		"URL with a query":    {"public_url: https://x/?a=1", "CONFIG_INVALID", "public_url"},
		"certificate, no key": {"tls_cert: /x.pem", "CONFIG_INVALID", "tls_key"},
		"key, no certificate": {"tls_key: /x.pem", "CONFIG_INVALID", "tls_cert"},
		"silent at once":      {"alarm_offline: 0s", "CONFIG_INVALID", "alarm_offline"},
		"mail to nobody":      {"alarm_smtp: smtp://mail.example.vn", "CONFIG_INVALID", "alarm_mail_to"},
		"mail by nobody":      {"alarm_mail_to: a@example.vn", "CONFIG_INVALID", "alarm_smtp"},
		"unsigned webhook":    {"alarm_webhook: https://example.vn/x", "CONFIG_INVALID", "alarm_webhook_secret"},
		"limit below a frame": {"audio_limit: 63KiB", "CONFIG_INVALID", "audio_limit"},
		"unknown log level":   {"log_level: loud", "CONFIG_INVALID", "loud"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := LoadHub(write(t, c.text), noEnv, nil)
			var p *problem.Error
			if !errors.As(err, &p) {
				t.Fatalf("got %v", err)
			}
			if p.Code != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := LoadHub("/no/such/file", noEnv, nil); !errors.Is(err, errNoFile) {
		t.Errorf("missing file: %v", err)
	}
}

func TestAgentRefused(t *testing.T) {
	for name, text := range map[string]string{
		"console for everyone":   "console: 0.0.0.0:8090",
		"console of any address": "console: :8090",
		"hub without a scheme":   "hub: loa.example.vn",
		"hub with a password":    "hub: https://a:b@loa.example.vn",
		"pin too short":          "hub_pin: abcd",
		"tiny cache":             "cache_limit: 1MiB",
		"nonsense size":          "cache_limit: much",
		"limit below any line":   "download_limit: 1KiB",
		"hours without an end":   "download_hours: 22:00",
		"hours of no time":       "download_hours: 22:00-22:00",
		"hours from 24:00":       "download_hours: 24:00-05:00",
		"negative size":          "cache_limit: -5GiB",
		"size beyond int64":      "cache_limit: 99999999999GiB",
	} {
		t.Run(name, func(t *testing.T) {
			if a, err := LoadAgent(write(t, text), noEnv, nil); !errors.Is(err, errInvalid) {
				t.Errorf("got %+v, %v", a, err)
			}
		})
	}
}

var commented = regexp.MustCompile(`(?m)^#([a-z_]+:)`)

// The samples load as they are shipped, and with every line in force they name every key.
func TestSamples(t *testing.T) {
	for file, p := range map[string]program{"loa-hub.sample.yaml": hub(), "loa-agent.sample.yaml": agent()} {
		t.Run(file, func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			load := func(path string) error {
				if p.prefix == "LOA_HUB_" {
					_, err := LoadHub(path, noEnv, nil)
					return err
				}
				_, err := LoadAgent(path, noEnv, nil)
				return err
			}
			full := commented.ReplaceAllString(string(raw), "$1")
			if err := load(file); err != nil {
				t.Errorf("as shipped: %v", err)
			}
			if err := load(write(t, full)); err != nil {
				t.Errorf("in force: %v", err)
			}
			for _, k := range p.keys {
				if !strings.Contains(full, "\n"+k.name+": ") {
					t.Errorf("%s is not in the sample", k.name)
				}
			}
		})
	}
}

func TestHours(t *testing.T) {
	for text, want := range map[string]Hours{
		"": {}, "22:00-05:00": {22 * 3600, 5 * 3600}, "00:30 - 24:00": {1800, broadcast.EndOfDay},
	} {
		var got Hours
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	a, err := LoadAgent(write(t, "download_hours: 22:00-05:00\ndownload_limit: 64KiB"), noEnv, nil)
	if err != nil || a.DownloadHours.Start != 22*3600 || a.DownloadLimit != 64<<10 {
		t.Errorf("loaded %+v, %v", a, err)
	}
}

func TestABusOfHubs(t *testing.T) {
	h, err := LoadHub(write(t, "bus: hubs\nbus_listen: :4223\nbus_hubs: 10.0.0.2:4223, hub-3.example.vn:4223,[fd00::4]:4223\n"), noEnv, nil)
	if want := (Hosts{"10.0.0.2:4223", "hub-3.example.vn:4223", "[fd00::4]:4223"}); err != nil || h.Bus != BusOfHubs || h.BusListen != ":4223" || !slices.Equal(h.BusHubs, want) {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "1024": 1024, "64KiB": 64 << 10, "500 MiB": 500 << 20, "20GiB": 20 << 30, "1TiB": 1 << 40} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
