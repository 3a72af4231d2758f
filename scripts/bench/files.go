//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/fleet"
	"github.com/loa-vn/loa/internal/e2e/rig"
)

const (
	fetchers = 200              // who fetch the same file at once
	fiveMB   = 28 * time.Minute // of speech, as the hub keeps it
)

// fileCPU is what the processors of a whole hub do to bring a report to agents whose plan it is in, beside nginx that gives
// the same file to as many by HTTP/1.1 and has no window to wait for, and beside a bare websocket server that has the hub's
// window and nothing else; first plain, then by TLS 1.3 with the same certificate. nginx copies the file, as whoever puts it
// into frames must.
func fileCPU(ctx context.Context, dir string) (rows []Row, err error) {
	if err := command(ctx, "scripts/setup.sh", "nginx"); err != nil {
		return nil, err
	}
	site, err := unpaired(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	report, err := approved(ctx, site, dir, fiveMB)
	if err != nil {
		return nil, err
	}
	if _, err := site.Schedule(ctx, report.ID, "Tìm hiểu pháp luật", at(time.Now().Add(6*time.Hour)), "xa"); err != nil {
		return nil, err
	}
	if err := site.Author.Download(ctx, "reports/"+report.ID+"/audio", filepath.Join(dir, report.SHA256)); err != nil {
		return nil, err
	}
	o, err := enrolled(ctx, site, fetchers)
	if err != nil {
		return nil, err
	}
	if err := site.StartHub(ctx); err != nil {
		return nil, err
	}
	took, err := turns(ctx, dir, site, o, report)
	if err != nil {
		return nil, err
	}
	rows = append(rows, beside("file-cpu-nginx", "s/GB", took.hub, took.nginx, "nginx, sendfile off", 1.5),
		beside("file-cpu-bare", "s/GB", took.hub, took.bare, "gorilla, the same window", 1.5))
	if err := site.Hub.Stop(); err != nil {
		return nil, err
	}
	serve, err := encrypted(ctx, site, dir, &o)
	if err != nil {
		return nil, err
	}
	if err := serve(); err != nil {
		return nil, err
	}
	took, err = turns(ctx, dir, site, o, report)
	return append(rows, beside("file-cpu-nginx-tls", "s/GB", took.hub, took.nginx, "nginx, TLS 1.3", 0.9),
		beside("file-cpu-bare-tls", "s/GB", took.hub, took.bare, "gorilla, the same window", 1.0)), err
}

// perServer is how many seconds a GB took the processors of each.
type perServer struct{ hub, nginx, bare float64 }

// turns has agents and HTTP clients fetch a report's file in turn, and then websocket clients.
func turns(ctx context.Context, dir string, site *rig.Site, o fleet.Options, report rig.Report) (took perServer, err error) {
	if err := slacken(site.Hub.PID(), "loa-hub"); err != nil {
		return took, err
	}
	c, err := crowd(ctx, o)
	if err != nil {
		return took, err
	}
	defer c.stop()
	certificate := ""
	if o.TLS != nil {
		certificate = filepath.Join(site.HubData(), "tls")
	}
	nginx, err := startFiles(ctx, dir, certificate)
	if err != nil {
		return took, err
	}
	defer func() { err = errors.Join(err, nginx.close()) }()
	var hub, theirs, plain []float64
	for range rounds {
		if err := pass(ctx, 2*time.Second); err != nil {
			return took, err
		}
		s, err := perGB(site.Hub.PID(), report.Size, func(i int) error {
			return c.Fetch(ctx, o.Agents[i].ID, broadcast.Hash(report.SHA256))
		})
		if err != nil {
			return took, err
		}
		hub = append(hub, s)
		if s, err = fromNginx(ctx, nginx, o.TLS, report); err != nil {
			return took, err
		}
		theirs = append(theirs, s)
	}
	bare, err := startBare(ctx, filepath.Join(dir, report.SHA256), certificate)
	if err != nil {
		return took, err
	}
	defer func() { err = errors.Join(err, bare.close()) }()
	for range rounds { // by itself: between the two it would cost nginx half as much again
		if err := pass(ctx, 2*time.Second); err != nil {
			return took, err
		}
		s, err := fromBare(ctx, bare, o.TLS, report)
		if err != nil {
			return took, err
		}
		plain = append(plain, s)
	}
	fmt.Printf("  files: %.1f MB to %d, s/GB in turn: hub %.3f, nginx %.3f, bare websocket %.3f\n", float64(report.Size)/1e6, fetchers, hub, theirs, plain)
	return perServer{median(hub), median(theirs), median(plain)}, nil
}

// fromNginx has HTTP clients fetch the file.
func fromNginx(ctx context.Context, nginx *server, config *tls.Config, report rig.Report) (float64, error) {
	url := nginx.url + "/" + report.SHA256
	clients, err := customers(ctx, url, config)
	if err != nil {
		return 0, err
	}
	defer func() {
		for _, client := range clients {
			client.CloseIdleConnections()
		}
	}()
	return perGB(nginx.pid(), report.Size, func(i int) error { return get(ctx, clients[i], url, report.SHA256) })
}

// perGB has all fetch a file of a size at once.
func perGB(pid int, size int64, fetch func(i int) error) (float64, error) {
	before, err := cpu(pid)
	if err != nil {
		return 0, err
	}
	var all errgroup.Group
	for i := range fetchers {
		all.Go(func() error { return fetch(i) })
	}
	if err := all.Wait(); err != nil {
		return 0, err
	}
	after, err := cpu(pid)
	return (after - before).Seconds() / (float64(size) * fetchers / 1e9), err
}

// customers are HTTP clients that are connected already, as agents are.
func customers(ctx context.Context, url string, config *tls.Config) (all []*http.Client, err error) {
	for range fetchers {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableCompression: true}}
		r, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
		if err != nil {
			return nil, err
		}
		answer, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		if err := answer.Body.Close(); err != nil {
			return nil, err
		}
		all = append(all, client)
	}
	return all, nil
}

// get fetches a file and checks it, as an agent does.
func get(ctx context.Context, client *http.Client, url, want string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, answer.Body); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("GET %s: %s, with the hash %s", url, answer.Status, got)
	}
	return nil
}

// startFiles starts an nginx that gives a folder's files, by TLS where there is a folder with a hub's certificate.
func startFiles(ctx context.Context, dir, certificate string) (*server, error) {
	serves, scheme := fmt.Sprintf("root %s; sendfile off;", dir), "http"
	if certificate != "" {
		scheme = "https"
		serves += fmt.Sprintf(" ssl_certificate %[1]s/server.pem; ssl_certificate_key %[1]s/server-key.pem; ssl_protocols TLSv1.3;", certificate)
	}
	return startNginx(ctx, filepath.Join(dir, "nginx-"+scheme), scheme, "", serves)
}
