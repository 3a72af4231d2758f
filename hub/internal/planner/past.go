package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/problem"
)

// PastName is a name that an area had until a time.
type PastName struct {
	Area   string    `json:"area"`
	Name   string    `json:"name"`
	Until  time.Time `json:"until"`
	Merged string    `json:"merged,omitempty"` // code of the area it became a part of then
}

type pastRow struct {
	bun.BaseModel `bun:"table:past_areas"`
	Area          string `bun:"area,pk"`
	Name          string `bun:"name"`
	UntilAt       int64  `bun:"until_at,pk"`
	Merged        string `bun:"merged"`
}

// loadPast reads what areas were before.
func (t *Tree) loadPast(ctx context.Context, db bun.IDB) error {
	var rows []pastRow
	if err := db.NewSelect().Model(&rows).Order("until_at", "area").Scan(ctx); err != nil {
		return fmt.Errorf("read past areas: %w", err)
	}
	for _, r := range rows {
		t.past = append(t.past, PastName{Area: r.Area, Name: r.Name, Until: store.Time(r.UntilAt), Merged: r.Merged})
		if r.Merged != "" {
			t.merged[r.Area] = r.Merged
			t.was[r.Merged] = append(t.was[r.Merged], r.Area)
		}
	}
	return nil
}

func keepPast(ctx context.Context, tx bun.Tx, a Area, merged string, now time.Time) error {
	row := pastRow{Area: a.Code, Name: a.Name, UntilAt: now.UnixMilli(), Merged: merged}
	if _, err := tx.NewInsert().Model(&row).On("CONFLICT (area, until_at) DO NOTHING").Exec(ctx); err != nil {
		return fmt.Errorf("write past area: %w", err)
	}
	return nil
}

// Home is the area that code became a part of, itself where it is one still.
func (t *Tree) Home(code string) string {
	for range t.merged {
		into, ok := t.merged[code]
		if !ok {
			break
		}
		code = into
	}
	return code
}

// Ever gives codes with those of all areas that became a part of them.
func (t *Tree) Ever(codes []string) []string {
	out := slices.Clone(codes)
	for i := 0; i < len(out); i++ {
		out = append(out, t.was[out[i]]...)
	}
	return out
}

// Names are the names that areas had, the oldest first.
func (t *Tree) Names() []PastName { return slices.Clone(t.past) }

// Name is what an area is called, or was last; an unknown code is its own name.
func (t *Tree) Name(code string) string {
	if a, ok := t.areas[code]; ok {
		return a.Name
	}
	name := code
	for _, n := range t.past {
		if n.Area == code {
			name = n.Name
		}
	}
	return name
}

// NameAt is what an area was called at a time.
func (t *Tree) NameAt(code string, at time.Time) string {
	for _, n := range t.past {
		if n.Area == code && n.Until.After(at) {
			return n.Name
		}
	}
	return t.Name(code)
}

// Mover brings what another stage keeps of an area to the one it becomes a part of, within the transaction of the merge.
type Mover struct {
	What string // e.g. agents
	// Move gives how many went over, and what is to be called when that is on disk, if anything.
	Move func(ctx context.Context, tx bun.Tx, from Area, into string) (n int, done func(), err error)
}

// Moved is how many of something went over.
type Moved struct {
	What string `json:"what"`
	N    int    `json:"n"`
}

var (
	errMergeItself = problem.New("AREA_MERGE", 422,
		"Không nhập được địa bàn vào chính nó hoặc vào cấp dưới của nó. Hãy chọn địa bàn khác.",
		"An area cannot be merged into itself or into one below it. Choose another.").At("into")
	errMergeBulletin = problem.New("AREA_BULLETIN", 409,
		"Địa bàn đang có bản tin khẩn cấp. Hãy chờ bản tin hết hạn hoặc dừng nó trước.",
		"An urgent bulletin is in force for the area. Wait for its end or stop it first.")
)

// Merge makes an area a part of another: what lies below it, its agents, people and reports go there, and its own
// dayparts and rules end. Broadcasts are heard where they were: one for the area is for the agents and areas that were in
// it. What was heard stays under its code and its name. It gives what went over.
func (p *Planner) Merge(ctx context.Context, code, into string, version int64, movers []Mover) (moved []Moved, err error) {
	agents, err := p.Agents.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	var done []func()
	err = p.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		moved, done = nil, nil
		tree, err := loadTree(ctx, tx)
		switch {
		case err != nil:
			return err
		case !tree.Has(code):
			return errAreaNotFound
		case !tree.Has(into):
			return errAreaNotFound.At("into")
		case tree.Within(into, code):
			return errMergeItself
		case version != 0 && version != tree.areas[code].Version:
			return errStale
		case p.bulletinFor(ctx, code):
			return errMergeBulletin
		}
		if err := p.retarget(ctx, tx, tree, agents, code, into); err != nil {
			return err
		}
		for _, m := range movers {
			n, after, err := m.Move(ctx, tx, tree.areas[code], into)
			if err != nil {
				return err
			}
			moved = append(moved, Moved{m.What, n})
			if after != nil {
				done = append(done, after)
			}
		}
		return p.absorb(ctx, tx, tree.areas[code], into)
	})
	if err != nil {
		return nil, err
	}
	for _, after := range done {
		after()
	}
	p.AreaChanged(into)
	return moved, nil
}

// bulletinFor tells whether a bulletin in force is for an area.
func (p *Planner) bulletinFor(ctx context.Context, code string) bool {
	if p.Bulletins == nil {
		return false
	}
	list, err := p.Bulletins.InForce(ctx, p.now())
	return err != nil || slices.ContainsFunc(list, func(b Aimed) bool {
		return slices.Contains(b.Targets.Areas, code) || slices.Contains(b.Targets.Except, code)
	})
}

// absorb takes the area out of the tree; what is below it must be able to live with what it inherits then.
func (p *Planner) absorb(ctx context.Context, tx bun.Tx, a Area, into string) error {
	now := p.now().UTC()
	_, err := tx.NewUpdate().Table("areas").Set("parent = ?", into).Set("version = version + 1").Set("updated_at = ?", store.Millis(now)).
		Where("parent = ?", a.Code).Exec(ctx)
	if err == nil {
		_, err = tx.NewDelete().Table("areas").Where("code = ?", a.Code).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("merge area: %w", err)
	}
	if err := keepPast(ctx, tx, a, into, now); err != nil {
		return err
	}
	tree, err := loadTree(ctx, tx)
	if err != nil {
		return err
	}
	return inherited(tree, tree.areas[into])
}

// retarget lets broadcasts mean whom they meant, as they are written and as they were approved last.
func (p *Planner) retarget(ctx context.Context, tx bun.Tx, tree *Tree, agents []AgentRef, code, into string) error {
	var rows []broadcastRow
	if err := tx.NewSelect().Model(&rows).Where("state <> ?", Cancelled).Scan(ctx); err != nil {
		return fmt.Errorf("read broadcasts: %w", err)
	}
	kept, err := lastApproved(ctx, tx, Draft, Approved)
	if err != nil {
		return err
	}
	var here []string
	for _, a := range agents {
		if a.Area == code {
			here = append(here, a.ID)
		}
	}
	for _, r := range rows {
		area, text, err := retargeted(r.Spec, tree, here, code, into)
		if err == nil && text != "" {
			_, err = tx.NewUpdate().Table("broadcasts").Set("area = ?", area).Set("spec = ?", text).Where("id = ?", r.ID).Exec(ctx)
		}
		if err != nil {
			return fmt.Errorf("write broadcast: %w", err)
		}
	}
	for _, v := range kept {
		_, text, err := retargeted(v.Spec, tree, here, code, into)
		if err == nil && text != "" {
			_, err = tx.NewUpdate().Table("broadcast_versions").Set("spec = ?", text).Where("broadcast = ? AND version = ?", v.Broadcast, v.Version).Exec(ctx)
		}
		if err != nil {
			return fmt.Errorf("write approved version: %w", err)
		}
	}
	return nil
}

// retargeted gives a spec, as it is stored, in which an area's agents and what lies below it stand for the area; text is
// "" where it does not name it.
func retargeted(stored string, tree *Tree, here []string, code, into string) (area, text string, err error) {
	var spec Spec
	if err := json.Unmarshal([]byte(stored), &spec); err != nil {
		return "", "", fmt.Errorf("decode broadcast: %w", err)
	}
	if !spec.names(code) {
		return "", "", nil
	}
	if spec.Area == code {
		spec.Area = into
	}
	without := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(c string) bool { return c == code })
	}
	if slices.Contains(spec.Targets.Areas, code) {
		spec.Targets.Areas = append(without(spec.Targets.Areas), tree.children[code]...)
		spec.Targets.Agents = sorted(append(slices.Clone(spec.Targets.Agents), here...))
	}
	if slices.Contains(spec.Targets.Except, code) {
		spec.Targets.Except = sorted(append(append(without(spec.Targets.Except), tree.children[code]...), here...))
	}
	raw, err := json.Marshal(spec)
	return spec.Area, string(raw), err
}
