package service

import (
	"regexp"
	"slices"
	"testing"
)

// The identifier that every Windows shows for TrustedInstaller.
func TestTheAccountOfAServiceIsTheOneWindowsMakes(t *testing.T) {
	if got, want := accountSID("TrustedInstaller"), "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestTheDataFolderOfWindowsLetsNobodyElseIn(t *testing.T) {
	var who []string
	for _, m := range regexp.MustCompile(`\(([^)]*);;;([^)]*)\)`).FindAllStringSubmatch(folderRights(), -1) {
		if m[1] != "A;OICI;FA" {
			t.Errorf("%s has %s", m[2], m[1])
		}
		who = append(who, m[2])
	}
	if want := []string{"SY", "BA", accountSID("loa-agent")}; !slices.Equal(who, want) {
		t.Errorf("it lets in %q", who)
	}
}
