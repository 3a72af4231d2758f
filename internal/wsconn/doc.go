// Package wsconn is one websocket of the link, on either side: it takes an HTTP request (hub) or an address
// (agent) and gives a Conn that sends and receives whole messages. It is the only importer of gorilla and
// makes its traps impossible: one writer at a time, a deadline on every read and write, limits before memory,
// no compression, pings answered by the writer, dead peers found.
//
// A Conn has two lanes. Control messages are queued, at most MaxQueued of them or MaxQueuedBytes; a peer that
// lets the queue fill is too slow and its connection is closed (ErrSlow). Chunks are never queued: the writer
// asks a ChunkSource for the next frame whenever nothing else is to be written, so a control message waits for
// one frame at most. By TLS a frame leaves as one piece where the listener is gathered; a hub's first message leaves
// with its answer to the request. A Conn has a goroutine that writes only while there is something to write; a Prepared
// message for many connections is written by its sender, one after the other, to those that are idle, and Serve writes in
// the reader's goroutine. Send, Wake, Close and Abort may be called from any goroutine; Read and Serve from one at a time.
package wsconn
