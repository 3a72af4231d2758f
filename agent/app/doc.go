// Package app wires the agent: it takes the settings and the command line from main, joins link, cache,
// scheduler, player, speaker, play log, health and console by named fields in the order the sound flows, and
// runs them as one group of named jobs that end together and in order. Siblings know each other only here.
// An App runs once; any number of Apps run in one process, each with a data folder and an Output of its own.
package app
