//go:build linux

package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/fleet"
	"github.com/loa-vn/loa/internal/e2e/rig"
)

// A working day, sped up: what an officer does in a quarter of an hour is done every beat, and a day's dayparts go by in
// the time of the soak.
const (
	beat      = 5 * time.Second
	standing  = 40 // broadcasts that are approved at a time; then the oldest is cancelled
	urgently  = 24 // one of so many beats has an urgent bulletin, which is cancelled two beats later
	everybody = 12 // one of so many broadcasts is for the whole province, the others for one commune
	communes  = 20
	itemsADay = 30               // that each cluster plays: three dayparts of ten
	tellEvery = 15 * time.Second // an agent's status, as the real one's
	soakTime  = 30 * time.Minute
	settling  = 2 * time.Minute // in which the last record is to be acknowledged, and all that connections took given back
	flat      = 5               // percent that the hub may hold more at the end than after a third of the time
	spare     = 20              // goroutines and descriptors of pools and idle connections
)

// day is a hub with simulated agents at work.
type day struct {
	site   *rig.Site
	report string
	areas  []string
	*fleet.Fleet
	agents []fleet.Identity
	flaps  map[string]bool

	approved, cancelled, urgent atomic.Int64
	made                        atomic.Int64 // play records
	broken                      atomic.Int64 // connections of lines that break
	lost                        atomic.Int64 // connections of the others
	why                         atomic.Value // of the last of those
}

// soak is ten thousand agents, some with bad lines, slow or with wrong clocks, for half an hour, while officers approve and
// cancel and every agent plays a day's items. It fails when memory grows, when goroutines, descriptors or a record are lost,
// or an agent that does nothing wrong is cut off. SOAK and SOAK_AGENTS make it shorter; memory then only counts from 10 min on.
func soak(ctx context.Context, dir string) (rows []Row, err error) {
	span, err := time.ParseDuration(cmp.Or(os.Getenv("SOAK"), soakTime.String()))
	if err != nil {
		return nil, fmt.Errorf("read SOAK: %w", err)
	}
	agents, err := strconv.Atoi(cmp.Or(os.Getenv("SOAK_AGENTS"), strconv.Itoa(listeners)))
	if err != nil || agents < communes {
		return nil, fmt.Errorf("SOAK_AGENTS is not a number from %d on", communes)
	}
	d, o, err := newDay(ctx, dir, agents)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.site.Close()) }()
	if err := pass(ctx, 10*time.Second); err != nil { // what the hub does at its start is over
		return nil, err
	}
	before, err := look(ctx, d.site)
	if err != nil {
		return nil, err
	}
	if d.Fleet, err = fleet.New(o); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	var connections sync.WaitGroup
	connections.Go(func() { d.Run(running) })
	defer connections.Wait()
	defer stop()
	if err := d.within(ctx, 5*time.Minute, "every agent has its plan", func(context.Context) (bool, error) { return d.Planned() == agents, nil }); err != nil {
		return nil, err
	}
	held, err := d.work(ctx, span)
	if err != nil {
		return nil, err
	}
	errs := []error{d.settled(ctx)}
	stop()
	connections.Wait()
	errs = append(errs, d.givenBack(ctx, before))
	if n := d.lost.Load(); n > 0 {
		errs = append(errs, fmt.Errorf("%d connections of agents on good lines ended, the last: %v", n, d.why.Load()))
	}
	grown := growth(held)
	fmt.Printf("  soak: the hub's memory grew by %.1f %% in the last two thirds of %v\n", grown, span)
	if span >= 10*time.Minute && grown > flat {
		errs = append(errs, fmt.Errorf("the hub's memory grew by %.1f %%, more than %d %%", grown, flat))
	}
	if span >= soakTime && agents >= listeners {
		rows = []Row{against("soak-10k-growth", "%", max(grown, 0), flat)}
	}
	return rows, errors.Join(errs...)
}

// newDay starts a hub with communes and agents that have not connected yet.
func newDay(ctx context.Context, dir string, agents int) (_ *day, o fleet.Options, err error) {
	site, err := unpaired(ctx, dir)
	if err != nil {
		return nil, o, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, site.Close())
		}
	}()
	report, err := approved(ctx, site, dir, 2*time.Second)
	if err != nil {
		return nil, o, err
	}
	d := &day{site: site, report: report.ID, flaps: map[string]bool{}}
	for i := range communes {
		code := fmt.Sprintf("xa-%02d", i)
		d.areas = append(d.areas, code)
		if err := site.Chief.Call(ctx, "POST", "areas", map[string]any{"code": code, "name": fmt.Sprintf("Xã %d", i), "parent": "xa"}, nil); err != nil {
			return nil, o, err
		}
	}
	if err := site.Hub.Stop(); err != nil {
		return nil, o, err
	}
	for i, area := range d.areas {
		some, err := hubtest.Enroll(ctx, site.HubData(), area, (agents+i)/communes) // in all as many as are asked for
		if err != nil {
			return nil, o, err
		}
		for _, e := range some {
			d.agents = append(d.agents, fleet.Identity(e))
		}
	}
	o = fleet.Options{Hub: site.URL, Agents: d.agents, Manner: d.manner, Lost: d.ended}
	for i, a := range d.agents {
		d.flaps[a.ID] = d.manner(i).Flap > 0
	}
	if o.Trust, err = hubtest.TrustOf(site.HubData()); err != nil {
		return nil, o, err
	}
	return d, o, site.StartHub(ctx)
}

// manner: of twenty agents two have a line that breaks every minute or so, one reads slowly, two have a wrong clock.
func (d *day) manner(i int) fleet.Manner {
	switch i % 20 {
	case 3, 13:
		return fleet.Manner{Flap: time.Duration(20+i%70) * time.Second}
	case 5:
		return fleet.Manner{Pause: 300 * time.Millisecond}
	case 7:
		return fleet.Manner{Skew: 9 * time.Hour}
	case 17:
		return fleet.Manner{Skew: -400 * 24 * time.Hour}
	}
	return fleet.Manner{}
}

func (d *day) ended(agent string, err error) {
	if d.flaps[agent] {
		d.broken.Add(1)
		return
	}
	d.lost.Add(1)
	d.why.Store(fmt.Sprint(err))
}

// within waits for something, for so long at most.
func (d *day) within(ctx context.Context, most time.Duration, what string, ok func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return rig.Await(ctx, what, ok)
}

// work is the day itself; it gives the hub's memory at each second.
func (d *day) work(ctx context.Context, span time.Duration) (held []float64, err error) {
	ctx, over := context.WithTimeout(ctx, span)
	defer over()
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return d.officers(ctx) })
	all.Go(func() error { return d.each(ctx, span/itemsADay, d.play) })
	all.Go(func() error { return d.each(ctx, tellEvery/100, d.tell) })
	all.Go(func() error {
		held, err = d.watch(ctx)
		return err
	})
	return held, all.Wait()
}

// each does something again and again until the day is over; n counts.
func (d *day) each(ctx context.Context, every time.Duration, do func(n int) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := do(n); err != nil {
				return err
			}
		}
	}
}

// play has every agent record an item at once, as they do who have the same daypart.
func (d *day) play(int) error {
	for _, a := range d.agents {
		records, err := heardOnce(1)
		if err != nil {
			return err
		}
		d.Play(a.ID, records...)
		d.made.Add(1)
	}
	return nil
}

// tell has a hundredth of the agents tell their status.
func (d *day) tell(n int) error {
	for i := n % 100; i < len(d.agents); i += 100 {
		_ = d.Say(d.agents[i].ID, broadcast.Status{At: time.Now(), Software: "fleet"}) // one whose line is broken says nothing
	}
	return nil
}

// officers approve and cancel broadcasts and urgent bulletins. What they began when the day ends they end.
func (d *day) officers(ctx context.Context) error {
	acts := context.WithoutCancel(ctx)
	var broadcasts []string
	var bulletin string
	return d.each(ctx, beat, func(n int) error {
		area := d.areas[n%len(d.areas)]
		if n%everybody == 0 {
			area = "xa"
		}
		when := time.Now().Add(time.Duration(1+n%400) * 3 * time.Minute).Add(time.Hour)
		id, err := d.site.Schedule(acts, d.report, "Tìm hiểu pháp luật", at(when), area)
		if err != nil {
			return err
		}
		d.approved.Add(1)
		if broadcasts = append(broadcasts, id); len(broadcasts) > standing {
			if err := d.site.Author.Call(acts, "POST", "broadcasts/"+broadcasts[0]+"/cancel", nil, nil); err != nil {
				return err
			}
			d.cancelled.Add(1)
			broadcasts = broadcasts[1:]
		}
		switch n % urgently {
		case 2:
			bulletin, _, err = shout(acts, d.site, d.report)
			d.urgent.Add(1)
			return err
		case 4:
			return d.site.Author.Call(acts, "POST", "urgent/"+bulletin+"/cancel", nil, nil)
		}
		return nil
	})
}

// watch tells every minute how the hub is.
func (d *day) watch(ctx context.Context) (held []float64, err error) {
	fmt.Println("  soak:  min  connected  broken   MB  goroutines  descriptors  records made  acknowledged  approved  cancelled  urgent")
	err = d.each(ctx, time.Second, func(n int) error {
		mb, err := anonMB(d.site.Hub.PID())
		if err != nil {
			return err
		}
		if held = append(held, mb); (n+1)%60 != 0 {
			return nil
		}
		now, err := look(context.WithoutCancel(ctx), d.site)
		if err != nil {
			return err
		}
		made := d.made.Load()
		fmt.Printf("  soak: %4d %10d %7d %4.0f %11.0f %12.0f %13d %13d %9d %10d %7d\n", (n+1)/60, d.Connected(), d.broken.Load(), mb, now.goroutines, now.files,
			made, made-int64(d.Owed()), d.approved.Load(), d.cancelled.Load(), d.urgent.Load())
		return nil
	})
	return held, err
}

// settled waits until every record is acknowledged, and compares them with the play log.
func (d *day) settled(ctx context.Context) error {
	err := d.within(ctx, settling, "every record is acknowledged", func(context.Context) (bool, error) { return d.Owed() == 0, nil })
	if err != nil {
		return fmt.Errorf("%w: %d are not", err, d.Owed())
	}
	var sums struct {
		Total struct{ Planned, Played int64 }
	}
	now := time.Now().UTC()
	q := url.Values{"from": {now.AddDate(0, 0, -2).Format(time.RFC3339)}, "to": {now.AddDate(0, 0, 2).Format(time.RFC3339)}}
	if err := d.site.Chief.Call(ctx, "GET", "evidence?"+q.Encode(), nil, &sums); err != nil {
		return err
	}
	if made := d.made.Load(); sums.Total.Played != made || sums.Total.Planned != made {
		return fmt.Errorf("agents made %d records, the play log has %d, %d of them played", made, sums.Total.Planned, sums.Total.Played)
	}
	fmt.Printf("  soak: %d records made, as many in the play log\n", d.made.Load())
	return nil
}

// givenBack waits until the hub holds no more goroutines and descriptors than before anybody connected.
func (d *day) givenBack(ctx context.Context, before vitals) error {
	var now vitals
	err := d.within(ctx, settling, "the hub has given back what connections took", func(ctx context.Context) (_ bool, err error) {
		now, err = look(ctx, d.site)
		return now.online == 0 && now.goroutines <= before.goroutines+spare && now.files <= before.files+spare, err
	})
	fmt.Printf("  soak: without agents %.0f goroutines and %.0f descriptors, %.0f and %.0f before\n", now.goroutines, now.files, before.goroutines, before.files)
	return err
}

// growth is by how many percent the median of the last quarter of the last two thirds is above that of the first.
func growth(held []float64) float64 {
	held = held[len(held)/3:]
	if len(held) < 4 {
		return math.Inf(1)
	}
	quarter := len(held) / 4
	first, last := median(held[:quarter]), median(held[len(held)-quarter:])
	return (last - first) / first * 100
}

// vitals are what the hub says of itself.
type vitals struct{ online, goroutines, files float64 }

// look reads them.
func look(ctx context.Context, site *rig.Site) (v vitals, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, site.URL+"/metrics", nil)
	if err != nil {
		return v, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return v, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		for name, value := range map[string]*float64{"loa_agents_online": &v.online, "go_goroutines": &v.goroutines, "process_open_fds": &v.files} {
			if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
				if *value, err = strconv.ParseFloat(text, 64); err != nil {
					return v, fmt.Errorf("read %s: %w", name, err)
				}
			}
		}
	}
	return v, lines.Err()
}
