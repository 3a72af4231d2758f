package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/alarms"
	"github.com/loa-vn/loa/hub/internal/api"
	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/orders"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/hub/internal/push"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/web"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wsconn"
)

// Options of an App. Only Data is needed; everything else has a default.
type Options struct {
	Listen    string // host:port; "" is 127.0.0.1:0, a free port
	Data      string // folder for everything the hub keeps
	Database  string // "" is hub.db in Data
	Blobs     string // "" is blobs in Data
	Bus       string // "" is memory
	BusListen string // host:port for the other hubs, and theirs; with config.BusOfHubs only
	BusHubs   []string
	PublicURL string // what people and agents dial, "" when not known
	TLSCert   string // PEM files of a certificate chain and its key; "" is the private CA's in Data, if there is one
	TLSKey    string
	Zone      *time.Location
	Logger    *slog.Logger
	Console   io.Writer  // gets the first admin's set-up link; nil: nobody does
	Proxy     netip.Addr // before the hub, whose X-Forwarded-For is believed; zero for none
	Now       func() time.Time
	Version   string
	Alarms    AlarmOptions

	AudioLimit int64 // most bytes of audio and plans a second to all agents together, 0 for no limit
}

// FromConfig gives the options that the settings say.
func FromConfig(c config.Hub) Options {
	return Options{Listen: c.Listen, Data: c.Data, Database: c.Database, Blobs: c.Blobs, Bus: c.Bus, BusListen: c.BusListen, BusHubs: c.BusHubs, PublicURL: c.PublicURL,
		TLSCert: c.TLSCert, TLSKey: c.TLSKey, Proxy: c.ProxyAddr, Zone: c.Zone, AudioLimit: int64(c.AudioLimit),
		Alarms: AlarmOptions{Offline: c.AlarmOffline, SMTP: c.AlarmSMTP, SMTPPassword: c.AlarmSMTPPassword, From: c.AlarmMailFrom, To: c.AlarmMailTo,
			Webhook: c.AlarmWebhook, WebhookSecret: c.AlarmWebhookSecret}}
}

func (o Options) withDefaults() (Options, error) {
	if o.Data == "" {
		return o, errors.New("start hub: no data folder")
	}
	if o.Zone == nil {
		zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
		if err != nil {
			return o, fmt.Errorf("load time zone: %w", err)
		}
		o.Zone = zone
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Console == nil {
		o.Console = io.Discard
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, v := range []struct {
		field *string
		value string
	}{{&o.Listen, "127.0.0.1:0"}, {&o.Bus, "memory"}, {&o.Version, "dev"}} {
		if *v.field == "" {
			*v.field = v.value
		}
	}
	return o, nil
}

// App is a hub that is open and listens; Run makes it work.
type App struct {
	o       Options
	release func() error // of the data folder
	db      *store.DB
	blobs   store.Blobs
	bus     bus.Bus
	hubs    *bus.Cluster // nil: this hub alone
	hub     string       // this hub's id among them, "" alone
	busKey  string       // id of the key that all of them have, "" when they need none
	cut     atomic.Bool  // another serves and cannot be heard
	metrics *api.Metrics
	trust   *trust

	refusals refusalLog // of documents, by agents

	accounts *accounts.Service
	ingest   *ingest.Service
	jobs     *ingest.SQLJobs
	library  *library.Library
	planner  *planner.Planner
	orders   *orders.Desk
	lane     *orders.Lane
	push     *push.Hub
	fleet    *fleet.Fleet
	evidence *evidence.Log
	alarms   *alarms.Watch
	api      *api.Server

	certs    *certificates // nil: plain HTTP, on loopback
	listener net.Listener
	server   *http.Server
}

// New opens everything and listens. What it opened is closed by Run, or by Close when Run is never called.
func New(ctx context.Context, o Options) (*App, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &App{o: o, bus: bus.NewLocal(), metrics: api.NewMetrics()}
	for _, step := range []func(context.Context) error{a.openStore, a.openTrust, a.openStages, a.listen} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// openStore opens what everything lies in.
func (a *App) openStore(ctx context.Context) error {
	if err := a.secure(); err != nil {
		return err
	}
	var err error
	if a.release, err = holdStore(a.o.Data, a.o.Database); err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(a.o.Data, restoring)); err == nil {
		return errRestoreUnfinished
	}
	if a.db, err = store.Open(ctx, a.o.Database, a.o.Data); err != nil {
		return err
	}
	if err := a.db.Migrate(ctx); err != nil {
		return err
	}
	if a.blobs, err = openBlobs(ctx, a.o); err != nil {
		return err
	}
	return a.joinHubs(ctx)
}

// openTrust loads the trust document and its keys; a hub that starts for the first time makes them.
func (a *App) openTrust(ctx context.Context) error {
	t, err := loadTrust(a.o.Data, a.o.Now)
	if errors.Is(err, errNoTrust) {
		if err := a.firstTrust(ctx); err != nil {
			return err
		}
		if t, err = initTrust(a.o.Data, a.o.Now); err == nil {
			a.o.Logger.Info("made the trust document and its keys", "version", t.newest().Version(), "root_key", filepath.Join(a.o.Data, rootKeyFile))
		}
	}
	if a.trust = t; err != nil {
		return err
	}
	return a.sameTrust(ctx)
}

// openStages makes the stages in the order a report goes through them, and joins them.
func (a *App) openStages(ctx context.Context) error {
	log := func(stage string) *slog.Logger { return a.o.Logger.With("stage", stage) }
	var err error
	if a.accounts, err = accounts.New(ctx, a.db.DB, a.o.Now); err != nil {
		return err
	}
	a.evidence = evidence.New(a.db.DB, a.o.Zone, a.o.Now)
	if err := a.evidence.Prepare(ctx); err != nil {
		return err
	}
	a.library = library.New(library.Deps{DB: a.db.DB, Blobs: a.blobs, Bus: a.bus, Log: log("library"), Now: a.o.Now})
	if err := a.library.Index(ctx); err != nil {
		return err
	}
	a.jobs = ingest.NewSQLJobs(a.db.DB)
	a.ingest, err = ingest.New(ingest.Config{Dir: filepath.Join(a.o.Data, "ingest"), Owner: a.hub, Shared: a.shared(), Shelf: a.blobs}, a.jobs,
		sink{a.library, a.metrics}, log("ingest"))
	if err != nil {
		return err
	}
	a.fleet, err = fleet.Open(ctx, fleet.Options{DB: a.db, Events: a.bus, Tell: a.tell(), Cut: a.cut.Load, Alone: a.alone(), Log: log("fleet"), Now: a.o.Now, Trust: a.trust.all,
		Disconnect: func(agent, code string) { a.push.Disconnect(agent, code) }}) // push is made below, before anybody connects
	if err != nil {
		return err
	}
	a.planner = planner.New(planner.Deps{DB: a.db.DB, Blobs: a.blobs, Bus: a.bus, Reports: a.library, Agents: agents{a.fleet},
		Alone: a.alone(), Sealer: countingSealer{a.trust, a.metrics}, Heard: heard{a.evidence}, Plays: playLog{a.evidence}, Zone: a.o.Zone, Log: log("planner"), Now: a.o.Now})
	a.orders = orders.New(orders.Deps{DB: a.db.DB, Bus: a.bus, Reports: a.library, Places: places{a.planner}, Log: log("orders"), Now: a.o.Now})
	a.planner.Bulletins, a.planner.Decisions = bulletins{a.orders}, a.orders
	a.planner.Readiness = readiness{fleet: a.fleet, planner: a.planner, evidence: a.evidence, now: a.o.Now}
	a.lane = orders.NewLane(orders.LaneDeps{Desk: a.orders, Sealer: a.trust, Reach: places{a.planner}, Agents: connected{a}, Refused: a.orderRefused, Tell: a.tell()})
	a.push = push.New(push.Options{Fleet: answering{a.fleet, a.planRefused, a.planTaken}, Heads: heads{a.planner}, Trusts: a.trust, Blobs: a.blobs, Time: a.trust, Orders: a.lane,
		Plays: plays{a.fleet, a.evidence, a.bus, log("evidence")}, Decided: decided{a.fleet, a.orders, a.accounts, log("orders")}, Log: log("push"), Metrics: a.metrics.Push,
		Software: "loa-hub/" + a.o.Version, Now: a.o.Now, Limit: a.o.AudioLimit, Urgent: a.urgent})
	a.metrics.Gauge("agents_online", "Agents connected to this hub.", func() float64 { return float64(a.push.Connected()) })
	a.metrics.Gauge("link_queued", "Agents that wait for their turn under audio_limit.", func() float64 { return float64(a.push.Queued()) })
	a.metrics.Gauge("hubs", "Hubs that this one hears on the bus, itself included.", func() float64 { return float64(a.heardHubs()) })
	a.metrics.Gauge("root_key_on_disk", "1 while the root key lies on the hub.", func() float64 {
		if rootKeyLies(a.o.Data) {
			return 1
		}
		return 0
	})
	if a.alarms, err = a.watch(log("alarms")); err != nil {
		return err
	}
	a.api = api.New(api.Deps{Accounts: a.accounts, Ingest: a.ingest, Library: a.library, Planner: a.planner, Orders: a.orders, Lane: a.lane, Fleet: a.fleet, Alarms: a.alarms,
		Evidence: a.evidence, DB: a.db, Blobs: a.blobs, Bus: a.bus, Metrics: a.metrics, Link: a.push, Pair: a.fleet.PairHandler(),
		Pages: web.Handler(), Uploads: a.uploads(), Room: func() (int64, error) { return uploadRoom(a.o.Data) },
		Zone: a.o.Zone, PublicURL: a.o.PublicURL, TLS: a.certs != nil, Proxy: a.o.Proxy, Version: a.o.Version, Log: log("api"), Now: a.o.Now})
	return nil
}

// Bounds of the HTTP server. Bodies and answers have deadlines of their own in api.
const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	maxHeader  = 32 << 10
	drainTime  = 10 * time.Second
)

func (a *App) listen(ctx context.Context) error {
	// Whoever is gone is found by the websocket's pings, the live events' writes or a deadline; the system's own probes would be
	// four calls for each connection.
	lc := net.ListenConfig{KeepAlive: -1}
	l, err := lc.Listen(ctx, "tcp", a.o.Listen)
	if err != nil {
		return errListen.With(err).At("listen")
	}
	a.listener = l
	a.server = &http.Server{Handler: a.api.Handler(), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(a.o.Logger.With("stage", "http").Handler(), slog.LevelDebug)}
	if a.certs != nil {
		a.listener = tls.NewListener(wsconn.Gather(l), a.certs.config())
	}
	return nil
}

// Addr is the host:port it listens on.
func (a *App) Addr() string { return a.listener.Addr().String() }

// URL is where people and agents on this machine reach it.
func (a *App) URL() string {
	scheme := "http://"
	if a.certs != nil {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(a.Addr())
	if err != nil {
		return scheme + a.Addr()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + net.JoinHostPort(host, port)
}

// job is one thing that runs until its context ends.
type job struct {
	name string
	run  func(context.Context) error
}

// Run works until ctx ends or a job fails, then ends the front before the stages behind it and closes
// everything. It gives nil when it ended because ctx did.
func (a *App) Run(ctx context.Context) error {
	for _, begin := range []func(context.Context) error{a.settleUploads, a.greet} {
		if err := begin(ctx); ctx.Err() != nil {
			return a.Close() // told to end before it began
		} else if err != nil {
			return errors.Join(err, a.Close())
		}
	}
	backCtx, stopBack := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBack()
	back, backCtx := errgroup.WithContext(backCtx)
	front, frontCtx := errgroup.WithContext(ctx)
	a.start(backCtx, back, []job{{"fleet", a.fleet.Run}, {"ingest", a.ingest.Run}, {"planner", a.planner.Run}, {"evidence", a.settleDays}})
	a.start(backCtx, back, a.hubJobs())
	a.start(frontCtx, front, []job{{"push", a.push.Run}, {"orders", a.lane.Run}, {"heads", a.bringHeads}, {"agents", a.tellPlanner}, {"api", a.api.Run},
		{"http", a.serve}, {"certificates", a.keepCertificates}, {"alarms", a.onDuty("alarms", a.alarms.Run)}, {"root key", a.complain}, {"trust", a.followTrust},
		{"stages", func(ctx context.Context) error { return ended(ctx, backCtx) }}})
	err := front.Wait()
	stopBack()
	err = errors.Join(err, back.Wait(), a.Close())
	a.o.Logger.Info("hub ended")
	return err
}

// start runs jobs under their names; one that ends before its context is a failure of the whole.
func (a *App) start(ctx context.Context, g *errgroup.Group, jobs []job) {
	for _, j := range jobs {
		g.Go(func() error {
			err := j.run(ctx)
			if err == nil && ctx.Err() == nil {
				err = errors.New("ended by itself")
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("run %s: %w", j.name, err)
			}
			return nil
		})
	}
}

// ended waits for either context; the stages behind ending first is a failure, which their own group explains.
func ended(ctx, stages context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-stages.Done():
		return errors.New("a stage failed")
	}
}

// Close closes what New opened.
func (a *App) Close() error {
	var errs []error
	if a.listener != nil {
		if err := a.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	if a.release != nil {
		errs = append(errs, a.release())
	}
	a.listener, a.db, a.release = nil, nil, nil
	return errors.Join(errs...)
}

// Refusals of settings that this version cannot follow.
var (
	errBlobs = problem.New("BLOBS_UNSUPPORTED", 500,
		"Không biết loại kho tệp này. Hãy để trống mục blobs, hoặc ghi file:THƯ-MỤC hay s3://….",
		"Files cannot be kept there. Leave blobs empty, or write file:FOLDER or s3://….")
	errBus = problem.New("BUS_ALONE", 500,
		"Nhiều hub cần chung cơ sở dữ liệu và kho tệp. Hãy ghi database: postgres://… và blobs: s3://…, hoặc để mục bus là memory.",
		"Several hubs need one database and one store of files. Write database: postgres://… and blobs: s3://…, or leave bus at memory.")
	errListen = problem.New("LISTEN_FAILED", 500,
		"Không mở được địa chỉ này. Có thể chương trình khác đang dùng; hãy chọn cổng khác.",
		"This address cannot be listened on. Another program may hold it; choose another port.")
	errDataFolder = problem.New("DATA_FOLDER", 500,
		"Không tạo được thư mục dữ liệu. Hãy chọn thư mục khác ở mục data, hoặc cấp quyền ghi cho loa-hub.",
		"The data folder cannot be made. Choose another one by data, or let loa-hub write there.")
	errDataInUse = problem.New("DATA_IN_USE", 500,
		"Một loa-hub khác đang dùng thư mục dữ liệu này. Hãy dừng nó trước.",
		"Another loa-hub uses this data folder. Stop it first.")
	errExposed = problem.New("LISTEN_INSECURE", 500,
		"Địa chỉ này mở ra mạng mà không mã hóa. Hãy tạo chứng thư bằng loa-hub tls init, ghi tls_cert và tls_key, hoặc dùng 127.0.0.1.",
		"This address is open to the network without encryption. Make a certificate by loa-hub tls init, name one by tls_cert and tls_key, or use 127.0.0.1.")
)
