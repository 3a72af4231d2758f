// Package hubtest opens single stages of the hub to tests outside of hub/, which Go's internal folders keep
// out: internal/e2e joins push with the agent's link, without the rest of both programs, and the bench sets
// ingest beside plain ffmpeg. It holds names only
// and is part of no shipped program.
package hubtest

import (
	"context"
	"log/slog"

	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/hub/internal/push"
	"github.com/loa-vn/loa/hub/internal/store"
)

type (
	// Push is the hub's end of the link.
	Push = push.Hub
	// PushOptions are what it needs.
	PushOptions = push.Options
	// Head is a plan head it sends.
	Head = push.Head
	// Blob is what it serves.
	Blob = store.Blob
)

// NewPush is push.New.
func NewPush(o PushOptions) *Push { return push.New(o) }

// ErrNoBlob is store.ErrNoBlob.
var ErrNoBlob = store.ErrNoBlob

// Ingested is what ingest made of a file.
type Ingested = ingest.Result

// Ingest is ingest.Convert, as the hub calls it for each job.
func Ingest(ctx context.Context, file, dir string) (Ingested, error) {
	return ingest.Convert(ctx, ingest.Config{}, slog.New(slog.DiscardHandler), file, dir, nil)
}

// PlainFFmpeg is ingest.PeerCommands.
func PlainFFmpeg(in, out string, r Ingested) [][]string { return ingest.PeerCommands(in, out, r) }
