package api

import (
	"fmt"
	"testing"
)

// An instant beyond the year 9999 in UTC or in the fleet's zone is one that no JSON can say: a list that had it would be
// shown to nobody any more.
func TestTimesThatNobodyMeansAreRefused(t *testing.T) {
	b := board(t)
	id := b.draft(t)
	for _, at := range []string{"9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z", "2200-12-31T20:00:00Z", "0000-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"} {
		t.Run(at, func(t *testing.T) {
			for _, field := range []string{"valid_from", "valid_until"} {
				b.does(t, "lan", "PATCH", "reports/"+id, fmt.Sprintf(`{%q:%q}`, field, at), "TIME_INVALID")
			}
			want := "TIME_INVALID"
			if at < "2" {
				want = "TOKEN_EXPIRED"
			}
			b.does(t, "lan", "POST", "tokens", fmt.Sprintf(`{"label":"x","expires_at":%q}`, at), want)
			b.does(t, "lan", "GET", "plays?from="+at, "", "TIME_INVALID")
			b.does(t, "lan", "GET", "reports", "", "")
			b.does(t, "lan", "GET", "tokens", "", "")
		})
	}
	b.does(t, "lan", "PATCH", "reports/"+id, `{"valid_from":"2000-01-01T00:00:00+07:00","valid_until":"2200-12-31T23:59:59+07:00"}`, "")
}
