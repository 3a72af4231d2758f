// Package wire is what hub and agent say to each other over one websocket, subprotocol loa.v1: it takes
// messages from push and link and gives the bytes of a text message, and back; the same for the binary
// frames that carry audio and plan parts. docs/protocol.md shows each with an example.
//
// Tolerance: a message of unknown type is decoded to *Unknown, to be counted and ignored; fields of a body
// that are not known are ignored, so a newer side may add some. What must not be ignored gets a new type or
// a new subprotocol. Known fields are checked: a message that breaks its limits is an error, and the
// connection ends. Sealed documents travel as base64 of their exact bytes and are not looked into here.
//
// Everything is a pure function of its arguments and safe for concurrent use.
package wire

// Protocol is the websocket subprotocol both sides ask for.
const Protocol = "loa.v1"

// The endpoints of the hub that speak it.
const (
	LinkPath = "/agent/v1/link"
	PairPath = "/agent/v1/pair"
)

// Limits of the protocol. A control message larger than MaxControl, or a frame larger than MaxFrame, is
// refused before it is in memory.
const (
	MaxControl = 64 << 10
	MaxFrame   = 132 << 10
	MaxChunk   = 128 << 10 // payload of one frame
	Grain      = 4 << 10   // frames begin at a multiple of it; the smallest frame on the slowest line

	MinWindow = Grain
	MaxWindow = 256 << 10 // design.md: unacknowledged bytes are at most this and at most 2 s of the line

	MaxPlays      = 100    // records in one plays message
	MaxLogLines   = 200    // of the log in one order_state
	MaxLog        = 24_000 // bytes of them
	MaxDecisions  = 20     // items in one decisions message
	MaxHoldings   = 400    // items in one holdings message
	MaxEnvelopes  = 16     // in one trust message
	NonceSize     = 32
	maxText       = 512      // bytes of a name, a code, a version
	maxOffset     = 1 << 40  // no blob is larger
	maxEnvelope   = 46 << 10 // base64 of it still fits a control message
	maxStatusSpan = 24 * 3600 * 1000
)
