package bus

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

// Bounds of a hub's own server.
const (
	routeName  = "loa-bus"       // of the cluster, and of who has the key
	proofTime  = 5 * time.Second // in which whoever connects proves that it is a hub
	pingEvery  = 2 * time.Second // on a route, behind all that waits for it: one that is silent or too slow is given up, and tried again
	pingsOut   = 2
	maxPending = 8 << 20         // bytes that wait for this hub; from three quarters of it for another, this one waits before it says more
	logEvery   = 5 * time.Second // a stranger who knocks all the time fills no log
)

var errListen = problem.New("BUS_LISTEN", http.StatusInternalServerError,
	"Không mở được địa chỉ bus_listen cho các hub khác. Có thể chương trình khác đang dùng; hãy chọn địa chỉ của máy này và cổng khác.",
	"The address bus_listen cannot be opened to the other hubs. Another program may hold it; choose an address of this machine and another port.")

// Own is a bus of the hubs' own servers, one in each, joined by routes. Nothing but routes is listened for, and only who has the
// key becomes one.
type Own struct {
	Listen string   // host:port for the other hubs
	Hubs   []string // host:port of the others, this one's too where that is simpler; who is missing here names this one, or one that is named
	Key    seal.Key // that all hubs have and nobody else
}

// NewOwn joins the other hubs by servers of their own, as the hub of that id. Nothing is opened, sent or heard before Run.
func NewOwn(o Own, hub string, log *slog.Logger) (*Cluster, error) {
	options, err := o.options()
	if err != nil {
		return nil, errListen.With(err).At("bus_listen")
	}
	c, client := newCluster(hub, log)
	c.dial = func() (*nats.Conn, func(), error) {
		s, err := serve(options, log)
		if err != nil {
			return nil, nil, err
		}
		end := func() { s.Shutdown(); s.WaitForShutdown() }
		conn, err := nats.Connect("", append(client, nats.InProcessServer(s))...)
		if err != nil {
			end()
			return nil, nil, errBus.With(err).At("bus")
		}
		return conn, end, nil
	}
	return c, nil
}

// options are those of a server without a port for clients, monitoring, stored messages and accounts.
func (o Own) options() (*server.Options, error) {
	host, text, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 { // 0 would be no routes at all
		return nil, fmt.Errorf("port %q: %w", text, strconv.ErrRange)
	}
	proof, err := routeTLS(o.Key)
	if err != nil {
		return nil, err
	}
	s := &server.Options{DontListen: true, NoSigs: true, NoSystemAccount: true, MaxPending: maxPending, ReconnectErrorReports: 60,
		Cluster: server.ClusterOpts{Name: routeName, Host: host, Port: int(port), NoAdvertise: true, PoolSize: -1, PingInterval: pingEvery, MaxPingsOut: pingsOut,
			WriteTimeout: server.WriteTimeoutPolicyClose, TLSConfig: proof, TLSTimeout: proofTime.Seconds()}}
	for _, hub := range o.Hubs {
		s.Routes = append(s.Routes, &url.URL{Scheme: "nats-route", Host: hub})
	}
	return s, nil
}

// routeTLS proves on both ends of a route that they have the key. A certificate of it by itself is all there is to believe in; it
// is over never, for a hub's clock decides nothing here.
func routeTLS(key seal.Key) (*tls.Config, error) {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: routeName}, DNSNames: []string{routeName},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280, 4.1.2.5
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Private().Public(), key.Private())
	if err != nil {
		return nil, fmt.Errorf("make route's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read route's certificate: %w", err)
	}
	hubs := x509.NewCertPool()
	hubs.AddCert(cert)
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key.Private()}},
		ServerName: routeName, RootCAs: hubs, ClientCAs: hubs, ClientAuth: tls.RequireAndVerifyClientCert}, nil
}

// serve starts a server.
func serve(o *server.Options, log *slog.Logger) (*server.Server, error) {
	s, err := server.NewServer(o)
	if err != nil {
		return nil, errListen.With(err).At("bus_listen")
	}
	l := &serverLog{log: log}
	s.SetLoggerV2(l, false, false, false)
	s.Start()
	// A server that does not listen for clients never begins its routes: nats-server 2.15 waits for the clients' port with them,
	// in a goroutine that stays until the process ends.
	ready := make(chan struct{})
	close(ready)
	s.StartRouting(ready)
	if s.ClusterAddr() == nil {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, errListen.With(l.fatal()).At("bus_listen")
	}
	return s, nil
}

// serverLog is the server's part in the hub's log: its errors, not many, and the rest for who debugs.
type serverLog struct {
	log *slog.Logger

	mu   sync.Mutex
	last time.Time // when an error was told
	died error
}

func (l *serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Warnf(format string, v ...any)   { l.tell(fmt.Sprintf(format, v...)) }
func (l *serverLog) Errorf(format string, v ...any)  { l.tell(fmt.Sprintf(format, v...)) }
func (l *serverLog) Debugf(string, ...any)           {}
func (l *serverLog) Tracef(string, ...any)           {}

// Fatalf is what the server says before it gives up something; it does not end by it.
func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.died = errors.New(text)
}

func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.died
}

func (l *serverLog) tell(text string) {
	l.mu.Lock()
	quiet := time.Since(l.last) < logEvery
	if !quiet {
		l.last = time.Now()
	}
	l.mu.Unlock()
	if quiet {
		l.log.Debug(text)
	} else {
		l.log.Warn(text)
	}
}
