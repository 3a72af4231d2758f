// Package agenttest opens single stages of the agent to tests outside of agent/, which Go's internal folders
// keep out: internal/e2e joins the link with the hub's push and the agent's cache, without the rest of both programs, and gives whole
// agents a fake sound card. It holds names only and is part of no shipped program.
package agenttest

import (
	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/link"
	"github.com/loa-vn/loa/agent/internal/player/playertest"
	"github.com/loa-vn/loa/agent/internal/playlog"
	"github.com/loa-vn/loa/internal/mono"
)

type (
	// Link is the agent's end of the link.
	Link = link.Link
	// LinkOptions are what it needs.
	LinkOptions = link.Options
	// LinkIdentity is whose link it is.
	LinkIdentity = link.Identity
	// LinkState is how it is.
	LinkState = link.State
	// Backoff is how it waits before it dials again.
	Backoff = link.Backoff
	// Meter is how it measures its line, and by that its window.
	Meter = link.Meter
	// Want is a blob it is to fetch.
	Want = link.Want
)

type (
	// Cache is where plan, parts and audio are kept.
	Cache = cache.Cache
	// CacheOptions are what it needs.
	CacheOptions = cache.Options
	// PlayLog is the outbox of play records.
	PlayLog = playlog.Log
)

// PinTrust is cache.Pin.
func PinTrust(dir string, envelope []byte) error { return cache.Pin(dir, envelope) }

// OpenCache is cache.Open.
func OpenCache(o CacheOptions) (*Cache, error) { return cache.Open(o) }

// OpenPlayLog is playlog.Open on the cache's database.
func OpenPlayLog(c *Cache) (*PlayLog, error) { return playlog.Open(c.Records()) }

// NewLink is link.New.
func NewLink(o LinkOptions) (*Link, error) { return link.New(o) }

type (
	// Card is the fake sound card.
	Card = playertest.Card
	// Sounded is what it played.
	Sounded = playertest.Sounded
)

// NewCard is playertest.New on this machine's clock.
func NewCard() *Card { return playertest.New(mono.Now) }
