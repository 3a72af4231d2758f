package planner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/internal/broadcast"
)

// horizon is how many days from today plans reach, today included: 35 whole days from any moment of today.
const horizon = 36

// daysKept is how many days before today stay in plans: a late item, or one that sounds across midnight, is of
// yesterday (lateness reaches 1,440 minutes).
const daysKept = 1

// searched is how many days ahead a broadcast must have a date, so that a rule that never comes is refused.
const searched = 5 * 366

// tried is how many of its next days are looked at for one on which it can be heard somewhere.
const tried = 60

// checked is a spec that holds, with what was found out on the way.
type checked struct {
	when    schedule
	tree    *Tree
	place   place
	reports map[string]broadcast.Report
	length  time.Duration // of all items whose length is known
	days    []broadcast.Date
	zone    *time.Location
}

// check refuses what cannot become a broadcast and brings spec into its one normal form.
func (p *Planner) check(ctx context.Context, spec *Spec) (checked, error) {
	c := checked{zone: p.Zone}
	if err := spec.plain(); err != nil {
		return c, err
	}
	agents, err := p.agents(ctx)
	if err != nil {
		return c, fmt.Errorf("list agents: %w", err)
	}
	if c.tree, err = p.Tree(ctx); err != nil {
		return c, err
	}
	if c.place, err = spec.Targets.resolve(c.tree, agents); err != nil {
		return c, err
	}
	if spec.Area == "" {
		spec.Area = c.tree.Common(slices.Concat(c.place.areas, spec.Targets.Areas))
	} else if !c.tree.Has(spec.Area) {
		return c, errAreaNotFound.At("area")
	}
	if err := c.items(ctx, p.Reports, spec.Items); err != nil {
		return c, err
	}
	if err := c.times(spec, p.now()); err != nil {
		return c, err
	}
	err = c.validity()
	return c, err
}

// plain checks what needs nothing but the spec.
func (s *Spec) plain() error {
	s.Title = strings.TrimSpace(s.Title)
	if s.Owner == "" {
		s.Owner = broadcast.OwnerHub
	}
	if s.Class == "" {
		s.Class = broadcast.Normal
	}
	if s.Lateness == "" {
		if s.Lateness = string(broadcast.LateSkip); s.When.At != "" {
			s.Lateness = string(broadcast.LateJoin)
		}
	}
	_, lateness := broadcast.ParseLateness(s.Lateness)
	n := utf8.RuneCountInString(s.Title)
	switch {
	case n < 1 || n > 200 || !broadcast.PlainLine(s.Title):
		return errBroadcastInvalid.At("title")
	case s.Class != broadcast.Normal && s.Class != broadcast.Priority: // urgent has its own way
		return errBroadcastInvalid.At("class")
	case s.Owner != broadcast.OwnerHub && s.Owner != broadcast.OwnerCommune:
		return errBroadcastInvalid.At("owner")
	case len(s.Items) < 1 || len(s.Items) > 100:
		return errBroadcastInvalid.At("items")
	case lateness != nil:
		return errBroadcastInvalid.At("lateness")
	case s.Order < 0 || s.Order > 1_000_000:
		return errBroadcastInvalid.At("order")
	}
	return nil
}

func (c *checked) items(ctx context.Context, reports Reports, items []ItemRef) (err error) {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.Report
	}
	if c.reports, err = reports.Reports(ctx, ids); err != nil {
		return fmt.Errorf("read reports: %w", err)
	}
	for _, id := range ids {
		r, ok := c.reports[id]
		switch {
		case !ok:
			return errReportUnknown
		case r.State == broadcast.ReportFailed || r.State == broadcast.ReportWithdrawn:
			return errReportUnusable
		}
		c.length += time.Duration(r.DurationMS) * time.Millisecond
	}
	return nil
}

// times checks when it is heard: a future date, a daypart that exists, allowed hours somewhere.
func (c *checked) times(spec *Spec, now time.Time) (err error) {
	today := broadcast.DateOf(now, c.zone)
	open := spec.When.Daypart != "" && spec.When.Date == "" && spec.When.RRule == "" && len(spec.When.RDates) == 0
	if c.when, err = spec.When.read(today, c.zone); err != nil {
		return err
	}
	if open {
		// Once in a daypart, no day said: the next one that begins.
		for c.days = nil; len(c.days) == 0 && c.when.days.start < today.AddDays(horizon); {
			if c.ahead(c.when.days.start, now, true) {
				c.days = []broadcast.Date{c.when.days.start}
			} else {
				c.when.days.start = c.when.days.start.AddDays(1)
			}
		}
		if spec.When.Date = string(c.when.days.start); len(c.days) == 0 {
			return errDaypartUnknown
		}
		return nil
	}
	all := c.when.days.Expand(today, today.AddDays(searched))
	if len(all) == 0 {
		if last := c.when.last(); last != "" && last < today || c.when.days.start < today {
			return errTimeInPast
		}
		return unsupported("không có ngày nào trong năm năm tới. Hãy sửa quy tắc hoặc ngày nghỉ.",
			"it gives no day in the next five years. Correct the rule or the exceptions.")
	}
	for _, day := range all[:min(len(all), tried)] {
		if c.ahead(day, now, false) {
			c.days = append(c.days, day)
		}
	}
	switch {
	case len(c.days) > 0:
		return nil
	case c.when.daypart == "":
		return c.whyNever(all, now)
	case len(all) == 1 && all[0] == today && c.hasDaypart(today):
		return errTimeInPast
	}
	return errDaypartUnknown
}

func (c *checked) whyNever(all []broadcast.Date, now time.Time) error {
	for _, day := range all {
		if day.At(c.when.at, c.zone).After(now) {
			return errQuietHours
		}
	}
	return errTimeInPast
}

// ahead tells whether the occurrence of a day is still to come somewhere; one in a daypart under way counts
// unless the whole of it is wanted.
func (c *checked) ahead(day broadcast.Date, now time.Time, whole bool) bool {
	at := day.At(c.when.at, c.zone)
	if c.when.daypart == "" && !at.After(now) {
		return false
	}
	if len(c.place.areas) == 0 {
		return true // nowhere yet: nothing can be said against it
	}
	return slices.ContainsFunc(c.place.areas, func(code string) bool {
		if c.when.daypart == "" {
			span := broadcast.Span{Start: at, End: at.Add(max(c.length, time.Second))}
			return c.tree.Rules(code).Allows(span, c.zone)
		}
		return slices.ContainsFunc(broadcast.Occurrences(c.tree.Dayparts(code), day, c.zone), func(o broadcast.Occurrence) bool {
			return o.Name == c.when.daypart && (o.Start.After(now) || !whole && o.End.After(now))
		})
	})
}

func (c *checked) hasDaypart(day broadcast.Date) bool {
	return slices.ContainsFunc(c.place.areas, func(code string) bool {
		return slices.ContainsFunc(broadcast.Occurrences(c.tree.Dayparts(code), day, c.zone),
			func(o broadcast.Occurrence) bool { return o.Name == c.when.daypart })
	})
}

// lastAt is an instant after everything a broadcast does, to what it stands for included; 0 when open.
func (c *checked) lastAt(spec Spec) time.Time {
	last := c.when.lastAt(c.zone)
	if spec.Instead == nil || last.IsZero() {
		return last
	}
	return latest(last, spec.Instead.Date.AddDays(1+daysKept).At(0, c.zone))
}

// validity refuses a report that is over before the first time it could be heard.
func (c *checked) validity() error {
	if len(c.days) == 0 {
		return nil
	}
	first := c.days[0].At(c.when.at, c.zone)
	for _, r := range c.reports {
		if r.ValidUntil != nil && !r.ValidUntil.After(first) {
			return errReportExpired
		}
	}
	return nil
}

// longestReport is the longest item a plan may hold; an agent refuses a plan with a longer one.
const longestReport = 12 * time.Hour

// approvable refuses approval while a report is not approved itself.
func (c *checked) approvable() error {
	for _, r := range c.reports {
		switch {
		case r.State != broadcast.ReportApproved:
			return errReportNotApproved
		case r.Audio == "" || r.Manifest == "" || r.DurationMS <= 0 || r.DurationMS > longestReport.Milliseconds():
			return errReportUnusable
		}
	}
	return nil
}
