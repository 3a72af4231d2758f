// Package link is the agent's end of the one websocket to its hub. It takes sealed documents, chunks of
// blobs, signed time and acknowledgements from the hub's push and gives them to the cache, the clock and the
// play log through the interfaces below; it takes what the agent misses, holds, played and is, and tells the
// hub. It decides nothing about content: what came is verified by who takes it.
//
// A Link dials for as long as Run runs, whatever the line does. Its goroutines call the interfaces
// concurrently with each other, each interface from one goroutine at a time; Link's own methods are safe for
// concurrent use. Channels named …Changed have one reader, the link; a sender never waits (capacity 1, drop
// when full).
package link

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/wire"
)

// Plans takes sealed documents. It verifies, commits floor and document, and only then returns.
type Plans interface {
	// Held is what the agent has: version and SHA-256 of the envelope of its newest head, 0 and "" for none,
	// and the version of its trust document.
	Held() (version uint64, sha256 broadcast.Hash, trust uint64)
	// Offer takes the envelope of a plan head. The answer goes to the hub; a refusal has its code in it.
	Offer(ctx context.Context, envelope []byte) wire.PlanState
	// OfferTrust takes the trust documents after the one held, in order.
	OfferTrust(ctx context.Context, envelopes [][]byte) error
	// PlanState is the state of the newest head now; it is told to the hub again after PlanChanged.
	PlanState() wire.PlanState
	PlanChanged() <-chan struct{}
}

// Orders takes urgent orders. It has a goroutine of its own: an order waits for no plan and no disk.
type Orders interface {
	// Order gives "" or the code of its refusal, and the lines of the log where the order asks for them.
	Order(ctx context.Context, envelope []byte) (code string, log []string)
}

// Want is a blob the agent misses.
type Want struct {
	SHA256 broadcast.Hash
	Have   int64     // bytes held from its beginning, a multiple of broadcast.ChunkSize
	Size   int64     // 0 when not known (a manifest)
	Kind   string    // day | manifest | audio, for logs
	Due    time.Time // when it may sound first; zero for what is needed now
	Limit  int64     // most bytes a second, 0 for none
}

// Blobs is where fetched bytes go, and what says what to fetch next.
type Blobs interface {
	// NextWant is the blob whose use is soonest of those not whole, except what skip says (it failed a moment
	// ago); false when there is none, or nothing may be fetched now.
	NextWant(skip func(broadcast.Hash) bool) (Want, bool)
	WantsChanged() <-chan struct{}
	// Put keeps the bytes at offset, a multiple of broadcast.ChunkSize; data is one whole chunk, or less (even
	// nothing) when last says that the blob ends with it. It checks what it can (the chunk's hash, the whole's
	// hash) and fails when the bytes are not what they must be or there is no room; the link then leaves the
	// blob alone for a while. data is not kept after Put returns.
	Put(ctx context.Context, sha256 broadcast.Hash, offset int64, data []byte, last bool) error
	// Holdings is everything held; HoldingsSince what changed since the last call of either.
	Holdings() []wire.Holding
	HoldingsSince() []wire.Holding
	HoldingsChanged() <-chan struct{}
}

// Outbox keeps play records until the hub has them.
type Outbox interface {
	// Pending gives at most limit records, oldest first, except what skip says.
	Pending(limit int, skip func(id string) bool) ([]broadcast.Play, error)
	// Acked says that the hub committed these: they may be deleted.
	Acked(ids []string) error
	OutboxChanged() <-chan struct{}
}

// Decisions keeps what the commune decided at this PC until the hub has it.
type Decisions interface {
	// Pending gives at most limit of them, oldest first.
	Pending(limit int) []wire.Decision
	// Acked says that the hub committed these.
	Acked(ids []string) error
	DecisionsChanged() <-chan struct{}
}

// Reporter says how the agent is.
type Reporter interface {
	Status() broadcast.Status
	StatusChanged() <-chan struct{}
}

// Clock takes signed time.
type Clock interface {
	// OfferTime takes the hub's sealed answer to nonce, asked at asked and received at got.
	OfferTime(envelope, nonce []byte, asked, got mono.Instant) error
}

// Identity of a paired agent.
type Identity struct {
	Agent string
	Key   ed25519.PrivateKey
}

// Options of a Link.
type Options struct {
	Hub      string // http, https, ws or wss address of the hub
	Security Security
	Identity Identity
	Software string // version of this program
	OS       string // such as "linux/amd64"
	Boot     string // changes with each boot of the machine

	Plans    Plans
	Orders   Orders // nil refuses every order
	Blobs    Blobs
	Outbox   Outbox
	Decided  Decisions // nil for an agent without a page to decide on
	Reporter Reporter
	Clock    Clock
	Log      *slog.Logger

	// Changed is called after each change of State, from the link's goroutine; nil for none. It must not block.
	Changed func(State)
}

// Security of the line to the hub.
type Security struct {
	CAFile string // PEM certificates trusted beside the system's roots, "" for none
	Pin    string // SHA-256 in hex of the public key (SubjectPublicKeyInfo) in the hub's chain, "" for none
}

// State of the link.
type State struct {
	Connected bool
	Since     time.Time // of the last change of Connected, by the system's clock: for people only
	Name      string    // the agent's name and area, as the hub says
	Area      string
	Problem   string // code of why there is no connection, "" when there is one
	Detail    string // the same in words, for the log and the operator's page
	BytesPerS int64  // measured speed of the line while something was fetched, 0 while unknown
}
