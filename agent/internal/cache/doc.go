// Package cache is what the agent keeps: it takes sealed documents and chunks of blobs from link, verifies
// and keeps them in bbolt, says what is missing by when it is needed, and gives the scheduler plans and its
// journal, the player audio.
//
// There are two files. state.db holds what is small and must never wait or be lost: heads, floors, parts of
// the plan, journal and play log. audio.db holds chunks, is large, and may be thrown away at any time at the
// price of a download. So a write of audio, however slow the disk, never stands between a slot and its
// journal, and damage in the large file costs no record. Identity, trust document and floors are files of
// their own beside them: an agent whose databases are gone is still paired and cannot be led back.
//
// Every chunk is hashed when it comes and at every read. Reads copy out of short transactions. All methods
// are safe for concurrent use; Run does what is due later (flushing, eviction) and returns when told.
package cache
