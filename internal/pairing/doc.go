// Package pairing brings a new agent and its hub to trust each other over a line that nobody trusts yet. It
// takes the code that an admin reads out, the messages of the other side and, on the hub, the trust document;
// it gives the messages to send, six words for people to compare, and at the end the agent's id and the trust
// document to pin (agent) or the agent's proven key (hub). It is rules and cryptography only: agent/internal/link
// and hub/internal/fleet carry the messages, keep the pairings and wait for people.
//
// An Agent and a Hub are one attempt each, used by one goroutine at a time; any error ends the attempt.
//
// # Protocol
//
//	agent -> hub  start     protocol, commit
//	hub -> agent  offer     ephemeral X25519 key, nonce, SHA-256 of the trust document's envelope
//	agent -> hub  reveal    ephemeral X25519 key, nonce, Ed25519 public key, name, mac
//	hub -> agent  answer    mac, trust document's envelope
//	                        both show six words; a person compares them, the admin confirms
//	hub -> agent  confirmed agent id, name, area, mac
//	agent -> hub  done      signature: the agent holds its key
//
// lp(x, …) is each x after its length as 4 bytes, big endian. || joins bytes, strings are UTF-8.
//
//	commit     = SHA-256("loa.v1 pairing commit" 0x00 || lp(agent ephemeral, agent nonce, agent key, name))
//	T          = SHA-256("loa.v1 pairing" 0x00 || lp(protocol, commit, hub ephemeral, hub nonce, trust digest,
//	             agent ephemeral, agent nonce, agent key, name))
//	key(r)     = HKDF-SHA256(secret = X25519 shared secret, salt = the code's 12 characters,
//	             info = "loa.v1 pairing " || r || 0x00 || T, 32 bytes), r one of agent, hub, confirm
//	reveal.mac = HMAC-SHA256(key(agent), T)        answer.mac = HMAC-SHA256(key(hub), T)
//	confirmed.mac = HMAC-SHA256(key(confirm), T || lp(agent id, name, area))
//	done.signature = Ed25519("loa.v1 paired" 0x00 || T || lp(agent id))
//	words      = the first 66 bits of T, 11 bits each, most significant first, as lines of words.txt
//
// The agent is bound to its keys by commit before it sees the hub's, and the hub sends its own before it sees
// the agent's: somebody in the middle gets one try at equal words on both sides, 1 in 2^66, instead of a search.
// Without the code they get no further than reveal; the code never leaves either side.
package pairing
