package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/hub/internal/sheet"
	"github.com/loa-vn/loa/internal/broadcast"
)

type playExportInput struct {
	PlayFilter
	Format string `query:"format" default:"csv" enum:"csv,xlsx"`
	Lang   string `query:"lang" enum:",vi,en" doc:"of heads and words; else Accept-Language"`
}

type sumExportInput struct {
	SumsInput
	Format string `query:"format" default:"csv" enum:"csv,xlsx"`
	Lang   string `query:"lang" enum:",vi,en" doc:"of heads and words; else Accept-Language"`
}

func (s *Server) exportRoutes() {
	for _, o := range []struct {
		id, path, summary string
		add               func(huma.Operation)
	}{
		{"export-plays", "/plays/export", "The play log as a table for spreadsheet programs",
			func(o huma.Operation) { register(s, o, s.exportPlays) }},
		{"export-evidence", "/evidence/export", "The sums as a table for spreadsheet programs",
			func(o huma.Operation) { register(s, o, s.exportSums) }},
	} {
		made := op(o.id, http.MethodGet, o.path, o.summary)
		made.Responses = fileResponse("text/csv")
		made.Responses["200"].Content[xlsxType] = made.Responses["200"].Content["text/csv"]
		o.add(made)
	}
}

const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// inWords gives heads and words in a language that a link asks for, which cannot set a header.
func inWords(ctx context.Context, lang string) bool {
	return lang == "en" || lang == "" && english(ctx)
}

// table answers with a file of rows. What fails after it began cannot be told any more: the answer breaks off.
func (s *Server) table(format, name, title string, heads []string, rows func(ctx context.Context, put func(...any) error) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		contentType := "text/csv; charset=utf-8"
		if format == "xlsx" {
			contentType = xlsxType
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.%s"`, name, format))
		if err := writeTable(hc.Context(), w, format, title, heads, rows); err != nil {
			s.Log.WarnContext(hc.Context(), "table broken off", "request", requestID(hc.Context()), "err", err)
			panic(http.ErrAbortHandler)
		}
	}}
}

func writeTable(ctx context.Context, to io.Writer, format, title string, heads []string, rows func(ctx context.Context, put func(...any) error) error) error {
	begin := func() (sheet.Writer, error) { return sheet.NewCSV(to, heads) }
	if format == "xlsx" {
		begin = func() (sheet.Writer, error) { return sheet.NewXLSX(to, title, heads) }
	}
	w, err := begin()
	if err != nil {
		return err
	}
	if err := rows(ctx, w.Row); err != nil {
		return err
	}
	return w.Close()
}

func (s *Server) exportPlays(ctx context.Context, in *playExportInput) (*huma.StreamResponse, error) {
	q, err := s.picked(ctx, in.PlayFilter)
	if err != nil {
		return nil, err
	}
	q.Limit = 1000 // a page of its walk
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	names, err := s.agentNames(ctx)
	if err != nil {
		return nil, err
	}
	en := inWords(ctx, in.Lang)
	heads := []string{"Giờ theo lịch", "Bắt đầu", "Kết thúc", "Kết quả", "Lý do", "Phóng sự", "Loại bản tin", "Cụm loa", "Địa bàn (tên lúc phát)", "Mã địa bàn", "Giây theo lịch", "Giây đã ra loa", "Mã bản ghi"}
	title := "Nhật ký phát"
	if en {
		heads = []string{"Planned", "Started", "Ended", "Outcome", "Reason", "Report", "Class", "Cluster", "Area (name at the time)", "Area code", "Planned seconds", "Seconds heard", "Record"}
		title = "Play log"
	}
	return s.table(in.Format, "nhat-ky-phat"+spanName(q, s.Zone), title, heads, func(ctx context.Context, put func(...any) error) error {
		return s.eachPlay(ctx, q, func(r evidence.Record) error {
			name, ok := names[r.Agent]
			if !ok {
				name = r.Agent
			}
			return put(s.wall(r.PlannedStart), s.wall(r.StartedAt), s.wall(r.EndedAt), said("outcome", string(r.Outcome), en), said("reason", r.Reason, en), r.Title,
				said("class", string(r.Class), en), name, tree.NameAt(r.Area, r.PlannedStart), r.Area,
				r.PlannedEnd.Sub(r.PlannedStart).Seconds(), float64(r.ReachedMS)/1000, r.ID)
		})
	}), nil
}

// eachPlay walks through the log, a page at a time.
func (s *Server) eachPlay(ctx context.Context, q evidence.Query, each func(evidence.Record) error) error {
	for {
		records, next, err := s.Evidence.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := each(r); err != nil {
				return err
			}
		}
		if q.After = next; next == "" {
			return nil
		}
	}
}

func (s *Server) agentNames(ctx context.Context) (map[string]string, error) {
	places, err := s.Fleet.Places(ctx)
	names := make(map[string]string, len(places))
	for _, p := range places {
		names[p.ID] = p.Name
	}
	return names, err
}

// wall is a time as people of the fleet read it; zero stays zero.
func (s *Server) wall(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(s.Zone).Truncate(time.Second)
}

// spanName is the period in a file's name, its last day included.
func spanName(q evidence.Query, zone *time.Location) string {
	name := ""
	if !q.From.IsZero() {
		name += "_" + string(broadcast.DateOf(q.From, zone))
	}
	if !q.To.IsZero() {
		name += "_" + string(broadcast.DateOf(q.To.Add(-time.Millisecond), zone))
	}
	return name
}

func (s *Server) exportSums(ctx context.Context, in *sumExportInput) (*huma.StreamResponse, error) {
	en := inWords(ctx, in.Lang)
	v, err := s.sums(ctx, &in.SumsInput)
	if err != nil {
		return nil, err
	}
	heads := []string{said("by", in.By, en)}
	if in.And != "" {
		heads = append(heads, said("by", in.And, en))
	}
	title := "Kết quả phát"
	counts := []string{"Theo kế hoạch", "Đã phát", "Phát dở", "Không phát", "Chưa rõ", "Phút theo kế hoạch", "Phút đã ra loa"}
	if en {
		title, counts = "Results", []string{"Planned", "Played", "Cut", "Skipped", "Unknown", "Minutes planned", "Minutes heard"}
	}
	heads = append(heads, counts...)
	name := strings.Join(strings.Fields("ket-qua-phat "+in.By+" "+in.And), "-") + spanName(evidence.Query{From: v.From, To: v.To}, s.Zone)
	return s.table(in.Format, name, title, heads, func(_ context.Context, put func(...any) error) error {
		row := func(c evidence.Count, names ...any) error {
			if in.And == "" {
				names = names[:1]
			}
			return put(append(names, c.Planned, c.Played, c.Cut, c.Skipped, c.Unknown, minutes(c.PlannedMS), minutes(c.HeardMS))...)
		}
		for _, r := range v.Items {
			if err := row(r.Count, said("shown", r.Name, en), said("shown", r.AndName, en)); err != nil {
				return err
			}
		}
		return row(v.Total, said("by", "total", en), "")
	}), nil
}

// minutes with one decimal.
func minutes(ms int64) float64 { return float64((ms+3000)/6000) / 10 }
