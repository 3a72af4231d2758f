package hubs

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/rig"
)

// work is something that a hub has under way when it is killed.
type work interface {
	// begin leaves it in the middle at the hub that will be killed.
	begin(s *scene, victim *hub)
	// end sees to it that it came to its end at another, and fails when anything of it was lost or done twice.
	end(s *scene, at *hub)
}

// urgent is a bulletin that is approved just before the kill, at another hub or at the one that is killed.
type urgent struct {
	atVictim bool

	id       string
	approved chan error
	stayed   []*station // whose hub lives on
}

func (u *urgent) begin(s *scene, victim *hub) {
	s.Helper()
	at := victim
	for _, h := range s.hubs {
		if (h == victim) == u.atVictim {
			at = h
		}
	}
	u.stayed = nil
	for _, a := range s.stations {
		if a.connected(victim) {
			u.stayed = append(u.stayed, a)
		}
	}
	u.id = s.bulletin(at)
	u.approved = make(chan error, 1)
	approve := func() { u.approved <- of(s.site.Chief, at).Call(s.ctx, "POST", "urgent/"+u.id+"/approve", nil, nil) }
	if u.atVictim {
		approve() // it was answered, and nothing else is sure
	} else {
		go approve()
	}
}

func (u *urgent) end(s *scene, at *hub) {
	s.Helper()
	s.must(<-u.approved)
	s.heardByAll(u.id)
	for _, a := range u.stayed {
		if n := a.ordered(u.id); n != 1 && !u.atVictim {
			s.Errorf("agent %s, whose hub lived on, got the order %d times", a.ID, n)
		}
	}
	s.cancel(u.id, at)
}

// bulletin makes one for all stations, which waits for its approval.
func (s *scene) bulletin(at *hub) string {
	s.Helper()
	var b struct{ ID string }
	s.must(of(s.site.Author, at).Call(s.ctx, "POST", "urgent", map[string]any{"kind": "live", "items": []map[string]string{{"report": s.report.ID}},
		"targets": map[string]any{"areas": []string{"xa"}}}, &b))
	return b.ID
}

// heardByAll waits until every station has a bulletin, none by two orders.
func (s *scene) heardByAll(id string) {
	s.Helper()
	took := s.await("every agent has the bulletin", delivered, func() bool {
		for _, a := range s.stations {
			if !a.is(func() bool { return a.heads[id] || a.orders[id] > 0 }) {
				return false
			}
		}
		return true
	})
	s.Logf("every agent has the bulletin after %v", took.Round(10*time.Millisecond))
	s.orderedOnce(id)
}

func (s *scene) orderedOnce(id string) {
	s.Helper()
	for _, a := range s.stations {
		if n := a.ordered(id); n > 1 {
			s.Errorf("agent %s got the order %d times", a.ID, n)
		}
	}
}

func (s *scene) cancel(id string, at *hub) {
	s.Helper()
	s.must(of(s.site.Chief, at).Call(s.ctx, "POST", "urgent/"+id+"/cancel", nil, nil))
}

// transfer is a blob that every station is fetching.
type transfer struct{}

func (transfer) begin(s *scene, _ *hub) {
	s.Helper()
	for _, a := range s.stations {
		s.must(a.fetch(broadcast.Hash(s.report.SHA256)))
	}
	s.await("all are in the middle of the transfer", time.Minute, func() bool {
		for _, a := range s.stations {
			if !a.is(func() bool { return len(a.got) > 0 }) {
				return false
			}
		}
		return true
	})
	for _, a := range s.stations {
		if a.is(func() bool { return a.whole }) {
			s.Error("the transfer was over before the kill")
		}
	}
}

func (transfer) end(s *scene, _ *hub) {
	s.Helper()
	s.await("all have the blob", time.Minute, func() bool {
		for _, a := range s.stations {
			if !a.is(func() bool { return a.whole }) {
				return false
			}
		}
		return true
	})
	for _, a := range s.stations {
		a.is(func() bool {
			sum := sha256.Sum256(a.got)
			if hex.EncodeToString(sum[:]) != s.report.SHA256 || int64(len(a.got)) != s.report.Size {
				s.Errorf("agent %s has another blob", a.ID)
			}
			if a.bytes != s.report.Size {
				s.Errorf("agent %s took %d bytes for a blob of %d", a.ID, a.bytes, s.report.Size)
			}
			return true
		})
	}
}

// upload is one in pieces: a piece is acknowledged, another is on its way; or all is sent and the answer is not there.
type upload struct {
	whole bool

	title, at string
	file      []byte
	acked     int64
	sending   chan struct{}
	body      *io.PipeWriter
}

func (u *upload) begin(s *scene, victim *hub) {
	s.Helper()
	var err error
	u.file, err = os.ReadFile(s.noise)
	s.must(err)
	u.title = fmt.Sprintf("Tải lên %d", s.random.Uint64())
	resp, err := s.tus(victim, "POST", "/api/v1/uploads", nil, "Upload-Length", strconv.Itoa(len(u.file)),
		"Upload-Metadata", "title "+base64.StdEncoding.EncodeToString([]byte(u.title)))
	s.must(err)
	location, err := url.Parse(resp.Header.Get("Location"))
	s.must(err)
	u.at, u.acked = location.Path, 100_000
	s.must(u.patch(s, victim, 0, bytes.NewReader(u.file[:u.acked])))
	r, w := io.Pipe()
	u.body, u.sending = w, make(chan struct{})
	go func() {
		defer close(u.sending)
		_ = u.patch(s, victim, u.acked, r) // its hub dies over it
	}()
	rest := u.file[u.acked:]
	if !u.whole {
		rest = rest[:len(rest)*3/4]
	}
	_, err = w.Write(rest)
	s.must(err)
	if u.whole {
		s.must(w.Close())
	}
}

func (u *upload) patch(s *scene, h *hub, offset int64, body io.Reader) error {
	_, err := s.tus(h, "PATCH", u.at, body, "Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.FormatInt(offset, 10))
	return err
}

func (u *upload) end(s *scene, at *hub) {
	s.Helper()
	_ = u.body.CloseWithError(io.ErrUnexpectedEOF)
	<-u.sending
	resp, err := s.tus(at, http.MethodHead, u.at, nil)
	s.must(err)
	offset, err := strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64)
	s.must(err)
	if offset < u.acked || offset > int64(len(u.file)) {
		s.Fatalf("the other hub goes on at %d, %d were acknowledged", offset, u.acked)
	}
	s.Logf("the upload goes on at %d of %d bytes", offset, len(u.file))
	if offset < int64(len(u.file)) {
		s.must(u.patch(s, at, offset, bytes.NewReader(u.file[offset:])))
	}
	if resp, err = s.tus(at, http.MethodHead, u.at, nil); err != nil || resp.Header.Get("Loa-Report") == "" {
		s.Fatalf("the upload became no report: %v", err)
	}
	s.becomesDraft(at, resp.Header.Get("Loa-Report"), u.title)
}

// becomesDraft waits until a report is a draft, and looks that no other has its title.
func (s *scene) becomesDraft(at *hub, id, title string) {
	s.Helper()
	author := of(s.site.Author, at)
	var r rig.Report
	took := s.await("the recording is a draft", takenOver, func() bool {
		s.must(author.Call(s.ctx, "GET", "reports/"+id, nil, &r))
		return r.State != "processing"
	})
	s.Logf("the recording is a %s after %v", r.State, took.Round(100*time.Millisecond))
	if r.State != "draft" {
		s.Errorf("the recording: %+v", r)
	}
	var all struct{ Items []struct{ ID, Title string } }
	s.must(author.Call(s.ctx, "GET", "reports?q="+url.QueryEscape(title), nil, &all))
	n := 0
	for _, r := range all.Items {
		if r.Title == title {
			n++
		}
	}
	if n != 1 {
		s.Errorf("%d reports came of one upload", n)
	}
}

// recording is one that the hub is processing.
type recording struct{ id, title string }

func (r *recording) begin(s *scene, victim *hub) {
	s.Helper()
	r.title = fmt.Sprintf("Ghi âm %d", s.random.Uint64())
	author := of(s.site.Author, victim)
	var err error
	r.id, err = author.Upload(s.ctx, s.noise, map[string]string{"title": r.title})
	s.must(err)
	s.await("the recording is being processed", time.Minute, func() bool {
		var report rig.Report
		s.must(author.Call(s.ctx, "GET", "reports/"+r.id, nil, &report))
		if report.State != "processing" {
			s.Fatalf("the recording was over before the kill: %+v", report)
		}
		return report.Progress > 5
	})
}

func (r *recording) end(s *scene, at *hub) {
	s.Helper()
	s.becomesDraft(at, r.id, r.title)
}
