package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	tus "github.com/tus/tusd/v2/pkg/handler"

	"github.com/loa-vn/loa/hub/internal/store"
)

// Bounds of a piece as it is kept: what has come is kept when it is so much, or has waited so long, so that a hub that is
// killed takes no more with it.
const (
	pieceSize  = 4 << 20
	pieceWait  = 5 * time.Second
	firstPiece = 64 << 10 // of memory, which doubles as bytes come: a slow line takes little
)

// infoPart is the part that says what an upload is; its bytes are parts OFFSET-SIZE beside it.
const infoPart = "info"

// pieceStore keeps uploads among the parts, which several hubs may share: any of them goes on with an upload. It is a
// tus.DataStore.
type pieceStore struct{ parts store.Parts }

// upload is one of them as it was when it was read.
type upload struct {
	parts  store.Parts
	info   tus.FileInfo
	Report string // that it became, "" before
	pieces []piece
}

// piece is a stretch of an upload. Two hubs may have been sent the same bytes: pieces may overlap.
type piece struct {
	name     string
	from, to int64
}

// NewUpload implements tus.DataStore.
func (p *pieceStore) NewUpload(ctx context.Context, info tus.FileInfo) (tus.Upload, error) {
	u := &upload{parts: p.parts, info: info}
	if err := u.save(ctx); err != nil {
		return nil, err
	}
	return u, nil
}

// GetUpload implements tus.DataStore.
func (p *pieceStore) GetUpload(ctx context.Context, id string) (tus.Upload, error) {
	return p.upload(ctx, id)
}

// upload gives tus.ErrNotFound when there is none.
func (p *pieceStore) upload(ctx context.Context, id string) (*upload, error) {
	if uuid.Validate(id) != nil || len(id) != 36 {
		return nil, tus.ErrNotFound
	}
	r, err := p.parts.Open(ctx, id+"/"+infoPart)
	if errors.Is(err, store.ErrNoPart) {
		return nil, tus.ErrNotFound
	} else if err != nil {
		return nil, err
	}
	defer r.Close() // only read
	u := &upload{parts: p.parts}
	if err := json.NewDecoder(r).Decode(&savedUpload{&u.info, &u.Report}); err != nil {
		return nil, fmt.Errorf("read upload: %w", err)
	}
	if u.Report != "" {
		u.info.Offset = u.info.Size
		return u, nil
	}
	found, err := p.parts.List(ctx, id+"/")
	if err != nil {
		return nil, err
	}
	u.info.Offset = 0
	for _, part := range found { // by their offsets, which all have as many digits
		_, name, _ := strings.Cut(part.Name, "/")
		offset, _, _ := strings.Cut(name, "-")
		from, err := strconv.ParseInt(offset, 10, 64)
		if to := from + part.Size; err == nil && from <= u.info.Offset && to > u.info.Offset {
			u.pieces = append(u.pieces, piece{part.Name, u.info.Offset - from, to - from})
			u.info.Offset = to
		}
	}
	return u, nil
}

// savedUpload is what the info part holds.
type savedUpload struct {
	Info   *tus.FileInfo `json:"info"`
	Report *string       `json:"report"`
}

func (u *upload) save(ctx context.Context) error {
	text, err := json.Marshal(savedUpload{&u.info, &u.Report})
	if err != nil {
		return fmt.Errorf("encode upload: %w", err)
	}
	return u.parts.Put(ctx, u.info.ID+"/"+infoPart, bytes.NewReader(text), int64(len(text)))
}

// GetInfo implements tus.Upload.
func (u *upload) GetInfo(context.Context) (tus.FileInfo, error) { return u.info, nil }

// FinishUpload implements tus.Upload.
func (u *upload) FinishUpload(context.Context) error { return nil }

// WriteChunk implements tus.Upload. What came is kept, also when the line breaks behind it.
func (u *upload) WriteChunk(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	ctx = context.WithoutCancel(ctx)
	buf := make([]byte, firstPiece)
	written, n, since := int64(0), 0, time.Now()
	for {
		if n == 0 {
			since = time.Now()
		}
		k, err := src.Read(buf[n:])
		n += k
		if n == len(buf) && n < pieceSize {
			buf = slices.Grow(buf, n)[:2*n]
		}
		if n == len(buf) || n > 0 && (err != nil || time.Since(since) > pieceWait) {
			if err := u.keep(ctx, offset+written, buf[:n]); err != nil {
				return written, err
			}
			written, n = written+int64(n), 0
		}
		if errors.Is(err, io.EOF) {
			return written, nil
		} else if err != nil {
			return written, err
		}
	}
}

func (u *upload) keep(ctx context.Context, offset int64, piece []byte) error {
	ctx, cancel := context.WithTimeout(ctx, pieceTime)
	defer cancel()
	return u.parts.Put(ctx, fmt.Sprintf("%s/%012d-%d", u.info.ID, offset, len(piece)), bytes.NewReader(piece), int64(len(piece)))
}

// GetReader implements tus.Upload.
func (u *upload) GetReader(ctx context.Context) (io.ReadCloser, error) {
	return &pieceReader{ctx: ctx, u: u, left: u.pieces}, nil
}

// pieceReader reads one piece after the other.
type pieceReader struct {
	ctx  context.Context // of the one request that reads
	u    *upload
	left []piece
	open io.ReadCloser
	rest int64 // of the open one
}

// Read implements io.Reader.
func (r *pieceReader) Read(b []byte) (int, error) {
	for r.rest == 0 {
		if err := r.Close(); err != nil {
			return 0, err
		}
		if len(r.left) == 0 {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n, err := r.open.Read(b[:min(int64(len(b)), r.rest)])
	r.rest -= int64(n)
	if errors.Is(err, io.EOF) {
		err = nil
		if n == 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

func (r *pieceReader) next() (err error) {
	p := r.left[0]
	if r.open, err = r.u.parts.Open(r.ctx, p.name); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, r.open, p.from); err != nil {
		return fmt.Errorf("read piece: %w", err)
	}
	r.left, r.rest = r.left[1:], p.to-p.from
	return nil
}

// Close implements io.Closer.
func (r *pieceReader) Close() error {
	if r.open == nil {
		return nil
	}
	err := r.open.Close()
	r.open = nil
	return err
}

// became notes the report; its bytes are in other hands.
func (u *upload) became(ctx context.Context, report string) error {
	u.Report = report
	if err := u.save(ctx); err != nil {
		return err
	}
	return u.clear(ctx, infoPart)
}

// Terminate implements tus.TerminatableUpload.
func (u *upload) Terminate(ctx context.Context) error {
	if err := u.parts.Delete(ctx, u.info.ID+"/"+infoPart); err != nil { // first: without it there is no upload
		return err
	}
	return u.clear(ctx, "")
}

// clear takes all parts away but one.
func (u *upload) clear(ctx context.Context, but string) error {
	found, err := u.parts.List(ctx, u.info.ID+"/")
	for _, part := range found {
		if part.Name != u.info.ID+"/"+but {
			err = errors.Join(err, u.parts.Delete(ctx, part.Name))
		}
	}
	return err
}

// AsTerminatableUpload implements tus.TerminaterDataStore.
func (p *pieceStore) AsTerminatableUpload(u tus.Upload) tus.TerminatableUpload { return u.(*upload) } //nolint:errcheck,forcetypeassert // ours

// old gives the uploads to which nothing came since.
func (p *pieceStore) old(ctx context.Context, since time.Time) ([]*upload, error) {
	found, err := p.parts.List(ctx, "")
	last := map[string]time.Time{}
	for _, part := range found {
		if id, _, _ := strings.Cut(part.Name, "/"); uuid.Validate(id) == nil && part.Modified.After(last[id]) {
			last[id] = part.Modified
		}
	}
	var old []*upload
	for id, at := range last {
		if at.Before(since) {
			old = append(old, &upload{parts: p.parts, info: tus.FileInfo{ID: id}})
		}
	}
	return old, err
}

// whole gives the uploads that came whole and became no report yet.
func (p *pieceStore) whole(ctx context.Context) ([]*upload, error) {
	found, err := p.parts.List(ctx, "")
	var whole []*upload
	last := ""
	for _, part := range found {
		id, name, _ := strings.Cut(part.Name, "/")
		if id == last || name == infoPart || uuid.Validate(id) != nil {
			continue
		}
		last = id
		u, bad := p.upload(ctx, id)
		switch {
		case errors.Is(bad, tus.ErrNotFound): // dropped meanwhile
		case bad != nil:
			err = errors.Join(err, bad)
		case u.Report == "" && u.info.Offset == u.info.Size:
			whole = append(whole, u)
		}
	}
	return whole, err
}
