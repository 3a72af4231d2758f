package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/commune"
	"github.com/loa-vn/loa/internal/problem"
)

var (
	errOwnTitle = problem.New("OWN_TITLE", http.StatusUnprocessableEntity,
		"Hãy ghi tên bài, không quá 200 chữ.",
		"Give the item a title of at most 200 letters.").At("title")
	errOwnFile = problem.New("OWN_FILE", http.StatusUnprocessableEntity,
		"Chưa có tệp âm thanh. Hãy chọn tệp.",
		"There is no audio file. Choose one.").At("audio")
	errOwnMany = problem.New("OWN_MANY", http.StatusConflict,
		"Xã đã có 20 bài đang chờ phát. Hãy gỡ bớt rồi thêm.",
		"The commune has 20 items to come already. Remove some, then add more.")
)

const (
	ownMost    = 20               // items to come
	ownBody    = 201 << 20        // a form with the largest file that is taken
	ownReceive = 5 * time.Minute  // for its bytes, on the same machine
	ownAnswer  = 15 * time.Minute // an old PC encodes ten minutes five times
	fieldBytes = 4 << 10
)

// OwnItem is one of the commune that is still to come.
type OwnItem struct {
	Slot       string         `json:"slot"`
	Title      string         `json:"title"`
	Date       broadcast.Date `json:"date"`
	Daypart    string         `json:"daypart"`
	Begins     time.Time      `json:"daypart_start"`
	DurationMS int64          `json:"duration_ms"`
	Approved   bool           `json:"approved"` // else it waits for an officer on the hub
}

// ownItems are those that are still to come and were not removed.
func ownItems(s Sources, plan *broadcast.Plan, now time.Time) []OwnItem {
	if s.Decided == nil {
		return nil
	}
	standing := broadcast.Standing(plan.Head.Decisions)
	var out []OwnItem
	for _, e := range s.Decided() {
		d := e.Decision
		_, date, daypart, err := d.OwnPlace()
		slot := broadcast.OwnSlot(d.Subject)
		removed := slices.ContainsFunc(standing, func(o broadcast.Decision) bool { return o.Kind == "skip" && o.Subject == slot })
		day := plan.Days[date].Dayparts
		i := slices.IndexFunc(day, func(o broadcast.Occurrence) bool { return o.Name == daypart && o.End.After(now) })
		if d.Own == nil || err != nil || removed || i < 0 {
			continue
		}
		_, approved := plan.OwnAllowed(d)
		out = append(out, OwnItem{Slot: slot, Title: d.Own.Title, Date: date, Daypart: daypart, Begins: day[i].Start, DurationMS: d.Own.DurationMS, Approved: approved})
	}
	return out
}

// ownItem gives one of those that are still to come.
func (v View) ownItem(slot string) (OwnItem, bool) {
	for _, o := range v.Own {
		if o.Slot == slot {
			return o, true
		}
	}
	return OwnItem{}, false
}

// putIn is POST own, a form with the file as its last field: what else was typed, the PIN first, is looked at before
// anything is made of the file.
func (c *Console) putIn(form bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(ownReceive)) // where there is none (in tests) none is needed
		_ = control.SetWriteDeadline(time.Now().Add(ownAnswer))
		r.Body = http.MaxBytesReader(w, r.Body, ownBody)
		in, err := c.own(r)
		switch {
		case err != nil:
			_, _ = io.Copy(io.Discard, r.Body) // a browser hears no answer before it has sent all
			if form {
				c.refused(w, r, "own", in, err)
			} else {
				fail(w, err)
			}
		case form:
			http.Redirect(w, r, "/?lang="+language(r).code, http.StatusSeeOther)
		default:
			c.status(w, r)
		}
	}
}

// own reads the form and puts the item in.
func (c *Console) own(r *http.Request) (in request, err error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return in, errBody.With(err)
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return in, errOwnFile
		}
		if err != nil {
			return in, errBody.With(err)
		}
		if part.FormName() == "audio" {
			return in, c.place(r.Context(), in, part)
		}
		if err := in.field(part); err != nil {
			return in, err
		}
	}
}

func (in *request) field(part *multipart.Part) error {
	raw, err := io.ReadAll(io.LimitReader(part, fieldBytes+1))
	if err != nil || len(raw) > fieldBytes || !utf8.Valid(raw) {
		return errBody.With(err)
	}
	switch value := string(raw); part.FormName() {
	case "pin":
		in.PIN = value
	case "who":
		in.Who = value
	case "reason":
		in.Reason = value
	case "title":
		in.Title = value
	case "daypart":
		in.Daypart = value
	}
	return nil
}

// place makes audio of the file and gives it the place that was asked for, if the timetable has it.
func (c *Console) place(ctx context.Context, in request, file *multipart.Part) error {
	s := c.sources()
	if s.Decide == nil || s.MakeOwn == nil || s.Plan() == nil {
		return errNoPlan
	}
	if err := c.pin.Check(in.PIN); err != nil {
		return err
	}
	if err := in.proper(); err != nil || strings.TrimSpace(in.Reason) == "" {
		return commune.ErrReason
	}
	in.Title = strings.TrimSpace(in.Title)
	if in.Title == "" || utf8.RuneCountInString(in.Title) > 200 {
		return errOwnTitle
	}
	plan := s.Plan()
	where, err := look(s, plan, s.Status()).OwnPlace(in.Daypart)
	if err != nil {
		return err
	}
	if len(ownItems(s, plan, s.Status().At)) >= ownMost {
		return errOwnMany
	}
	if file.FileName() == "" {
		return errOwnFile
	}
	made, err := s.MakeOwn(ctx, file)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errBody.With(err)
	case err != nil:
		return err
	}
	made.Title = in.Title
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make id: %w", err)
	}
	return in.decide(s, func(d commune.Desk) (broadcast.Decision, error) { return d.PutIn(id.String(), where, made) }) // it took its time
}

// length is minutes and seconds.
func length(ms int64) string { return fmt.Sprintf("%d:%02d", ms/60_000, ms/1000%60) }
