package alarms

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/problem"
)

// What alarms refuses.
var (
	errUnknown = problem.New("ALARM_UNKNOWN", 404,
		"Không có cảnh báo này. Hãy tải lại danh sách.",
		"There is no such alarm. Load the list again.")
	errOver = problem.New("ALARM_OVER", 409,
		"Cảnh báo này đã hết. Không cần làm gì thêm.",
		"This alarm is over. There is nothing left to do.")
	errSilence = problem.New("SILENCE_INVALID", 422,
		"Thời điểm hết tắt báo phải sau lúc này và trong vòng 30 ngày. Hãy chọn lại.",
		"The end of the silence must be after now and within 30 days. Choose another.").At("until")
)

const longestSilence = 30 * 24 * time.Hour

type row struct {
	bun.BaseModel `bun:"table:alarms"`

	ID            string `bun:"id,pk"`
	Key           string `bun:"alarm_key"`
	Kind          Kind   `bun:"kind"`
	Area          string `bun:"area"`
	Agent         string `bun:"agent"`
	Name          string `bun:"name"`
	Detail        string `bun:"detail"`
	Clusters      int    `bun:"clusters"`
	Of            int    `bun:"clusters_of"`
	Since         int64  `bun:"since"`
	Ends          int64  `bun:"ends"`
	RaisedAt      int64  `bun:"raised_at"`
	ResolvedAt    int64  `bun:"resolved_at"`
	Replaced      bool   `bun:"replaced"`
	AckedAt       int64  `bun:"acked_at"`
	AckedBy       string `bun:"acked_by"`
	SilencedUntil int64  `bun:"silenced_until"`
	SilencedBy    string `bun:"silenced_by"`
	Told          int    `bun:"told"`
	ToldAt        int64  `bun:"told_at"`
	EndTold       bool   `bun:"end_told"`
}

func (r *row) alarm() Alarm {
	return Alarm{ID: r.ID, Key: r.Key, Kind: r.Kind, Area: r.Area, Agent: r.Agent, Name: r.Name, Detail: r.Detail, Clusters: r.Clusters, Of: r.Of,
		Since: store.Time(r.Since), Ends: store.Time(r.Ends), RaisedAt: store.Time(r.RaisedAt), ResolvedAt: store.Time(r.ResolvedAt),
		Replaced: r.Replaced, AckedAt: store.Time(r.AckedAt), AckedBy: r.AckedBy, SilencedUntil: store.Time(r.SilencedUntil),
		SilencedBy: r.SilencedBy, Told: r.Told, ToldAt: store.Time(r.ToldAt), EndTold: r.EndTold}
}

func rowOf(a Alarm) *row {
	return &row{ID: a.ID, Key: a.Key, Kind: a.Kind, Area: a.Area, Agent: a.Agent, Name: a.Name, Detail: a.Detail, Clusters: a.Clusters, Of: a.Of,
		Since: store.Millis(a.Since), Ends: store.Millis(a.Ends), RaisedAt: store.Millis(a.RaisedAt), ResolvedAt: store.Millis(a.ResolvedAt),
		Replaced: a.Replaced, AckedAt: store.Millis(a.AckedAt), AckedBy: a.AckedBy, SilencedUntil: store.Millis(a.SilencedUntil),
		SilencedBy: a.SilencedBy, Told: a.Told, ToldAt: store.Millis(a.ToldAt), EndTold: a.EndTold}
}

// known gives the alarms that are open, were of late, or whose silence holds, oldest first.
func (w *Watch) known(ctx context.Context, now time.Time) ([]Alarm, error) {
	return w.read(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("resolved_at = 0 OR resolved_at > ? OR silenced_until > ?", store.Millis(now.Add(-reopen)), store.Millis(now)).Order("raised_at", "id")
	})
}

func (w *Watch) read(ctx context.Context, how func(*bun.SelectQuery) *bun.SelectQuery) ([]Alarm, error) {
	var rows []row
	if err := how(w.o.DB.NewSelect().Model(&rows)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read alarms: %w", err)
	}
	out := make([]Alarm, len(rows))
	for i := range rows {
		out[i] = rows[i].alarm()
	}
	return out, nil
}

// put writes an alarm and tells the pages.
func (w *Watch) put(ctx context.Context, a Alarm) error {
	_, err := w.o.DB.NewInsert().Model(rowOf(a)).On("CONFLICT (id) DO UPDATE").Exec(ctx)
	if err != nil {
		return fmt.Errorf("write alarm: %w", err)
	}
	w.publish(a)
	return nil
}

// tell writes an alarm together with its notices.
func (w *Watch) tell(ctx context.Context, a Alarm, say Say, now time.Time) error {
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode alarm: %w", err)
	}
	err = w.o.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		for _, c := range w.channels {
			n := noticeRow{ID: uuid.Must(uuid.NewV7()).String(), Channel: c.name(), Say: say, Alarm: string(body), CreatedAt: store.Millis(now), NextAt: store.Millis(now)}
			if _, err := tx.NewInsert().Model(&n).Exec(ctx); err != nil {
				return err
			}
		}
		_, err := tx.NewInsert().Model(rowOf(a)).On("CONFLICT (id) DO UPDATE").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("write notices: %w", err)
	}
	w.o.Log.Warn("alarm", "say", say, "kind", a.Kind, "area", a.Area, "agent", a.Agent, "name", a.Name, "clusters", a.Clusters)
	return nil
}

// Filter of a list of alarms.
type Filter struct {
	Areas []string // nil for all, the hub's own included
	Open  bool
	Limit int
}

// List gives alarms, those that are open first, then newest first. What another alarm tells now is left out, and what was
// over before anybody was told or saw to it.
func (w *Watch) List(ctx context.Context, f Filter) ([]Alarm, error) {
	return w.read(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		if f.Areas != nil {
			q = q.Where("area IN (?)", bun.List(f.Areas))
		}
		if f.Open {
			q = q.Where("resolved_at = 0")
		}
		return q.Where("replaced = ?", false).Where("resolved_at = 0 OR told > 0 OR acked_at > 0").OrderExpr("CASE WHEN resolved_at = 0 THEN 0 ELSE 1 END, raised_at DESC, id DESC").Limit(int64(f.Limit))
	})
}

// Alarm gives one.
func (w *Watch) Alarm(ctx context.Context, id string) (Alarm, error) {
	r := new(row)
	err := w.o.DB.NewSelect().Model(r).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Alarm{}, errUnknown
	}
	if err != nil {
		return Alarm{}, fmt.Errorf("read alarm: %w", err)
	}
	return r.alarm(), nil
}

// Acknowledge notes that somebody sees to it: it is not told again, but its end is.
func (w *Watch) Acknowledge(ctx context.Context, id, by string) (Alarm, error) {
	return w.decide(ctx, id, func(a *Alarm, now time.Time) error {
		if a.AckedAt.IsZero() {
			a.AckedAt, a.AckedBy = now, by
		}
		return nil
	})
}

// Silence keeps it, and what comes back of it, from being told until an instant. The zero time ends a silence.
func (w *Watch) Silence(ctx context.Context, id, by string, until time.Time) (Alarm, error) {
	return w.decide(ctx, id, func(a *Alarm, now time.Time) error {
		if !until.IsZero() && (!until.After(now) || until.Sub(now) > longestSilence) {
			return errSilence
		}
		a.SilencedUntil, a.SilencedBy = until, by
		return nil
	})
}

func (w *Watch) decide(ctx context.Context, id string, change func(*Alarm, time.Time) error) (Alarm, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.Alarm(ctx, id)
	if err != nil {
		return Alarm{}, err
	}
	if !a.ResolvedAt.IsZero() {
		return Alarm{}, errOver
	}
	if err := change(&a, w.o.Now()); err != nil {
		return Alarm{}, err
	}
	return a, w.put(ctx, a)
}
