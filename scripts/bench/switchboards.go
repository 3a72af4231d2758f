//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/wire"
)

// server is the process of a switchboard.
type server struct {
	process *exec.Cmd
	in      io.WriteCloser // a line of it is one shout, of those that take lines
	first   string         // the line it said first
	url     string
}

// launch starts a server; one that says where it listens is waited for.
func launch(ctx context.Context, says bool, program string, args ...string) (*server, error) {
	s := &server{process: exec.CommandContext(ctx, program, args...)}
	s.process.Stderr = os.Stderr
	s.process.Cancel = func() error { return s.process.Process.Signal(syscall.SIGTERM) }
	s.process.WaitDelay = 10 * time.Second
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := s.process.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	s.in = in
	if says {
		if s.first, err = bufio.NewReader(out).ReadString('\n'); err != nil {
			return nil, errors.Join(fmt.Errorf("%s said nothing: %w", program, err), s.close())
		}
		s.first = strings.TrimSpace(s.first)
	}
	return s, nil
}

func (s *server) pid() int { return s.process.Process.Pid }

func (s *server) address() (string, []string) { return s.url, nil }

func (s *server) shout(context.Context) error {
	_, err := s.in.Write([]byte("\n"))
	return err
}

func (s *server) close() error {
	_ = s.process.Process.Signal(syscall.SIGTERM) // Wait tells
	_ = s.process.Wait()                          // a signal ends it, which is an error of its kind
	return nil
}

// loa is push.Hub in a process of its own, as the hub has it, with fleet and planner left out: they have no part in it.
type loa struct{ *server }

func startLoa(ctx context.Context, _ string) (switchboard, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s, err := launch(ctx, true, self, "push")
	if err != nil {
		return nil, err
	}
	s.url = "ws://" + s.first
	return loa{s}, nil
}

func (l loa) address() (string, []string) { return l.url, []string{wire.Protocol} }

func (l loa) greet(ws *websocket.Conn, i int) (func([]byte) bool, error) {
	seed := sha256.Sum256(fmt.Appendf(nil, "listener %d", i))
	key := ed25519.NewKeyFromSeed(seed[:])
	if err := prove(ws, &wire.Hello{Agent: hex.EncodeToString(key[ed25519.SeedSize:]), Software: "bench"}, key); err != nil {
		return nil, err
	}
	return func(data []byte) bool { return bytes.HasPrefix(data, []byte(`{"type":"order"`)) }, nil
}

// prove is an agent's side of the handshake.
func prove(ws *websocket.Conn, hello *wire.Hello, key ed25519.PrivateKey) error {
	challenge, err := next[*wire.Challenge](ws)
	if err != nil {
		return err
	}
	hello.Nonce = make([]byte, wire.NonceSize)
	_, _ = rand.Read(hello.Nonce) // never fails
	hello.Prove(challenge, key)
	if err := say(ws, hello); err != nil {
		return err
	}
	if _, err := next[*wire.Welcome](ws); err != nil {
		return err
	}
	return say(ws, &wire.Status{Status: broadcast.Status{At: time.Now(), Software: "bench"}})
}

func next[M wire.Message](ws *websocket.Conn) (m M, err error) {
	_, data, err := ws.ReadMessage()
	if err != nil {
		return m, err
	}
	got, err := wire.Decode(data)
	if err != nil {
		return m, err
	}
	m, ok := got.(M)
	if !ok {
		return m, fmt.Errorf("the hub sent %s where %T belongs", data, m)
	}
	return m, nil
}

func say(ws *websocket.Conn, m wire.Message) error {
	data, err := wire.Encode(m)
	if err != nil {
		return err
	}
	return ws.WriteMessage(websocket.TextMessage, data)
}

// pushAlone is the process of loa: it lets in whoever proves a key, and gives an order to all for each line that it reads.
func pushAlone() error {
	hub := hubtest.NewPush(hubtest.PushOptions{Fleet: anybody{}, Heads: anybody{}, Trusts: anybody{}, Software: "bench"})
	var all []string
	for i := range listeners {
		seed := sha256.Sum256(fmt.Appendf(nil, "listener %d", i))
		all = append(all, hex.EncodeToString(ed25519.NewKeyFromSeed(seed[:])[ed25519.SeedSize:]))
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web := &http.Server{Handler: hub, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = web.Serve(listener) }()
	fmt.Println(listener.Addr())
	least, err := wire.Encode(&wire.Order{Envelope: make([]byte, 3)})
	if err != nil {
		return err
	}
	envelope := make([]byte, 3+(payload-len(least))/4*3)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if n := hub.Order(envelope, all); n != listeners {
			return fmt.Errorf("sent to %d", n)
		}
	}
	return nil
}

// anybody is a fleet that knows every key and has no plan for it.
type anybody struct{}

func (anybody) ByKey(_ context.Context, key ed25519.PublicKey) (id, name, area string, err error) {
	return hex.EncodeToString(key), "", "xa", nil
}
func (anybody) Online(string, uint64, *wire.Hello, string) {}
func (anybody) Offline(string, uint64)                     {}
func (anybody) Status(string, broadcast.Status)            {}
func (anybody) PlanState(string, wire.PlanState)           {}
func (anybody) Holdings(string, wire.Holdings)             {}

func (anybody) Newer(context.Context, string, uint64, broadcast.Hash) (hubtest.Head, error) {
	return hubtest.Head{}, nil
}

func (anybody) TrustsAfter(context.Context, uint64) ([][]byte, error) { return nil, nil }

// centrifuge is the library behind Centrifugo, in a server of a few lines.
type centrifuge struct{ *server }

func startCentrifuge(ctx context.Context, dir string) (switchboard, error) {
	bin, err := filepath.Abs("var/centrifuge")
	if err != nil {
		return nil, err
	}
	if err := command(ctx, "go", "build", "-C", "scripts/bench/centrifuge", "-o", bin, "."); err != nil {
		return nil, err
	}
	s, err := launch(ctx, true, bin)
	if err != nil {
		return nil, err
	}
	s.url = "ws://" + s.first
	return centrifuge{s}, nil
}

func (c centrifuge) greet(ws *websocket.Conn, _ int) (func([]byte) bool, error) {
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"id":1,"connect":{}}`)); err != nil {
		return nil, err
	}
	if _, data, err := ws.ReadMessage(); err != nil || !bytes.Contains(data, []byte(`"subs"`)) {
		return nil, errors.Join(fmt.Errorf("connect: %s", data), err)
	}
	return func(data []byte) bool {
		if len(data) <= len("{}\n") { // its ping
			_ = ws.WriteMessage(websocket.TextMessage, []byte("{}")) // a failure shows in the next read
		}
		return len(data) > payload
	}, nil
}

// nats is nats-server with its websocket.
type nats struct {
	*server
	publish net.Conn
}

const natsConf = `listen: "%s"
ping_interval: "10m"
max_connections: 20000
websocket { listen: "%s", no_tls: true }
`

func startNATS(ctx context.Context, dir string) (_ switchboard, err error) {
	plain, err := rig.FreeAddr()
	if err != nil {
		return nil, err
	}
	web, err := rig.FreeAddr()
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "nats.conf")
	if err := write0(conf, fmt.Sprintf(natsConf, plain, web)); err != nil {
		return nil, err
	}
	s, err := launch(ctx, false, ".tools/bin/nats-server", "-c", conf, "-l", filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	n := nats{server: s}
	s.url = "ws://" + web
	if n.publish, err = await(ctx, plain); err == nil {
		_, err = n.publish.Write([]byte("CONNECT {\"verbose\":false}\r\n"))
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	go func() { _, _ = io.Copy(io.Discard, n.publish) }() // ends with the connection
	return n, nil
}

func (n nats) greet(ws *websocket.Conn, _ int) (func([]byte) bool, error) {
	if err := ws.WriteMessage(websocket.BinaryMessage, []byte("CONNECT {\"verbose\":false}\r\nSUB all 1\r\nPING\r\n")); err != nil {
		return nil, err
	}
	for {
		_, data, err := ws.ReadMessage()
		if err != nil {
			return nil, err
		}
		if bytes.Contains(data, []byte("PONG\r\n")) {
			// What it tells of itself, its first ping too, may come before a shout in the same frame.
			return func(data []byte) bool { return bytes.Contains(data, []byte("MSG all 1 ")) }, nil
		}
	}
}

func (n nats) shout(context.Context) error {
	_, err := n.publish.Write(fmt.Appendf(nil, "PUB all %d\r\n%s\r\n", payload, words()))
	return err
}

func (n nats) close() error { return errors.Join(n.publish.Close(), n.server.close()) }

// startNginx starts nginx with a worker for each core; serves is what its only server does, at an address by http or https.
// Where it is started by root its workers stay root, as the files it gives are nobody else's.
func startNginx(ctx context.Context, dir, scheme, modules, serves string) (*server, error) {
	const format = `%[1]s
user root;
daemon off;
worker_processes auto;
worker_rlimit_nofile 20000;
pid %[2]s/pid;
error_log %[2]s/error.log;
events { worker_connections 15000; }
http {
  access_log off;
  client_body_temp_path %[2]s; proxy_temp_path %[2]s; fastcgi_temp_path %[2]s; uwsgi_temp_path %[2]s; scgi_temp_path %[2]s;
  server { listen %[3]s; %[4]s }
}
`
	addr, err := rig.FreeAddr()
	if err != nil {
		return nil, err
	}
	listen := addr
	if scheme == "https" {
		listen += " ssl"
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := write0(conf, fmt.Sprintf(format, modules, dir, listen, serves)); err != nil {
		return nil, err
	}
	s, err := launch(ctx, false, "/usr/sbin/nginx", "-c", conf, "-e", filepath.Join(dir, "error.log"))
	if err != nil {
		return nil, err
	}
	s.url = scheme + "://" + addr
	conn, err := await(ctx, addr)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, conn.Close()
}

// nchan is nginx with its module for push, in C.
type nchan struct {
	*server
	shoutAt string
}

func startNchan(ctx context.Context, dir string) (switchboard, error) {
	s, err := startNginx(ctx, dir, "http", "load_module /usr/lib/nginx/modules/ngx_nchan_module.so;", `
    location = /listen { nchan_subscriber websocket; nchan_channel_id all; nchan_subscriber_first_message newest; }
    location = /shout { nchan_publisher; nchan_channel_id all; nchan_message_buffer_length 1; }`)
	if err != nil {
		return nil, err
	}
	n := nchan{s, s.url + "/shout"}
	s.url = "ws" + s.url[len("http"):] + "/listen"
	return n, nil
}

func (n nchan) greet(*websocket.Conn, int) (func([]byte) bool, error) {
	return func(data []byte) bool { return len(data) == payload }, nil
}

func (n nchan) shout(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.shoutAt, bytes.NewReader(words()))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// await connects to a server that has just been started.
func await(ctx context.Context, addr string) (conn net.Conn, err error) {
	var d net.Dialer
	for range 100 {
		if conn, err = d.DialContext(ctx, "tcp", addr); err == nil {
			return conn, nil
		}
		if err := pass(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return nil, err
}

// write0 writes a file into a folder of its own.
func write0(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}
