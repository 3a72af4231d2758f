package app

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/faults"
	"github.com/loa-vn/loa/internal/s3"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// backAgain is how soon every agent must be connected after the hub it had was killed.
const backAgain = 15 * time.Second

// childEnv makes this test program a loa-hub, which a test can kill.
const childEnv = "LOA_TEST_IS_HUB"

func childHub() int {
	return Main(context.Background(), Process{Version: "test", Args: os.Args[1:], Out: os.Stdout, Err: os.Stderr})
}

// TestFaultAHubIsKilledDuringAnUrgentOrder: two hubs on PostgreSQL, NATS and S3; an officer at one of them approves an
// urgent bulletin, and the other, which has half of the agents, is killed at that moment.
func TestFaultAHubIsKilledDuringAnUrgentOrder(t *testing.T) {
	sound, random := speech(t), faults.Random(t)
	shared := Options{Database: storetest.Empty(t, storetest.Server(t), "hubs"), Blobs: s3.Start(t), Bus: natsServer(t)}
	first := shared
	first.Data = t.TempDir()
	agents := enrolled(t, shared.Database, 12)
	r := startAs(t, first)
	admin := r.join("minh", accounts.Admin, "")
	lan := r.join("lan", accounts.Officer, "")
	r.json(admin, "POST", "areas", `{"code":"xa-a","name":"Xã A","policy":{"windows":[{"start":"00:00","end":"24:00"}]}}`).want(t, 201, "")
	report, _ := r.upload(lan, sound, "Báo động lũ").want(t, 201, "")["id"].(string)
	r.await(lan, report)
	r.json(admin, "POST", "reports/"+report+"/approve", "").want(t, 200, "")

	second := shared
	second.Data = t.TempDir()
	if err := sayTrust(t, second); err == nil {
		t.Fatal("a hub made a second trust document")
	}
	copyKeys(t, first.Data, second.Data)
	for round := range faults.Count(2, 20) {
		other := startChild(t, second)
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		for i, a := range agents {
			a.hubs = []string{r.URL(), other.url}
			if i%2 == 1 {
				a.hubs = []string{other.url, r.URL()}
			}
			running.Go(func() { a.run(ctx) })
		}
		online := func() (n int) {
			page := r.json(admin, "GET", "agents?online=true", "").want(t, 200, "")
			items, _ := page["items"].([]any)
			return len(items)
		}
		awaitTrue(t, "all agents of both hubs are seen at one", func() bool { return online() == len(agents) })

		made := r.json(lan, "POST", "urgent", `{"kind":"live","items":[{"report":"`+report+`"}],"targets":{"areas":["xa-a"]}}`).want(t, 201, "")
		id, _ := made["id"].(string)
		kill := make(chan struct{})
		delay := time.Duration(random.IntN(100)) * time.Millisecond
		go func() {
			defer close(kill)
			<-time.After(delay)
			other.kill()
		}()
		r.json(admin, "POST", "urgent/"+id+"/approve", "").want(t, 200, "")
		<-kill
		killed := time.Now()
		awaitTrue(t, "all agents are connected again", func() bool { return r.push.Connected() == len(agents) })
		if took := time.Since(killed); took > backAgain {
			t.Errorf("round %d: all agents connected again after %v", round, took)
		}
		awaitTrue(t, "every agent has the bulletin", func() bool {
			for _, a := range agents {
				if !a.has(id) {
					return false
				}
			}
			return true
		})
		awaitTrue(t, "all agents are seen where they are", func() bool { return online() == len(agents) })
		for _, a := range agents {
			here := a.hubs[0] == r.URL() // the others have it with their plan, if not before
			if n := a.orders(id); n > 1 || here && n == 0 {
				t.Errorf("round %d: agent %s got the order %d times", round, a.id, n)
			}
		}
		r.json(admin, "POST", "urgent/"+id+"/cancel", "").want(t, 200, "")
		cancel()
		running.Wait()
		awaitTrue(t, "nobody is left", func() bool { return r.push.Connected() == 0 })
	}
}

func awaitTrue(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(deadline) {
			t.Fatal("not so: ", what)
		}
		<-tick.C
	}
}

func natsServer(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS does not start")
	}
	return s.ClientURL()
}

// copyKeys does what docs/operating.md has people do for a second hub.
func copyKeys(t *testing.T, from, to string) {
	t.Helper()
	files, err := keptFiles(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(from, file))
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(to, file)), 0o700), os.WriteFile(filepath.Join(to, file), text, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// sayTrust opens a hub that has no keys yet.
func sayTrust(t *testing.T, o Options) error {
	t.Helper()
	a, err := New(t.Context(), o)
	if err == nil {
		return a.Close()
	} else if !errors.Is(err, errOtherTrust) {
		t.Fatal(err)
	}
	return err
}

// child is a hub in a process of its own.
type child struct {
	url string
	cmd *exec.Cmd
	end sync.Once
}

func startChild(t *testing.T, o Options) *child {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c := &child{url: "http://" + addr}
	c.cmd = exec.Command(program, "serve", "--data", o.Data, "--database", o.Database, "--blobs", o.Blobs, "--bus", o.Bus, "--listen", addr)
	c.cmd.Env = append(os.Environ(), childEnv+"=1")
	errs, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	lines := bufio.NewScanner(errs)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "hub serves") {
			go func() {
				for lines.Scan() { // so that it never waits for us
				}
			}()
			return c
		}
		t.Log(lines.Text())
	}
	t.Fatal("the other hub does not serve")
	return nil
}

func (c *child) kill() {
	c.end.Do(func() {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait() // killed, it says
	})
}

// station is an agent as far as hubs see it: it connects, and again to the next hub when the line breaks.
type station struct {
	id   string
	key  ed25519.PrivateKey
	hubs []string

	mu    sync.Mutex
	heads string         // payload of the newest head
	taken map[string]int // by bulletin
}

// enrolled writes agents as pairings would leave them.
func enrolled(t *testing.T, database string, n int) (all []*station) {
	t.Helper()
	db, err := store.Open(t.Context(), database, "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		a := &station{id: fmt.Sprintf("01a20972-a42a-7d88-a076-8cfe6999%04d", i), key: private, taken: map[string]int{}}
		key := hex.EncodeToString(public)
		agent := map[string]any{"id": a.id, "name": "Cụm " + a.id[32:], "area": "xa-a", "state": "active", "public_key": key, "created_at": 1}
		proof := map[string]any{"public_key": key, "agent": a.id, "created_at": 1}
		_, err = db.NewInsert().Table("agents").Model(&agent).Exec(t.Context())
		if err == nil {
			_, err = db.NewInsert().Table("agent_keys").Model(&proof).Exec(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func (a *station) run(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		conn, err := wsconn.Dial(ctx, "ws"+strings.TrimPrefix(a.hubs[i%len(a.hubs)], "http")+wire.LinkPath, wsconn.DialOptions{Options: wsconn.AgentOptions()})
		if err == nil {
			_ = conn.Run(ctx, nil, func(context.Context) error { return a.listen(conn) })
		}
		pause := time.NewTimer(200 * time.Millisecond)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

func (a *station) listen(conn *wsconn.Conn) error {
	for {
		_, data, err := conn.Read()
		if err != nil {
			return err
		}
		m, err := wire.Decode(data)
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *wire.Challenge:
			hello := &wire.Hello{Agent: a.id, Nonce: make([]byte, wire.NonceSize), Software: "test"}
			hello.Prove(m, a.key)
			text, err := wire.Encode(hello)
			if err == nil {
				err = conn.Send(text)
			}
			if err != nil {
				return err
			}
		case *wire.Plan:
			a.mu.Lock()
			a.heads = payload(m.Envelope)
			a.mu.Unlock()
		case *wire.Order:
			var order struct{ Body struct{ ID string } }
			if json.Unmarshal([]byte(payload(m.Envelope)), &order) == nil {
				a.mu.Lock()
				a.taken[order.Body.ID]++
				a.mu.Unlock()
			}
		}
	}
}

// payload is what an envelope holds; agents verify it first.
func payload(envelope []byte) string {
	var e struct{ Payload string }
	_ = json.Unmarshal(envelope, &e)
	text, _ := base64.StdEncoding.DecodeString(e.Payload)
	return string(text)
}

func (a *station) has(bulletin string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Contains(a.heads, bulletin)
}

func (a *station) orders(bulletin string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.taken[bulletin]
}
