package api

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The pages and the tables name one thing by the same words.
func TestTablesSayWhatThePagesSay(t *testing.T) {
	for _, lang := range []string{"vi", "en"} {
		text, err := os.ReadFile("../../web/src/i18n/" + lang + ".ts")
		if err != nil {
			t.Fatal(err)
		}
		for _, of := range []string{"outcome", "class", "reason"} {
			section := regexp.MustCompile(`(?s)\b`+of+`: \{(.*?)\}`).FindAllStringSubmatch(string(text), -1)
			var found string
			for _, s := range section {
				found += s[1]
			}
			for code := range words()[of] {
				if want := said(of, code, lang == "en"); !strings.Contains(found, code+": '"+want+"'") {
					t.Errorf("%s %s of %s: the pages do not say %q", of, code, lang, want)
				}
			}
		}
	}
	if got := said("reason", "of another version", false); got != "of another version" {
		t.Errorf("an unknown code is said as %q", got)
	}
}
