package alarms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// post is a real mail server on loopback.
type post struct {
	mu     sync.Mutex
	mails  []string
	refuse bool
}

func (p *post) NewSession(*smtp.Conn) (smtp.Session, error) { return session{p}, nil }

type session struct{ *post }

func (session) AuthPlain(string, string) error       { return nil }
func (session) Reset()                               {}
func (session) Logout() error                        { return nil }
func (session) Mail(string, *smtp.MailOptions) error { return nil }
func (s session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse {
		return &smtp.SMTPError{Code: 451, Message: "not now, " + to}
	}
	return nil
}

func (s session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, string(data))
	return err
}

func (p *post) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.mails
	p.mails = nil
	return m
}

func (p *post) set(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

func mailServer(t *testing.T) (*post, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &post{}
	s := smtp.NewServer(p)
	s.Domain, s.ErrorLog = "loa.test", slogless{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // ends by Close
	}()
	t.Cleanup(func() { _, _ = s.Close(), l.Close(); <-done })
	return p, "smtp://" + l.Addr().String()
}

type slogless struct{}

func (slogless) Printf(string, ...any) {}
func (slogless) Println(...any)        {}

// receiver checks signatures by the standard's own library.
type receiver struct {
	mu   sync.Mutex
	got  []string // "type kind area"
	ids  []string
	bad  []error
	fail int // requests to refuse
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, _ := io.ReadAll(req.Body)
	hook, err := standardwebhooks.NewWebhook(secret)
	if err == nil {
		err = hook.Verify(body, req.Header)
	}
	if err != nil {
		r.bad = append(r.bad, err)
	}
	if err := hook.Verify(bytes.Replace(body, []byte("alarm"), []byte("alarn"), 1), req.Header); err == nil {
		r.bad = append(r.bad, errors.New("another body has the same signature"))
	}
	r.ids = append(r.ids, req.Header.Get("webhook-id"))
	if r.fail > 0 {
		r.fail--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var m struct {
		Type string
		Data Alarm
	}
	if err := json.Unmarshal(body, &m); err != nil {
		r.bad = append(r.bad, err)
	}
	r.got = append(r.got, fmt.Sprintf("%s %s %s %d", m.Type, m.Data.Kind, m.Data.Area, m.Data.Clusters))
}

func (r *receiver) take(t *testing.T) string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, err := range r.bad {
		t.Error(err)
	}
	got := strings.Join(r.got, ", ")
	r.got, r.bad = nil, nil
	return got
}

// world is a Watch on a database, a mail server and a receiver of its own.
type world struct {
	*Watch
	view View
	now  time.Time
	post *post
	hook *receiver
	bus  *bus.Local
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	db, err := store.Open(ctx, storetest.Database(t, dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	w := &world{now: time.Now(), hook: &receiver{}, bus: bus.NewLocal()}
	clock := func() time.Time { return w.now }
	server := httptest.NewServer(w.hook)
	t.Cleanup(server.Close)
	hook, err := NewWebhook(server.URL, secret, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var address string
	w.post, address = mailServer(t)
	m, err := NewMail(MailOptions{Server: address, From: "loa@example.vn", To: []string{"truc@example.vn"}, Zone: time.UTC, Pages: "https://loa.example.vn",
		Area: func(code string) string { return "Xã " + code }})
	if err != nil {
		t.Fatal(err)
	}
	w.Watch = New(Options{DB: db.DB, Events: w.bus, Limits: Usual(), Mail: m, Hook: hook, Log: slog.New(slog.DiscardHandler), Now: clock,
		Look: func(context.Context) (View, error) { return w.view, nil }})
	w.view = View{Parents: Parents{"a": "tinh", "b": "tinh"}}
	for _, area := range []string{"a", "b"} {
		for i := range 10 {
			c := well()
			c.ID, c.Name, c.Area, c.LastSeen, c.PlanExpires = fmt.Sprintf("%s%d", area, i), fmt.Sprintf("Loa %d", i), area, w.now, w.now.AddDate(0, 0, 35)
			w.view.Clusters = append(w.view.Clusters, c)
		}
	}
	return w
}

// pass lets time pass, looks and delivers.
func (w *world) pass(t *testing.T, d time.Duration) {
	t.Helper()
	w.now = w.now.Add(d)
	if err := w.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) delivered(t *testing.T) (mails []string, posts string) {
	t.Helper()
	for _, c := range []string{"mail", "webhook"} {
		if err := w.Deliver(t.Context(), c); err != nil {
			t.Log(err)
		}
	}
	return w.post.take(), w.hook.take(t)
}

// cut takes clusters offline, or back.
func (w *world) cut(online bool, ids ...string) {
	for i := range w.view.Clusters {
		for _, id := range ids {
			if c := &w.view.Clusters[i]; strings.HasPrefix(c.ID, id) {
				c.Online, c.LastSeen = online, w.now
			}
		}
	}
}

func (w *world) open(t *testing.T) []Alarm {
	t.Helper()
	list, err := w.List(t.Context(), Filter{Open: true, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestADistrictCutOffIsOneAlarm(t *testing.T) {
	w := newWorld(t)
	w.pass(t, 0)
	w.cut(false, "a0", "a1") // the first lines go a little before the others
	w.pass(t, 10*time.Second)
	w.cut(false, "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9")
	w.pass(t, 5*time.Minute-10*time.Second)
	if list := w.open(t); len(list) != 2 || list[0].Agent == "" {
		t.Fatalf("two are offline long enough, and open is %+v", list)
	}
	w.pass(t, 10*time.Second)
	list := w.open(t)
	if len(list) != 1 || list[0].Kind != Offline || list[0].Area != "a" || list[0].Clusters != 10 || list[0].Of != 10 || list[0].Agent != "" {
		t.Fatalf("open is %+v", list)
	}
	w.pass(t, settle)
	mails, posts := w.delivered(t)
	if posts != "alarm.raised offline a 10" {
		t.Errorf("the receiver got %q", posts)
	}
	if len(mails) != 1 || !strings.Contains(mails[0], "10 of 10 clusters") || !strings.Contains(mails[0], "To: <truc@example.vn>") || !strings.Contains(mails[0], "https://loa.example.vn/alarms") {
		t.Errorf("the mail server got %q", mails)
	}
	w.cut(true, "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7")
	w.pass(t, time.Second)
	if list := w.open(t); len(list) != 1 || list[0].Area != "a" || list[0].Agent != "" || list[0].Clusters != 2 {
		t.Errorf("two are not back yet, and open is %+v", list)
	}
	w.cut(true, "a")
	w.pass(t, time.Minute)
	if list := w.open(t); len(list) != 0 {
		t.Errorf("all are back, and open is %+v", list)
	}
	w.pass(t, settle)
	if mails, posts := w.delivered(t); posts != "alarm.resolved offline a 2" || len(mails) != 1 || !strings.Contains(mails[0], "Over: Offline") {
		t.Errorf("at the end they got %q and %q", posts, mails)
	}
	w.pass(t, 100*time.Hour)
	if mails, posts := w.delivered(t); posts != "" || len(mails) != 0 {
		t.Errorf("later they got %q and %q", posts, mails)
	}
}

func TestItIsNeverToldForEver(t *testing.T) {
	w := newWorld(t)
	w.cut(false, "a3")
	said := 0
	for i := range 70 { // hourly, then daily, for three weeks
		w.pass(t, map[bool]time.Duration{true: time.Hour, false: 24 * time.Hour}[i < 50])
		_, posts := w.delivered(t)
		said += strings.Count(posts, "alarm.")
	}
	if said != 4 {
		t.Errorf("one cluster that is gone was told %d times", said)
	}
}

func TestAcknowledgedAndSilenced(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.cut(false, "a3", "b4")
	w.pass(t, 5*time.Minute)
	list := w.open(t)
	if len(list) != 2 {
		t.Fatalf("open is %+v", list)
	}
	acked, silenced := list[0], list[1]
	if a, err := w.Acknowledge(ctx, acked.ID, "minh"); err != nil || a.AckedBy != "minh" {
		t.Fatal(a, err)
	}
	for name, until := range map[string]time.Time{"past": w.now, "too long": w.now.Add(31 * 24 * time.Hour)} {
		if _, err := w.Silence(ctx, silenced.ID, "minh", until); code(err) != "SILENCE_INVALID" {
			t.Errorf("a silence that is %s: %v", name, err)
		}
	}
	if a, err := w.Silence(ctx, silenced.ID, "minh", w.now.Add(2*time.Hour)); err != nil || a.SilencedBy != "minh" {
		t.Fatal(a, err)
	}
	w.pass(t, 110*time.Minute)
	if mails, posts := w.delivered(t); len(mails) != 0 || posts != "" {
		t.Errorf("seen to or silenced, and told: %q %q", mails, posts)
	}
	w.pass(t, 10*time.Minute) // the silence ends
	if _, posts := w.delivered(t); posts != "alarm.raised offline "+silenced.Area+" 1" {
		t.Errorf("after the silence they got %q", posts)
	}
	w.cut(true, "a", "b")
	w.pass(t, time.Minute)
	if _, err := w.Acknowledge(ctx, acked.ID, "minh"); code(err) != "ALARM_OVER" {
		t.Errorf("one that is over: %v", err)
	}
	if _, err := w.Acknowledge(ctx, "nothing", "minh"); code(err) != "ALARM_UNKNOWN" {
		t.Errorf("one that is not there: %v", err)
	}
	w.cut(false, silenced.Agent) // back within a quarter of an hour: the same alarm
	w.pass(t, 6*time.Minute)
	if list := w.open(t); len(list) != 1 || list[0].ID != silenced.ID {
		t.Errorf("one that comes back is %+v", list)
	}
}

func TestADeadChannelIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.post.set(true)
	w.hook.fail = 1
	w.view.Hub.RootKey = true
	w.pass(t, 0)
	w.pass(t, settle)
	if mails, posts := w.delivered(t); len(mails) != 0 || posts != "" {
		t.Fatalf("refused, and delivered: %q %q", mails, posts)
	}
	if c := w.Channels(); len(c) != 2 || c[0].Error == "" || c[1].Error == "" || c[0].To != "truc@example.vn" {
		t.Errorf("channels do %+v", c)
	}
	w.post.set(false)
	w.pass(t, time.Second)
	if mails, posts := w.delivered(t); len(mails) != 0 || posts != "" {
		t.Errorf("tried again at once: %q %q", mails, posts)
	}
	w.pass(t, firstRetry)
	if mails, posts := w.delivered(t); len(mails) != 1 || posts != "alarm.raised root_key  1" {
		t.Errorf("after a while they got %q %q", mails, posts)
	}
	if w.hook.ids[0] != w.hook.ids[1] {
		t.Error("sent again it has another id")
	}
	if c := w.Channels(); c[0].Error != "" || c[0].LastSent.IsZero() {
		t.Errorf("channels do %+v", c)
	}
}

// Run looks and delivers by itself, tells the pages, and ends.
func TestRun(t *testing.T) {
	w := newWorld(t)
	w.view.Hub.RootKey = true
	sub := w.bus.Subscribe(bus.Alarm)
	defer sub.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	select {
	case e := <-sub.C():
		if e.Topic != bus.Alarm || e.ID == "" {
			t.Errorf("published %+v", e)
		}
	case <-time.After(10 * time.Second):
		t.Error("no event")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	for _, server := range []string{"", "mail.example.vn", "http://mail.example.vn", "smtp://", "smtp://host/path"} {
		if _, err := NewMail(MailOptions{Server: server, From: "a@b.vn", To: []string{"c@d.vn"}, Zone: time.UTC}); err == nil {
			t.Errorf("mail server %q is taken", server)
		}
	}
	if _, err := NewMail(MailOptions{Server: "smtp://host", From: "nobody", To: []string{"c@d.vn"}, Zone: time.UTC}); err == nil {
		t.Error("a sender that is no address is taken")
	}
	for _, s := range []string{"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ="} {
		if _, err := NewWebhook("http://127.0.0.1/", s, time.Now); err == nil {
			t.Errorf("secret %q is taken", s)
		}
	}
}

func code(err error) string {
	var p *problem.Error
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}
