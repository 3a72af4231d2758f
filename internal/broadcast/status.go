package broadcast

import "time"

// Status is what an agent says of itself, every 15 s and at each change. Every part has a state word and a
// detail in plain words; unknown is said as "unknown", never left out.
type Status struct {
	At          time.Time   `json:"at"`
	Software    string      `json:"software"`
	PlanVersion uint64      `json:"plan_version"`
	PlanExpires time.Time   `json:"plan_expires,omitzero"`
	Clock       ClockStatus `json:"clock"`
	Cache       CacheStatus `json:"cache"`
	Card        CardStatus  `json:"card"`
	NowPlaying  *Sounding   `json:"now_playing,omitempty"`
	Next        *Sounding   `json:"next,omitempty"`
	Outbox      int         `json:"outbox"` // play records the hub has not acknowledged

	Line *LineStatus `json:"line,omitempty"` // nil before anything was measured

	Amplifier *AmplifierStatus `json:"amplifier,omitempty"` // nil where the agent does not switch one
	Console   *ConsoleStatus   `json:"console,omitempty"`   // nil while the operator's page is served, or none is wanted
}

// ConsoleStatus tells why the operator's page is not served: a code, and what to do in both languages.
type ConsoleStatus struct {
	Code   string `json:"code"`
	VI     string `json:"vi"`
	EN     string `json:"en"`
	Detail string `json:"detail,omitempty"` // the cause, for the one who looks after the PC
}

// LineStatus tells about the way to the hub, as the agent measured it.
type LineStatus struct {
	Since     time.Time `json:"since,omitzero"` // of this connection
	BytesPerS int64     `json:"bytes_per_s"`    // of audio that came lately, 0 when none did
	RoundMS   int64     `json:"round_ms"`       // of the quickest of the last answers about the time
}

// AmplifierStatus tells about the amplifier's switch. Failing keeps its word until the same command has worked.
type AmplifierStatus struct {
	State  string `json:"state"` // on | off | failing
	Detail string `json:"detail,omitempty"`
}

// ClockStatus tells how far the agent trusts its time.
type ClockStatus struct {
	Trust    string `json:"trust"`     // synced | plausible | untrusted
	OffsetMS int64  `json:"offset_ms"` // system clock minus trusted time
	ErrorMS  int64  `json:"error_ms"`  // half the round trip of the last signed time
	Detail   string `json:"detail,omitempty"`
}

// CacheStatus tells what the agent holds of what its plan needs.
type CacheStatus struct {
	State        string    `json:"state"` // ok | fetching | waiting (for download_hours) | full | damaged
	UsedBytes    int64     `json:"used_bytes"`
	LimitBytes   int64     `json:"limit_bytes"`
	FreeBytes    int64     `json:"free_bytes"` // of the disk
	Missing      int       `json:"missing"`    // audio files of the plan not yet whole
	MissingBytes int64     `json:"missing_bytes"`
	ArmedUntil   time.Time `json:"armed_until,omitzero"` // everything planned to start before is whole and checked
	Detail       string    `json:"detail,omitempty"`
}

// CardStatus tells about the sound card.
type CardStatus struct {
	State  string    `json:"state"` // ok | missing | stalled | starting
	Since  time.Time `json:"since,omitzero"`
	Detail string    `json:"detail,omitempty"`
}

// Sounding is a slot as a status names it.
type Sounding struct {
	Slot      string    `json:"slot"`
	Broadcast string    `json:"broadcast"`
	Report    string    `json:"report"`
	Title     string    `json:"title"`
	Class     Class     `json:"class"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
}
