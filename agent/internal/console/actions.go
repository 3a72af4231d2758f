package console

import (
	"cmp"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/commune"
	"github.com/loa-vn/loa/internal/problem"
)

// maxBody is more than any form here fills.
const maxBody = 16 << 10

var (
	errBody = problem.New("CONSOLE_BODY", http.StatusBadRequest,
		"Không đọc được yêu cầu. Hãy tải lại trang rồi làm lại.",
		"The request cannot be read. Load the page again and repeat it.")
)

// request is what an action is told, by form or as JSON.
type request struct {
	PIN     string `json:"pin"`
	NewPIN  string `json:"new_pin"`
	Who     string `json:"who"`
	Reason  string `json:"reason"`
	Slot    string `json:"slot"`
	Minutes int    `json:"minutes"`
	Percent int    `json:"percent"`

	Hub    string `json:"hub"`
	HubPin string `json:"hub_pin"`
	Code   string `json:"code"`
	Same   bool   `json:"same"` // the words are the same
	Next   string `json:"-"`    // the page to go on with: "" or begin

	To      string   `json:"to"`      // a move's time of day, 15:04
	At      string   `json:"at"`      // the time to set
	Daypart string   `json:"daypart"` // an order's occurrence
	Order   []string `json:"order"`   // its programmes, in the order wanted
	Title   string   `json:"-"`       // of an own item
}

// action does one thing for the operator. open ones ask for no PIN: a stop must never wait for one. plain ones ask for
// no reason: they do not change the programme, or give it back. early ones are for an agent that is not paired yet.
type action struct {
	open, plain, early bool
	do                 func(c *Console, s Sources, r request) error
}

// actions are what the operator can do, by the last part of their address.
func actions() map[string]action {
	return map[string]action{
		"stop":     {open: true, do: (*Console).stop},
		"continue": {open: true, do: (*Console).proceed},
		"mute":     {do: (*Console).mute},
		"unmute":   {plain: true, do: (*Console).unmute},
		"skip":     {do: (*Console).skip},
		"move":     {do: (*Console).move},
		"order":    {do: (*Console).order},
		"volume":   {do: (*Console).volume},
		"tone":     {plain: true, do: func(_ *Console, s Sources, _ request) error { return s.StartTone() }},
		"clock":    {plain: true, do: (*Console).setClock},
		"pair":     {open: true, early: true, do: (*Console).pair},
		"compared": {open: true, early: true, do: (*Console).compared},
		"pin":      {open: true, do: func(c *Console, _ Sources, r request) error { return c.pin.Choose(r.PIN, r.NewPIN) }},
	}
}

// act is POST /api/v1/… as JSON and POST /… from a form of the page: the form's answer is the page again.
func (c *Console) act(name string, a action, form bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := c.sources()
		in, err := read(w, r, form)
		switch {
		case err != nil:
		case s.Decide == nil && !a.early:
			err = errNoPlan
		case !a.open:
			if err = c.pin.Check(in.PIN); err == nil && strings.TrimSpace(in.Reason) == "" && !a.plain {
				err = commune.ErrReason
			}
		}
		if err == nil {
			err = a.do(c, s, in)
		}
		switch {
		case err != nil && form:
			c.refused(w, r, name, in, err)
		case err != nil:
			fail(w, err)
		case form:
			http.Redirect(w, r, "/"+in.Next+"?lang="+language(r).code, http.StatusSeeOther)
		default:
			c.status(w, r)
		}
	}
}

// read takes the operator's words: a form, or JSON.
func read(w http.ResponseWriter, r *http.Request, form bool) (in request, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if !form {
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) > 0 && (kind != "application/json" || json.Unmarshal(body, &in) != nil) {
			return in, errBody
		}
	} else if in, err = readForm(r); err != nil {
		return in, err
	}
	return in, in.proper()
}

// proper tells whether what a person said of themselves can be kept.
func (in request) proper() error {
	if utf8.RuneCountInString(in.Who) > 50 || !utf8.ValidString(in.Who) || utf8.RuneCountInString(in.Reason) > 500 || !utf8.ValidString(in.Reason) {
		return commune.ErrReason
	}
	return nil
}

func readForm(r *http.Request) (in request, err error) {
	if err := r.ParseForm(); err != nil {
		return in, errBody.With(err)
	}
	get := r.PostForm.Get
	in = request{PIN: get("pin"), NewPIN: get("new_pin"), Who: get("who"), Reason: get("reason"), Slot: get("slot"), To: get("to"), At: get("at"),
		Hub: get("hub"), HubPin: get("hub_pin"), Code: get("code"), Same: get("same") == "yes",
		Daypart: get("daypart"), Order: inPlace(r.PostForm["key"], r.PostForm["place"])}
	if get("next") == "begin" {
		in.Next = "begin"
	}
	for _, n := range []struct {
		name string
		into *int
		err  error
	}{{"minutes", &in.Minutes, commune.ErrMute}, {"percent", &in.Percent, commune.ErrVolume}} {
		if text := get(n.name); text != "" {
			if *n.into, err = strconv.Atoi(text); err != nil {
				return in, n.err
			}
		}
	}
	return in, nil
}

// decision begins one as the request's person.
func (in request) decision(kind string, now time.Time) broadcast.Decision {
	return in.sign(broadcast.Decision{Kind: kind, When: now})
}

// sign says who decided, and why.
func (in request) sign(d broadcast.Decision) broadcast.Decision {
	d.Who, d.Reason = cmp.Or(strings.TrimSpace(in.Who), "PC"), strings.TrimSpace(in.Reason)
	return d
}

// stop ends the sound and holds the rest of the daypart. It works without a plan and without a trusted clock too.
func (c *Console) stop(s Sources, in request) error {
	status := s.Status()
	d := in.decision("hold", status.At)
	until := status.At.Add(time.Hour)
	d.Until = &until
	if plan := s.Plan(); plan != nil {
		held := look(s, plan, status).Stop()
		d.Subject, d.Until = held.Subject, held.Until
	}
	return s.Decide(d)
}

// proceed releases every stop.
func (c *Console) proceed(s Sources, in request) error {
	return s.Decide(in.decision("release", s.Status().At))
}

func (c *Console) mute(s Sources, in request) error {
	if in.Minutes < 1 || in.Minutes > 24*60 { // the duration could overflow
		return commune.ErrMute
	}
	status := s.Status()
	made, err := look(s, s.Plan(), status).Mute(status.At.Add(time.Duration(in.Minutes) * time.Minute))
	if err != nil {
		return err
	}
	return s.Decide(in.sign(made))
}

func (c *Console) unmute(s Sources, in request) error {
	return s.Decide(in.decision("unmute", s.Status().At))
}
