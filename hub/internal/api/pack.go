package api

import (
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// pack has an answer that is long go packed to whoever can unpack it: 10,000 clusters are 3.5 MB and become 0.4, what 500
// of them say anew each second 176 kB and become 20. Nothing secret that another's words stand beside may go this way (BREACH).
func pack(ctx huma.Context, next func(huma.Context)) {
	ctx.AppendHeader("Vary", "Accept-Encoding")
	if !slices.ContainsFunc(strings.Split(ctx.Header("Accept-Encoding"), ","), func(name string) bool { return strings.TrimSpace(name) == "gzip" }) {
		next(ctx)
		return
	}
	p := &packer{request: ctx}
	next(p)
	if p.packed != nil {
		_ = p.packed.Close() // whoever asked is gone when this fails
	}
}

type request = huma.Context // by its own name it hides a method

type packer struct {
	request
	packed *gzip.Writer // nil until there is a good answer
}

func (p *packer) SetStatus(code int) {
	if code == http.StatusOK {
		p.SetHeader("Content-Encoding", "gzip")
		p.packed, _ = gzip.NewWriterLevel(p.request.BodyWriter(), gzip.BestSpeed) // a level that there is
	}
	p.request.SetStatus(code)
}

func (p *packer) BodyWriter() io.Writer {
	if p.packed != nil {
		return p.packed
	}
	return p.request.BodyWriter()
}
