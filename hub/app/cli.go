package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/hub/internal/store"
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
	users := &cobra.Command{Use: "user", Short: "People who may use the hub"}
	users.AddCommand(userAdd())
	trusts := &cobra.Command{Use: "trust", Short: "The document that says whose signatures agents believe"}
	trusts.AddCommand(
		&cobra.Command{Use: "init", Short: "Make the first trust document and its keys", Args: cobra.NoArgs, RunE: trustInit},
		&cobra.Command{Use: "show", Short: "Show the trust document", Args: cobra.NoArgs, RunE: trustShow})
	root.AddCommand(serve(p), users, trusts, tlsCommand(),
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
		o.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: c.LogLevel}))
		a, err := New(cmd.Context(), o)
		if err != nil {
			return err
		}
		return a.Run(cmd.Context())
	}}
}

// openAccounts opens the database beside a hub that may be serving.
func openAccounts(ctx context.Context, c config.Hub) (*store.DB, *accounts.Service, error) {
	if err := makeData(c.Data); err != nil {
		return nil, nil, err
	}
	db, err := store.Open(ctx, c.Database, c.Data)
	if err != nil {
		return nil, nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	s, err := accounts.New(ctx, db.DB, time.Now)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, s, nil
}

func userAdd() *cobra.Command {
	var n accounts.NewPerson
	var role string
	cmd := &cobra.Command{Use: "add", Short: "Add a person; the password is read from standard input", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&n.Name, "name", "", "name to sign in with")
	cmd.Flags().StringVar(&role, "role", "", "admin, officer, operator or viewer")
	cmd.Flags().StringVar(&n.Area, "area", "", "code of the area they answer for, with all below it (default: the whole tree)")
	for _, flag := range []string{"name", "role"} {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // the flag is defined right above
		}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := settings(cmd)
		if err != nil {
			return err
		}
		n.Role = accounts.Role(role)
		if n.Password, err = readPassword(cmd.InOrStdin()); err != nil {
			return err
		}
		return addUser(cmd, c, n)
	}
	return cmd
}

// readPassword takes the first line.
func readPassword(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func addUser(cmd *cobra.Command, c config.Hub, n accounts.NewPerson) (err error) {
	ctx := cmd.Context()
	db, s, err := openAccounts(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if n.Area != "" {
		p := planner.New(planner.Deps{DB: db.DB, Zone: c.Zone, Now: time.Now})
		if _, err := p.Area(ctx, n.Area); err != nil {
			return err
		}
	}
	person, err := s.Add(ctx, n)
	if err != nil {
		return err
	}
	after := fmt.Sprintf(`{"name":%q,"role":%q,"area":%q}`, person.Name, person.Role, person.Area)
	if err := s.Record(ctx, accounts.Entry{Who: "hub", Origin: "console", Action: "user.add", Subject: person.ID, Area: person.Area, After: []byte(after)}); err != nil {
		return err
	}
	where := "the whole tree"
	if person.Area != "" {
		where = person.Area
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "added %s, %s of %s\n", person.Name, person.Role, where)
	return err
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
