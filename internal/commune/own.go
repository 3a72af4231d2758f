package commune

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

var (
	errOwnDaypart = problem.New("OWN_DAYPART", http.StatusUnprocessableEntity,
		"Buổi phát này đã qua hoặc không có. Hãy chọn một buổi của hôm nay hay ngày mai.",
		"That daypart is over, or none. Choose one of today or tomorrow.").At("daypart")
	errOwnCosts = problem.New("OWN_COSTS", http.StatusConflict,
		"Phát bài này sẽ làm mục khác mất chỗ. Hãy chọn buổi khác, hoặc bỏ qua mục kia trước.",
		"It would take another item's place. Choose another daypart, or skip the other item first.").At("daypart")
)

// OwnPlace is a daypart into which the commune's own item may be put.
type OwnPlace struct {
	Occurrence, Name string
	Date             broadcast.Date
	Start, End       time.Time
}

// OwnPlaces lists them, of today and tomorrow.
func (d Desk) OwnPlaces() []OwnPlace {
	var out []OwnPlace
	for _, date := range []broadcast.Date{d.Today(), d.Today().AddDays(1)} {
		for _, o := range d.Plan.Days[date].Dayparts {
			if o.End.After(d.Now) {
				out = append(out, OwnPlace{broadcast.OccurrenceKey(date, o.Name), o.Name, date, o.Start, o.End})
			}
		}
	}
	return out
}

// OwnPlace gives one of them.
func (d Desk) OwnPlace(occurrence string) (OwnPlace, error) {
	places := d.OwnPlaces()
	i := slices.IndexFunc(places, func(p OwnPlace) bool { return p.Occurrence == occurrence })
	if i < 0 {
		return OwnPlace{}, errOwnDaypart
	}
	return places[i], nil
}

// PutIn puts an own item into a daypart. It is tried as if it were approved at once.
func (d Desk) PutIn(id string, place OwnPlace, item broadcast.Own) (broadcast.Decision, error) {
	made := broadcast.Decision{Kind: "own", When: d.Now, Subject: broadcast.OwnKey(id, place.Date, place.Name), Own: &item}
	before, after, err := d.tried(made, place.Date, broadcast.Decision{Kind: "allow", Subject: made.Subject, When: d.Now, Source: "hub", Counter: 1})
	if err != nil {
		return broadcast.Decision{}, err
	}
	sl, placed := after[broadcast.OwnSlot(made.Subject)]
	if !placed {
		return broadcast.Decision{}, errOwnDaypart
	}
	if sl.Skip != "" {
		long := fmt.Sprintf("%d:%02d", item.DurationMS/60_000, item.DurationMS/1000%60)
		return broadcast.Decision{}, problem.New("OWN_NO_PLACE", http.StatusConflict,
			fmt.Sprintf("Buổi này không còn chỗ cho bài dài %s: %s. Hãy chọn buổi khác.", long, Vietnamese()[sl.Skip]),
			fmt.Sprintf("That daypart has no place for %s: %s. Choose another daypart.", long, English()[sl.Skip])).At("daypart")
	}
	for id, other := range before {
		if other.Skip == "" && after[id].Skip != "" {
			return broadcast.Decision{}, errOwnCosts
		}
	}
	return made, nil
}
