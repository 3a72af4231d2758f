package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/service"
	"github.com/loa-vn/loa/agent/internal/speaker"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/problem"
)

// Command is the agent's command line. built is when the program was made, in Unix seconds, see builtAt. exit is
// called by the speaker's process, which ends with a code of its own.
func Command(version, built string, exit func(int)) *cobra.Command {
	root := &cobra.Command{Use: "loa-agent", Short: "Plays a commune's programme on time, network or not",
		Version: version, SilenceUsage: true, SilenceErrors: true}
	config.AgentFlags(root.PersistentFlags())
	load := func(cmd *cobra.Command) (Options, error) {
		c, err := config.LoadAgent("", nil, cmd.Flags())
		log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: c.LogLevel}))
		return Options{Config: c, Version: version, Built: builtAt(built), Log: log}, err
	}
	root.AddCommand(runCommand(load, exit), serviceCommand(), pairCommand(load), statusCommand(load), doctorCommand(load), toneCommand(load),
		speakerCommand(exit), checkCommand(exit))
	return root
}

type loader func(*cobra.Command) (Options, error)

func runCommand(load loader, exit func(int)) *cobra.Command {
	asService := false
	cmd := &cobra.Command{Use: "run", Short: "Run the agent until it is told to stop", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return service.Main(cmd.Context(), asService, func(ctx context.Context) error {
				o, err := load(cmd)
				if err != nil {
					return err
				}
				if asService { // nobody reads its standard error, and nobody else ends it when it hangs
					o.Hung = func() { exit(1) }
					if o.Config.LogFile == "" {
						o.Config.LogFile = filepath.Join(o.Config.Data, "log", "loa-agent.log")
					}
				}
				return runAgent(ctx, o)
			})
		}}
	cmd.Flags().BoolVar(&asService, service.Flag, false, "started by the service manager of Windows")
	_ = cmd.Flags().MarkHidden(service.Flag) // it is there
	return cmd
}

// runAgent is an agent with all that this machine gives it.
func runAgent(ctx context.Context, o Options) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	o.Checker = []string{self, "check"}
	o.Service = service.FromEnvironment()
	if o.Config.LogFile != "" {
		log := logFile(o.Config.LogFile)
		defer func() { _ = log.Close() }()
		o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: o.Config.LogLevel}))
	}
	// It mostly waits: a second processor that must be woken for each step costs more than the steps.
	runtime.GOMAXPROCS(1)
	a, err := New(o)
	if err == nil {
		err = a.Run(ctx)
	}
	if err != nil && o.Config.LogFile != "" {
		o.Log.Error("the agent has ended", "error", err)
	}
	return err
}

func pairCommand(load loader) *cobra.Command {
	var code string
	var yes bool
	cmd := &cobra.Command{Use: "pair", Short: "Bring this agent into the fleet of a hub", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := load(cmd)
			if err != nil {
				return err
			}
			return Pair(cmd.Context(), o.Config, code, yes, Terminal{In: cmd.InOrStdin(), Out: cmd.OutOrStdout()}, o.Log)
		}}
	cmd.Flags().StringVar(&code, "code", "", "pairing code that the hub shows")
	cmd.Flags().BoolVar(&yes, "yes", false, "take the six words as compared")
	return cmd
}

func statusCommand(load loader) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "status", Short: "Tell how the agent is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := load(cmd)
			if err != nil {
				return err
			}
			v, err := Status(cmd.Context(), quiet(o))
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(v)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), inWords(v))
			return err
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// quiet keeps the log to what is wrong: the command's own words are its answer.
func quiet(o Options) Options {
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	return o
}

var errUnwell = problem.New("DOCTOR_FINDINGS", 500,
	"Có điều cần sửa, xem các dòng có dấu !!.", "Something needs to be put right: see the lines marked !!.")

func doctorCommand(load loader) *cobra.Command {
	return &cobra.Command{Use: "doctor", Short: "Look for what keeps the agent from its work", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := load(cmd)
			if err != nil {
				return err
			}
			bad, term := false, Terminal{Out: cmd.OutOrStdout()}
			for _, f := range Doctor(cmd.Context(), quiet(o)) {
				if f.Problem == nil {
					term.say("ok  %-9s %s\n", f.What, f.Detail)
					continue
				}
				bad = true
				term.say("!!  %-9s %s\n    %s\n    %s\n    %s\n", f.What, f.Detail, f.Problem.Code, f.Problem.VI, f.Problem.EN)
			}
			if bad {
				return errUnwell
			}
			return nil
		}}
}

func toneCommand(load loader) *cobra.Command {
	return &cobra.Command{Use: "test-tone", Short: "Play 1 kHz at -18 dBFS for 3 seconds", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := load(cmd)
			if err != nil {
				return err
			}
			reached, err := TestTone(cmd.Context(), o)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d ms reached the sound card\n", reached.Milliseconds())
			return err
		}}
}

// speakerCommand is the process that holds the card, started by the agent itself.
func speakerCommand(exit func(int)) *cobra.Command {
	return &cobra.Command{Use: "speaker", Hidden: true, Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { exit(speaker.Child(cmd.InOrStdin(), cmd.OutOrStdout())) }}
}

// checkCommand is the process that looks at a database before the agent opens it, started by the agent itself.
func checkCommand(exit func(int)) *cobra.Command {
	return &cobra.Command{Use: "check FILE", Hidden: true, Args: cobra.ExactArgs(1),
		Run: func(cmd *cobra.Command, args []string) { exit(cache.CheckChild(args[0], cmd.OutOrStdout())) }}
}

// Explain is what a person reads of an error: both languages when it was made for people.
func Explain(err error) string {
	var p *problem.Error
	if !errors.As(err, &p) {
		return "loa-agent: " + err.Error()
	}
	s := fmt.Sprintf("loa-agent: %s\n  %s\n  %s", p.Code, p.VI, p.EN)
	if p.Field != "" {
		s += "\n  (" + p.Field + ")"
	}
	if p.Err != nil {
		s += "\n  " + p.Err.Error()
	}
	return s
}
