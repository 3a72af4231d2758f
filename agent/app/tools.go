package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/problem"
)

const (
	askTimeout  = 5 * time.Second  // for the console or the hub
	cardTimeout = 10 * time.Second // for a card to be there
)

var errNoCard = problem.New("CARD_MISSING", 503,
	"Không có cạc âm thanh nào nhận tiếng. Kiểm tra dây, loa và thiết bị phát mặc định của máy.",
	"No sound card takes sound. Check the cable, the amplifier and the machine's default output.")

// Status is the agent's view: of the one that runs, or of the data folder when none does.
func Status(ctx context.Context, o Options) (console.View, error) {
	who, unread := loadIdentity(o.Config.Data)
	v, err := askConsole(ctx, o.Config)
	if foreign := unread == nil && v.Agent != who.Agent || unpaired(unread) && v.Paired; err == nil && !foreign {
		return v, nil
	}
	address := o.Config.Console
	o.Config.Console = config.ConsoleOff
	a, err := New(o)
	if err != nil {
		return console.View{}, err
	}
	if unpaired(unread) {
		return console.Make(a.sources(), false)
	}
	if unread != nil {
		return console.View{}, unread
	}
	p, err := a.assemble(who)
	if errors.Is(err, cache.ErrInUse) && taken(ctx, address) { // it runs, and its page is not what answers there
		return console.View{}, errConsoleBusy.With(err)
	}
	if err != nil {
		return console.View{}, err
	}
	a.paired, a.who = p, who
	v, err = console.Make(a.sources(), false)
	return v, errors.Join(err, p.cache.Close())
}

// askConsole asks the agent that runs.
func askConsole(ctx context.Context, c config.Agent) (v console.View, err error) {
	if c.Console == config.ConsoleOff {
		return v, errors.New("there is no console to ask")
	}
	err = get(ctx, "http://"+c.Console+"/api/v1/status", &v)
	return v, err
}

// get reads JSON, or nothing into nil.
func get(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask %s: %s", url, res.Status)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 16<<20)).Decode(into); err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	return nil
}

// withCard starts the speaker and does something once it takes sound.
func withCard(ctx context.Context, o Options, do func(context.Context, player.Output) error) error {
	a := &App{o: o}
	out, err := a.output()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- out.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			o.Log.Warn("speaker", "error", err)
		}
	}()
	if err := awaitCard(ctx, out); err != nil {
		return err
	}
	return do(ctx, out)
}

func awaitCard(ctx context.Context, out player.Output) error {
	limit := time.NewTimer(cardTimeout)
	defer limit.Stop()
	for {
		state, changed := out.Watch()
		if state.State == player.CardOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return errNoCard.With(fmt.Errorf("%s: %s", state.State, state.Detail))
		case <-changed:
		}
	}
}

// TestTone plays the tone on the sound card and tells how much of it got there.
func TestTone(ctx context.Context, o Options) (reached time.Duration, err error) {
	err = withCard(ctx, o, func(ctx context.Context, out player.Output) error {
		return withAmplifier(ctx, o, func(ctx context.Context) error {
			heard := out.Play(ctx, toneVoice(out, mono.Now(), 100))
			reached = time.Duration(heard.Reached) * time.Second / toneRate
			if !heard.Complete {
				return errNoCard
			}
			return nil
		})
	})
	return reached, err
}
