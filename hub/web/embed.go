// Package web holds the hub's pages: TypeScript in src/, built by npm into dist/, embedded here. It takes nothing, gives
// api a handler for everything that is no route of the hub's, and knows nothing of what the pages show: they use
// the documented API alone. A handler is safe for concurrent use.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

// dist is filled by `make build` (npm); in a clone without npm it holds nothing that is shown.
//
//go:embed all:dist
var dist embed.FS

// nonceMark is where Vite puts the nonce of our policy (vite.config.ts).
const nonceMark = "LOA_NONCE"

// policy lets a page load from this hub alone. Styles that scripts make carry the page's nonce, see
// docs/decisions/0021-pages.md.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-%s'; font-src 'self'; img-src 'self'; " +
	"media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// unbuilt is what a hub shows that was built without its pages.
const unbuilt = `<!doctype html><html lang="vi"><meta charset="utf-8"><title>Loa</title>
<p>Máy chủ này được dựng không kèm trang web. Hãy chạy make pages rồi make build. API vẫn dùng được tại /api/v1.</p>
<p lang="en">This hub was built without its pages. Run make pages, then make build. The API is there at /api/v1.</p>
`

// file is one built file, packed when it is first asked for.
type file struct {
	plain  []byte
	kind   string
	packed func() []byte // nil when packing makes it no smaller
}

// Handler gives the pages embedded in this program.
func Handler() http.Handler {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the folder is embedded by this very file
	}
	return handler(built)
}

// handler gives the pages of a folder. Every address without a file's extension is the one page, which finds its own way.
func handler(built fs.FS) http.Handler {
	files := map[string]*file{}
	index := []byte(unbuilt)
	_ = fs.WalkDir(built, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(built, name)
		switch {
		case err != nil:
			return err
		case name == "index.html":
			index = b
		case !strings.HasPrefix(name, "."):
			files["/"+name] = newFile(name, b)
		}
		return nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		if f := files[r.URL.Path]; f != nil {
			f.serve(w, r)
			return
		}
		if path.Ext(r.URL.Path) != "" {
			http.NotFound(w, r)
			return
		}
		servePage(w, r, index)
	})
}

func servePage(w http.ResponseWriter, r *http.Request, index []byte) {
	nonce := rand.Text()
	w.Header().Set("Content-Security-Policy", fmt.Sprintf(policy, nonce))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // a nonce is for one page
	if r.Method == http.MethodGet {
		_, _ = w.Write(bytes.ReplaceAll(index, []byte(nonceMark), []byte(nonce))) // whoever asked is gone when this fails
	}
}

func newFile(name string, b []byte) *file {
	f := &file{plain: b, kind: mime.TypeByExtension(path.Ext(name))}
	switch path.Ext(name) { // the machine's own table may know less
	case ".js":
		f.kind = "text/javascript; charset=utf-8"
	case ".css":
		f.kind = "text/css; charset=utf-8"
	case ".svg":
		f.kind = "image/svg+xml"
	case ".woff2":
		f.kind = "font/woff2"
		return f // packed already
	}
	f.packed = sync.OnceValue(func() []byte {
		var out bytes.Buffer
		z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
		if err == nil {
			_, err = z.Write(b)
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil || out.Len() >= len(b) {
			return nil
		}
		return out.Bytes()
	})
	return f
}

// serve gives a file that never changes under its name: Vite names each by its content.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := f.plain
	if f.packed != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if packed := f.packed(); packed != nil {
			body = packed
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // whoever asked is gone when this fails
	}
}

// acceptsGzip tells whether a browser unpacks gzip. One that names it with q=0 does not.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(name, "gzip") {
			q = strings.ReplaceAll(strings.TrimSpace(q), " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}
