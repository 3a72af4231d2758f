// Package own makes a commune's own item of a file that somebody chose at the PC: it takes the bytes from console and
// gives app audio in the distribution format, at the level of everything else, on its own shelf beside the cache, from
// which scheduler plays it. WAV and Ogg Opus are read without any program beside; whatever else ffmpeg reads needs
// ffmpeg on this PC. One file is made at a time; all methods are safe for concurrent use.
package own
