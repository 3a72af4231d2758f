package speaker

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

// giveUp is how long after a voice's end its confirmation is waited for.
const giveUp = 3 * time.Second

// readStep is how much is decoded before it is sent: a child that begins waits for no more than that.
const readStep = audio.Rate / 2

// tellMissing is how often progress is told while there is no child.
const tellMissing = time.Second

// Play implements player.Output.
func (s *Speaker) Play(ctx context.Context, v player.Voice) player.Heard {
	p := &playing{speaker: s, voice: v, base: s.shifted()}
	for p.more(ctx) {
		ss, changed := s.current()
		if ss == nil {
			p.wait(ctx, changed)
			continue
		}
		p.through(ctx, ss)
	}
	return p.finish()
}

// playing is one voice across the lives of the child.
type playing struct {
	speaker *Speaker
	voice   player.Voice
	base    time.Duration // the speaker's shift when the voice got its instant

	heard player.Heard
	stop  int64 // one past the last position that was due, once known
	over  bool
	told  mono.Instant // when progress was told last
}

// more says whether something can still be heard.
func (p *playing) more(ctx context.Context) bool {
	if p.over || p.heard.Err != nil {
		return false
	}
	if ctx.Err() != nil {
		p.heard.Cut = true
		p.stop = p.due(mono.Now())
		return false
	}
	if mono.Now() >= p.at(p.voice.End) {
		p.stop = p.voice.End
		return false
	}
	return true
}

// at gives when a position is due, by the machine's clock as it is now.
func (p *playing) at(pos int64) mono.Instant {
	return p.voice.At.Add(p.speaker.shifted() - p.base + audio.Duration(pos-p.voice.First))
}

// due gives the position that is due at instant.
func (p *playing) due(instant mono.Instant) int64 {
	pos := p.voice.First + audio.Frames(instant.Sub(p.at(p.voice.First)))
	return min(max(pos, p.voice.First), p.voice.End)
}

// wait waits for a child while the voice's time goes on.
func (p *playing) wait(ctx context.Context, changed <-chan struct{}) {
	pause := p.at(p.voice.End).Sub(mono.Now())
	if p.voice.Progress != nil {
		pause = min(pause, tellMissing)
	}
	end := time.NewTimer(pause)
	defer end.Stop()
	select {
	case <-changed:
	case <-end.C:
	case <-ctx.Done():
	}
	if now := mono.Now(); now > p.at(p.voice.First) {
		p.heard.CardMissing = true
		p.tell(heard{}, p.due(now))
	}
}

// through plays what is left of the voice through one child, until its end or the child's.
func (p *playing) through(ctx context.Context, ss *session) {
	first := p.due(mono.Now().Add(p.speaker.Lead()))
	if first >= p.voice.End {
		p.over, p.stop = true, p.voice.End
		return
	}
	f := ss.add(min(first+creditFrames, p.voice.End))
	defer ss.remove(f)
	open := openVoice{
		Voice: f.id, First: first, End: p.voice.End,
		At: int64(p.voice.At.Add(audio.Duration(first-p.voice.First) - p.base)), // the child adds the shift
	}
	if first > 0 {
		open.Join = 1
	}
	if ss.send(open) != nil {
		p.lost(ss, f)
		return
	}
	p.feed(ctx, ss, f, first)
}

// feed sends PCM as the child has room for it, and waits for the child's last word.
func (p *playing) feed(ctx context.Context, ss *session, f *feed, sent int64) {
	limit := time.NewTimer(p.at(p.voice.End).Sub(mono.Now()) + p.speaker.Lead() + giveUp)
	defer limit.Stop()
	cancelled := ctx.Done()
	end := p.voice.End
	buf := make([]float32, readStep)
	for {
		upTo, h := f.state()
		if h.Ended != 0 {
			p.ended(f, h)
			p.stop = h.Stop
			return
		}
		if h.Reached > 0 {
			p.tell(h, h.Pos)
		}
		if sent < min(upTo, end) && cancelled != nil {
			n, err := p.read(buf[:min(upTo-sent, end-sent, readStep)], sent)
			if n > 0 && ss.sendPCM(f.id, sent, buf[:n]) != nil {
				p.lost(ss, f)
				return
			}
			sent += int64(n)
			if err != nil { // what is there is still played
				p.heard.Err = err
				end = sent
				_ = ss.send(endVoice{f.id, end}) // a child that is gone shows below
			}
			select {
			case <-cancelled:
			default:
				continue
			}
		}
		select {
		case <-f.signal:
		case <-cancelled:
			cancelled = nil
			p.heard.Cut = true
			_ = ss.send(cutVoice{f.id}) // a child that is gone shows below
			limit.Reset(p.speaker.Lead() + giveUp)
		case <-ss.done:
			p.lost(ss, f)
			return
		case <-limit.C:
			p.ended(f, h)
			p.stop = p.due(mono.Now())
			return
		}
	}
}

// read reads PCM; an end before the voice's end is damage too.
func (p *playing) read(buf []float32, pos int64) (int, error) {
	n, err := p.voice.PCM.ReadAt(buf, pos)
	if errors.Is(err, io.EOF) && pos+int64(n) < p.voice.End {
		err = io.ErrUnexpectedEOF
	} else if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// lost takes what a child confirmed before it went.
func (p *playing) lost(ss *session, f *feed) {
	<-ss.done // its last frames are all read by then
	_, h := f.state()
	p.merge(h)
	p.heard.CardMissing = true
	if h.Ended != 0 || p.heard.Cut {
		p.over = true
		p.stop = p.due(mono.Now())
		if h.Ended != 0 {
			p.stop = h.Stop
		}
	}
}

// ended takes a child's last word on the voice.
func (p *playing) ended(f *feed, h heard) {
	p.heard.CardMissing = p.heard.CardMissing || f.stood()
	p.merge(h)
	p.over = true
}

func (p *playing) merge(h heard) {
	if h.Reached == 0 {
		return
	}
	if p.heard.Reached == 0 {
		p.heard.StartedAt = mono.Instant(h.StartedAt)
	}
	p.heard.Reached += max(h.Reached-p.late(h), 0)
	p.heard.EndedAt = mono.Instant(h.EndedAt)
	p.heard.Complete = h.Pos == p.voice.End
}

// tell gives the progress, now and then: h is what the present child has confirmed, due one past the last position
// that should have been heard by then.
func (p *playing) tell(h heard, due int64) {
	now := mono.Now()
	if p.voice.Progress == nil || now.Sub(p.told) < player.ProgressEvery {
		return
	}
	p.told = now
	sofar := *p
	sofar.merge(h)
	sofar.heard.Missed = max(due-p.voice.First-sofar.heard.Reached, 0)
	p.voice.Progress(sofar.heard)
}

// late gives the frames by which the last that reached the card came after its place: the silence of a hole before
// it, for which there was no time to make up.
func (p *playing) late(h heard) int64 {
	if n := audio.Frames(mono.Instant(h.EndedAt).Sub(p.at(h.Pos))); n > stepCard { // up to there the card may drift
		return n
	}
	return 0
}

func (p *playing) finish() player.Heard {
	h := p.heard
	if h.Err != nil {
		p.stop = p.voice.End // the rest will never be heard
	}
	h.Missed = max(p.stop-p.voice.First-h.Reached, 0)
	if h.Reached == 0 {
		h.EndedAt = mono.Now()
	}
	if h.Complete {
		h.Cut = false // heard to its end before the cut arrived
	}
	return h
}
