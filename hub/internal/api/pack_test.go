package api

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

func TestTheFleetGoesPackedToWhoeverUnpacks(t *testing.T) {
	b := newBench(t)
	status, header, plain := b.ask(t, "admin", "GET", "/api/v1/fleet?mark=x", "")
	if status != 200 || header.Get("Content-Encoding") != "" || header.Get("Vary") == "" || !strings.HasPrefix(plain, `{"whole":true`) {
		t.Fatalf("%d %v %s", status, header, plain)
	}
	for _, c := range []struct {
		name, path, encodings string
		status                int
		packed                bool
	}{
		{"a browser", "fleet?mark=x", "gzip, deflate, br, zstd", 200, true},
		{"another packing alone", "fleet?mark=x", "br", 200, false},
		{"not gzip", "fleet?mark=x", "gzip;q=0", 200, false},
		{"a refusal", "fleet?mark=" + strings.Repeat("x", 101), "gzip", 422, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, header, body := b.ask(t, "admin", "GET", "/api/v1/"+c.path, "", "Accept-Encoding", c.encodings)
			if status != c.status || c.packed != (header.Get("Content-Encoding") == "gzip") {
				t.Fatalf("%d %v", status, header)
			}
			if c.packed {
				z, err := gzip.NewReader(strings.NewReader(body))
				check(t, err)
				all, err := io.ReadAll(z)
				check(t, err)
				body = string(all)
			}
			if c.status == 200 && !strings.HasPrefix(body, `{"whole":true`) || c.status != 200 && codeOf(body) != "VALIDATION" {
				t.Errorf("body %q", body)
			}
		})
	}
}
