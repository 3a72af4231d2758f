package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
)

type calendarInput struct {
	Area string `query:"area" doc:"with everything below it; the person's own when left out"`
	From string `query:"from" required:"true" doc:"first day, 2026-11-24"`
	To   string `query:"to" required:"true" doc:"last day, at most 41 days later"`
}

// CalendarView is what is heard in an area in a span of days.
type CalendarView struct {
	Area     string            `json:"area"`
	Bands    []Band            `json:"bands" nullable:"false" doc:"the area's own dayparts; of everything, those of the areas at the top"`
	Holidays []planner.Holiday `json:"holidays" nullable:"false" doc:"the area's own and those of the areas above, within the days asked for"`
	Entries  []planner.Entry   `json:"entries" nullable:"false" doc:"broadcasts, expanded, by start; drafts as if approved now"`
	LeftOff  int               `json:"left_off" doc:"positions in a large area whose timetables were not run: choose a smaller area to see them"`
	Clusters int               `json:"clusters" doc:"loudspeaker clusters in the area"`
}

// Band is a daypart on a date.
type Band struct {
	Name     string           `json:"name"`
	Start    time.Time        `json:"start"`
	End      time.Time        `json:"end"`
	Reserved []broadcast.Span `json:"reserved" nullable:"false" doc:"another source speaks"`
}

type calendarOutput struct{ Body CalendarView }

type draftPreviewInput struct {
	Broadcast string `query:"broadcast" doc:"that is edited: the preview leaves out what it is now"`
	Body      broadcastBody
}

func (s *Server) calendarRoutes() {
	register(s, op("calendar", http.MethodGet, "/calendar", "Dayparts and broadcasts of an area, expanded over days"), s.calendar)
	register(s, op("list-tags", http.MethodGet, "/tags", "Tags of the person's areas and agents, to plan by"), s.listTags)
	register(s, op("tag-agent", http.MethodPut, "/agents/{id}/tags", "Give an agent these tags and no others"), s.tagAgent)
	register(s, op("preview-draft", http.MethodPost, "/broadcasts/preview", "What would become of a broadcast that is not written yet"), s.previewDraft)
}

func (s *Server) calendar(ctx context.Context, in *calendarInput) (*calendarOutput, error) {
	area, first, last, err := s.span(ctx, in)
	if err != nil {
		return nil, err
	}
	c, err := s.Planner.Calendar(ctx, area, first, last)
	if err != nil {
		return nil, err
	}
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	out := CalendarView{Area: area, Bands: s.bands(tree, area, first, last), Holidays: []planner.Holiday{}, Entries: c.Entries, LeftOff: c.LeftOff}
	for _, h := range tree.Holidays(area) {
		if first <= h.Day && h.Day <= last {
			out.Holidays = append(out.Holidays, h)
		}
	}
	agents, err := s.Planner.Reached(ctx, planner.Targets{Areas: tree.Below(area)})
	out.Clusters = len(agents)
	return &calendarOutput{out}, err
}

// bands are an area's dayparts on each day; the whole tree has those of its tops, equal ones once.
func (s *Server) bands(tree *planner.Tree, area string, first, last broadcast.Date) []Band {
	codes := []string{area}
	if area == "" {
		codes = tree.Tops()
	}
	out := []Band{}
	for date := first; date <= last; date = date.AddDays(1) {
		for _, code := range codes {
			for _, o := range broadcast.Occurrences(tree.Dayparts(code), date, s.Zone) {
				b := Band{Name: o.Name, Start: o.Start, End: o.End, Reserved: append([]broadcast.Span{}, o.Reserved...)}
				if !slices.ContainsFunc(out, func(have Band) bool { return have.Name == b.Name && have.Start.Equal(b.Start) && have.End.Equal(b.End) }) {
					out = append(out, b)
				}
			}
		}
	}
	return out
}

// place gives the area that is asked for, the person's own when none is. The whole tree is "", for those it belongs to.
func (s *Server) place(ctx context.Context, area string) (string, error) {
	if area == "" {
		area = who(ctx).Area
	}
	if err := s.mine(ctx, area); err != nil || area == "" {
		return area, err
	}
	_, err := s.Planner.Area(ctx, area)
	return area, err
}

// span reads which area and days are asked for.
func (s *Server) span(ctx context.Context, in *calendarInput) (area string, first, last broadcast.Date, err error) {
	if area, err = s.place(ctx, in.Area); err != nil {
		return "", "", "", err
	}
	if first, err = broadcast.ParseDate(in.From); err != nil {
		return "", "", "", errTime.At("from")
	}
	if last, err = broadcast.ParseDate(in.To); err != nil {
		return "", "", "", errTime.At("to")
	}
	return area, first, last, nil
}

func (s *Server) previewDraft(ctx context.Context, in *draftPreviewInput) (*previewOutput, error) {
	spec := in.Body.spec(who(ctx).Area)
	if err := s.covered(ctx, spec); err != nil {
		return nil, err
	}
	if err := s.usable(ctx, spec.Items); err != nil {
		return nil, err
	}
	if in.Broadcast != "" {
		if _, err := s.broadcast(ctx, in.Broadcast); err != nil {
			return nil, err
		}
	}
	p, err := s.Planner.PreviewSpec(ctx, in.Broadcast, spec)
	return &previewOutput{p}, err
}
