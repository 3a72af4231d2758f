package rig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/audio"
)

// Site is one hub with its people, as small as the main job allows: an officer who authors and an admin who
// approves. Everything it does goes through the programs' own interfaces.
type Site struct {
	URL      string
	Line     string // where agents dial, when that is not URL: a proxy in between
	Database string // of the hub; "" is the one in its data folder
	Hub      *Process
	Author   *Client // officer of the whole tree
	Chief    *Client // admin: areas, pairing, approval
	bin      string
	dir      string
	listen   string
	console  string
	env      []string
	agents   []*Agent
	timeout  time.Duration
}

// SiteOptions say where a site's programs and files are.
type SiteOptions struct {
	Bin      string   // folder of loa-hub and loa-agent
	Dir      string   // data and logs
	Listen   string   // of the hub; "" finds a free port
	Database string   // of the hub; "" is the one in its data folder
	Console  string   // of the first agent; "" finds a free port, as for the others
	Env      []string // of the hub, besides data, database and address
}

// Agent is one paired agent.
type Agent struct {
	*Process
	ID      string
	Name    string
	Dir     string
	Console string // address of its page
	env     []string
	site    *Site
}

// Occurrence instants, states and outcomes as the API gives them.
type (
	// Report is what GET reports/{id} gives of it.
	Report struct {
		ID           string
		State        string
		Progress     int
		DurationMS   int64   `json:"duration_ms"`
		LoudnessLUFS float64 `json:"loudness_lufs"`
		TruePeakDBTP float64 `json:"true_peak_dbtp"`
		SHA256       string
		Size         int64
		Error        *Refusal
	}
	// Play is what GET plays gives of a record.
	Play struct {
		ID           string
		Agent        string
		Report       string
		Broadcast    string
		Slot         string
		PlannedStart time.Time `json:"planned_start"`
		StartedAt    time.Time `json:"started_at"`
		EndedAt      time.Time `json:"ended_at"`
		Outcome      string
		Reason       string
		ReachedMS    int64 `json:"reached_card_ms"`
		MissedMS     int64 `json:"missed_ms"`
	}
	// Readiness of one agent for a broadcast.
	Readiness struct {
		Agent   string
		State   string
		Percent int
	}
)

// Person is an account to be made with loa-hub user add.
type Person struct{ Name, Role, Password string }

func author() Person { return Person{"lan.can-bo", "officer", "mua xuan den roi"} }
func chief() Person  { return Person{"minh.quan-tri", "admin", "bien xanh song vo"} }

// People are the two people of every site: the officer who authors, the admin who approves.
func People() []Person { return []Person{author(), chief()} }

// Args are the command line that makes the account; the password goes to its standard input.
func (p Person) Args() []string { return []string{"user", "add", "--name", p.Name, "--role", p.Role} }

// NewSite starts a hub on an empty folder and makes its two people.
func NewSite(ctx context.Context, o SiteOptions) (*Site, error) {
	if o.Listen == "" {
		addr, err := FreeAddr()
		if err != nil {
			return nil, err
		}
		o.Listen = addr
	}
	s := &Site{URL: "http://" + o.Listen, Database: o.Database, bin: o.Bin, dir: o.Dir, listen: o.Listen, console: o.Console, env: o.Env, timeout: 30 * time.Second}
	if err := s.StartHub(ctx); err != nil {
		return nil, err
	}
	for _, p := range People() {
		if _, err := Run(ctx, s.Program("loa-hub"), p.Args(), s.hubEnv(), strings.NewReader(p.Password+"\n")); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	if err := s.SignIn(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Join makes an account for an area and signs in.
func (s *Site) Join(ctx context.Context, p Person, area string) (*Client, error) {
	if _, err := Run(ctx, s.Program("loa-hub"), append(p.Args(), "--area", area), s.hubEnv(), strings.NewReader(p.Password+"\n")); err != nil {
		return nil, err
	}
	return SignIn(ctx, s.URL, p.Name, p.Password)
}

// Visit gives a site whose hub runs already, in this process for example, with its two people; agents are the
// caller's. Files that it fetches go to dir.
func Visit(ctx context.Context, url, dir string) (*Site, error) {
	return VisitWith(ctx, url, SiteOptions{Dir: dir})
}

// VisitWith is Visit with agents of the programs that the options name.
func VisitWith(ctx context.Context, url string, o SiteOptions) (*Site, error) {
	s := &Site{URL: url, bin: o.Bin, dir: o.Dir, console: o.Console, timeout: 30 * time.Second}
	if err := s.SignIn(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// SignIn signs the site's two people in, again where their sessions have ended.
func (s *Site) SignIn(ctx context.Context) (err error) {
	if s.Author, err = SignIn(ctx, s.URL, author().Name, author().Password); err == nil {
		s.Chief, err = SignIn(ctx, s.URL, chief().Name, chief().Password)
	}
	return err
}

// Program is the path of one of the two programs.
func (s *Site) Program(name string) string { return filepath.Join(s.bin, name) }

func (s *Site) hubEnv() []string {
	return append(slices.Clone(s.env), "LOA_HUB_DATA="+s.HubData(), "LOA_HUB_LISTEN="+s.listen, "LOA_HUB_DATABASE="+s.Database)
}

// HubData is the hub's data folder.
func (s *Site) HubData() string { return filepath.Join(s.dir, "hub") }

// HubCommand runs a command of loa-hub with the hub's settings, to its end.
func (s *Site) HubCommand(ctx context.Context, args ...string) error {
	_, err := Run(ctx, s.Program("loa-hub"), args, s.hubEnv(), nil)
	return err
}

// StartHub starts the hub, again after it was stopped or killed, and waits until it serves.
func (s *Site) StartHub(ctx context.Context) error {
	p, err := Start(s.Program("loa-hub"), []string{"serve"}, s.hubEnv(), filepath.Join(s.dir, "hub.log"))
	if err != nil {
		return err
	}
	s.Hub = p
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err = Await(ctx, "the hub serves", func(ctx context.Context) (bool, error) {
		select {
		case <-p.Done():
			cancel()
			return false, errors.New("the hub has ended:\n" + p.Tail())
		default:
			return Reachable(ctx, s.URL+"/readyz")
		}
	})
	if err != nil {
		p.Kill()
	}
	return err
}

// Close stops agents and hub.
func (s *Site) Close() error {
	var errs []error
	for _, a := range s.agents {
		if a.Process != nil {
			errs = append(errs, a.Stop())
		}
	}
	if s.Hub != nil {
		errs = append(errs, s.Hub.Stop())
	}
	return errors.Join(errs...)
}

var sixWords = regexp.MustCompile(`^[a-z]+( [a-z]+){5}$`)

// Pair brings an agent into the fleet as admin and commune would: a code, the agent's side of it (which gives
// what it printed), the six words compared and confirmed. It gives the agent's id.
func (s *Site) Pair(ctx context.Context, area, name string, agentSide func(code string) (printed string, err error)) (string, error) {
	var pairing struct{ ID, Code, State, Words, Agent string }
	if err := s.Chief.Call(ctx, "POST", "pairings", map[string]string{"area": area, "name": name}, &pairing); err != nil {
		return "", err
	}
	code, id := pairing.Code, pairing.ID
	type result struct {
		printed string
		err     error
	}
	side := make(chan result, 1)
	go func() {
		printed, err := agentSide(code)
		side <- result{printed, err}
	}()
	err := Await(ctx, "the agent answered the pairing", func(ctx context.Context) (bool, error) {
		err := s.Chief.Call(ctx, "GET", "pairings/"+id, nil, &pairing)
		return pairing.State == "answered", err
	})
	if err != nil {
		return "", err
	}
	words := spaced(pairing.Words)
	if err := s.Chief.Call(ctx, "POST", "pairings/"+id+"/confirm", map[string]string{"words": pairing.Words}, nil); err != nil {
		return "", err
	}
	got := <-side
	if got.err != nil {
		return "", got.err
	}
	if !sixWords.MatchString(words) || !strings.Contains(spaced(got.printed), words) {
		return "", fmt.Errorf("the hub's words are %q, the agent said:\n%s", words, got.printed)
	}
	err = s.Chief.Call(ctx, "GET", "pairings/"+id, nil, &pairing)
	return pairing.Agent, err
}

// AddAgent pairs an agent as its commune would, compares the six words, and starts it. env is for its sound
// card (PULSE_SERVER) and settings.
func (s *Site) AddAgent(ctx context.Context, area, name string, env ...string) (*Agent, error) {
	console, err := s.nextConsole()
	if err != nil {
		return nil, err
	}
	dir, dial := filepath.Join(s.dir, "agent-"+name), cmp.Or(s.Line, s.URL)
	a := &Agent{Name: name, Dir: dir, Console: "http://" + console, site: s,
		env: append([]string{"LOA_AGENT_DATA=" + dir, "LOA_AGENT_CONSOLE=" + console, "LOA_AGENT_HUB=" + dial, "LOA_AGENT_NAME=" + name}, env...)}
	a.ID, err = s.Pair(ctx, area, name, func(code string) (string, error) {
		return Run(ctx, s.Program("loa-agent"), []string{"pair", "--hub", dial, "--code", code, "--yes"}, a.env, nil)
	})
	if err != nil {
		return nil, err
	}
	s.agents = append(s.agents, a)
	if err := a.Start(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

func spaced(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "-", " ")), " ")
}

// nextConsole gives the address of the next agent's page.
func (s *Site) nextConsole() (string, error) {
	if wanted := s.console; wanted != "" {
		s.console = ""
		return wanted, nil
	}
	return FreeAddr()
}

// Start starts the agent, again after it was stopped or killed; its page answers when it returns.
func (a *Agent) Start(ctx context.Context) error {
	if err := a.Launch(); err != nil {
		return err
	}
	return a.Ready(ctx)
}

// Ready waits until the page of an agent that was launched answers.
func (a *Agent) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.site.timeout)
	defer cancel()
	return Await(ctx, "the agent runs", func(ctx context.Context) (bool, error) {
		select {
		case <-a.Done():
			cancel()
			return false, errors.New("the agent has ended:\n" + a.Tail())
		default:
			return Reachable(ctx, a.Console+"/livez")
		}
	})
}

// Launch starts the agent and waits for nothing.
func (a *Agent) Launch() error {
	p, err := Start(a.site.Program("loa-agent"), []string{"run"}, a.env, a.Dir+".log")
	if err == nil {
		a.Process = p
	}
	return err
}

// Ingest uploads a file as the author and waits until it is a draft.
func (s *Site) Ingest(ctx context.Context, file, title string, progress func(Report)) (Report, error) {
	id, err := s.Author.Upload(ctx, file, map[string]string{"title": title})
	if err != nil {
		return Report{}, err
	}
	var r Report
	err = Await(ctx, "the report is a draft", func(ctx context.Context) (bool, error) {
		r = Report{}
		if err := s.Author.Call(ctx, "GET", "reports/"+id, nil, &r); err != nil {
			return false, err
		}
		if progress != nil {
			progress(r)
		}
		return r.State == "draft" || r.State == "failed", nil
	})
	if err == nil && r.State == "failed" {
		err = fmt.Errorf("report %s failed: %w", id, r.Error)
	}
	return r, err
}

// Approve approves a report or a broadcast ("reports/ID", "broadcasts/ID") as the second person.
func (s *Site) Approve(ctx context.Context, path string) error {
	return s.Chief.Call(ctx, "POST", path+"/approve", nil, nil)
}

// Schedule makes a broadcast of one report as the author, approves it as the second person, and gives its id.
// when is the API's "when"; areas its targets.
func (s *Site) Schedule(ctx context.Context, report, title string, when map[string]any, areas ...string) (string, error) {
	var b struct{ ID string }
	err := s.Author.Call(ctx, "POST", "broadcasts", map[string]any{
		"title": title, "class": "normal", "items": []map[string]string{{"report": report}},
		"when": when, "targets": map[string]any{"areas": areas},
	}, &b)
	if err != nil {
		return "", err
	}
	return b.ID, s.Approve(ctx, "broadcasts/"+b.ID)
}

// Readiness of every target agent for a broadcast.
func (s *Site) Readiness(ctx context.Context, id string) ([]Readiness, error) {
	var preview struct{ Readiness []Readiness }
	err := s.Author.Call(ctx, "GET", "broadcasts/"+id+"/preview", nil, &preview)
	return preview.Readiness, err
}

// AwaitArmed waits until all target agents are armed for a broadcast, or further.
func (s *Site) AwaitArmed(ctx context.Context, id string) error {
	return Await(ctx, "all agents are armed", func(ctx context.Context) (bool, error) {
		ready, err := s.Readiness(ctx, id)
		for _, r := range ready {
			if r.State != "armed" && r.State != "playing" && r.State != "played" {
				return false, err
			}
		}
		return len(ready) > 0, err
	})
}

// Plays gives the play log of a broadcast on an agent.
func (s *Site) Plays(ctx context.Context, agent, id string) ([]Play, error) {
	var page struct{ Items []Play }
	q := url.Values{"agent": {agent}, "broadcast": {id}}
	err := s.Author.Call(ctx, "GET", "plays?"+q.Encode(), nil, &page)
	return page.Items, err
}

// AwaitPlays waits until the hub's play log holds n records of a broadcast on an agent.
func (s *Site) AwaitPlays(ctx context.Context, agent, id string, n int) (plays []Play, err error) {
	err = Await(ctx, fmt.Sprintf("the hub has %d play records", n), func(ctx context.Context) (bool, error) {
		plays, err = s.Plays(ctx, agent, id)
		return len(plays) >= n, err
	})
	return plays, err
}

// Meant is what the card is to get for a report: the hub's distribution file, decoded.
func (s *Site) Meant(ctx context.Context, report string) ([]float32, error) {
	file := filepath.Join(s.dir, report+".opus")
	if err := s.Author.Download(ctx, "reports/"+report+"/audio", file); err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	stream, err := audio.Open(f, info.Size())
	if err != nil {
		return nil, err
	}
	return audio.ReadAll(stream)
}

// AwaitAgents waits until n agents are online with their plan active.
func (s *Site) AwaitAgents(ctx context.Context, n int) error {
	return Await(ctx, fmt.Sprintf("%d agents have their plan", n), func(ctx context.Context) (bool, error) {
		var page struct {
			Items []struct {
				Online    bool
				PlanState string `json:"plan_state"`
			}
		}
		err := s.Chief.Call(ctx, "GET", "agents?limit=1000", nil, &page)
		ready := 0
		for _, a := range page.Items {
			if a.Online && a.PlanState == "active" {
				ready++
			}
		}
		return ready == n, err
	})
}
