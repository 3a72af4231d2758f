package planner

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

// Area is a node of the tree. Its policy and dayparts are what it sets itself; see Tree for what holds in it.
type Area struct {
	Code     string              `json:"code"` // never changes
	Name     string              `json:"name"`
	Parent   string              `json:"parent,omitempty"`
	Policy   broadcast.Policy    `json:"policy"`
	Dayparts []broadcast.Daypart `json:"dayparts"`
	Tags     []string            `json:"tags" nullable:"false"`     // broadcasts are narrowed by them; what lies below has them too
	Holidays []Holiday           `json:"holidays" nullable:"false"` // what lies below has them too
	Version  int64               `json:"version"`
	Created  time.Time           `json:"created"`
	Updated  time.Time           `json:"updated"`
}

// AreaChange changes what is not nil; Parent "" moves the area to the top.
type AreaChange struct {
	Name     *string
	Parent   *string
	Policy   *broadcast.Policy
	Dayparts *[]broadcast.Daypart
	Tags     *[]string
	Holidays *[]Holiday
}

// Holiday is a day on which broadcasts that skip holidays are not heard.
type Holiday struct {
	Day  broadcast.Date `json:"day"`
	Name string         `json:"name"`
}

type areaRow struct {
	bun.BaseModel `bun:"table:areas"`
	Code          string  `bun:"code,pk"`
	Name          string  `bun:"name"`
	Parent        *string `bun:"parent"`
	Policy        string  `bun:"policy"`
	Dayparts      string  `bun:"dayparts"`
	Tags          string  `bun:"tags"`
	Holidays      string  `bun:"holidays"`
	Version       int64   `bun:"version"`
	CreatedAt     int64   `bun:"created_at"`
	UpdatedAt     int64   `bun:"updated_at"`
}

func (a Area) row() (areaRow, error) {
	policy, err := json.Marshal(a.Policy)
	if err != nil {
		return areaRow{}, fmt.Errorf("encode policy: %w", err)
	}
	dayparts, err := json.Marshal(a.Dayparts)
	if err != nil {
		return areaRow{}, fmt.Errorf("encode dayparts: %w", err)
	}
	tags, err := json.Marshal(append([]string{}, a.Tags...))
	if err != nil {
		return areaRow{}, fmt.Errorf("encode tags: %w", err)
	}
	holidays, err := json.Marshal(append([]Holiday{}, a.Holidays...))
	if err != nil {
		return areaRow{}, fmt.Errorf("encode holidays: %w", err)
	}
	row := areaRow{Code: a.Code, Name: a.Name, Policy: string(policy), Dayparts: string(dayparts), Tags: string(tags), Holidays: string(holidays),
		Version: a.Version, CreatedAt: store.Millis(a.Created), UpdatedAt: store.Millis(a.Updated)}
	if a.Parent != "" {
		row.Parent = &a.Parent
	}
	return row, nil
}

func (r areaRow) area() (Area, error) {
	a := Area{Code: r.Code, Name: r.Name, Version: r.Version, Created: store.Time(r.CreatedAt), Updated: store.Time(r.UpdatedAt)}
	if r.Parent != nil {
		a.Parent = *r.Parent
	}
	if err := json.Unmarshal([]byte(r.Policy), &a.Policy); err != nil {
		return a, fmt.Errorf("decode policy of area %s: %w", r.Code, err)
	}
	if err := json.Unmarshal([]byte(r.Dayparts), &a.Dayparts); err != nil {
		return a, fmt.Errorf("decode dayparts of area %s: %w", r.Code, err)
	}
	if err := errors.Join(json.Unmarshal([]byte(r.Tags), &a.Tags), json.Unmarshal([]byte(r.Holidays), &a.Holidays)); err != nil {
		return a, fmt.Errorf("decode tags and holidays of area %s: %w", r.Code, err)
	}
	return a, nil
}

var areaCode = regexp.MustCompile(`^[\p{L}\p{N}._-]{1,64}$`)

// check refuses what cannot be, the parent apart.
func (a *Area) check() error {
	a.Name = strings.TrimSpace(a.Name)
	if n := utf8.RuneCountInString(a.Name); n < 1 || n > 200 || !broadcast.PlainLine(a.Name) {
		return errAreaName
	}
	if !areaCode.MatchString(a.Code) {
		return errAreaCode
	}
	if a.Dayparts == nil {
		a.Dayparts = []broadcast.Daypart{}
	}
	if err := broadcast.ValidateDayparts(a.Dayparts); err != nil {
		return invalid("dayparts", err)
	}
	var err error
	if a.Tags, err = plainTags(a.Tags); err != nil {
		return err
	}
	if a.Holidays, err = plainHolidays(a.Holidays); err != nil {
		return err
	}
	if err := a.Policy.Validate(); err != nil {
		return invalid("policy", err)
	}
	return nil
}

// invalid makes a problem of what the shared rules refuse.
func invalid(field string, err error) error {
	var bad *broadcast.Invalid
	if !errors.As(err, &bad) {
		return err
	}
	return problem.New(bad.Code, 422, bad.VI, bad.EN).At(field + "." + bad.Field)
}

// inherited refuses a change of an area that would let dayparts overlap in it or in one below: an agent there
// would refuse its plan.
func inherited(tree *Tree, a Area) error {
	var areas []Area
	for _, other := range tree.All() {
		if other.Code != a.Code {
			areas = append(areas, other)
		}
	}
	changed := newTree(append(areas, a))
	for _, code := range changed.Below(a.Code) {
		if err := broadcast.ValidateDayparts(changed.Dayparts(code)); err != nil {
			return invalid("dayparts", fmt.Errorf("area %s: %w", code, err))
		}
	}
	return nil
}

// CreateArea adds an area to the tree.
func (p *Planner) CreateArea(ctx context.Context, a Area) (Area, error) {
	if err := a.check(); err != nil {
		return Area{}, err
	}
	a.Version, a.Created = 1, p.now().UTC()
	a.Updated = a.Created
	row, err := a.row()
	if err != nil {
		return Area{}, err
	}
	err = p.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		tree, err := loadTree(ctx, tx)
		switch {
		case err != nil:
			return err
		case tree.Has(a.Code) || tree.Home(a.Code) != a.Code:
			return errAreaExists
		case a.Parent != "" && !tree.Has(a.Parent):
			return errAreaParent
		}
		if err := inherited(tree, a); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return fmt.Errorf("write area: %w", err)
		}
		return nil
	})
	if err != nil {
		return Area{}, err
	}
	p.AreaChanged(a.Code)
	return a, nil
}

// EditArea changes an area; version is the one the person saw, 0 when it does not matter.
func (p *Planner) EditArea(ctx context.Context, code string, version int64, c AreaChange) (Area, error) {
	var a Area
	err := p.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		tree, err := loadTree(ctx, tx)
		if err != nil {
			return err
		}
		a = tree.areas[code]
		if !tree.Has(code) {
			return errAreaNotFound
		} else if version != 0 && version != a.Version {
			return errStale
		}
		before := a
		if err := c.apply(&a, tree); err != nil {
			return err
		}
		if a.Name != before.Name {
			if err := keepPast(ctx, tx, before, "", p.now()); err != nil {
				return err
			}
		}
		a.Version++
		a.Updated = p.now().UTC()
		row, err := a.row()
		if err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(&row).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("write area: %w", err)
		}
		return nil
	})
	if err != nil {
		return Area{}, err
	}
	p.AreaChanged(code)
	return a, nil
}

func (c AreaChange) apply(a *Area, tree *Tree) error {
	if c.Name != nil {
		a.Name = *c.Name
	}
	if c.Policy != nil {
		a.Policy = *c.Policy
	}
	if c.Dayparts != nil {
		a.Dayparts = *c.Dayparts
	}
	if c.Tags != nil {
		a.Tags = *c.Tags
	}
	if c.Holidays != nil {
		a.Holidays = *c.Holidays
	}
	if c.Parent != nil {
		switch a.Parent = *c.Parent; {
		case a.Parent != "" && !tree.Has(a.Parent):
			return errAreaParent
		case tree.Within(a.Parent, a.Code):
			return errAreaCycle
		}
	}
	if err := a.check(); err != nil {
		return err
	}
	return inherited(tree, *a)
}

// DeleteArea takes away an area that nothing hangs on.
func (p *Planner) DeleteArea(ctx context.Context, code string) error {
	agents, err := p.agents(ctx)
	if err != nil {
		return err
	}
	for _, a := range agents {
		if a.Area == code {
			return errAreaInUse
		}
	}
	return p.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		below, err := tx.NewSelect().Table("areas").Where("parent = ?", code).Count(ctx)
		if err != nil {
			return fmt.Errorf("read areas: %w", err)
		}
		named, err := broadcastsNaming(ctx, tx, code)
		if err != nil {
			return err
		}
		if below > 0 || named {
			return errAreaInUse
		}
		res, err := tx.NewDelete().Table("areas").Where("code = ?", code).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete area: %w", err)
		}
		if n, err := res.RowsAffected(); err == nil && n == 0 {
			return errAreaNotFound
		}
		return nil
	})
}

// Area gives one area.
func (p *Planner) Area(ctx context.Context, code string) (Area, error) {
	var row areaRow
	err := p.DB.NewSelect().Model(&row).Where("code = ?", code).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Area{}, errAreaNotFound
	} else if err != nil {
		return Area{}, fmt.Errorf("read area: %w", err)
	}
	return row.area()
}

// Tree gives all areas.
func (p *Planner) Tree(ctx context.Context) (*Tree, error) { return loadTree(ctx, p.DB) }
