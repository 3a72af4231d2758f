package config

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/problem"
)

func TestCommands(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":           {"", nil},
		"spaces":          {"  \t ", nil},
		"a program":       {"relay", []string{"relay"}},
		"arguments":       {"relay  on 3", []string{"relay", "on", "3"}},
		"double quotes":   {`relay "a b"`, []string{"relay", "a b"}},
		"single quotes":   {`relay 'say "a"'`, []string{"relay", `say "a"`}},
		"quotes inside":   {`relay --name="a b"c`, []string{"relay", "--name=a bc"}},
		"empty argument":  {`relay ""`, []string{"relay", ""}},
		"a Windows path":  {`"C:\Program Files\relay.exe" on`, []string{`C:\Program Files\relay.exe`, "on"}},
		"no shell at all": {"relay $HOME;rm *", []string{"relay", "$HOME;rm", "*"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got Command
			if err := got.UnmarshalText([]byte(c.text)); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	for _, text := range []string{`relay "on`, `relay 'on`, `"" on`, "relay \x00"} {
		if err := new(Command).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestTheAmplifiersSettings(t *testing.T) {
	a, err := LoadAgent(write(t, "before_sound: relay 'port 1' on\nafter_sound: relay 'port 1' off\n"), env("LOA_AGENT_AMPLIFIER_LEAD", "1m30s"), nil)
	if err != nil || !slices.Equal(a.BeforeSound, []string{"relay", "port 1", "on"}) || !slices.Equal(a.AfterSound, []string{"relay", "port 1", "off"}) ||
		a.AmplifierLead != 90*time.Second {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := LoadAgent("", noEnv, nil); err != nil || len(a.BeforeSound) != 0 || len(a.AfterSound) != 0 || a.AmplifierLead != 30*time.Second {
		t.Errorf("%+v, %v", a, err)
	}
	for text, field := range map[string]string{
		"before_sound: relay on\n":    "after_sound",
		"after_sound: relay off\n":    "before_sound",
		"amplifier_lead: -1s\n":       "amplifier_lead",
		"amplifier_lead: 11m\n":       "amplifier_lead",
		"amplifier_lead: thirty\n":    "",
		"before_sound: [relay, on]\n": "",
	} {
		var p *problem.Error
		if _, err := LoadAgent(write(t, text), noEnv, nil); !errors.As(err, &p) || p.Field != field {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzCommand(f *testing.F) {
	for _, text := range []string{"", "relay on", `relay "a b" 'c'`, `"`, "a\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c Command
		if err := c.UnmarshalText([]byte(text)); err == nil && len(c) > 0 && c[0] == "" {
			t.Errorf("%q has no program", text)
		}
	})
}
