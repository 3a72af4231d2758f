package broadcast

import "time"

// ReportState is where a report is on its way from the upload to the plan.
type ReportState string

// The states of a report. Only an approved one is ever put into a plan; failed and withdrawn are final.
const (
	ReportProcessing ReportState = "processing"
	ReportFailed     ReportState = "failed"
	ReportDraft      ReportState = "draft"
	ReportApproved   ReportState = "approved"
	ReportWithdrawn  ReportState = "withdrawn"
)

// Report is what planning must know of a report (phóng sự phát thanh).
type Report struct {
	ID         string
	Area       string
	Title      string
	State      ReportState
	Audio      Hash // "" until it is processed
	Manifest   Hash
	DurationMS int64
	ValidFrom  *time.Time
	ValidUntil *time.Time
}

// Item is the report as a candidate names it.
func (r Report) Item() Item {
	return Item{Report: r.ID, Title: r.Title, Audio: r.Audio, Manifest: r.Manifest, DurationMS: r.DurationMS,
		ValidFrom: r.ValidFrom, ValidUntil: r.ValidUntil}
}
