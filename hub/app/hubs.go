package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/hub/internal/alarms"
	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/durable"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

var errOtherTrust = problem.New("TRUST_OTHER", 409,
	"Các hub khác dùng văn bản tin cậy khác. Hãy chép các tệp *-key và thư mục trust từ thư mục dữ liệu của một hub đang chạy sang đây.",
	"The other hubs have another trust document. Copy the files *-key and the folder trust from the data folder of a hub that runs.")

var errOtherBus = problem.New("BUS_KEY_OTHER", 409,
	"Các hub khác có khóa khác cho kênh liên lạc. Hãy chép tệp bus-key từ thư mục dữ liệu của một hub đang chạy sang đây.",
	"The other hubs have another key of the bus. Copy the file bus-key from the data folder of a hub that runs.")

// Files in the data folder of one of several hubs that serve one fleet.
const (
	hubFile    = "hub-id"  // its id among them
	busKeyFile = "bus-key" // the key of their own bus; the first one's, copied to the others
)

// joinHubs makes the bus: within this process, or to other hubs.
func (a *App) joinHubs(ctx context.Context) error {
	a.bus = bus.NewLocal()
	if a.o.Bus == "memory" {
		return nil
	}
	if !store.Shared(a.o.Database) || !inS3(a.o.Blobs) {
		return errBus.At("bus")
	}
	var err error
	if a.hub, err = hubID(a.o.Data); err != nil {
		return err
	}
	if log := a.o.Logger.With("stage", "bus"); a.o.Bus == config.BusOfHubs {
		a.hubs, err = a.ownBus(ctx, log)
	} else {
		a.hubs, err = bus.NewCluster(a.o.Bus, a.hub, log)
	}
	if err != nil {
		return err
	}
	a.bus = a.hubs
	return nil
}

// ownBus makes the hubs' own bus, by their key. A hub that comes to others makes none beside it.
func (a *App) ownBus(ctx context.Context, log *slog.Logger) (*bus.Cluster, error) {
	others, err := a.factsOfOthers(ctx, goneAfter)
	if err != nil {
		return nil, err
	}
	known := ""
	for _, o := range others {
		known = cmp.Or(known, o.BusKey)
	}
	file := filepath.Join(a.o.Data, busKeyFile)
	key, err := seal.LoadKey(file)
	if errors.Is(err, fs.ErrNotExist) && known == "" {
		key, err = seal.LoadOrCreateKey(file)
	}
	if known != "" && (errors.Is(err, fs.ErrNotExist) || err == nil && key.ID() != known) {
		return nil, errOtherBus.At("data")
	} else if err != nil {
		return nil, err
	}
	a.busKey = key.ID()
	return bus.NewOwn(bus.Own{Listen: a.o.BusListen, Hubs: a.o.BusHubs, Key: key}, a.hub, log)
}

func hubID(data string) (string, error) {
	file := filepath.Join(data, hubFile)
	text, err := os.ReadFile(file)
	if err == nil {
		id, err := uuid.Parse(strings.TrimSpace(string(text)))
		return id.String(), err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make hub's id: %w", err)
	}
	return id.String(), durable.Replace(file, []byte(id.String()+"\n"))
}

func (a *App) tell() func(bus.Event) {
	if a.hubs == nil {
		return nil
	}
	return a.hubs.Tell
}

// alone tells whether no other hub can write to the database: it lies in the data folder, which one at a time holds (holdStore).
func (a *App) alone() bool {
	file, err := store.Path(a.o.Database, a.o.Data)
	return err == nil && !store.Shared(a.o.Database) && filepath.Dir(unlinked(file)) == unlinked(a.o.Data)
}

// heardHubs is how many hubs serve as far as this one hears, itself included.
func (a *App) heardHubs() int {
	if a.hubs == nil {
		return 1
	}
	return 1 + len(a.hubs.Peers())
}

// hubJobs are what several hubs need.
func (a *App) hubJobs() []job {
	if a.hubs == nil {
		return nil
	}
	return []job{{"bus", a.hubs.Run}, {"news", a.followNews}, {"orphans", a.settleOthers}, {"presence", a.followPresence}}
}

// reloadEvery is how often what all hubs have is read at most: in the time it takes, word of thousands who connect is lost anew.
const reloadEvery = time.Second

// followPresence keeps who is connected to which hub.
func (a *App) followPresence(ctx context.Context) error {
	sub := a.bus.Subscribe(bus.Agent, bus.Pairing, bus.Roll)
	defer sub.Close()
	rest := time.NewTimer(0)
	defer rest.Stop()
	lost := true // what was published before this listened
	for {
		var reload <-chan time.Time
		if lost {
			reload = rest.C
		}
		select {
		case <-ctx.Done():
			return nil
		case <-reload:
			err := a.fleet.Reload(ctx)
			if err != nil && ctx.Err() == nil {
				a.o.Logger.Error("agents of other hubs not read", "err", err)
			}
			lost = err != nil
			rest.Reset(reloadEvery)
		case e := <-sub.C():
			if e.Topic == bus.Lagged || e.Topic == bus.Roll && e.From == "" {
				lost = true
			} else {
				a.fleet.Hear(ctx, e)
			}
		}
	}
}

// How often hubs look in SQL how much the others told on the bus, and whether they serve; how often they write that they do;
// after what time one that does not serves no more, or cannot be heard; and how often its agents are looked at then.
const (
	newsEvery   = time.Second
	aliveEvery  = 2 * time.Second
	goneAfter   = 6 * time.Second
	unheardTime = 3 * time.Second
	seeEvery    = 5 * time.Second
	factsTime   = time.Minute // for which a hub's facts count
)

// followNews finds what the bus lost without a sign: it may be cut in two, each half sound, with hubs in both.
func (a *App) followNews(ctx context.Context) error {
	tick := time.NewTicker(newsEvery)
	defer tick.Stop()
	var said saying
	var before []hubRow
	var seen time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now, err := a.exchangeNews(ctx, &said)
		if err != nil {
			if ctx.Err() == nil {
				a.o.Logger.Warn("news of other hubs not read", "err", err)
			}
			continue
		}
		for _, h := range before { // what SQL had a second ago the bus had time to bring
			a.hubs.Told(h.Hub, h.News)
		}
		before = now
		cut := slices.ContainsFunc(now, func(h hubRow) bool { return h.Serves && !a.hubs.Hears(h.Hub, unheardTime) })
		if was := a.cut.Swap(cut); was == cut && (!cut || time.Since(seen) < seeEvery) {
			continue
		} else if was != cut {
			a.o.Logger.Warn("the bus between hubs", "cut", cut)
		}
		seen = time.Now()
		a.hubs.Local.Publish(bus.Event{Topic: bus.Roll}) // in the order of what is heard
	}
}

// saying is what this hub last wrote of itself.
type saying struct {
	news  int64
	facts string
	at    time.Time
}

// hubRow is another hub as SQL has it.
type hubRow struct {
	Hub    string
	News   int64
	Serves bool
}

// exchangeNews writes what is new of this hub, and reads how much the others told.
func (a *App) exchangeNews(ctx context.Context, said *saying) (others []hubRow, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	facts, err := json.Marshal(hubFacts{a.ownFacts(), a.busKey})
	if err != nil {
		return nil, fmt.Errorf("encode facts: %w", err)
	}
	if is := (saying{a.hubs.News(), string(facts), said.at}); is != *said || time.Since(said.at) > aliveEvery {
		_, err := a.db.NewRaw(`INSERT INTO hubs (hub, news, facts, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (hub) DO UPDATE SET news = EXCLUDED.news, facts = EXCLUDED.facts, at = EXCLUDED.at`, a.hub, is.news, is.facts, store.Now(a.db)).Exec(ctx)
		if err != nil {
			return nil, fmt.Errorf("write news: %w", err)
		}
		is.at = time.Now()
		*said = is
	}
	err = a.db.NewRaw("SELECT hub, news, at > ? - ? AS serves FROM hubs WHERE hub <> ?", store.Now(a.db), goneAfter.Milliseconds(), a.hub).Scan(ctx, &others)
	if err != nil {
		return nil, fmt.Errorf("read news: %w", err)
	}
	return others, nil
}

// ownFacts is what alarms look at of this hub itself.
func (a *App) ownFacts() alarms.Hub {
	f := alarms.Hub{TrustEnds: a.trust.newest().Doc().Expires, RootKey: rootKeyLies(a.o.Data)}
	if a.certs != nil {
		if c := a.certs.current.Load(); c != nil && c.Leaf != nil {
			f.CertEnds = c.Leaf.NotAfter
		}
	}
	return f
}

// facts are those of all hubs that serve: whoever judges the alarms judges for all of them.
func (a *App) facts(ctx context.Context) (alarms.Hub, error) {
	f := a.ownFacts()
	if a.hubs == nil {
		return f, nil
	}
	others, err := a.factsOfOthers(ctx, factsTime)
	if err != nil {
		return f, err
	}
	earlier := func(a, b time.Time) time.Time {
		if a.IsZero() || !b.IsZero() && b.Before(a) {
			return b
		}
		return a
	}
	for _, o := range others {
		f = alarms.Hub{CertEnds: earlier(f.CertEnds, o.CertEnds), TrustEnds: earlier(f.TrustEnds, o.TrustEnds), RootKey: f.RootKey || o.RootKey}
	}
	return f, nil
}

// hubFacts are what a hub writes of itself for the others.
type hubFacts struct {
	alarms.Hub
	BusKey string // id of its key of the hubs' own bus, "" without one
}

// factsOfOthers are those of the hubs that wrote theirs within a time.
func (a *App) factsOfOthers(ctx context.Context, within time.Duration) ([]hubFacts, error) {
	var texts []string
	err := a.db.NewRaw("SELECT facts FROM hubs WHERE hub <> ? AND at > ? - ?", a.hub, store.Now(a.db), within.Milliseconds()).Scan(ctx, &texts)
	if err != nil {
		return nil, fmt.Errorf("read facts of other hubs: %w", err)
	}
	facts := make([]hubFacts, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &facts[i]); err != nil {
			return nil, fmt.Errorf("read facts of another hub: %w", err)
		}
	}
	return facts, nil
}

// firstTrust refuses to make a second trust document beside that of other hubs.
func (a *App) firstTrust(ctx context.Context) error {
	if !store.Shared(a.o.Database) {
		return nil
	}
	if known, err := a.knownTrust(ctx); err != nil || known == "" {
		return err
	}
	return errOtherTrust.At("data")
}

// sameTrust sees to it that all hubs of one database began with one trust document.
func (a *App) sameTrust(ctx context.Context) error {
	if !store.Shared(a.o.Database) {
		return nil
	}
	all, err := a.trust.all(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(all[0])
	own := hex.EncodeToString(sum[:])
	if _, err := a.db.ExecContext(ctx, "INSERT INTO hub_trust (id, sha256) VALUES (1, ?) ON CONFLICT (id) DO NOTHING", own); err != nil {
		return fmt.Errorf("note trust document: %w", err)
	}
	if known, err := a.knownTrust(ctx); err != nil || known == own {
		return err
	}
	return errOtherTrust.At("data")
}

func (a *App) knownTrust(ctx context.Context) (sum string, err error) {
	err = a.db.NewRaw("SELECT sha256 FROM hub_trust WHERE id = 1").Scan(ctx, &sum)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return sum, err
}
