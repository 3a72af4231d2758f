// Package speaker holds the sound card. It takes voices (PCM by position, an instant, an end) from the player
// and gives them to the machine's default output: to PulseAudio (or PipeWire) itself, elsewhere through oto, of which it
// is the only importer. It gives back what the card confirmed, the card's state and the level. Speaker implements player.Output and is safe for
// concurrent use.
//
// # Two processes
//
// oto holds one context per process for ever, and for a card that goes away it shows nothing at all, or an
// error it never recovers from; and whatever hangs in sound must not hang the agent. So what holds the card is a child
// process (Child), started and watched by the agent (Speaker). The child waits until there is something to play on. It
// ends by itself when the sound server or oto reports an error, when nothing was read for 1.5 s, when it was not ready within 4 s, when the system plays on another endpoint (Windows), and
// when its standard input closes, which the kernel does however the agent dies. The agent kills a child that has said
// nothing for 2.5 s, and starts the next after a pause of 0.1 to 1 s.
//
// The child plays always, silence if need be. On a commune's PC that costs more than anything else the agent does, and
// most of it is waking up: so the sound server holds 0.7 s and asks for 0.3 s at a time, and everything
// else is done when it does. Voices lie on a timeline, each from a frame on, and the timeline is
// held to the programme's time: the child knows at which instant a frame is at the card, from PulseAudio's own account
// of the stream's latency, or, where there is no PulseAudio, from the earliest instants at which the device took
// frames plus the device's buffer. A card whose clock runs fast or slow is made up for within an item by resampling, by
// 200 ppm at most; where the sound was torn, or is 50 ms away, the timeline jumps or waits.
//
// # The pipes
//
// Frames in both directions: kind (1 byte), length of the payload (4 bytes, little-endian, at most 32 KiB),
// payload. All numbers little-endian; instants are mono.Instant, positions are frames of the voice's audio.
// Version 1:
//
//	agent to child
//	H hello   version u16, calibration i64                         first frame; another version ends the child
//	O open    voice u32, at i64, first i64, end i64, join u8       frame `first` is due at `at`; join: fade in
//	P pcm     voice u32, pos i64, samples f32...                   at most 4,800, in order, never beyond the grant
//	E end     voice u32, end i64                                   the audio ends here: the rest is damaged
//	C cut     voice u32                                            fade out in 20 ms, then end
//	T shift   shift i64                                            how much later the programme's time is now than at
//	                                                               the first hello; `at` is without it
//	child to agent
//	h hello   version u16
//	s status  state u8, peak f32, lead i64, detail (rest)          every 700 ms at least: also the heartbeat
//	g grant   voice u32, upto i64                                  room for PCM up to this position
//	v heard   voice u32, ended u8, reached i64, pos i64, stop i64, started i64, ended i64
//	x fail    text (rest)                                          why the child ends
//
// Credit bounds what is on its way: a voice begins with room for two seconds from its first position, and the
// child grants two seconds beyond what it has mixed, a second or more at a time.
package speaker
