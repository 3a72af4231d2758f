// Package disk is a disk whose power may go: it records, call by call, what a real process writes to a folder, and makes
// the states in which a power cut may leave that folder. Fault tests of any package use it; nothing that is shipped
// imports it. A Recording may be read by any number of goroutines, a Disk belongs to one.
//
// What is modelled. Whatever was written before a file's last fsync or fdatasync is there. Of what was written since, each
// sector of 512 bytes is there, or not, or torn (its beginning or its end is there), in any combination, so in any order;
// of two writes to one sector either may be the last. A file's length is any of those it had since its last sync. Names
// (new, renamed and removed files) are kept in order up to any point since the folder's last fsync. Not modelled: a disk
// that lies about a sync, sectors that change without being written (see cache's damage test), a file system that itself
// breaks, and writes through mmap, which bbolt does not make.
package disk
