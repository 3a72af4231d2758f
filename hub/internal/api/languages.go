package api

import (
	"context"
	"net/http"

	"github.com/loa-vn/loa/hub/internal/library"
)

type languageInput struct {
	Code string `path:"code" maxLength:"44"`
	Body struct {
		VI string `json:"vi" minLength:"1" maxLength:"100" doc:"its name in Vietnamese"`
		EN string `json:"en" minLength:"1" maxLength:"100" doc:"its name in English"`
	}
}

type languageOutput struct{ Body library.Language }

type choicesOutput struct{ Body library.Choices }

func (s *Server) wordRoutes() {
	register(s, op("list-languages", http.MethodGet, "/languages", "Languages that reports may be spoken in"),
		func(ctx context.Context, _ *struct{}) (*pageOutput[library.Language], error) {
			all, err := s.Library.Languages(ctx)
			return paged(all, ""), err
		})
	register(s, op("set-language", http.MethodPut, "/languages/{code}", "Add a language, or name one anew"), s.setLanguage)
	register(s, op("report-choices", http.MethodGet, "/reports/choices", "Words that reports have, to choose from"),
		func(ctx context.Context, _ *struct{}) (*choicesOutput, error) {
			areas, err := s.visibleAreas(ctx)
			if err != nil {
				return nil, err
			}
			c, err := s.Library.Choices(ctx, areas)
			return &choicesOutput{c}, err
		})
}

// setLanguage is for the hub's own admins: the list is one for all areas.
func (s *Server) setLanguage(ctx context.Context, in *languageInput) (*languageOutput, error) {
	if err := s.mine(ctx, ""); err != nil {
		return nil, err
	}
	g, err := s.Library.SetLanguage(ctx, library.Language{Code: in.Code, VI: in.Body.VI, EN: in.Body.EN})
	if err != nil {
		return nil, err
	}
	return &languageOutput{g}, s.audit(ctx, change{action: "language.set", subject: g.Code, after: g})
}
