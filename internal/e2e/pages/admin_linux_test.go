package pages

import (
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/hubtest"
)

// TestAdminPages is the admin's desk and the yearly report, on a hub whose play log holds months of records.
func TestAdminPages(t *testing.T) {
	t.Parallel()
	ctx, site, _ := hub(t, 5*time.Minute, nil)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	must(err)
	e, err := hubtest.OpenEvidence(ctx, "", site.HubData(), zone)
	must(err)
	year := time.Now().In(zone).Year()
	_, err = e.Fill(ctx, hubtest.Year{Areas: []string{"hoang-dao", "lien-chau"}, Agents: 3, PerDay: 2, First: time.Date(year-1, 1, 1, 5, 30, 0, 0, zone), Days: 365, Topics: []hubtest.Topic{
		{Title: "Luật Đất đai 2024", Series: "Tìm hiểu pháp luật", LawField: "Đất đai", Language: "vi"},
		{Title: "An toàn trên không gian mạng", Series: "Tìm hiểu pháp luật", LawField: "An ninh mạng", Language: "tyz"},
		{Title: "=HYPERLINK(\"http://x\")", Series: "Tin trong xã", Language: "vi"},
	}})
	must(err)
	must(e.Close())

	page, control := newLine(t, strings.TrimPrefix(site.URL, "http://"))
	if err := playwright(ctx, t, "admin", []string{"LOA_URL=" + page, "LOA_HUB_URL=" + site.URL, "LOA_LINE=" + control, "LOA_SPEECH=none"}); err != nil {
		t.Errorf("%v\nhub:\n%s", err, site.Hub.Tail())
	}
}
