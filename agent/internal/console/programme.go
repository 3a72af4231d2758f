package console

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

var (
	errVolume = problem.New("VOLUME_INVALID", http.StatusUnprocessableEntity,
		"Âm lượng phải từ 10 đến 100 phần trăm. Muốn im lặng thì dùng Tắt tiếng.",
		"A volume is from 10 to 100 percent. To be silent, use Mute.").At("percent")
	errCeiling = problem.New("VOLUME_CEILING", http.StatusUnprocessableEntity,
		"Âm lượng này cao hơn mức quy định cho phép vào giờ này. Hãy chọn mức thấp hơn.",
		"The policy does not let it be so loud at this time. Choose less.").At("percent")
	errMoveTime = problem.New("MOVE_TIME", http.StatusUnprocessableEntity,
		"Giờ dời đến phải là giờ còn lại của hôm nay, viết như 17:30. Hãy chọn lại.",
		"An item is moved to a time of today that is still to come, written like 17:30. Choose again.").At("to")
	errMoveCosts = problem.New("MOVE_COSTS", http.StatusConflict,
		"Dời đến giờ đó sẽ làm mục khác mất chỗ. Hãy chọn giờ khác, hoặc bỏ qua mục kia trước.",
		"Moved there, it would take another item's place. Choose another time, or skip the other item first.").At("to")
	errOrderLate = problem.New("ORDER_DAYPART", http.StatusConflict,
		"Buổi phát này không đổi thứ tự được nữa: chỉ đổi được đến 30 phút trước giờ bắt đầu. Có thể dời hoặc bỏ qua từng mục.",
		"This daypart cannot be reordered any more: until 30 minutes before it begins. Single items can be moved or skipped.").At("daypart")
	errOrder = problem.New("ORDER_INVALID", http.StatusUnprocessableEntity,
		"Danh sách đã thay đổi. Hãy tải lại trang rồi xếp lại.",
		"The list is another by now. Load the page again and order it anew.").At("order")
	errOrderSame = problem.New("ORDER_NO_EFFECT", http.StatusConflict,
		"Thứ tự này không làm gì thay đổi: mục ưu tiên luôn phát trước, và quy định có thể không cho xã đổi chỗ mục thông thường của trung tâm.",
		"This order changes nothing: priority items always come first, and the policy may not let the commune move the hub's normal items. Choose another order.").At("order")
)

// volume turns what is scheduled down, or up again to what the policy lets.
func (c *Console) volume(s Sources, in request) error {
	if in.Percent < broadcast.LeastVolume || in.Percent > 100 {
		return errVolume
	}
	now := s.Status().At
	if plan := s.Plan(); plan != nil && in.Percent > plan.Head.Rules.VolumeAt(now, plan.Zone) {
		return errCeiling
	}
	d := in.decision("volume", now)
	d.Percent = in.Percent
	return s.Decide(d)
}

// move gives an item of today another time of today. What would come of it is tried on the timetable first: a move
// that gives it no place, or takes another's, is refused.
func (c *Console) move(s Sources, in request) error {
	v, err := Make(s, true)
	if err != nil {
		return err
	}
	sl, err := v.coming(in.Slot)
	if err != nil {
		return err
	}
	if !sl.MayMove {
		return errSlot
	}
	plan, now := s.Plan(), v.At
	date := broadcast.DateOf(now, plan.Zone)
	to, err := time.ParseInLocation("2006-01-02 15:04", string(date)+" "+in.To, plan.Zone)
	if err != nil || !to.After(now) {
		return errMoveTime
	}
	d := in.decision("move", now)
	d.Subject, d.To = sl.Slot, &to
	before, after, err := tried(s, plan, d, date)
	if err != nil {
		return err
	}
	if reason := after[sl.Slot].Skip; reason != "" {
		return noPlace(reason)
	}
	for id, other := range before {
		if other.Skip == "" && after[id].Skip != "" {
			return errMoveCosts
		}
	}
	return s.Decide(d)
}

// noPlace says why an item cannot be moved to a time.
func noPlace(reason string) error {
	vi, en := text{words: vietnamese()}, text{words: english()}
	return problem.New("MOVE_NO_PLACE", http.StatusConflict,
		fmt.Sprintf("Không dời đến giờ đó được: %s. Hãy chọn giờ khác.", vi.say(reason)),
		fmt.Sprintf("It cannot be moved there: %s. Choose another time.", en.say(reason))).At("to")
}

// tried gives a date's slots by id, as they are and as they would be with a decision.
func tried(s Sources, plan *broadcast.Plan, d broadcast.Decision, date broadcast.Date) (before, after map[string]broadcast.Slot, err error) {
	_, pins, err := heard(s, plan, date)
	if err != nil {
		return nil, nil, err
	}
	d.Source, d.Counter = "pc", d.Next(plan.Head.Decisions)
	byID := func(p *broadcast.Plan) map[string]broadcast.Slot {
		out := map[string]broadcast.Slot{}
		for _, sl := range p.Slots(date, pins) {
			out[sl.ID] = sl
		}
		return out
	}
	return byID(plan), byID(plan.WithDecisions(d)), nil
}

// orderable is a daypart whose order the commune can still change.
type orderable struct {
	Occurrence, Name string
	Start            time.Time
	Programmes       []programme
}

// programme is a broadcast in a daypart: its items stay together.
type programme struct {
	Key, Title string
	Class      broadcast.Class
	Owner      broadcast.Owner
	Place      int
}

// orderables lists them for today and tomorrow: what is to be heard at 05:00 is ordered the evening before.
func orderables(plan *broadcast.Plan, now time.Time) []orderable {
	var out []orderable
	today := broadcast.DateOf(now, plan.Zone)
	for _, date := range []broadcast.Date{today, today.AddDays(1)} {
		for _, o := range plan.Days[date].Dayparts {
			if o.Start.Add(-broadcast.OrderLead).After(now) {
				if one := programmes(plan, date, o); len(one.Programmes) > 1 {
					out = append(out, one)
				}
			}
		}
	}
	return out
}

func programmes(plan *broadcast.Plan, date broadcast.Date, o broadcast.Occurrence) orderable {
	out := orderable{Occurrence: broadcast.OccurrenceKey(date, o.Name), Name: o.Name, Start: o.Start}
	slots := plan.Slots(date, nil)
	slices.SortStableFunc(slots, func(a, b broadcast.Slot) int { return cmp.Compare(min(len(a.Skip), 1), min(len(b.Skip), 1)) }) // without a place last
	for _, sl := range slots {
		known := slices.ContainsFunc(out.Programmes, func(p programme) bool { return p.Key == sl.Key })
		if sl.Occurrence == out.Occurrence && !known {
			out.Programmes = append(out.Programmes, programme{Key: sl.Key, Title: sl.Title, Class: sl.Class, Owner: sl.Owner, Place: len(out.Programmes) + 1})
		}
	}
	return out
}

// inPlace gives keys in the order of the places typed beside them; a place that is no number is the last.
func inPlace(keys, places []string) []string {
	place := map[string]int{}
	for i, key := range keys {
		place[key] = len(keys) + 1
		if i < len(places) {
			if n, err := strconv.Atoi(places[i]); err == nil {
				place[key] = n
			}
		}
	}
	out := slices.Clone(keys)
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(place[a], place[b]) })
	return out
}

// order gives a daypart to come another order.
func (c *Console) order(s Sources, in request) error {
	plan, now := s.Plan(), s.Status().At
	if plan == nil {
		return errNoPlan
	}
	list := orderables(plan, now)
	i := slices.IndexFunc(list, func(o orderable) bool { return o.Occurrence == in.Daypart })
	if i < 0 {
		return errOrderLate
	}
	var keys []string
	for _, p := range list[i].Programmes {
		keys = append(keys, p.Key)
	}
	if !slices.Equal(slices.Sorted(slices.Values(keys)), slices.Sorted(slices.Values(in.Order))) {
		return errOrder
	}
	d := in.decision("order", now)
	d.Subject, d.Order = in.Daypart, in.Order
	date := broadcast.DateOf(list[i].Start, plan.Zone)
	before, after, err := tried(s, plan, d, date)
	if err != nil {
		return err
	}
	same := true
	for id, sl := range before {
		same = same && sl.Start.Equal(after[id].Start) && sl.Skip == after[id].Skip
	}
	if same {
		return errOrderSame
	}
	return s.Decide(d)
}
