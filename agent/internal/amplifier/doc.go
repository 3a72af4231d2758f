// Package amplifier switches the amplifier on before a sound and off after it, by two commands of the commune: it
// takes from the scheduler when the next sound begins and from whoever gives cues to the player that one is there
// (Cue), and gives its state to health. It promises never to hold up a sound, whatever a command does, and that what
// was switched on is switched off in the end: a mark on the disk tells the next start what a crash left on. One
// goroutine, Run's, owns the switch; one command runs at a time. All methods are safe for concurrent use.
package amplifier
