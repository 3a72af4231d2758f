package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/hub/internal/accounts"
)

type peopleInput struct {
	Area   string `query:"area" doc:"with everything below it"`
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type newPersonInput struct {
	Body struct {
		Name string        `json:"name" minLength:"1" maxLength:"64" doc:"to sign in with; never changes"`
		Role accounts.Role `json:"role" enum:"admin,officer,operator,viewer"`
		Area string        `json:"area,omitempty" doc:"code of the area they answer for, with all below it; yours when left out"`
	}
}

type personChangeInput struct {
	IDInput
	Body struct {
		Role     *accounts.Role `json:"role,omitempty" enum:"admin,officer,operator,viewer"`
		Area     *string        `json:"area,omitempty" doc:"empty: the whole tree"`
		Disabled *bool          `json:"disabled,omitempty" doc:"true ends sessions, tokens and an open invitation for good"`
	}
}

type resetInput struct {
	IDInput
	Body *struct {
		SecondFactor bool `json:"second_factor,omitempty" doc:"take the one-time codes away too"`
	}
}

type accountOutput struct{ Body accounts.Account }

// InvitationView is a set-up link: whoever has it chooses the account's password, once.
type InvitationView struct {
	accounts.Invitation
	URL string `json:"url" doc:"without a host where the hub does not know its own address"`
}

// InvitedView is a person with the link to be given to them.
type InvitedView struct {
	accounts.Account
	Invitation InvitationView `json:"invitation"`
}

type invitedOutput struct{ Body InvitedView }

func (s *Server) peopleRoutes() {
	register(s, op("list-people", http.MethodGet, "/people", "People of the person's areas"), s.listPeople)
	register(s, op("get-person", http.MethodGet, "/people/{id}", "One person"), func(ctx context.Context, in *IDInput) (*accountOutput, error) {
		a, err := s.person(ctx, in.ID)
		return &accountOutput{a}, err
	})
	register(s, created(op("invite-person", http.MethodPost, "/people", "Make an account; its person chooses the password by a link")), s.invitePerson)
	register(s, op("edit-person", http.MethodPatch, "/people/{id}", "Change role, area or whether they may sign in"), s.editPerson)
	register(s, op("reset-person", http.MethodPost, "/people/{id}/reset", "Take the password away and give a link for a new one"), s.resetPerson)
}

// person gives one whose whole area is the asking person's.
func (s *Server) person(ctx context.Context, id string) (accounts.Account, error) {
	a, err := s.Accounts.Account(ctx, id)
	if err != nil {
		return a, err
	}
	return a, s.mine(ctx, a.Area)
}

func (s *Server) listPeople(ctx context.Context, in *peopleInput) (*pageOutput[accounts.Account], error) {
	if in.Cursor != "" {
		if _, err := uuid.Parse(in.Cursor); err != nil {
			return nil, errCursor
		}
	}
	areas, err := s.chosenAreas(ctx, in.Area)
	if err != nil {
		return nil, err
	}
	people, err := s.Accounts.List(ctx, accounts.PeopleFilter{Areas: areas, After: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	next := ""
	if len(people) == in.Limit {
		next = people[len(people)-1].ID
	}
	return paged(people, next), nil
}

// assignable refuses an area that is not the asking person's to give, or that is none.
func (s *Server) assignable(ctx context.Context, area string) error {
	if err := s.mine(ctx, area); err != nil || area == "" {
		return err
	}
	_, err := s.Planner.Area(ctx, area)
	return err
}

func (s *Server) invitePerson(ctx context.Context, in *newPersonInput) (*invitedOutput, error) {
	n := accounts.NewPerson{Name: in.Body.Name, Role: in.Body.Role, Area: in.Body.Area, By: by(ctx)}
	if n.Area == "" {
		n.Area = who(ctx).Area
	}
	if err := s.assignable(ctx, n.Area); err != nil {
		return nil, err
	}
	a, inv, err := s.Accounts.Invite(ctx, n)
	if err != nil {
		return nil, err
	}
	return s.invited(a, inv), nil
}

func (s *Server) invited(a accounts.Account, inv accounts.Invitation) *invitedOutput {
	return &invitedOutput{InvitedView{a, InvitationView{inv, s.PublicURL + SetupPath(inv.Code)}}}
}

func (s *Server) editPerson(ctx context.Context, in *personChangeInput) (*accountOutput, error) {
	seen, err := s.person(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Body.Area != nil {
		if err := s.assignable(ctx, *in.Body.Area); err != nil {
			return nil, err
		}
	}
	a, err := s.Accounts.Change(ctx, seen, accounts.PersonChange{Role: in.Body.Role, Area: in.Body.Area, Disabled: in.Body.Disabled}, by(ctx))
	return &accountOutput{a}, err
}

func (s *Server) resetPerson(ctx context.Context, in *resetInput) (*invitedOutput, error) {
	seen, err := s.person(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	a, inv, err := s.Accounts.Reset(ctx, seen, in.Body != nil && in.Body.SecondFactor, by(ctx))
	if err != nil {
		return nil, err
	}
	return s.invited(a, inv), nil
}
