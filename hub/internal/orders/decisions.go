package orders

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

const (
	// decisionMatters is how long after it was made a decision can matter: a move reaches 7 days.
	decisionMatters = 9 * 24 * time.Hour
	// maxStanding is how many bytes of decisions one plan head has, the newest. Where bulletins need the room, planner leaves
	// out more.
	maxStanding = 4 << 10
	// headReason is how many letters of a reason plan heads have. The whole is in the log.
	headReason = 100
)

var errDecision = problem.New("DECISION_INVALID", 422,
	"Quyết định này không hợp lệ. Hãy tải lại trang và chọn lại mục trong lịch của cụm loa.",
	"This decision is not valid. Load the page again and choose an item of the agent's programme.")

// Decision of a commune about what one of its agents plays, made at the PC or on the hub.
type Decision struct {
	ID         string             `json:"id"`
	Agent      string             `json:"agent"`
	Area       string             `json:"area"`
	Made       broadcast.Decision `json:"made"`
	ReceivedAt time.Time          `json:"received_at"`
	HadAt      time.Time          `json:"had_at"` // when the hub learned that the agent has it; zero for not yet
}

type decisionRow struct {
	bun.BaseModel `bun:"table:decisions"`
	ID            string `bun:"id,pk"`
	Agent         string `bun:"agent"`
	Area          string `bun:"area"`
	Made          string `bun:"made"`
	Kind          string `bun:"kind"`
	MadeAt        int64  `bun:"made_at"`
	ReceivedAt    int64  `bun:"received_at"`
	HadAt         int64  `bun:"had_at"`
}

func (r decisionRow) decision() (Decision, error) {
	d := Decision{ID: r.ID, Agent: r.Agent, Area: r.Area, ReceivedAt: store.Time(r.ReceivedAt), HadAt: store.Time(r.HadAt)}
	if err := json.Unmarshal([]byte(r.Made), &d.Made); err != nil {
		return d, fmt.Errorf("decode decision %s: %w", r.ID, err)
	}
	return d, nil
}

func (d Decision) row() (decisionRow, error) {
	made, err := json.Marshal(d.Made)
	if err != nil {
		return decisionRow{}, fmt.Errorf("encode decision: %w", err)
	}
	return decisionRow{ID: d.ID, Agent: d.Agent, Area: d.Area, Made: string(made), Kind: d.Made.Kind, MadeAt: store.Millis(d.Made.When),
		ReceivedAt: store.Millis(d.ReceivedAt), HadAt: store.Millis(d.HadAt)}, nil
}

// TakeDecision keeps what was decided at an agent's PC. One that is there already is no error and gives false; what is
// no decision is refused for ever, for it would not become one.
func (d *Desk) TakeDecision(ctx context.Context, agent, area, id string, made broadcast.Decision) (fresh bool, err error) {
	if uuid.Validate(id) != nil || made.Source != "pc" || made.Check() != nil {
		return false, errDecision.With(made.Check())
	}
	kept := Decision{ID: id, Agent: agent, Area: area, Made: made, ReceivedAt: d.now(), HadAt: made.When}
	row, err := kept.row()
	if err != nil {
		return false, err
	}
	res, err := d.DB.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("write decision: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("write decision: %w", err)
	}
	if n > 0 {
		d.decided(kept)
	}
	return n > 0, nil
}

// Decide makes a decision on the hub, for a commune's operator. Source, instant and counter are set here.
func (d *Desk) Decide(ctx context.Context, agent, area string, made broadcast.Decision) (Decision, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Decision{}, fmt.Errorf("make decision id: %w", err)
	}
	made.Source, made.When, made.Counter = "hub", d.now(), 0
	if err := made.Check(); err != nil {
		return Decision{}, errDecision.With(err)
	}
	out := Decision{ID: id.String(), Agent: agent, Area: area, Made: made, ReceivedAt: made.When}
	err = d.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		known, err := decisions(ctx, tx, out.ReceivedAt, agent)
		if err != nil {
			return err
		}
		out.Made = made.Knowing(madeOf(known[agent]))
		row, err := out.row()
		if err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return fmt.Errorf("write decision: %w", err)
		}
		return nil
	})
	if err != nil {
		return Decision{}, err
	}
	d.decided(out)
	return out, nil
}

// decided says on the bus that a commune decided; planner puts it into the agent's next head.
func (d *Desk) decided(made Decision) {
	d.Bus.Publish(bus.Event{Topic: bus.Decision, Area: made.Area, Agent: made.Agent, ID: made.ID,
		Data: map[string]any{"kind": made.Made.Kind, "source": made.Made.Source}})
}

// Decisions gives what was decided for an agent lately, newest first.
func (d *Desk) Decisions(ctx context.Context, agent string) ([]Decision, error) {
	known, err := decisions(ctx, d.DB, d.now(), agent)
	list := known[agent]
	slices.Reverse(list)
	return list, err
}

// Standing gives by agent the decisions that hold, or will or may have held lately: what plan heads have.
func (d *Desk) Standing(ctx context.Context, now time.Time) (map[string][]broadcast.Decision, error) {
	known, err := decisions(ctx, d.DB, now, "")
	if err != nil {
		return nil, err
	}
	out := make(map[string][]broadcast.Decision, len(known))
	for agent, list := range known {
		if out[agent], err = inHead(broadcast.Standing(madeOf(list))); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// inHead gives the newest of decisions, as many as a head has room for. A commune's own items are not among them: their
// audio is at the PC alone, which laid them over its plan itself.
func inHead(standing []broadcast.Decision) ([]broadcast.Decision, error) {
	standing = slices.DeleteFunc(standing, func(d broadcast.Decision) bool { return d.Kind == "own" })
	room := maxStanding
	for i := len(standing) - 1; i >= 0; i-- {
		d := &standing[i]
		if r := []rune(d.Reason); len(r) > headReason {
			d.Reason = string(r[:headReason-1]) + "…"
		}
		text, err := json.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("encode decision: %w", err)
		}
		if room -= len(text) + len(","); room < 0 {
			return standing[i+1:], nil
		}
	}
	return standing, nil
}

func madeOf(list []Decision) []broadcast.Decision {
	out := make([]broadcast.Decision, len(list))
	for i, d := range list {
		out[i] = d.Made
	}
	return out
}

// decisions reads those that can still matter, by agent, oldest first; agent "" is every one, no kinds are all.
func decisions(ctx context.Context, db bun.IDB, now time.Time, agent string, kinds ...string) (map[string][]Decision, error) {
	var rows []decisionRow
	since := store.Millis(now.Add(-decisionMatters))
	q := db.NewSelect().Model(&rows).Where("(made_at > ? OR kind = ?)", since, "volume") // a volume holds until the next one
	if agent != "" {
		q.Where("agent = ?", agent)
	}
	if len(kinds) > 0 {
		q.Where("kind IN (?)", bun.List(kinds))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	slices.SortFunc(rows, func(a, b decisionRow) int { return cmp.Or(cmp.Compare(a.MadeAt, b.MadeAt), cmp.Compare(a.ID, b.ID)) })
	out, over := map[string][]Decision{}, map[string]bool{}
	for _, r := range slices.Backward(rows) {
		made, err := r.decision()
		if err != nil {
			return nil, err
		}
		if volume := r.Agent + made.Made.Source; r.Kind == "volume" {
			if r.MadeAt <= since && over[volume] {
				continue
			}
			over[volume] = true
		}
		out[r.Agent] = append(out[r.Agent], made)
	}
	for _, list := range out {
		slices.Reverse(list)
	}
	return out, nil
}
