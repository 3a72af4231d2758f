// Package broadcast holds the nouns of Loa and the rules that need nothing but them: policies and
// dayparts and how a tree of areas inherits them, the plan a hub gives an agent, the timetable that turns
// a plan into slots, and the play record a slot leaves. It takes data and gives data: no clock, no disk,
// no network; hub and agent run the same code, so that a preview is what will be heard. Everything here is
// a value or a pure function and safe for concurrent use.
package broadcast
