package ingest

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/loa-vn/loa/hub/internal/store"
)

// TestRecipes cuts a report at both ends out of its master, and joins two into a programme.
func TestRecipes(t *testing.T) {
	r := mustConvert(t, speech(t))
	dir := t.TempDir()
	shelf, err := store.NewFolder(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	master, size, err := shelf.PutFile(t.Context(), r.Master)
	if err != nil {
		t.Fatal(err)
	}
	if perMinute := float64(size) / (float64(r.SourceDurationMS) / 60_000); perMinute > 1e6 {
		t.Errorf("the master takes %.0f bytes a minute", perMinute)
	}
	sink := newRecorder(t)
	s := newService(t, dir, openJobs(t, dir), sink)
	s.cfg.Shelf = shelf
	defer run(t, s)()
	for _, c := range []struct {
		name   string
		recipe Recipe
		ms     int64
	}{
		{"both ends cut", Recipe{Parts: []Cut{{master, r.TrimStartMS + 700, r.TrimStartMS + 2300}}}, 1600},
		{"two parts with a gap", Recipe{Parts: []Cut{{master, 0, 1500}, {master, 1500, 4000}}, GapMS: 500}, 4500},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := s.Render(t.Context(), c.name, c.recipe); err != nil {
				t.Fatal(err)
			}
			sink.wait(t)
			got := sink.done[c.name]
			if got.DurationMS != c.ms || math.Abs(got.LoudnessLUFS-targetLUFS) > tolerance || got.TruePeakDBTP > ceilingTP || got.Master != "" || len(got.Warnings) > 0 {
				t.Errorf("%+v, %v", got, sink.failed[c.name])
			}
			if got.TrimStartMS != c.recipe.Parts[0].FromMS {
				t.Errorf("it begins %d ms into its master", got.TrimStartMS)
			}
		})
	}
	if _, err := s.Render(t.Context(), "nothing is left", Recipe{Parts: []Cut{{master, 3000, 2000}}}); err != nil {
		t.Fatal(err)
	}
	sink.wait(t)
	if why := sink.failed["nothing is left"]; !errors.Is(why, ErrTooShort) {
		t.Errorf("a cut of nothing: %v", why)
	}
}

// TestOneJobAtATime is for a Sink that knows a report alone: what it hears is of the job that was begun last.
func TestOneJobAtATime(t *testing.T) {
	dir := t.TempDir()
	s := newService(t, dir, openJobs(t, dir), newRecorder(t)) // nothing runs
	if _, err := s.Render(t.Context(), "report", Recipe{Parts: []Cut{{}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Render(t.Context(), "report", Recipe{Parts: []Cut{{}}}); !errors.Is(err, ErrReportBusy) {
		t.Errorf("a second job: %v", err)
	}
	left, err := openJobs(t, dir).Queued(t.Context())
	var kept Recipe
	if err != nil || len(left) != 1 || json.Unmarshal([]byte(left[0].Recipe), &kept) != nil || len(kept.Parts) != 1 {
		t.Errorf("kept are %+v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "ingest", left[0].ID)); err == nil {
		t.Error("a recipe has a folder before it is worked on")
	}
}
