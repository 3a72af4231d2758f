package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var overall = regexp.MustCompile(`Overall exposure level for \S+: (\d+\.\d+)`)

func TestUnitsHaveTheLeastPrivilege(t *testing.T) {
	for name, most := range map[string]float64{"loa-hub.service": 2.5, "loa-agent.service": 3.0} {
		t.Run(name, func(t *testing.T) {
			analyze, err := exec.LookPath("systemd-analyze")
			if err != nil {
				if os.Getenv("CI") != "" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			out, err := exec.CommandContext(t.Context(), analyze, "security", "--no-pager", "--offline=true", filepath.Join("systemd", name)).CombinedOutput()
			found := overall.FindSubmatch(out)
			if err != nil || found == nil {
				t.Fatalf("%v: %s", err, out)
			}
			if level, err := strconv.ParseFloat(string(found[1]), 64); err != nil || level > most {
				t.Errorf("exposure %s, at most %.1f is allowed\n%s", found[1], most, out)
			}
		})
	}
}

// What no score looks at.
func TestUnitsSayWhatTheyMust(t *testing.T) {
	for name, must := range map[string][]string{
		"loa-hub.service": {"StateDirectoryMode=0700", "UMask=0077", "NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateDevices=yes",
			"DevicePolicy=closed", "User=loa-hub", "ExecStart=/usr/bin/loa-hub serve", "Restart=always", "StartLimitIntervalSec=0"},
		"loa-agent.service": {"StateDirectoryMode=0700", "UMask=0077", "NoNewPrivileges=yes", "ProtectSystem=strict", "DevicePolicy=closed",
			"DeviceAllow=char-alsa rw", "User=loa-agent", "ExecStart=/usr/bin/loa-agent run", "Restart=always", "StartLimitIntervalSec=0",
			"Type=notify", "WatchdogSec=60"},
	} {
		raw, err := os.ReadFile(filepath.Join("systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(raw), "\n")
		for _, m := range must {
			if !slices.Contains(lines, m) {
				t.Errorf("%s lacks %s", name, m)
			}
		}
		for _, l := range lines {
			if strings.HasPrefix(l, "DeviceAllow=") && l != "DeviceAllow=char-alsa rw" || strings.HasPrefix(l, "User=root") {
				t.Errorf("%s: %s", name, l)
			}
		}
	}
}
