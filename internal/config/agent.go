package config

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// Agent is everything the agent can be told.
type Agent struct {
	Data       string     `mapstructure:"data"`        // folder for everything the agent keeps
	Hub        string     `mapstructure:"hub"`         // the hub's address; "" takes the one it was paired with
	HubCA      string     `mapstructure:"hub_ca"`      // PEM file trusted beside the system's roots, "" for none
	HubPin     string     `mapstructure:"hub_pin"`     // SHA-256 in hex of a public key in the hub's chain, "" for the one given at pairing
	Console    string     `mapstructure:"console"`     // host:port of the operator's page, loopback only; "off" for none
	Name       string     `mapstructure:"name"`        // what the hub is told at pairing; "" takes the machine's name
	Contact    string     `mapstructure:"contact"`     // whom the operator calls when something fails, where the hub's settings do not say it
	CacheLimit Size       `mapstructure:"cache_limit"` // most bytes of audio kept
	LogLevel   slog.Level `mapstructure:"log_level"`
	LogFile    string     `mapstructure:"log_file"` // where the agent that runs writes its log; "" for standard error

	DownloadHours Hours `mapstructure:"download_hours"` // of the day, in the fleet's zone, in which audio is fetched; zero for all
	DownloadLimit Size  `mapstructure:"download_limit"` // most bytes of audio a second, 0 for no limit

	BeforeSound   Command       `mapstructure:"before_sound"`   // switches the amplifier on; empty where the agent switches none
	AfterSound    Command       `mapstructure:"after_sound"`    // and off
	AmplifierLead time.Duration `mapstructure:"amplifier_lead"` // how long before a sound it is switched on
}

// ConsoleOff as Agent.Console means no operator's page.
const ConsoleOff = "off"

func agent() program {
	return program{prefix: "LOA_AGENT_", keys: []key{
		{"data", "./var/agent", "folder for everything the agent keeps"},
		{"hub", "", "the hub's address, such as https://loa.example.vn (default: the one it was paired with)"},
		{"hub_ca", "", "PEM file of certificates to trust beside the system's, for a hub with its own"},
		{"hub_pin", "", "SHA-256 in hex of the public key that the hub's certificate chain must hold (default: the one it was paired with)"},
		{"console", "127.0.0.1:8090", "address of the operator's page, on this machine only; off for none"},
		{"name", "", "name told to the hub at pairing (default: the machine's name)"},
		{"contact", "", "whom the operator calls when something fails, with a telephone number (default: whom the hub's settings name)"},
		{"cache_limit", "8GiB", "most audio to keep"},
		{"download_hours", "", "hours in which audio is fetched on a metered line, such as 22:00-05:00 (default: all)"},
		{"download_limit", "0", "most audio to fetch a second on a metered line, such as 64KiB; 0 for no limit"},
		{"log_level", "info", "debug, info, warn or error"},
		{"log_file", "", "file for the log of the agent that runs, at most 10 MiB and five older ones (default: standard error)"},
		{"before_sound", "", "command that switches the amplifier on: a program and its arguments, without a shell"},
		{"after_sound", "", "command that switches the amplifier off"},
		{"amplifier_lead", "30s", "how long before a sound before_sound runs"},
	}}
}

//go:embed loa-agent.sample.yaml
var agentSample []byte

// AgentSample is the agent's settings as they are shipped: every key, each with its default, commented out.
func AgentSample() []byte { return agentSample }

// AgentFlags gives fs --config and one flag for each of the agent's settings.
func AgentFlags(fs *pflag.FlagSet) { agent().register(fs) }

// LoadAgent reads the agent's settings, as LoadHub does the hub's.
func LoadAgent(path string, env Env, flags *pflag.FlagSet) (Agent, error) {
	var a Agent
	if err := agent().load(path, env, flags, &a); err != nil {
		return Agent{}, err
	}
	if err := a.complete(); err != nil {
		return Agent{}, err
	}
	return a, nil
}

// minCache holds a day of long reports; less would fetch and drop for ever.
const minCache Size = 16 << 20

// minLimit is the slowest line that the protocol knows: a frame of 4 KiB in 2 s.
const minLimit Size = 2 << 10

// maxLead is longer than any amplifier needs to warm up.
const maxLead = 10 * time.Minute

func (a *Agent) complete() error {
	if err := checkData(a.Data); err != nil {
		return invalid("data", err)
	}
	a.Hub = strings.TrimRight(a.Hub, "/")
	if a.Hub != "" {
		if err := checkURL(a.Hub, "http", "https"); err != nil {
			return invalid("hub", err)
		}
	}
	if raw, err := hex.DecodeString(a.HubPin); err != nil || len(raw) != 0 && len(raw) != sha256.Size {
		return invalid("hub_pin", fmt.Errorf("%q is not 64 hex digits", a.HubPin))
	}
	if a.Console != ConsoleOff {
		if err := checkLoopback(a.Console); err != nil {
			return invalid("console", err)
		}
	}
	if utf8.RuneCountInString(a.Name) > 100 || !utf8.ValidString(a.Name) {
		return invalid("name", fmt.Errorf("the name is longer than 100 characters or not UTF-8"))
	}
	if utf8.RuneCountInString(a.Contact) > 200 || !utf8.ValidString(a.Contact) {
		return invalid("contact", fmt.Errorf("the contact is longer than 200 characters or not UTF-8"))
	}
	if len(a.BeforeSound) == 0 && len(a.AfterSound) > 0 {
		return invalid("before_sound", errors.New("after_sound is there without before_sound"))
	}
	if len(a.BeforeSound) > 0 && len(a.AfterSound) == 0 { // it would stay on for ever
		return invalid("after_sound", errors.New("before_sound is there without after_sound"))
	}
	if a.AmplifierLead < 0 || a.AmplifierLead > maxLead {
		return invalid("amplifier_lead", fmt.Errorf("%s is not from 0s to %s", a.AmplifierLead, maxLead))
	}
	if a.DownloadLimit != 0 && a.DownloadLimit < minLimit {
		return invalid("download_limit", fmt.Errorf("%d bytes a second is less than 2KiB", a.DownloadLimit))
	}
	if a.CacheLimit < minCache {
		return invalid("cache_limit", fmt.Errorf("%d bytes is less than 16MiB", a.CacheLimit))
	}
	return nil
}
