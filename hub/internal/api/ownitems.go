package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// OwnItemView is what a commune put into a daypart at its PC and nobody has allowed yet. Its audio is at that PC alone.
type OwnItemView struct {
	Agent      string         `json:"agent"`
	AgentName  string         `json:"agent_name"`
	Area       string         `json:"area"`
	Subject    string         `json:"subject" doc:"of the decision allow"`
	Slot       string         `json:"slot" doc:"of the decision skip, which refuses it"`
	Title      string         `json:"title"`
	DurationMS int64          `json:"duration_ms"`
	Who        string         `json:"who,omitempty" doc:"who put it in, as written at the PC"`
	Reason     string         `json:"reason,omitempty"`
	PutAt      time.Time      `json:"put_at"`
	Date       broadcast.Date `json:"date"`
	Daypart    string         `json:"daypart"`
	Start      time.Time      `json:"start" doc:"of the daypart: it comes after all else in it"`
	End        time.Time      `json:"end"`
}

// listOwnItems gives those that wait, of the person's areas. One that is over, or needs no second person, waits for nobody.
func (s *Server) listOwnItems(ctx context.Context, _ *struct{}) (*pageOutput[OwnItemView], error) {
	made, err := s.Orders.OwnItems(ctx)
	if err != nil || len(made) == 0 {
		return paged[OwnItemView](nil, ""), err
	}
	areas, err := s.myAreas(ctx)
	if err != nil {
		return nil, err
	}
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	var items []OwnItemView
	for _, d := range made {
		_, date, daypart, err := d.Made.OwnPlace()
		if err != nil {
			return nil, err
		}
		a, err := s.Fleet.Agent(ctx, d.Agent)
		if err != nil {
			return nil, err
		}
		day := broadcast.Occurrences(tree.Dayparts(a.Area), date, s.Zone)
		i := slices.IndexFunc(day, func(o broadcast.Occurrence) bool { return o.Name == daypart && o.End.After(s.Now()) })
		if i < 0 || !tree.Rules(a.Area).SecondPerson || areas != nil && !slices.Contains(areas, a.Area) {
			continue
		}
		items = append(items, OwnItemView{Agent: a.ID, AgentName: a.Name, Area: a.Area, Subject: d.Made.Subject, Slot: broadcast.OwnSlot(d.Made.Subject),
			Title: d.Made.Own.Title, DurationMS: d.Made.Own.DurationMS, Who: d.Made.Who, Reason: d.Made.Reason, PutAt: d.Made.When,
			Date: date, Daypart: daypart, Start: day[i].Start, End: day[i].End})
	}
	slices.SortFunc(items, func(a, b OwnItemView) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Subject, b.Subject)) })
	return paged(items, ""), nil
}
