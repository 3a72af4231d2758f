package pages

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/e2e/rig"
)

// TestAdminPages is the admin's desk and the yearly report, on a hub whose play log holds months of records.
func TestAdminPages(t *testing.T) {
	needs(t, "chromium", "npm")
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	t.Cleanup(func() { goleak.VerifyNone(t) })
	defer http.DefaultClient.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	site, err := rig.NewSite(ctx, rig.SiteOptions{Bin: build(ctx, t), Dir: dir})
	must(err)
	defer func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, area := range areas() {
		must(site.Chief.Call(ctx, "POST", "areas", area, nil))
	}
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	must(err)
	e, err := hubtest.OpenEvidence(ctx, site.HubData(), zone)
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
