// Package soundcard is a virtual sound card for tests, the demo and the bench: one PulseAudio daemon with one
// null sink, paced in real time. It gives an agent the value of PULSE_SERVER, takes the card away and gives
// it back on demand, and records what reached the card together with the instant at which each frame did.
// Linux only. A Card's and a Recording's methods may be called by any goroutine.
//
// # How a recorded frame gets its instant
//
// A null sink has a clock of its own: it hands each frame to the monitor a little before that frame's time
// and reports as its latency how far ahead it is. While recording, the stream is asked every 50 ms how many
// frames it has been given (write index and what is on the fly) and how far ahead the sink is; the answer,
// taken at the middle of the question's round trip, is one point "frame n is at the card at instant t". A
// straight line through the points with short round trips is the map. Its residue is below 0.2 ms on a
// machine with two busy cores; Fit tells it.
package soundcard
