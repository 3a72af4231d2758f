package alarms

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
)

// How notices are delivered: at most atOnce together; one that fails is tried again after 30 s, then ever more rarely,
// for a day: what is older than that is no news.
const (
	deliverEvery = 2 * time.Second
	sendTime     = 30 * time.Second
	atOnce       = 100
	firstRetry   = 30 * time.Second
	lastRetry    = time.Hour
	oldNews      = 24 * time.Hour
)

// Notice is one thing to be said by one channel.
type Notice struct {
	ID    string
	Say   Say
	Alarm Alarm
	At    time.Time
}

type noticeRow struct {
	bun.BaseModel `bun:"table:alarm_notices"`

	ID        string `bun:"id,pk"`
	Channel   string `bun:"channel"`
	Say       Say    `bun:"say"`
	Alarm     string `bun:"alarm"`
	CreatedAt int64  `bun:"created_at"`
	NextAt    int64  `bun:"next_at"`
	Attempts  int    `bun:"attempts"`
	SentAt    int64  `bun:"sent_at"`
	Error     string `bun:"error"`
}

// deliver sends what is due by a channel until ctx ends.
func (w *Watch) deliver(ctx context.Context, c channel) {
	tick := time.NewTicker(deliverEvery)
	defer tick.Stop()
	for {
		if err := w.Deliver(ctx, c.name()); err != nil && ctx.Err() == nil {
			w.o.Log.Error("alarms not delivered, again later", "channel", c.name(), "to", c.to(), "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Deliver sends what is due by a channel now.
func (w *Watch) Deliver(ctx context.Context, name string) error {
	for _, c := range w.channels {
		if c.name() == name {
			return w.send(ctx, c)
		}
	}
	return nil
}

func (w *Watch) send(ctx context.Context, c channel) error {
	now := w.o.Now()
	var rows []noticeRow
	// Taken by one statement, so that of several hubs one sends each: the others see it as not due.
	err := w.o.DB.NewRaw(`UPDATE alarm_notices SET attempts = attempts + 1, next_at = ? WHERE next_at <= ? AND id IN
		(SELECT id FROM alarm_notices WHERE channel = ? AND next_at > 0 AND next_at <= ? ORDER BY id LIMIT ?) RETURNING *`,
		store.Millis(now.Add(2*sendTime)), store.Millis(now), c.name(), store.Millis(now), atOnce).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return err
	}
	notices := make([]Notice, len(rows))
	for i, r := range rows {
		notices[i] = Notice{ID: r.ID, Say: r.Say, At: store.Time(r.CreatedAt)}
		if err := json.Unmarshal([]byte(r.Alarm), &notices[i].Alarm); err != nil {
			return fmt.Errorf("decode notice %s: %w", r.ID, err)
		}
	}
	sending, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	done, sendErr := c.send(sending, notices)
	w.note(c.name(), done, sendErr)
	for i := range rows {
		rows[i].outcome(now, i < done, sendErr)
		if _, err := w.o.DB.NewUpdate().Model(&rows[i]).Column("next_at", "sent_at", "error").WherePK().Exec(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("write notice: %w", err)
		}
	}
	return sendErr
}

// outcome notes how an attempt went.
func (r *noticeRow) outcome(now time.Time, sent bool, err error) {
	if sent {
		r.SentAt, r.NextAt, r.Error = store.Millis(now), 0, ""
		return
	}
	if err != nil {
		r.Error = err.Error()
	}
	wait := lastRetry
	if r.Attempts < 8 {
		wait = min(firstRetry<<(r.Attempts-1), lastRetry)
	}
	r.NextAt = store.Millis(now.Add(wait))
	if now.Sub(store.Time(r.CreatedAt)) > oldNews {
		r.NextAt = 0
	}
}

func (w *Watch) note(name string, done int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats[name]
	if s.Error = ""; err != nil {
		s.Error = err.Error()
	}
	if done > 0 {
		s.LastSent = w.o.Now()
	}
	w.stats[name] = s
}

// Channels tells how each way to people does, since the hub began.
func (w *Watch) Channels() []Channel {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []Channel{}
	for _, c := range w.channels {
		out = append(out, w.stats[c.name()])
	}
	return out
}
