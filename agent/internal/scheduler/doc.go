// Package scheduler decides what the loudspeaker does at every instant. It takes the plan from cache and
// trusted time from clock, asks the timetable (broadcast.Plan.Decide) what holds now, and gives cues to the
// player shortly before their instant and play records to the play log. It keeps a journal: a slot is in it,
// durably, before its first sample can sound, so that after a crash no slot sounds twice and each leaves
// exactly one record.
//
// One goroutine, Run, owns everything and waits in one select; the player's blocking calls run beside it and
// report back to it. Playing, Silence and Subscribe are safe for concurrent use.
package scheduler
