// Package commune is what a commune's operator sees of a day's programme and may decide about it, the same at the PC
// (agent/internal/console) and on the hub (hub/internal/api). Each decision is tried on the timetable before it is made: one that
// would come to nothing, or cost another item its place, is refused with its reason (docs/decisions/0025).
//
// A Desk is a look at one agent's plan at one instant. It decides nothing itself: it gives decisions to be made, and says what would
// come of them. It is cheap and not to be kept.
package commune
