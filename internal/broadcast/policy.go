package broadcast

// Window is a span of wall time on some weekdays in which something may sound.
type Window struct {
	Start TimeOfDay `json:"start"`
	End   TimeOfDay `json:"end"`
	Days  Weekdays  `json:"days,omitzero"`
}

// VolumeRule caps the volume, in percent, in a span of wall time of every day.
type VolumeRule struct {
	Start      TimeOfDay `json:"start"`
	End        TimeOfDay `json:"end"`
	MaxPercent int       `json:"max_percent"`
}

// Policy is what one area sets; nil means that it sets nothing there and inherits.
type Policy struct {
	Windows           []Window     `json:"windows,omitempty"`
	DaypartsPerDay    *int         `json:"dayparts_per_day,omitempty"`
	MinutesPerDaypart *int         `json:"minutes_per_daypart,omitempty"`
	Volume            []VolumeRule `json:"volume,omitempty"`
	SecondPerson      *bool        `json:"second_person,omitempty"`
	UrgentVolume      *int         `json:"urgent_volume,omitempty"`
	CommuneMayMove    *bool        `json:"commune_may_move,omitempty"`
	Contact           *string      `json:"contact,omitempty" doc:"whom a commune's operator calls when something fails, with a telephone number; the nearest area's holds"`
}

// Rules are what holds in one area after inheritance: policies of all areas on the way down, each of which
// could only tighten. Windows are normalised: by weekday and start, not overlapping. 0 in a limit means no limit.
type Rules struct {
	Windows           []Window     `json:"windows"`
	DaypartsPerDay    int          `json:"dayparts_per_day"`
	MinutesPerDaypart int          `json:"minutes_per_daypart"`
	Volume            []VolumeRule `json:"volume"`
	SecondPerson      bool         `json:"second_person"`
	UrgentVolume      int          `json:"urgent_volume"`
	CommuneMayMove    bool         `json:"commune_may_move"`
	Contact           string       `json:"contact,omitempty"` // whom the operator calls: no limit, the nearest area's holds
}

// Reserved is a span inside a daypart in which another source speaks (relay of VOV) and Loa stays silent.
type Reserved struct {
	Start TimeOfDay `json:"start"`
	End   TimeOfDay `json:"end"`
	Label string    `json:"label,omitempty"`
}

// Daypart (buổi phát) is a named daily window of an area. A child area's daypart of the same name replaces
// its parent's; Disabled removes it.
type Daypart struct {
	Name     string     `json:"name"`
	Start    TimeOfDay  `json:"start"`
	End      TimeOfDay  `json:"end"`
	Days     Weekdays   `json:"days,omitzero"`
	Reserved []Reserved `json:"reserved,omitempty"`
	Disabled bool       `json:"disabled,omitzero"`
}
