package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/internal/pairing"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// sentence is what a person reads of a bad input.
type sentence struct {
	Status int    // 0: told later, as the state of the report
	Code   string `json:"code"`
	VI     string `json:"vi"`
	EN     string `json:"en"`
}

// asRefusal reads an answer that is no success.
func asRefusal(t *testing.T, status int, body []byte) sentence {
	t.Helper()
	r := sentence{Status: status}
	if err := json.Unmarshal(body, &r); err != nil || status < 400 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	return r
}

// victim is a hub with what bad inputs are about: two communes, their people, one approved report.
type victim struct {
	*running
	lan, hoa, minh string // tokens: officer of xa-a, officer of xa-b, admin of the tree
	wav            string // good sound
	report         string // approved
	expired        string // approved, its law no longer in force
	pairing, code  string // one that waits
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{wav: speech(t), running: start(t, t.TempDir())}
	v.minh = v.join("minh", accounts.Admin, "")
	v.json(v.minh, "POST", "areas", `{"code":"xa-a","name":"Xã A"}`).want(t, 201, "")
	v.json(v.minh, "POST", "areas", `{"code":"xa-b","name":"Xã B"}`).want(t, 201, "")
	v.lan, v.hoa = v.join("lan", accounts.Officer, "xa-a"), v.join("hoa", accounts.Officer, "xa-b")
	sound, err := os.ReadFile(v.wav)
	if err != nil {
		t.Fatal(err)
	}
	for id, until := range map[*string]string{&v.report: "", &v.expired: time.Now().Add(time.Hour).Format(time.RFC3339)} {
		_, answer := v.send(v.lan, "phong-su.wav", sound, "valid_until", until)
		*id, _ = answer.want(t, 201, "")["id"].(string)
		if r := v.await(v.lan, *id); r["state"] != "draft" {
			t.Fatalf("%v", r)
		}
		v.json(v.minh, "POST", "reports/"+*id+"/approve", "").want(t, 200, "")
	}
	p := v.json(v.minh, "POST", "pairings", `{"area":"xa-a","name":"Cụm 1"}`).want(t, 201, "")
	v.pairing, v.code = fmt.Sprint(p["id"]), fmt.Sprint(p["code"])
	return v
}

// send uploads bytes under a name, with fields.
func (v *victim) send(token, name string, sound []byte, fields ...string) (*multipart.Writer, answer) {
	v.t.Helper()
	form, body := v.form(name, sound, fields...)
	return form, v.ask(token, "POST", "/api/v1/reports", form.FormDataContentType(), body)
}

func (v *victim) form(name string, sound []byte, fields ...string) (*multipart.Writer, *bytes.Buffer) {
	v.t.Helper()
	body := &bytes.Buffer{}
	form := multipart.NewWriter(body)
	err := form.WriteField("title", "Bản tin")
	for i := 0; i+1 < len(fields); i += 2 {
		err = errors.Join(err, form.WriteField(fields[i], fields[i+1]))
	}
	part, partErr := form.CreatePart(textproto.MIMEHeader{"Content-Type": {"audio/mpeg"},
		"Content-Disposition": {`form-data; name="audio"; filename="` + name + `"`}})
	if err = errors.Join(err, partErr); err == nil {
		_, err = part.Write(sound)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		v.t.Fatal(err)
	}
	return form, body
}

// refusedUpload gives the sentence of an upload, at once or as what became of the report.
func (v *victim) refusedUpload(t *testing.T, name string, sound []byte) sentence {
	t.Helper()
	_, answer := v.send(v.lan, name, sound)
	if answer.status >= 400 {
		return asRefusal(t, answer.status, answer.body)
	}
	id, _ := answer.want(t, 201, "")["id"].(string)
	report := v.await(v.lan, id)
	if report["state"] != "failed" {
		t.Fatalf("became %v", report)
	}
	var r sentence
	if err := json.Unmarshal([]byte(mustJSON(t, report["error"])), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// refusedJSON gives the sentence of a request.
func (v *victim) refusedJSON(t *testing.T, token, method, path, body string) sentence {
	t.Helper()
	a := v.json(token, method, path, body)
	return asRefusal(t, a.status, a.body)
}

// raw writes a request by hand, ends its half of the connection, and gives the answer.
func (v *victim) raw(t *testing.T, head string, body []byte) sentence {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", v.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(c, "POST /api/v1/reports HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n%s", v.lan, head, body)
	if tcp, ok := c.(*net.TCPConn); err == nil && ok {
		err = tcp.CloseWrite()
	}
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return asRefusal(t, resp.StatusCode, text)
}

// broadcastOf is a broadcast of a report at an instant of the fleet's zone.
func broadcastOf(report, at, area string) string {
	return `{"title":"Bản tin","class":"normal","items":[{"report":"` + report + `"}],"when":{"at":"` + at + `"},"targets":{"areas":["` + area + `"]}}`
}

func (v *victim) tomorrow(clock string) string {
	return time.Now().In(v.o.Zone).Add(24*time.Hour).Format("2006-01-02") + "T" + clock
}

// produce makes sound by ffmpeg.
func produce(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args = append(append([]string{"-nostdin", "-v", "error", "-y"}, args...), path)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	made, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestBadInputs: what people and programs send by mistake or on purpose. Each has its code and its sentence in both
// languages, and leaves nothing behind.
func TestBadInputs(t *testing.T) {
	v := newVictim(t)
	sound, err := os.ReadFile(v.wav)
	if err != nil {
		t.Fatal(err)
	}
	mp3 := produce(t, "a.mp3", "-i", v.wav, "-c:a", "libmp3lame")
	twelve := bytes.Clone(sound)
	binary.LittleEndian.PutUint32(twelve[40:], 12*3600*44100)
	silence := produce(t, "s.wav", "-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "3")
	bomb := produce(t, "b.flac", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "18000") // 3.4 MB; 3.4 GB as samples
	draft, _ := v.json(v.lan, "POST", "broadcasts", broadcastOf(v.report, v.tomorrow("17:00:00"), "xa-a")).want(t, 201, "")["id"].(string)
	upload := func(name string, sound []byte) func(*testing.T) sentence {
		return func(t *testing.T) sentence { return v.refusedUpload(t, name, sound) }
	}
	request := func(token, method, path, body string) func(*testing.T) sentence {
		return func(t *testing.T) sentence { return v.refusedJSON(t, token, method, path, body) }
	}
	for _, c := range []struct {
		name   string
		do     func(*testing.T) sentence
		status int
		code   string
	}{
		{"01 empty file", upload("a.mp3", nil), 422, "AUDIO_EMPTY"},
		{"02 EXE named .mp3", upload("a.mp3", append([]byte("MZ\x90\x00\x03"), bytes.Repeat([]byte{0xcc, 0x90}, 50_000)...)), 0, "AUDIO_NOT_AUDIO"},
		{"03 over the limit", func(t *testing.T) sentence {
			return v.raw(t, "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 3221225472", nil)
		}, 413, "AUDIO_TOO_LARGE"},
		{"04 body shorter than declared", func(t *testing.T) sentence {
			form, body := v.form("a.wav", sound)
			whole := body.Bytes()
			return v.raw(t, fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d", form.FormDataContentType(), len(whole)), whole[:len(whole)-5000])
		}, 400, "UPLOAD_CUT"},
		{"05 cut MP3", upload("a.mp3", mp3[:len(mp3)/2]), 0, "AUDIO_TRUNCATED"},
		{"06 WAV that claims 12 h", upload("a.wav", twelve), 0, "AUDIO_TRUNCATED"},
		{"07 silence", upload("a.wav", silence), 0, "AUDIO_SILENT"},
		{"08 HLS", upload("a.mp3", []byte("#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")), 0, "AUDIO_PLAYLIST"},
		{"08 concat file", upload("a.mp3", []byte("ffconcat version 1.0\nfile '/etc/passwd'\n")), 0, "AUDIO_PLAYLIST"},
		{"09 decompression bomb", upload("a.flac", bomb), 0, "AUDIO_TOO_LONG"},
		{"10 ../ in a name", upload("../../etc/cron.d/loa.mp3", sound), 422, "FILE_NAME"},
		{`10 ..\ in a name`, upload(`..\\..\\loa.mp3`, sound), 422, "FILE_NAME"},
		{"10 NUL in a name", upload("a.exe\x00.mp3", sound), 400, "MULTIPART_INVALID"},
		{"10 RTL override in a name", upload("b\u00e1o\u202e3pm.exe", sound), 422, "FILE_NAME"},
		{"10 RTL override in a title", request(v.minh, "POST", "areas", `{"code":"xa-c","name":"X\u00e3 \u202eC"}`), 422, "AREA_NAME_INVALID"},
		{"10 NUL in a code", request(v.minh, "POST", "areas", `{"code":"xa\u0000c","name":"Xã C"}`), 400, "JSON_INVALID"},
		{"11 invalid UTF-8", request(v.minh, "POST", "areas", "{\"code\":\"xa-c\",\"name\":\"X\xe3\"}"), 400, "JSON_INVALID"},
		{"12 slot in quiet hours", request(v.lan, "POST", "broadcasts", broadcastOf(v.report, v.tomorrow("03:15:00"), "xa-a")), 422, "QUIET_HOURS"},
		{"13 overlap", request(v.minh, "POST", "areas", `{"code":"xa-c","name":"Xã C","dayparts":[{"name":"morning","start":"05:00","end":"05:45"},`+
			`{"name":"early","start":"05:30","end":"06:00"}]}`), 422, "DAYPART_OVERLAP"},
		{"14 30 February", request(v.lan, "POST", "broadcasts", broadcastOf(v.report, "2027-02-30T05:30:00", "xa-a")), 422, "DATE_INVALID"},
		{"15 foreign area", request(v.hoa, "POST", "broadcasts", broadcastOf(v.report, v.tomorrow("17:00:00"), "xa-a")), 403, "FOREIGN_AREA"},
		{"16 own approval", request(v.lan, "POST", "broadcasts/"+draft+"/approve", ""), 409, "SELF_APPROVAL"},
		{"17 stale edit", func(t *testing.T) sentence {
			req, err := http.NewRequestWithContext(t.Context(), "PATCH", v.URL()+"/api/v1/broadcasts/"+draft, strings.NewReader(`{"title":"Khác"}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = http.Header{"Content-Type": {"application/json"}, "If-Match": {`"99"`}, "Authorization": {"Bearer " + v.lan}}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return asRefusal(t, resp.StatusCode, text)
		}, 412, "STALE_VERSION"},
		{"18 expired law", request(v.lan, "POST", "broadcasts", broadcastOf(v.expired, v.tomorrow("17:00:00"), "xa-a")), 422, "REPORT_EXPIRED"},
		{"19 double keys", request(v.minh, "POST", "areas", `{"code":"xa-c","code":"xa-d","name":"X"}`), 400, "JSON_INVALID"},
		{"19 depth", request(v.minh, "POST", "areas", strings.Repeat("[", 100_000)), 400, "JSON_INVALID"},
		{"19 1e999", request(v.minh, "POST", "areas", `{"code":"xa-c","name":"X","policy":{"urgent_volume":1e999}}`), 400, "JSON_INVALID"},
		{"20 dead pairing code", v.deadCode, 0, "PAIRING_CODE_WRONG"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := v.state(t)
			got := c.do(t)
			if got.Status != c.status || got.Code != c.code {
				t.Errorf("got %+v, want %d %s", got, c.status, c.code)
			}
			if len(got.VI) < 20 || len(got.EN) < 20 || got.VI == got.EN {
				t.Errorf("not for people: %+v", got)
			}
			v.sameAs(t, before, c.status == 0)
		})
	}
}

// deadCode is an agent that comes with the right code, after its fifteen minutes.
func (v *victim) deadCode(t *testing.T) sentence {
	t.Helper()
	if _, err := v.db.NewUpdate().Table("pairings").Set("expires_at = ?", time.Now().Add(-time.Second).UnixMilli()).Where("id = ?", v.pairing).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := v.json(v.minh, "GET", "pairings/"+v.pairing, "").want(t, 200, ""); p["state"] != "dead" {
		t.Errorf("the pairing is %v", p)
	}
	return v.tryCode(t, v.code)
}

func (v *victim) tryCode(t *testing.T, text string) sentence {
	t.Helper()
	code, err := pairing.ParseCode(text)
	if err != nil {
		t.Fatal(err)
	}
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	agent, err := pairing.NewAgent(key.Private(), code, "may-phat")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := wsconn.Dial(t.Context(), "ws"+strings.TrimPrefix(v.URL(), "http")+wire.PairPath, wsconn.DialOptions{Options: wsconn.AgentOptions()})
	if err != nil {
		t.Fatal(err)
	}
	var got sentence
	_ = conn.Run(t.Context(), nil, func(context.Context) error { // it ends as the hub ends it; got is what counts
		if err := say(conn, agent.Start()); err != nil {
			return err
		}
		var offer pairing.Offer
		if err := hear(conn, &offer); err != nil {
			return err
		}
		reveal, err := agent.Offer(offer)
		if err == nil {
			err = say(conn, reveal)
		}
		if err != nil {
			return err
		}
		_, data, err := conn.Read()
		if err != nil {
			return err
		}
		m, err := wire.Decode(data)
		if refused, ok := m.(*wire.Refused); ok {
			got = sentence{Code: refused.Code, VI: refused.VI, EN: refused.EN}
		}
		return err
	})
	return got
}

func say[M pairing.Message](conn *wsconn.Conn, m M) error {
	body, err := pairing.Encode(m)
	if err != nil {
		return err
	}
	data, err := wire.Encode(&wire.Pair{Step: m.Step(), Body: body})
	if err != nil {
		return err
	}
	return conn.Send(data)
}

func hear(conn *wsconn.Conn, into *pairing.Offer) error {
	_, data, err := conn.Read()
	if err != nil {
		return err
	}
	m, err := wire.Decode(data)
	step, ok := m.(*wire.Pair)
	if err != nil || !ok {
		return fmt.Errorf("got %T, %w", m, err)
	}
	*into, err = pairing.Decode[pairing.Offer](step.Body)
	return err
}

// state is how many rows each table has, and every file of blobs and uploads.
type state struct {
	rows  map[string]int
	files []string
}

func (v *victim) state(t *testing.T) state {
	t.Helper()
	s := state{rows: map[string]int{}}
	var tables []string
	if err := v.db.NewRaw("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").Scan(t.Context(), &tables); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		n, err := count(t.Context(), v.db, table)
		if err != nil {
			t.Fatal(err)
		}
		s.rows[table] = n
	}
	for _, dir := range []string{"ingest", "blobs"} {
		err := filepath.WalkDir(filepath.Join(v.o.Data, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() || d != nil && d.IsDir() && filepath.Base(filepath.Dir(path)) == "ingest" {
				s.files = append(s.files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// sameAs fails when something was left. An upload that is refused after it arrived leaves a report that is failed, for
// its author to read why, and a job that is over; nothing else, and nothing of it half done.
func (v *victim) sameAs(t *testing.T, before state, told bool) {
	t.Helper()
	// The answer or the report's state comes before the upload's folder goes.
	for deadline := time.Now().Add(10 * time.Second); ; <-time.After(10 * time.Millisecond) {
		after := v.state(t)
		same := slices.Equal(before.files, after.files)
		for table, n := range after.rows {
			more := n - before.rows[table]
			if told && (table == "reports" || table == "report_uploads" || table == "ingest_jobs") {
				same = same && more >= 0 && more <= 1
			} else if table != "audit" && table != "audit_log" {
				same = same && more == 0
			}
		}
		var halfDone int
		err := v.db.NewRaw("SELECT (SELECT count(*) FROM ingest_jobs WHERE state NOT IN ('done', 'failed')) + (SELECT count(*) FROM reports WHERE state = 'processing')").
			Scan(t.Context(), &halfDone)
		switch {
		case err != nil:
			t.Fatal(err)
		case same && halfDone == 0:
			return
		case time.Now().After(deadline):
			t.Fatalf("left behind: before %+v, after %+v, %d half done", before, after, halfDone)
		}
	}
}
