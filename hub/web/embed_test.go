package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func ask(h http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, "http://hub"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func built() http.Handler {
	script := strings.Repeat("export const loa = 1;\n", 100)
	return handler(fstest.MapFS{
		"index.html":      {Data: []byte(`<script type="module" nonce="LOA_NONCE" src="/assets/a-1.js"></script>`)},
		"assets/a-1.js":   {Data: []byte(script)},
		"assets/f.woff2":  {Data: []byte("font")},
		".gitignore":      {Data: []byte("*")},
		"assets/loa-1.js": {Data: []byte("1")},
	})
}

func TestPages(t *testing.T) {
	h := built()
	for _, c := range []struct {
		name, method, path string
		status             int
		kind, cache        string
	}{
		{"the page", "GET", "/", 200, "text/html; charset=utf-8", "no-store"},
		{"an address of the page's own", "GET", "/reports/0192", 200, "text/html; charset=utf-8", "no-store"},
		{"a script", "GET", "/assets/a-1.js", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"a font", "HEAD", "/assets/f.woff2", 200, "font/woff2", "public, max-age=31536000, immutable"},
		{"a file that is gone", "GET", "/assets/b-2.js", 404, "text/plain; charset=utf-8", ""},
		{"what is not for show", "GET", "/.gitignore", 404, "text/plain; charset=utf-8", ""},
		{"a form", "POST", "/", 405, "text/plain; charset=utf-8", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ask(h, c.method, c.path)
			if r.StatusCode != c.status || r.Header.Get("Content-Type") != c.kind || r.Header.Get("Cache-Control") != c.cache {
				t.Errorf("%d %v", r.StatusCode, r.Header)
			}
		})
	}
}

func TestEachPageHasANonceOfItsOwn(t *testing.T) {
	h := built()
	seen := map[string]bool{}
	for range 3 {
		r := ask(h, "GET", "/")
		policy := r.Header.Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`'nonce-([A-Z0-9]{20,})'`).FindStringSubmatch(policy)
		if len(nonce) != 2 || seen[nonce[1]] || !strings.Contains(text(t, r), `nonce="`+nonce[1]+`"`) {
			t.Fatalf("policy %q", policy)
		}
		seen[nonce[1]] = true
		if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "script-src 'self';") {
			t.Errorf("policy %q", policy)
		}
	}
}

func TestPacked(t *testing.T) {
	h := built()
	for header, packed := range map[string]bool{"gzip, br": true, "br, GZIP;q=0.5": true, "": false, "gzip;q=0": false, "gzip; q=0.0": false, "identity": false} {
		r := ask(h, "GET", "/assets/a-1.js", "Accept-Encoding", header)
		if got := r.Header.Get("Content-Encoding") == "gzip"; got != packed {
			t.Errorf("%q: packed is %v", header, got)
			continue
		}
		body := io.Reader(r.Body)
		if packed {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if b, err := io.ReadAll(body); err != nil || len(b) != 2200 {
			t.Errorf("%q: %d bytes, %v", header, len(b), err)
		}
	}
	if r := ask(h, "GET", "/assets/loa-1.js", "Accept-Encoding", "gzip"); r.Header.Get("Content-Encoding") != "" {
		t.Error("packed, it would be longer")
	}
}

func TestAHubBuiltWithoutPagesSaysSo(t *testing.T) {
	r := ask(handler(fstest.MapFS{".gitignore": {Data: []byte("*")}}), "GET", "/")
	if body := text(t, r); r.StatusCode != 200 || !strings.Contains(body, "make pages") {
		t.Errorf("%d %s", r.StatusCode, body)
	}
}
