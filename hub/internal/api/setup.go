package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/internal/problem"
)

// SetupPath is the page of an invitation.
func SetupPath(code string) string { return "/setup?code=" + url.QueryEscape(code) }

type setupInput struct {
	Body struct {
		Code     string `json:"code" minLength:"1" maxLength:"128" doc:"of the link"`
		Name     string `json:"name,omitempty" maxLength:"64" doc:"of the hub's first admin; other accounts have theirs"`
		Password string `json:"password" minLength:"1" maxLength:"1024" doc:"8 to 256 characters"`
	}
}

//go:embed setup.html
var setupHTML string

//go:embed setup.css
var setupCSS string

// setupPage is what the page shows.
type setupPage struct {
	CSS        template.CSS
	Code, Name string
	Form       bool // the code counts
	First      bool // the first admin chooses a name too
	Done       bool
	Problem    *problem.Error
}

// maxSetupForm in bytes: a code, a name and a password of four bytes a character, each escaped.
const maxSetupForm = 8 << 10

func (s *Server) setupRoutes() {
	o := created(op("setup", http.MethodPost, "/setup", "Choose a password by an invitation; the first one makes the first admin"))
	register(s, o, func(ctx context.Context, in *setupInput) (*personOutput, error) {
		p, err := s.Accounts.SetUp(ctx, accounts.SetUp{Code: in.Body.Code, Name: in.Body.Name, Password: in.Body.Password, From: info(ctx).origin})
		return &personOutput{p}, err
	})
	page := template.Must(template.New("setup").Parse(setupHTML))
	s.handle("GET /setup", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.showSetup(w, r, page, setupPage{Code: r.URL.Query().Get("code")}, nil)
	}))
	s.handle("POST /setup", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.submitSetup(w, r, page) }))
}

func (s *Server) submitSetup(w http.ResponseWriter, r *http.Request, page *template.Template) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSetupForm)
	if err := r.ParseForm(); err != nil {
		s.showSetup(w, r, page, setupPage{}, errBodyTooLarge.With(err))
		return
	}
	in := accounts.SetUp{Code: r.PostForm.Get("code"), Name: r.PostForm.Get("name"), Password: r.PostForm.Get("password"), From: info(r.Context()).origin}
	var err error = errRepeat
	var p accounts.Person
	if in.Password == r.PostForm.Get("again") {
		p, err = s.Accounts.SetUp(r.Context(), in)
	}
	s.showSetup(w, r, page, setupPage{Code: in.Code, Name: p.Name, Done: err == nil}, err)
}

// showSetup writes the page: the form, what was wrong with it, or that it is done.
func (s *Server) showSetup(w http.ResponseWriter, r *http.Request, page *template.Template, v setupPage, why error) {
	v.CSS = template.CSS(setupCSS) //nolint:gosec // our own file
	if !v.Done {
		name, err := s.Accounts.Invited(r.Context(), v.Code)
		v.Name, v.First, v.Form = name, name == "", err == nil
		if why == nil {
			why = err
		}
	}
	status := http.StatusOK
	if why != nil {
		p := s.problemOf(r.Context(), why)
		status, v.Problem = p.Status, problem.New(p.Code, p.Status, p.VI, p.EN)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		s.write(w, r, err)
		return
	}
	sum := sha256.Sum256([]byte(setupCSS))
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer") // the address has the code
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // whoever asked is gone when this fails
}
