package console

import (
	"net/http"

	"github.com/loa-vn/loa/internal/problem"
)

var errPaired = problem.New("PAIRED_ALREADY", http.StatusConflict,
	"Cụm loa này đã ghép với máy chủ. Muốn ghép với máy chủ khác, hãy gọi người cài máy.",
	"This agent is paired already. To pair it with another hub, call whoever set up this PC.")

// pair begins the pairing. A PIN that is there from before asks to be known: it is the PC's.
func (c *Console) pair(s Sources, in request) error {
	if s.Join == nil {
		return errPaired
	}
	if c.pin.Chosen() {
		if err := c.pin.Check(in.PIN); err != nil {
			return err
		}
	}
	return s.Join(Join{Hub: in.Hub, HubPin: in.HubPin, Code: in.Code})
}

func (c *Console) compared(s Sources, in request) error {
	if s.Compared == nil {
		return errPaired
	}
	return s.Compared(in.Same)
}

// begin shows the first hour: pairing, PIN, test tone, amplifier.
func (c *Console) begin(w http.ResponseWriter, r *http.Request, in request, refused *problem.Error) {
	s, t := c.sources(), language(r)
	v, err := Make(s, true)
	if err != nil {
		c.log.Error("page", "error", err)
		fail(w, err)
		return
	}
	fields := map[string]any{"V": v, "In": in, "Lang": t.code, "Other": t.other, "Chosen": c.pin.Chosen(), "Every": 0, "Heading": t.say("begin"), "Stage": "",
		"Quiet": quiet(v)}
	status := http.StatusOK
	if e := v.Enrolment; e != nil {
		fields["Stage"] = e.Stage
		if e.Stage != "" && e.Stage != EnrolFailed {
			fields["Every"] = reload
		}
		if in.Hub == "" {
			in.Hub = v.Hub
			if in.Hub == "" {
				in.Hub = e.Hub
			}
			fields["In"] = in
		}
		if e.Problem != nil && e.Stage == EnrolFailed {
			fields["Problem"] = t.problem(e.Problem)
		}
	}
	if v.Tone != nil && (v.Tone.State == "warming" || v.Tone.State == "sounding") {
		fields["Every"] = reload
	}
	if refused != nil {
		status, fields["Problem"] = refused.Status, t.problem(refused)
	}
	c.show(w, status, "begin.html", t, zone(s), fields)
}
