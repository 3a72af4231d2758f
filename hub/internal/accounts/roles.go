package accounts

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
	Manage   Action = "manage"   // areas, policies, dayparts, pairing, agents
	Audit    Action = "audit"    // read the audit log
)

// May tells whether the role allows the action, in the person's own areas. Circular 39/2020/TT-BTTTT leaves
// the commune its own order of play, the editorial board the approval; the machine room is the admin's.
func (r Role) May(a Action) bool {
	switch r {
	case Admin:
		return true
	case Officer:
		return a != Manage && a != Audit
	case Operator:
		return a == View || a == Decide
	case Viewer:
		return a == View
	}
	return false
}
