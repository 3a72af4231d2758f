// Package clock is the agent's trusted time: it takes signed times from link, dates of verified documents
// from cache, the hardware clock and the machine's boot-time clock, and gives the scheduler an instant
// together with how far it may be trusted. A PC beside an amplifier loses its battery and gets its clock
// set by whoever sits at it, so the system's wall clock decides nothing here (design.md, Time).
//
// Synced is the hub's signed time carried on by the boot-time clock; plausible is the hardware clock after
// a boot, if it lies between the floor and 60 days after it and nobody set the clock since, else a system clock
// that a time service keeps, or what the operator set; everything else is untrusted and nothing scheduled may
// sound by it. All methods of Clock are safe for concurrent use.
package clock
