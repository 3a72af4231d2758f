package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// deadlines is a connection that remembers what was set on it.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error  { d.read = append(d.read, t); return nil }
func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = append(d.write, t); return nil }

// A read deadline that passes while nothing is read ends the request's context: a preview of a large fleet would be
// given up after it, and a stream of events cut.
func TestDeadlines(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct {
		method, body string
		read         bool
	}{{"GET", "", false}, {"POST", "", false}, {"POST", `{"label":"x"}`, true}} {
		t.Run(tc.method+" "+tc.body, func(t *testing.T) {
			d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
			answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if len(d.write) > 0 {
					t.Error("the answer's time runs before its first piece is there")
				}
				_, _ = w.Write([]byte("x"))
			})
			r := httptest.NewRequest(tc.method, "http://hub/api/v1/x", strings.NewReader(tc.body))
			if tc.body == "" {
				r.Body = http.NoBody // as a server gives it
			}
			b.begin(answer).ServeHTTP(d, r)
			if got := len(d.read) > 0; got != tc.read {
				t.Errorf("reading has a deadline: %t", got)
			}
			if len(d.write) == 0 || time.Until(d.write[len(d.write)-1]) < pieceTime/2 {
				t.Errorf("writing has the deadlines %v", d.write)
			}
		})
	}
}
