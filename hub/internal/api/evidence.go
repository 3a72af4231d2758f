package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/problem"
)

// SumsInput asks for a table of what was planned and what became of it.
type SumsInput struct {
	From  string `query:"from" required:"true" doc:"planned start at or after (RFC 3339)"`
	To    string `query:"to" required:"true" doc:"planned start before (RFC 3339)"`
	Area  string `query:"area" doc:"with everything below it, and what was merged into it"`
	By    string `query:"by" default:"month" enum:"month,area,series,law_field,language,report,class,reason" doc:"one row for each"`
	And   string `query:"and" enum:",month,area,series,law_field,language,report,class,reason" doc:"one row for each pair"`
	Level string `query:"level" default:"below" enum:"below,each" doc:"areas: those right below the asked one, each with all below it; or every area by itself"`
}

// SumsView is that table.
type SumsView struct {
	From  time.Time      `json:"from"`
	To    time.Time      `json:"to"`
	Items []SumView      `json:"items" nullable:"false" doc:"months by time, others by what was heard most"`
	Total evidence.Count `json:"total"`
	Past  []PastArea     `json:"past" nullable:"false" doc:"areas that were merged or renamed and are counted under what they became"`
}

// SumView is one row.
type SumView struct {
	Key      string `json:"key" doc:"of what by names: 2026-11, an area's code, a report's id, otherwise the word itself; empty: none is given"`
	Name     string `json:"name" doc:"for people"`
	AndKey   string `json:"and_key,omitempty"`
	AndName  string `json:"and_name,omitempty"`
	Clusters int    `json:"clusters,omitempty" doc:"of an area today"`
	evidence.Count
}

// PastArea is a name that an area had.
type PastArea struct {
	Code  string    `json:"code"`
	Name  string    `json:"name"`
	Until time.Time `json:"until"`
	Now   string    `json:"now" doc:"code of the area it is counted under"`
}

type sumsOutput struct{ Body SumsView }

var (
	errSpan = problem.New("EVIDENCE_SPAN", 422,
		"Kỳ báo cáo phải kết thúc sau khi bắt đầu và không dài quá 10 năm. Hãy chọn lại.",
		"The period must end after it begins, at most ten years later. Choose it again.").At("to")
	errPair = problem.New("EVIDENCE_PAIR", 422,
		"Hai cách chia bảng trùng nhau. Hãy chọn cách chia thứ hai khác.",
		"Both parts of the table are the same. Choose another for the second.").At("and")
)

func (s *Server) evidenceRoutes() {
	register(s, op("evidence", http.MethodGet, "/evidence", "What was planned, what became of it and how long it was heard, summed"),
		func(ctx context.Context, in *SumsInput) (*sumsOutput, error) {
			v, err := s.sums(ctx, in)
			return &sumsOutput{v}, err
		})
	s.exportRoutes()
}

// ledger is what one table is made with.
type ledger struct {
	tree    *planner.Tree
	metas   map[string]library.Meta
	area    string // that was asked for
	each    bool
	english bool
}

func (s *Server) sums(ctx context.Context, in *SumsInput) (SumsView, error) {
	q, err := s.evidenceSpan(ctx, in)
	if err != nil {
		return SumsView{}, err
	}
	dims := []string{in.By}
	if in.And != "" {
		dims = append(dims, in.And)
	}
	if in.And == in.By {
		return SumsView{}, errPair
	}
	var by []evidence.By
	for _, d := range dims {
		b := evidence.By(d)
		switch d {
		case "series", "law_field", "language":
			b = evidence.ByReport
		}
		if !slices.Contains(by, b) {
			by = append(by, b)
		}
	}
	sums, err := s.Evidence.Sums(ctx, q, by...)
	if err != nil {
		return SumsView{}, err
	}
	l := ledger{area: cmp.Or(in.Area, who(ctx).Area), each: in.Level == "each", english: english(ctx)}
	if l.tree, err = s.Planner.Tree(ctx); err != nil {
		return SumsView{}, err
	}
	if slices.Contains(by, evidence.ByReport) {
		if l.metas, err = s.metas(ctx, sums); err != nil {
			return SumsView{}, err
		}
	}
	v := SumsView{From: q.From, To: q.To, Items: l.rows(sums, dims), Past: l.past(q)}
	if slices.Contains(dims, "area") {
		if err := s.clusters(ctx, l, v.Items, dims); err != nil {
			return SumsView{}, err
		}
	}
	for _, row := range v.Items {
		v.Total.Add(row.Count)
	}
	return v, nil
}

// evidenceSpan reads what is asked for.
func (s *Server) evidenceSpan(ctx context.Context, in *SumsInput) (q evidence.Query, err error) {
	if q.From, err = s.instant("from", in.From); err != nil {
		return q, err
	}
	if q.To, err = s.instant("to", in.To); err != nil {
		return q, err
	}
	if !q.From.Before(q.To) || q.To.After(q.From.AddDate(10, 0, 1)) {
		return q, errSpan
	}
	q.Areas, err = s.chosenAreas(ctx, in.Area)
	return q, err
}

// metas gives what the reports of the sums are about.
func (s *Server) metas(ctx context.Context, sums []evidence.Sum) (map[string]library.Meta, error) {
	var ids []string
	for _, sum := range sums {
		ids = append(ids, sum.Report)
	}
	slices.Sort(ids)
	return s.Library.Metas(ctx, slices.Compact(ids))
}

func (l ledger) rows(sums []evidence.Sum, dims []string) []SumView {
	cells := map[[2]string]*SumView{}
	out := []SumView{}
	for _, sum := range sums {
		var key, name [2]string
		for i, d := range dims {
			key[i], name[i] = l.cell(d, sum)
		}
		row, ok := cells[key]
		if !ok {
			row = &SumView{Key: key[0], Name: name[0], AndKey: key[1], AndName: name[1]}
			cells[key] = row
		}
		row.Add(sum.Count)
	}
	for _, row := range cells {
		out = append(out, *row)
	}
	slices.SortFunc(out, func(a, b SumView) int {
		months := 0
		switch "month" {
		case dims[0]:
			months = strings.Compare(a.Key, b.Key)
		case dims[len(dims)-1]:
			months = cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Key, b.Key), strings.Compare(a.AndKey, b.AndKey))
		}
		return cmp.Or(months, cmp.Compare(b.HeardMS, a.HeardMS), cmp.Compare(b.Planned, a.Planned), strings.Compare(a.Key, b.Key), strings.Compare(a.AndKey, b.AndKey))
	})
	return out
}

// cell tells which row a sum belongs to.
func (l ledger) cell(dim string, sum evidence.Sum) (key, name string) {
	meta := l.metas[sum.Report]
	switch dim {
	case "month":
		return sum.Month, sum.Month
	case "area":
		code := l.place(sum.Area)
		return code, l.tree.Name(code)
	case "series":
		return meta.Series, meta.Series
	case "law_field":
		fields := strings.Join(meta.LawFields, ", ")
		return fields, fields
	case "language":
		return meta.Language, meta.Language
	case "report":
		return sum.Report, cmp.Or(meta.Title, sum.Report)
	case "class":
		return sum.Class, said("class", sum.Class, l.english)
	}
	return sum.Reason, said("reason", sum.Reason, l.english)
}

// place is the area under which what was heard in another is told: the one right below what was asked for.
func (l ledger) place(code string) string {
	code = l.tree.Home(code)
	if l.each {
		return code
	}
	path := l.tree.Path(code)
	i := slices.IndexFunc(path, func(a planner.Area) bool { return a.Code == l.area }) // -1: everything was asked for
	if i+1 < len(path) {
		return path[i+1].Code
	}
	return code
}

// past names what areas were called in the period and are called no more.
func (l ledger) past(q evidence.Query) []PastArea {
	out := []PastArea{}
	for _, n := range l.tree.Names() {
		if n.Until.Before(q.From) || q.Areas != nil && !slices.Contains(q.Areas, n.Area) {
			continue
		}
		out = append(out, PastArea{Code: n.Area, Name: n.Name, Until: n.Until, Now: l.tree.Home(n.Area)})
	}
	return out
}

// clusters counts those of each area today.
func (s *Server) clusters(ctx context.Context, l ledger, rows []SumView, dims []string) error {
	places, err := s.Fleet.Places(ctx)
	if err != nil {
		return err
	}
	n := map[string]int{}
	for _, p := range places {
		n[l.place(p.Area)]++
	}
	for i := range rows {
		code := rows[i].Key
		if dims[0] != "area" {
			code = rows[i].AndKey
		}
		rows[i].Clusters = n[code]
	}
	return nil
}
