package api

import (
	"net/http"
	"testing"

	strict "github.com/loa-vn/loa/hub/internal/api/body"
)

// jsonRoutes are operations of every kind that take JSON, by the index a fuzzed input gives. Login is not among them:
// it spends its time on hashes, and its decoder is the same.
func jsonRoutes() [][2]string {
	return [][2]string{
		{http.MethodPost, "/api/v1/areas"}, {http.MethodPatch, "/api/v1/areas/tinh"}, {http.MethodPost, "/api/v1/broadcasts"},
		{http.MethodPost, "/api/v1/pairings"}, {http.MethodPost, "/api/v1/tokens"}, {http.MethodPost, "/api/v1/reports/x/withdraw"},
	}
}

// FuzzRoutes is FuzzBodies of package body with the whole hub behind it: slower, and not among those of every test.
func FuzzRoutes(f *testing.F) {
	b := newBench(f)
	for _, body := range []string{`{"code":"x","name":"X","policy":{"windows":[{"start":"05:00","end":"21:00","days":["mon"]}]}}`,
		`{"title":"x","class":"normal","items":[{"report":"r"}],"when":{"daypart":"evening","rrule":"FREQ=WEEKLY;BYDAY=TU"},"targets":{"areas":["xa-a"]},"lateness":"whole:5"}`,
		`{"area":"xa-a","name":"C\u1ee5m 1"}`, `{"label":"x","expires_at":"2099-01-01T00:00:00Z"}`, `{"reason":"x"}`,
		`{"a":1e999}`, `{"code":"x","code":"y"}`, `[[[[`, "\xff", `{"code":"\ud800"}`, `{"code":"\u0000"}`} {
		for i := range jsonRoutes() {
			f.Add(uint8(i), body)
		}
	}
	f.Fuzz(func(t *testing.T, route uint8, body string) {
		r := jsonRoutes()[int(route)%len(jsonRoutes())]
		status, _, answer := b.ask(t, "admin", r[0], r[1], body, "Content-Type", "application/json")
		if status >= 500 {
			t.Errorf("%v: got %d %s", r, status, answer)
		}
		if err := strict.Check([]byte(body)); err != nil && status < 400 {
			t.Errorf("%v: %v was taken", r, err)
		}
		if status >= 400 && codeOf(answer) == "" {
			t.Errorf("%v: %d without a code: %s", r, status, answer)
		}
	})
}
