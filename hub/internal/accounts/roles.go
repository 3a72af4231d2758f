package accounts

import (
	"slices"
	"time"
)

// Role of a person; what it may do is said by May.
type Role string

// The four roles.
const (
	Admin    Role = "admin"
	Officer  Role = "officer"
	Operator Role = "operator"
	Viewer   Role = "viewer"
)

// ParseRole reads a role's name.
func ParseRole(s string) (Role, bool) {
	switch r := Role(s); r {
	case Admin, Officer, Operator, Viewer:
		return r, true
	}
	return "", false
}

// Action is what a person wants to do; each route of the api names exactly one.
type Action string

// The actions.
const (
	View     Action = "view"     // read what belongs to an area
	Author   Action = "author"   // upload reports, make and edit broadcasts and bulletins
	Approve  Action = "approve"  // approve another's report, broadcast or bulletin
	Withdraw Action = "withdraw" // take a report back, cancel a broadcast or a bulletin
	Decide   Action = "decide"   // the commune's own decisions
	Own      Action = "own"      // the commune's own dayparts and items, which others approve
	Manage   Action = "manage"   // areas, policies, dayparts, pairing, agents
	People   Action = "people"   // accounts, their roles and areas
	Audit    Action = "audit"    // read the audit log
)

// Actions gives all of them: what a token's scope may name.
func Actions() []Action {
	return []Action{View, Author, Approve, Withdraw, Decide, Own, Manage, People, Audit}
}

// May tells whether the role allows the action, in the person's own areas. Circular 39/2020/TT-BTTTT leaves
// the commune its own order of play, the editorial board the approval; the machine room is the admin's.
func (r Role) May(a Action) bool {
	switch r {
	case Admin:
		return slices.Contains(Actions(), a)
	case Officer:
		return slices.Contains([]Action{View, Author, Approve, Withdraw, Decide, Own}, a)
	case Operator:
		return a == View || a == Decide || a == Own
	case Viewer:
		return a == View
	}
	return false
}

// Caller is who asks: a person, and what the token they came with leaves them of their role.
type Caller struct {
	Person
	Token   string    // id of the token, "" for a session
	Scope   []Action  // of the token; empty is all that the role allows
	Expires time.Time // of the token, zero for none
}

// May is the one rule of permission: a token never allows more than its person's role.
func (c Caller) May(a Action) bool {
	return c.Role.May(a) && (len(c.Scope) == 0 || slices.Contains(c.Scope, a))
}

// Whole tells whether the caller is the person with everything that is theirs, not a token for a part of it.
func (c Caller) Whole() bool { return len(c.Scope) == 0 }
