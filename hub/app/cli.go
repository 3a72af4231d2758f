package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/problem"
)

// Process is what main hands over of its process.
type Process struct {
	Version  string
	Args     []string
	In       io.Reader
	Out, Err io.Writer
}

// Main runs one command of loa-hub and gives the exit code.
func Main(ctx context.Context, p Process) int {
	privateFiles()
	root := command(p)
	root.SetArgs(p.Args)
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	if err := root.ExecuteContext(ctx); err != nil {
		complain(p.Err, err)
		return 1
	}
	return 0
}

// complain prints what a person can act on: code, both sentences, the cause.
func complain(w io.Writer, err error) {
	var known *problem.Error
	if !errors.As(err, &known) {
		_, _ = fmt.Fprintln(w, "loa-hub:", err)
		return
	}
	_, _ = fmt.Fprintf(w, "loa-hub: %s\n  %s\n  %s\n", known.Code, known.VI, known.EN)
	if known.Field != "" || known.Err != nil {
		_, _ = fmt.Fprintln(w, " ", strings.TrimSpace(known.Field+" "+text(known.Err)))
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func command(p Process) *cobra.Command {
	root := &cobra.Command{Use: "loa-hub", Short: "Brings radio reports to commune loudspeakers", Version: p.Version,
		SilenceUsage: true, SilenceErrors: true}
	config.HubFlags(root.PersistentFlags())
	trusts := &cobra.Command{Use: "trust", Short: "The document that says whose signatures agents believe"}
	trusts.AddCommand(
		&cobra.Command{Use: "init", Short: "Make the first trust document and its keys", Args: cobra.NoArgs, RunE: trustInit},
		&cobra.Command{Use: "show", Short: "Show the trust document", Args: cobra.NoArgs, RunE: trustShow})
	root.AddCommand(serve(p), userCommand(), auditCommand(), trusts, tlsCommand(),
		&cobra.Command{Use: "doctor", Short: "Check what the hub needs", Args: cobra.NoArgs, RunE: doctor})
	return root
}

// settings reads the configuration as the command line names it.
func settings(cmd *cobra.Command) (config.Hub, error) { return config.LoadHub("", nil, cmd.Flags()) }

func serve(p Process) *cobra.Command {
	return &cobra.Command{Use: "serve", Short: "Run the hub until it is told to end", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		c, err := settings(cmd)
		if err != nil {
			return err
		}
		o := FromConfig(c)
		o.Version = p.Version
		o.Console = cmd.OutOrStdout()
		o.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: c.LogLevel}))
		a, err := New(cmd.Context(), o)
		if err != nil {
			return err
		}
		return a.Run(cmd.Context())
	}}
}

func trustInit(cmd *cobra.Command, _ []string) error {
	c, err := settings(cmd)
	if err != nil {
		return err
	}
	release, err := holdData(c.Data)
	if err != nil {
		return err
	}
	t, err := initTrust(c.Data, time.Now)
	if err != nil {
		return errors.Join(err, release())
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), t.show(c.Data))
	return errors.Join(err, release())
}

func trustShow(cmd *cobra.Command, _ []string) error {
	c, err := settings(cmd)
	if err != nil {
		return err
	}
	t, err := loadTrust(c.Data, time.Now)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), t.show(c.Data))
	return err
}
