package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // the fleet's zone must not depend on what the machine has installed (design.md, Areas)

	"github.com/spf13/pflag"
)

// Hub is everything the hub can be told.
type Hub struct {
	Listen    string     `mapstructure:"listen"`     // host:port of the HTTP server
	Data      string     `mapstructure:"data"`       // folder for everything the hub keeps
	Database  string     `mapstructure:"database"`   // sqlite:PATH or postgres://…; never empty after LoadHub
	Blobs     string     `mapstructure:"blobs"`      // file:FOLDER or s3://…; never empty after LoadHub
	Bus       string     `mapstructure:"bus"`        // "memory", BusOfHubs, nats://… or tls://…
	BusListen string     `mapstructure:"bus_listen"` // host:port for the other hubs; with BusOfHubs only
	BusHubs   Hosts      `mapstructure:"bus_hubs"`   // where the other hubs listen; with BusOfHubs only
	PublicURL string     `mapstructure:"public_url"` // what people and agents dial, without a slash at the end; "" when not known
	TLSCert   string     `mapstructure:"tls_cert"`   // PEM file of a certificate chain; "" takes the private CA's, if there is one
	TLSKey    string     `mapstructure:"tls_key"`    // PEM file of its key; both or neither
	Proxy     string     `mapstructure:"proxy"`      // IP address of the proxy before the hub, "" for none
	Timezone  string     `mapstructure:"timezone"`   // IANA name of the fleet's zone
	LogLevel  slog.Level `mapstructure:"log_level"`

	AudioLimit Size `mapstructure:"audio_limit"` // most bytes of audio and plans a second to all clusters together, 0 for no limit

	AlarmOffline       time.Duration `mapstructure:"alarm_offline"`        // silence of a cluster that is an alarm
	AlarmSMTP          string        `mapstructure:"alarm_smtp"`           // mail server, smtp://[user@]host[:port] or smtps://; "" for no mail
	AlarmSMTPPassword  string        `mapstructure:"alarm_smtp_password"`  // file that holds its password
	AlarmMailFrom      string        `mapstructure:"alarm_mail_from"`      // address
	AlarmMailTo        string        `mapstructure:"alarm_mail_to"`        // addresses, with commas
	AlarmWebhook       string        `mapstructure:"alarm_webhook"`        // URL that alarms are posted to; "" for none
	AlarmWebhookSecret string        `mapstructure:"alarm_webhook_secret"` // file that holds whsec_… of Standard Webhooks

	Zone      *time.Location `mapstructure:"-"` // Timezone, loaded
	ProxyAddr netip.Addr     `mapstructure:"-"` // Proxy, read; zero for none
}

// BusOfHubs as Hub.Bus is that of the hubs' own servers.
const BusOfHubs = "hubs"

// minAudioLimit is what lets the smallest frames of the link go in turn, several a second.
const minAudioLimit = 64 << 10

func hub() program {
	return program{prefix: "LOA_HUB_", keys: []key{
		{"listen", "127.0.0.1:8080", "address of the HTTP server, host:port"},
		{"data", "./var/hub", "folder for everything the hub keeps"},
		{"database", "", "sqlite:PATH or postgres://… (default: hub.db in the data folder)"},
		{"blobs", "", "file:FOLDER or s3://… (default: blobs in the data folder)"},
		{"bus", "memory", "memory, or hubs or nats://… when several hubs serve one fleet"},
		{"bus_listen", "", "with bus: hubs, the address of this hub for the others, host:port"},
		{"bus_hubs", "", "with bus: hubs, the addresses of the others, with commas between them"},
		{"public_url", "", "address that people and agents dial, such as https://loa.example.vn"},
		{"tls_cert", "", "PEM file of the certificate chain (default: the one of loa-hub tls init, if there is one)"},
		{"tls_key", "", "PEM file of the certificate's key"},
		{"proxy", "", "IP address of a proxy before the hub, whose X-Forwarded-For is believed"},
		{"timezone", "Asia/Ho_Chi_Minh", "the fleet's time zone"},
		{"log_level", "info", "debug, info, warn or error"},
		{"audio_limit", "0", "most audio and plans to send a second to all clusters together, such as 10MiB; 0 for no limit"},
		{"alarm_offline", "5m", "how long a cluster may be silent before that is an alarm"},
		{"alarm_smtp", "", "mail server for alarms, smtp://user@host:587 or smtps://user@host:465 (default: no mail)"},
		{"alarm_smtp_password", "", "file that holds the mail server's password"},
		{"alarm_mail_from", "", "address that alarms are sent from"},
		{"alarm_mail_to", "", "addresses that alarms are sent to, with commas between them"},
		{"alarm_webhook", "", "URL that alarms are posted to, signed as Standard Webhooks says (default: none)"},
		{"alarm_webhook_secret", "", "file that holds the webhook's secret, whsec_…"},
	}}
}

// HubFlags gives fs --config and one flag for each of the hub's settings.
func HubFlags(fs *pflag.FlagSet) { hub().register(fs) }

// LoadHub reads the hub's settings: path is the YAML file ("" for what flags or environment name, else
// none), env the environment (nil for the process's own), flags what HubFlags registered, or nil.
func LoadHub(path string, env Env, flags *pflag.FlagSet) (Hub, error) {
	var h Hub
	if err := hub().load(path, env, flags, &h); err != nil {
		return Hub{}, err
	}
	if err := h.complete(); err != nil {
		return Hub{}, err
	}
	return h, nil
}

// complete checks every value and fills in what follows from others.
func (h *Hub) complete() error {
	if err := checkListen(h.Listen); err != nil {
		return invalid("listen", err)
	}
	if err := checkData(h.Data); err != nil {
		return invalid("data", err)
	}
	if h.Database == "" {
		h.Database = "sqlite:" + filepath.Join(h.Data, "hub.db")
	}
	if err := oneOf(h.Database, "sqlite:", "postgres://", "postgresql://"); err != nil {
		return invalid("database", err)
	}
	if h.Blobs == "" {
		h.Blobs = "file:" + filepath.Join(h.Data, "blobs")
	}
	if err := oneOf(h.Blobs, "file:", "s3://"); err != nil {
		return invalid("blobs", err)
	}
	if err := h.checkBus(); err != nil {
		return err
	}
	h.PublicURL = strings.TrimRight(h.PublicURL, "/")
	if h.PublicURL != "" {
		if err := checkURL(h.PublicURL, "http", "https"); err != nil {
			return invalid("public_url", err)
		}
	}
	if h.TLSKey == "" && h.TLSCert != "" {
		return invalid("tls_key", errors.New("tls_cert is there without tls_key"))
	}
	if h.TLSCert == "" && h.TLSKey != "" {
		return invalid("tls_cert", errors.New("tls_key is there without tls_cert"))
	}
	if h.Proxy != "" {
		addr, err := netip.ParseAddr(h.Proxy)
		if err != nil {
			return invalid("proxy", fmt.Errorf("%q is no IP address", h.Proxy))
		}
		h.ProxyAddr = addr.Unmap()
	}
	if h.AudioLimit != 0 && h.AudioLimit < minAudioLimit {
		return invalid("audio_limit", fmt.Errorf("%d bytes a second is less than 64KiB", h.AudioLimit))
	}
	if err := h.checkAlarms(); err != nil {
		return err
	}
	zone, err := time.LoadLocation(h.Timezone)
	if err != nil || h.Timezone == "" || h.Timezone == "Local" {
		return invalid("timezone", fmt.Errorf("%q is not the IANA name of a time zone", h.Timezone))
	}
	h.Zone = zone
	return nil
}

// checkBus refuses halves of a bus of hubs.
func (h *Hub) checkBus() error {
	if h.Bus != BusOfHubs && (h.BusListen != "" || len(h.BusHubs) > 0) {
		return invalid("bus", errors.New("bus_listen and bus_hubs are for bus: hubs alone"))
	}
	switch h.Bus {
	case "memory":
		return nil
	case BusOfHubs:
		if err := checkFixed(h.BusListen); err != nil {
			return invalid("bus_listen", err)
		}
		if len(h.BusHubs) == 0 {
			return invalid("bus_hubs", errors.New("bus: hubs is there without it"))
		}
		return nil
	}
	if err := oneOf(h.Bus, "nats://", "tls://"); err != nil {
		return invalid("bus", fmt.Errorf("%w, or one of the words memory and hubs", err))
	}
	return nil
}

// checkAlarms refuses halves: a mail server without addresses, a webhook without its secret.
func (h *Hub) checkAlarms() error {
	if h.AlarmOffline < time.Second || h.AlarmOffline > 24*time.Hour {
		return invalid("alarm_offline", fmt.Errorf("%s is not from 1s to 24h", h.AlarmOffline))
	}
	if h.AlarmSMTP == "" && h.AlarmSMTPPassword+h.AlarmMailFrom+h.AlarmMailTo != "" {
		return invalid("alarm_smtp", errors.New("what mail needs is there without it"))
	}
	if h.AlarmSMTP != "" {
		if err := oneOf(h.AlarmSMTP, "smtp://", "smtps://"); err != nil {
			return invalid("alarm_smtp", err)
		}
		if h.AlarmMailFrom == "" || h.AlarmMailTo == "" {
			return invalid("alarm_mail_to", errors.New("alarm_smtp is there without alarm_mail_from and alarm_mail_to"))
		}
	}
	if h.AlarmWebhook == "" && h.AlarmWebhookSecret != "" {
		return invalid("alarm_webhook", errors.New("alarm_webhook_secret is there without it"))
	}
	if h.AlarmWebhook != "" {
		u, err := url.Parse(h.AlarmWebhook)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return invalid("alarm_webhook", errors.New("it does not begin with https:// or http://")) // its text may hold a secret
		}
		if h.AlarmWebhookSecret == "" {
			return invalid("alarm_webhook_secret", errors.New("alarm_webhook is there without it"))
		}
	}
	return nil
}

func oneOf(text string, prefixes ...string) error {
	for _, p := range prefixes {
		if strings.HasPrefix(text, p) && len(text) > len(p) {
			return nil
		}
	}
	return fmt.Errorf("%q does not begin with %s", text, strings.Join(prefixes, " or "))
}
