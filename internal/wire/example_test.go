package wire

import (
	"bytes"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

func fill(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

const exampleAgent = "019a8f3c-1d2e-7f00-8a4b-5c6d7e8f9a0b"

var exampleTime = time.Date(2026, 11, 24, 5, 30, 0, 0, time.FixedZone("", 7*3600))

func exampleHash() broadcast.Hash {
	return "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
}

// example is a message with the sentence that docs/protocol.md says about it.
type example struct {
	from    string
	message Message
	about   string
}

// examples has one message of each type, in the order of a link's life.
func examples() []example {
	sealed := []byte(`{"payloadType":"…","payload":"…","signatures":[…]}`)
	play := broadcast.Play{
		ID: "019a8f40-0000-7000-8000-000000000001", Slot: "019a8f3d/3@2026-11-24/morning#0", Broadcast: "019a8f3d", Version: 3,
		Report: "019a8f3e", Title: "Tìm hiểu pháp luật", Class: broadcast.Normal, Audio: exampleHash(),
		PlannedStart: exampleTime, PlannedEnd: exampleTime.Add(5 * time.Minute),
		StartedAt: exampleTime, EndedAt: exampleTime.Add(5 * time.Minute),
		Outcome: broadcast.Played, Reason: broadcast.ReasonComplete, Volume: 80, ReachedMS: 300_000, Clock: "synced",
	}
	until := exampleTime.Add(15 * time.Minute)
	decision := broadcast.Decision{Kind: "hold", Subject: "2026-11-24/morning", Until: &until, Who: "PC", When: exampleTime, Counter: 1, Source: "pc"}
	status := broadcast.Status{
		At: exampleTime, Software: "0.1.0", PlanVersion: 42, PlanExpires: exampleTime.AddDate(0, 0, 35),
		Clock: broadcast.ClockStatus{Trust: "synced", OffsetMS: -12, ErrorMS: 8},
		Cache: broadcast.CacheStatus{State: "ok", UsedBytes: 73_400_320, LimitBytes: 8 << 30, FreeBytes: 52 << 30},
		Card:  broadcast.CardStatus{State: "ok", Since: exampleTime}, Amplifier: &broadcast.AmplifierStatus{State: "off"},
		Line: &broadcast.LineStatus{Since: exampleTime, BytesPerS: 118_000, RoundMS: 16},
	}
	return []example{
		{"hub", &Challenge{Nonce: fill(1, NonceSize)}, "Opens every link: 32 fresh random bytes."},
		{"agent", &Hello{
			Agent: exampleAgent, Key: fill(2, 32), Nonce: fill(3, NonceSize), Proof: fill(4, 64), Software: "0.1.0", OS: "linux/amd64",
			Boot: "5f1c4a52", PlanVersion: 42, PlanSHA256: exampleHash(), TrustVersion: 1,
		}, "Who the agent is and what it has. `proof` is an Ed25519 signature, see *Handshake*; `plan_sha256` is that of the head's " +
			"envelope, empty without one."},
		{"hub", &Refused{Code: "AGENT_REVOKED", VI: "Khoá của cụm loa này đã bị thu hồi.", EN: "This cluster's key has been revoked."},
			"The hub's no, in the handshake or in a pairing; it then closes with 4401."},
		{"hub", &Welcome{
			Agent: exampleAgent, Name: "Loa thôn 3", Area: "xa-tam-giang", Software: "0.1.0", StatusEveryMS: 15_000, Now: exampleTime,
		}, "Ends the handshake. `now` is for logs: no clock is set by it."},
		{"agent", &Time{Nonce: fill(5, NonceSize)}, "Asks for the time, after welcome and every 10 minutes, four times in a row: the clock rests on the answer with the shortest\n" +
			"round trip. The answer is a `time` with " +
			"`envelope` instead: a sealed time with that nonce in it."},
		{"hub", &Trust{Envelopes: [][]byte{sealed}}, "The trust documents after the agent's `trust_version`, in order; before any head that needs them."},
		{"hub", &Plan{Envelope: sealed}, "A sealed plan head: after welcome when the agent has another one, and at each change. One that is refused comes again, ever more rarely, with the trust documents sent since the last that was not.\n" +
			"What an accepted head takes back (withdrawals, bulletins that are no longer in it, decisions) holds at once, the rest of it when its documents are there."},
		{"agent", &PlanState{Version: 42, State: PlanRefused, Code: "PLAN_EXPIRED"},
			"What became of the newest head: `active`, `fetching` (its documents are still coming) or `refused` with a code. A trust document that is not taken is told as a head that is refused, and comes again with it."},
		{"agent", &Want{SHA256: exampleHash(), Offset: 131_072, End: 3_670_016, Window: 262_144, Due: exampleTime},
			"Asks for a blob from `offset` (a multiple of 4,096) to `end` (absent: to its end). The hub then sends frames, never " +
				"more than `window` bytes ahead of the acknowledgements of all open wants together. `due` is when audio may sound first; absent: needed now."},
		{"agent", &Got{SHA256: exampleHash(), Offset: 196_608, Window: 131_072},
			"Acknowledges everything before `offset`, and may change `window` and `due`. At `offset` 0 it only does that."},
		{"hub", &Queued{SHA256: exampleHash()}, "The want waits for its turn on the hub's line (see *Fetching*): told when it has waited for 15 s or longer, and again."},
		{"agent", &StopWant{SHA256: exampleHash()}, "Ends a want; frames under way are ignored."},
		{"hub", &Gone{SHA256: exampleHash()}, "The hub has no such blob, or not so much of it, or not for this agent."},
		{"agent", &Holdings{Full: true, Items: []Holding{{exampleHash(), 3_670_016, 3_670_016, true}}},
			"What the agent holds: everything after welcome (`full`, continued by messages without it), then changes, at most one a " +
				"second. `have` 0 says that it was dropped."},
		{"agent", &Status{status}, "How the agent is: every `status_every_ms` and at each change, at most two a second. While the\n" +
			"operator's page is not served, `console` tells why: `{code, vi, en, detail}`."},
		{"agent", &Plays{[]broadcast.Play{play}}, "At most 100 play records. The agent keeps each until it is acknowledged and sends it again otherwise. " +
			"What cannot be a record (a time outside of the years 2000 to 2200, more than a week of sound, an id that is none) is acknowledged too, and left out."},
		{"hub", &PlaysAck{[]string{play.ID}}, "Records that are committed. One that came twice is acknowledged twice and kept once."},
		{"agent", &Decisions{[]Decision{{"019a8f41-0000-7000-8000-000000000002", decision}}}, "At most 20 decisions of the commune, made at its PC. " +
			"They hold there already; the agent keeps each until it is acknowledged and sends it again otherwise. The next plan head has those that stand. `kind` is\n" +
			"`hold release mute unmute skip move order volume pin own allow`; a volume has `percent`; `pin`, by which the PC forgets its PIN, comes from an admin on the\n" +
			"hub only, in the plan head. What an operator decides on the hub is in the plan head, too, with the `source` `hub`; that the agent has it, `plan_state` says.\n" +
			"`counter` is its place among those about the same thing made at the same place, `seen` (0 when left out) the highest counter of the other place that was known\n" +
			"there: which of two holds follows from them ([decision 31](decisions/0031-pc-and-phone-decide-by-one-rule.md)). `own` comes from\n" +
			"a PC only and is in no head: it puts an item of the commune, whose audio the PC has, into the daypart its subject names (`own-ID/1@2026-11-24/evening`), with `own`\n" +
			"`{title, audio, duration_ms}`; `allow`, about the same subject, is its approval, from the hub; a `skip` of its slot (that subject and `#0`), from either, takes it out."},
		{"hub", &DecisionsAck{[]string{"019a8f41-0000-7000-8000-000000000002"}}, "Decisions that are committed, those too that the hub keeps for its log alone."},
		{"hub", &Order{sealed}, "A sealed order: sound a bulletin, take one back, or have this PC do something now (`command`: `tone`, `restart`, `recheck`, `log`; for one agent, over after a minute). It goes before every other message and every frame that waits, to agents that are connected; the next plan says the same. A drill is a document type of its own."},
		{"agent", &OrderState{SHA256: exampleHash(), Code: "SEAL_ORDER_REPLAYED"}, "What became of the order with that envelope: an empty code is done. `log` has the\n" +
			"last lines of the agent's log where a command asked for them: at most 200, together 24,000 bytes."},
		{"both", &Bye{"HUB_STOPS"}, "An orderly end, before the close frame: `HUB_STOPS`, `REPLACED`, `AGENT_BLOCKED`, `AGENT_REVOKED`."},
		{"agent", &Pair{"start", []byte(`{"protocol":"loa.v1","commit":"…"}`)}, "Pairing, step 1."},
		{"hub", &Pair{"offer", []byte(`{"ephemeral":"…","nonce":"…","trust_sha256":"…"}`)}, "Pairing, step 2."},
		{"agent", &Pair{"reveal", []byte(`{"ephemeral":"…","nonce":"…","key":"…","name":"Loa thôn 3","mac":"…"}`)}, "Pairing, step 3."},
		{"hub", &Pair{"answer", []byte(`{"mac":"…","trust":"…"}`)}, "Pairing, step 4: both sides show six words."},
		{"hub", &Pair{"confirmed", []byte(`{"agent":"019a8f3c","name":"Loa thôn 3","area":"xa-tam-giang","mac":"…"}`)},
			"Pairing, step 5: an admin has compared the words."},
		{"agent", &Pair{"done", []byte(`{"signature":"…"}`)},
			"Pairing, step 6: the agent holds its key, and has kept everything. The hub closes with 1000."},
	}
}

// exampleChunk is the last frame of a blob of 131,072 + 10 bytes.
func exampleChunk() Chunk {
	return Chunk{SHA256: exampleHash(), Offset: 131_072, Last: true, Data: []byte("OggS\x00\x04loa!")}
}
