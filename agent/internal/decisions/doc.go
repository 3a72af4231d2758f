// Package decisions keeps what the commune decided at this PC: stop and continue, mute, skip, move, order. It takes
// decisions from console, lays them over the cache's plan for scheduler and console at once, network or not, and
// gives them to link until the hub has acknowledged that very id; the hub puts them into its log and into the next
// plan head, and so the same decision may come back from there, which changes nothing.
//
// A stop and its end hold before the disk has them, and although it takes nothing: they are then written with what
// comes next. Every other decision is durable when Add returns, or refused. All methods are safe for concurrent use;
// Over, which the scheduler calls, waits for no disk.
package decisions
