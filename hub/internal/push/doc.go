// Package push is the hub's end of the agents' websockets. It takes heads from the planner, blobs from the
// store, signed time from seal and answers of fleet about who an agent is; it brings each connected agent to
// its plan, serves the parts and audio the agent asks for in the agent's order, and all agents in the order of
// their need where they have a limit together, and gives what agents say to fleet (status, holdings, plan state)
// and to evidence (play records).
//
// A Hub is safe for concurrent use. Each connection has one goroutine that reads, and writes the frames that an acknowledgement
// makes room for, and another while there is something else to write; all queues are bounded, and a connection that lets its
// control queue fill is closed. Work that a connection did not ask for (new heads) is done by a fixed number of workers of Run,
// and again where it failed.
package push

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"time"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// Head is the newest sealed plan head of an agent; Version 0 says that there is none that it does not have.
type Head struct {
	Version  uint64
	SHA256   broadcast.Hash // of Envelope
	Envelope []byte
}

// Heads gives plan heads to agents that do not have the one of version and sha256. The planner implements it.
type Heads interface {
	Newer(ctx context.Context, agent string, version uint64, sha256 broadcast.Hash) (Head, error)
}

// Trusts gives the trust documents after version, in order.
type Trusts interface {
	TrustsAfter(ctx context.Context, version uint64) ([][]byte, error)
}

// Blobs gives content by hash, store.ErrNoBlob when there is none. store.Blobs implements it.
type Blobs interface {
	Open(ctx context.Context, sha256 broadcast.Hash) (store.Blob, error)
}

// TimeSigner seals the hub's time together with an agent's nonce.
type TimeSigner interface {
	SignTime(ctx context.Context, agent string, nonce []byte) (envelope []byte, err error)
}

// Plays commits play records; a record that is there already counts as committed. evidence implements it.
type Plays interface {
	Insert(ctx context.Context, agent string, plays []broadcast.Play) (acked []string, err error)
}

// Decisions commits what communes decided at their PCs; one that is there already counts as committed. orders implements it.
type Decisions interface {
	Take(ctx context.Context, agent string, made []wire.Decision) (acked []string, err error)
}

// Fleet knows the agents. fleet.Fleet implements it.
type Fleet interface {
	// ByKey gives the agent that holds the key; a *problem.Error (AGENT_UNKNOWN, AGENT_BLOCKED, AGENT_REVOKED)
	// when it may not connect.
	ByKey(ctx context.Context, key ed25519.PublicKey) (id, name, area string, err error)
	// Online and Offline are called in pairs; those of a newer connection may come before those of the one it
	// replaced, connection tells them apart: the newer has the higher number. remote is the address the agent came from.
	Online(agent string, connection uint64, hello *wire.Hello, remote string)
	Offline(agent string, connection uint64)
	Status(agent string, s broadcast.Status)
	PlanState(agent string, s wire.PlanState)
	Holdings(agent string, h wire.Holdings)
}

// Orders takes what agents answer to orders; nil when there are none.
type Orders interface {
	OrderState(agent string, s wire.OrderState)
}

// Counter counts up; a prometheus.Counter is one.
type Counter interface{ Add(float64) }

// Metrics are counted when not nil.
type Metrics struct {
	Refused  Counter // handshakes
	Messages Counter // control messages received
	Unknown  Counter // of unknown type
	Frames   Counter // chunks sent
	Bytes    Counter // of chunks sent
	Plays    Counter // records received
	Slow     Counter // connections closed because the agent did not read
}

// Options of a Hub.
type Options struct {
	Fleet    Fleet
	Heads    Heads
	Trusts   Trusts
	Blobs    Blobs
	Time     TimeSigner
	Plays    Plays
	Decided  Decisions // nil acknowledges none
	Orders   Orders
	Log      *slog.Logger
	Metrics  Metrics
	Software string           // version of this program
	Now      func() time.Time // for welcome's Now; time.Now when nil

	RetryEvery time.Duration // of heads and trust documents that could not be read or sent; 10 s when 0

	// Limit is how many bytes of audio and plan parts a second go to all agents together; 0 for no limit. Urgent tells whether
	// a bulletin in force needs a blob, which then waits for nothing; it is asked only where there is a limit.
	Limit  int64
	Urgent func(ctx context.Context, sha256 broadcast.Hash) bool

	// Allow tells whether an agent may fetch a blob; nil allows every paired agent every blob.
	Allow func(ctx context.Context, agent string, sha256 broadcast.Hash) bool
}
