// Package ingest turns an officer's upload into audio that every agent can play: it takes a file of any
// format from the api, and gives the hub's app, through a Sink, one Ogg Opus file at -18 LUFS and at most
// -1.5 dBTP, with its waveform and what was noticed on the way; or a refusal in plain words.
//
// Uploads are hostile ground. They are named by us, looked at by their first bytes, and touched by ffprobe
// and by one run of ffmpeg only, each without network, playlists or files of its own, with limits of
// memory, time and size; every later step works on the samples that run gave.
//
// All methods of Service are safe for concurrent use, by several hubs too that share a database and a store of parts. Run
// works jobs off, Config.Workers at a time; jobs are in SQL before Enqueue returns, their uploads with them where every hub
// can take them, and survive a kill: a job that was cut short is done again from its upload, by the hub that had it or,
// when that does not come back, by another, so a Sink may hear of one report twice. Whatever ends a job (success, refusal)
// takes away all it had.
package ingest
