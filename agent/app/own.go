package app

import (
	"context"
	"io"
	"os/exec"
	"slices"
	"time"

	"github.com/loa-vn/loa/agent/internal/decisions"
	"github.com/loa-vn/loa/internal/broadcast"
)

// program is where a program is, "" for nowhere.
func program(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// makeOwn makes audio of a file, for a decision that is made next; what no decision of late names makes room before.
func (p *paired) makeOwn(ctx context.Context, file io.Reader) (broadcast.Own, error) {
	if err := p.keepOwn(); err != nil {
		p.log.Warn("old audio of the commune is still on its shelf", "error", err)
	}
	m, err := p.own.Make(ctx, file)
	if err != nil {
		return broadcast.Own{}, err
	}
	p.log.Info("commune's own audio is made", "sha256", m.Audio, "duration", m.Duration, "lufs", m.LUFS, "dbtp", m.DBTP)
	return broadcast.Own{Audio: m.Audio, DurationMS: int64((m.Duration + time.Millisecond - 1) / time.Millisecond)}, nil
}

// keepOwn drops audio that no decision still kept names.
func (p *paired) keepOwn() error {
	known := p.decisions.List()
	return p.own.Keep(func(h broadcast.Hash) bool {
		return slices.ContainsFunc(known, func(e decisions.Entry) bool { return e.Decision.Own != nil && e.Decision.Own.Audio == h })
	})
}
