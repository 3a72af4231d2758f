// Package s3 runs an S3 server of its own for tests: gofakes3, on loopback with TLS by a certificate of its own. (Over
// plain HTTP that server damages uploads in parts.) It keeps everything in memory and is part of no shipped program.
package s3

import (
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Start gives the address of a bucket that is there as long as the test runs, as the hub's blobs take it.
func Start(t testing.TB) string {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("loa"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "s3-ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("s3://loa:loa-secret@%s/loa/hub?region=us-east-1&ca=%s", strings.TrimPrefix(server.URL, "https://"), url.QueryEscape(ca))
}
