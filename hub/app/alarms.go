package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/internal/alarms"
	"github.com/loa-vn/loa/hub/internal/api"
	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/problem"
)

// AlarmOptions are the settings alarm_…; the zero value tells on the page alone.
type AlarmOptions struct {
	Offline       time.Duration // 0 for the usual
	SMTP          string
	SMTPPassword  string // file
	From, To      string
	Webhook       string
	WebhookSecret string // file
}

var errAlarms = problem.New("ALARM_SETTINGS", 500,
	"Phần cài đặt cảnh báo không dùng được. Hãy sửa mục alarm_ được nêu, hoặc để trống để chỉ báo trên trang.",
	"The settings of alarms cannot be used. Correct the alarm_ key that is named, or leave them out: alarms are on the page then.")

// watch makes the alarms.
func (a *App) watch(log *slog.Logger) (*alarms.Watch, error) {
	o := alarms.Options{DB: a.db.DB, Events: a.bus, Limits: alarms.Usual(), Log: log, Now: a.o.Now}
	o.Look = (&lookout{App: a, began: a.o.Now()}).look
	s := a.o.Alarms
	if s.Offline > 0 {
		o.Limits.Offline = s.Offline
	}
	if s.SMTP != "" {
		password, err := secretOf(s.SMTPPassword)
		if err != nil {
			return nil, errAlarms.With(err).At("alarm_smtp_password")
		}
		o.Mail, err = alarms.NewMail(alarms.MailOptions{Server: s.SMTP, Password: password, From: s.From,
			To: strings.FieldsFunc(s.To, func(r rune) bool { return r == ',' || r == ' ' }), Zone: a.o.Zone, Pages: a.o.PublicURL, Area: a.areaName})
		if err != nil {
			return nil, errAlarms.With(err).At("alarm_smtp")
		}
	}
	if s.Webhook != "" {
		secret, err := secretOf(s.WebhookSecret)
		if err != nil {
			return nil, errAlarms.With(err).At("alarm_webhook_secret")
		}
		if o.Hook, err = alarms.NewWebhook(s.Webhook, secret, a.o.Now); err != nil {
			return nil, errAlarms.With(err).At("alarm_webhook_secret")
		}
	}
	return alarms.New(o), nil
}

// secretOf reads a file that holds a secret; "" is none.
func secretOf(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

func (a *App) areaName(code string) string {
	tree, err := a.planner.Tree(context.Background())
	if err != nil {
		return code
	}
	if path := tree.Path(code); len(path) > 0 {
		return path[len(path)-1].Name
	}
	return code
}

// What comes within missAhead is looked at every missEvery: it costs the planner a look at each agent's plan.
const (
	missAhead = 3 * time.Hour
	missEvery = time.Minute
)

// lookout gathers what the alarms look at.
type lookout struct {
	*App
	began time.Time // nobody was silent before the hub could hear

	mu     sync.Mutex
	misses map[string]alarms.Miss // by agent
	looked time.Time
}

func (l *lookout) look(ctx context.Context) (alarms.View, error) {
	tree, err := l.planner.Tree(ctx)
	if err != nil {
		return alarms.View{}, err
	}
	v := alarms.View{Parents: alarms.Parents{}}
	for _, a := range tree.All() {
		v.Parents[a.Code] = a.Parent
	}
	agents := l.fleet.Since("", nil).Agents
	misses, err := l.missing(ctx, agents)
	if err != nil {
		return alarms.View{}, err
	}
	for _, a := range agents {
		if a.State == fleet.Active {
			v.Clusters = append(v.Clusters, l.cluster(a, misses))
		}
	}
	v.Hub, err = l.facts(ctx)
	return v, err
}

func (l *lookout) cluster(a fleet.Agent, misses map[string]alarms.Miss) alarms.Cluster {
	c := alarms.Cluster{ID: a.ID, Name: a.Name, Area: a.Area, Online: a.Online, LastSeen: a.LastSeen}
	for _, t := range []time.Time{a.CreatedAt, l.began} {
		if c.LastSeen.Before(t) {
			c.LastSeen = t
		}
	}
	if s := a.Status; s != nil {
		c.Told, c.Clock, c.Card, c.CardSince, c.Cache, c.Free, c.PlanExpires = true, s.Clock.Trust, s.Card.State, s.Card.Since, s.Cache.State, s.Cache.FreeBytes, s.PlanExpires
	}
	if m, ok := misses[a.ID]; ok {
		c.Miss = &m
	}
	return c
}

// missing gives the first thing that each agent will miss.
func (l *lookout) missing(ctx context.Context, agents []fleet.Agent) (map[string]alarms.Miss, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.o.Now()
	if l.misses != nil && now.Sub(l.looked) < missEvery {
		return l.misses, nil
	}
	coming, err := l.planner.Coming(ctx, "", now.Add(missAhead))
	if err != nil {
		return nil, fmt.Errorf("look at what comes: %w", err)
	}
	l.misses, l.looked = firstMisses(now, coming, agents), now
	return l.misses, nil
}

func firstMisses(now time.Time, coming []planner.Coming, agents []fleet.Agent) map[string]alarms.Miss {
	byID := map[string]fleet.Agent{}
	for _, a := range agents {
		byID[a.ID] = a
	}
	out := map[string]alarms.Miss{}
	for _, c := range coming {
		for _, r := range c.Readiness {
			trouble := api.Trouble(byID[r.Agent], r.State)
			if m, known := out[r.Agent]; trouble != "" && c.Start.After(now) && (!known || c.Start.Before(m.At)) {
				out[r.Agent] = alarms.Miss{At: c.Start, Title: c.Title, Trouble: trouble}
			}
		}
	}
	return out
}
