package app

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheDashboardShowsWhatTheHubServes: every metric and label that docs/grafana/loa.json asks for is served, and every metric
// of ours is shown.
func TestTheDashboardShowsWhatTheHubServes(t *testing.T) {
	text, err := os.ReadFile("../../docs/grafana/loa.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Templating struct {
			List []struct{ Name, Query string }
		}
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ RefID, Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	r := start(t, t.TempDir())
	r.ask("", "GET", "/livez", "", nil) // so that one request is counted
	served := map[string]bool{}
	labels := []string{"job", "instance"} // of Prometheus itself
	for line := range strings.Lines(string(r.ask("", "GET", "/metrics", "", nil).body)) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "# TYPE ") {
			served[fields[2]] = true
		}
		for _, l := range regexp.MustCompile(`[{,]([a-z_]+)="`).FindAllStringSubmatch(line, -1) {
			labels = append(labels, l[1])
		}
	}
	asked := map[string]bool{}
	ask := func(where, expr string) {
		t.Helper()
		found := regexp.MustCompile(`\b(loa|process|go)_[a-z_]+`).FindAllString(expr, -1)
		if len(found) == 0 {
			t.Errorf("%s asks for no metric: %s", where, expr)
		}
		for _, name := range found {
			asked[name] = true
			if !served[name] {
				t.Errorf("%s asks for %s, which the hub does not serve", where, name)
			}
		}
		for _, l := range regexp.MustCompile(`([a-z_]+)=~|by \(([a-z_]+)\)`).FindAllStringSubmatch(expr, -1) {
			if label := l[1] + l[2]; !slices.Contains(labels, label) {
				t.Errorf("%s asks for the label %s, which no metric has", where, label)
			}
		}
	}
	for _, v := range board.Templating.List {
		if v.Name != "datasource" {
			ask("the choice "+v.Name, v.Query)
		}
	}
	places := map[[2]int]string{}
	for i, p := range board.Panels {
		if p.ID != i+1 || p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q has %d targets", p.ID, p.Title, len(p.Targets))
		}
		for _, target := range p.Targets {
			ask("panel "+p.Title, target.Expr)
		}
		g := p.GridPos
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := places[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %s lies on %q or beyond the edge", p.Title, other)
				}
				places[[2]int{x, y}] = p.Title
			}
		}
	}
	for name := range served {
		if strings.HasPrefix(name, "loa_") && !asked[name] {
			t.Errorf("%s is served, and not shown", name)
		}
	}
}
