package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/commune"
	"github.com/loa-vn/loa/internal/problem"
)

var (
	errOwnDaypart = problem.New("OWN_DAYPART", http.StatusConflict,
		"Tên này là buổi phát chung của cấp trên, xã không đổi được. Hãy đặt tên khác.",
		"A daypart of this name comes from above; the commune cannot change it. Choose another name.").At("dayparts")
	errOwnWindow = problem.New("OWN_DAYPART_POLICY", http.StatusConflict,
		"Buổi phát này nằm ngoài giờ được phát hoặc vượt số buổi một ngày. Hãy chọn giờ khác hoặc bỏ bớt một buổi.",
		"This daypart lies outside the allowed hours, or is one more than a day may have. Choose another time, or remove one.").At("dayparts")
	errOwnNotReady = problem.New("OWN_NOT_READY", http.StatusConflict,
		"Tệp này chưa xử lý xong. Hãy chờ một lát rồi gửi lại.",
		"The file is still being processed. Wait a little and send it again.").At("report")
	errOwnNotFound = problem.New("OWN_NOT_FOUND", http.StatusNotFound,
		"Xã không có mục riêng này. Hãy tải lại trang.",
		"The commune has no such item of its own. Load the page again.")
)

type ownInput struct {
	CodeInput
	Body struct {
		Title   string          `json:"title" minLength:"1" maxLength:"200"`
		Report  string          `json:"report" minLength:"1" doc:"uploaded for the commune"`
		Class   broadcast.Class `json:"class,omitempty" enum:"normal,priority"`
		Daypart string          `json:"daypart" minLength:"1" doc:"one of the area's"`
		Date    string          `json:"date" minLength:"10" maxLength:"10" doc:"2026-11-24"`
	}
}

type ownCancelInput struct {
	CodeInput
	ID string `path:"id"`
}

type daypartsInput struct {
	CodeInput
	Body struct {
		Dayparts []broadcast.Daypart `json:"dayparts" maxItems:"20" nullable:"false" doc:"as a whole: those that do not come from above"`
	}
}

// communeRoutes are what a commune has of its own. An officer approves its reports and items like all others.
func (s *Server) communeRoutes() {
	register(s, op("put-dayparts", http.MethodPut, "/areas/{code}/dayparts", "Set the dayparts of the commune's own, within the policy"), s.putDayparts)
	register(s, created(op("create-own", http.MethodPost, "/areas/{code}/own", "Put an item of the commune's own into a free place of a daypart, to be approved")), s.createOwn)
	register(s, op("list-own", http.MethodGet, "/areas/{code}/own", "The commune's own items, newest first"), s.listOwn)
	register(s, op("cancel-own", http.MethodPost, "/areas/{code}/own/{id}/cancel", "Take an item of the commune's own back for good"), s.cancelOwn)
}

func (s *Server) putDayparts(ctx context.Context, in *daypartsInput) (*areaOutput, error) {
	before, err := s.area(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	above := func(d broadcast.Daypart) bool { return slices.Contains(before.Body.Inherited, d.Name) }
	if slices.ContainsFunc(in.Body.Dayparts, above) || slices.ContainsFunc(in.Body.Dayparts, func(d broadcast.Daypart) bool { return d.Disabled }) {
		return nil, errOwnDaypart
	}
	kept := slices.DeleteFunc(slices.Clone(before.Body.Dayparts), func(d broadcast.Daypart) bool { return !above(d) && !d.Disabled })
	dayparts := slices.Concat(kept, in.Body.Dayparts)
	if err := s.withinPolicy(before.Body.Rules, broadcast.InheritDayparts(tree.Dayparts(before.Body.Parent), dayparts), in.Body.Dayparts); err != nil {
		return nil, err
	}
	a, err := s.Planner.EditArea(ctx, in.Code, before.Body.Version, planner.AreaChange{Dayparts: &dayparts})
	if err != nil {
		return nil, err
	}
	if err := s.audit(ctx, change{action: "area.dayparts", subject: a.Code, area: a.Code, before: before.Body.Dayparts, after: a.Dayparts}); err != nil {
		return nil, err
	}
	return s.area(ctx, a.Code)
}

// withinPolicy refuses own dayparts in which nothing could be heard: of the days of a week each must lie in the allowed hours, and be
// one of as many as a day may have.
func (s *Server) withinPolicy(rules broadcast.Rules, all, own []broadcast.Daypart) error {
	today := broadcast.DateOf(s.Now(), s.Zone)
	for i := range 7 {
		date := today.AddDays(i)
		for n, o := range broadcast.Occurrences(all, date, s.Zone) {
			mine := slices.ContainsFunc(own, func(d broadcast.Daypart) bool { return d.Name == o.Name })
			most := rules.DaypartsPerDay
			if mine && (most > 0 && n >= most || !rules.Allows(broadcast.Span{Start: o.Start, End: o.End}, s.Zone)) || !mine && most > 0 && n >= most && len(own) > 0 {
				return errOwnWindow
			}
		}
	}
	return nil
}

func (s *Server) createOwn(ctx context.Context, in *ownInput) (*broadcastOutput, error) {
	if _, err := s.area(ctx, in.Code); err != nil {
		return nil, err
	}
	b := in.Body
	spec := planner.Spec{Title: b.Title, Area: in.Code, Class: b.Class, Owner: broadcast.OwnerCommune, Items: []planner.ItemRef{{Report: b.Report}},
		When: planner.When{Daypart: b.Daypart, Date: b.Date}, Targets: planner.Targets{Areas: []string{in.Code}}}
	if err := s.usable(ctx, spec.Items); err != nil {
		return nil, err
	}
	ahead, err := s.Planner.PreviewSpec(ctx, "", spec)
	if err != nil {
		return nil, err
	}
	for _, c := range ahead.Conflicts {
		switch c.Kind {
		case "unprepared":
			return nil, errOwnNotReady
		case "skipped", "displaces":
			return nil, noFreePlace(c.Reason)
		}
	}
	made, err := s.Planner.Create(ctx, spec, plannerPerson(who(ctx)))
	if err != nil {
		return nil, err
	}
	return viewBroadcast(made), s.audit(ctx, change{action: "broadcast.create", subject: made.ID, area: made.Area, after: made.Spec})
}

// noFreePlace says why an item has no place, or would take another's.
func noFreePlace(reason string) error {
	return problem.New("OWN_NO_PLACE", http.StatusConflict,
		fmt.Sprintf("Buổi phát này không còn chỗ cho mục của xã: %s. Hãy chọn buổi hoặc ngày khác.", commune.Vietnamese()[reason]),
		fmt.Sprintf("This daypart has no free place for the item: %s. Choose another daypart or day.", commune.English()[reason])).At("daypart")
}

// listedOwn is how many broadcasts of an area are looked through for the commune's own.
const listedOwn = 200

func (s *Server) listOwn(ctx context.Context, in *CodeInput) (*pageOutput[planner.Broadcast], error) {
	if err := s.mine(ctx, in.Code); err != nil {
		return nil, err
	}
	p, err := s.Planner.List(ctx, planner.Filter{Areas: []string{in.Code}, Limit: listedOwn})
	if err != nil {
		return nil, err
	}
	return paged(slices.DeleteFunc(p.Items, func(b planner.Broadcast) bool { return b.Owner != broadcast.OwnerCommune }), ""), nil
}

func (s *Server) cancelOwn(ctx context.Context, in *ownCancelInput) (*broadcastOutput, error) {
	if err := s.mine(ctx, in.Code); err != nil {
		return nil, err
	}
	b, err := s.Planner.Broadcast(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if b.Owner != broadcast.OwnerCommune || b.Area != in.Code {
		return nil, errOwnNotFound
	}
	return s.decide(ctx, &approveInput{IDInput: IDInput{ID: in.ID}}, "broadcast.cancel", s.Planner.Cancel)
}
