package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
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
		&cobra.Command{Use: "show", Short: "Show the trust document", Args: cobra.NoArgs, RunE: trustShow},
		trustRotate(), trustRevoke())
	root.AddCommand(serve(p), userCommand(), auditCommand(), trusts, tlsCommand(), backupCommand(p), restoreCommand(), migrateCommand(),
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

// rootFlags are how a person proves to be who may change whom agents believe.
func rootFlags(cmd *cobra.Command) (roots *[]string, newRoot *string) {
	roots = cmd.Flags().StringArray("root-key", nil, "file of a root key; as often as the document asks for")
	newRoot = cmd.Flags().String("new-root-key", "", "file to be made for a new root key, which takes the place of the old ones")
	return roots, newRoot
}

func trustRotate() *cobra.Command {
	cmd := &cobra.Command{Use: "rotate", Short: "Make new keys of the hub, and the trust document that names them", Args: cobra.NoArgs}
	roots, newRoot := rootFlags(cmd)
	roles := cmd.Flags().StringSlice("role", []string{"planner", "urgent", "time"}, "roles that get a new key")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var r rotation
		for _, role := range *roles {
			if !slices.Contains(ownRoles(), seal.Role(role)) {
				return errRoleUnknown.At(role)
			}
			r.roles = append(r.roles, seal.Role(role))
		}
		return changeTrust(cmd, r, *roots, *newRoot, "trust.rotate")
	}
	return cmd
}

func trustRevoke() *cobra.Command {
	cmd := &cobra.Command{Use: "revoke KEY", Short: "Make a key worth nothing for good; a role that is left without one gets a new one", Args: cobra.ExactArgs(1)}
	roots, newRoot := rootFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := settings(cmd)
		if err != nil {
			return err
		}
		t, err := loadTrust(c.Data, time.Now)
		if err != nil {
			return err
		}
		id, err := keyID(t.newest().Doc(), args[0])
		if err != nil {
			return err
		}
		return changeTrust(cmd, rotation{revoke: id}, *roots, *newRoot, "trust.revoke")
	}
	return cmd
}

// changeTrust writes the next trust document beside a hub that may be serving, and its audit line.
func changeTrust(cmd *cobra.Command, r rotation, roots []string, newRoot, action string) error {
	if len(roots) == 0 {
		return errRootKey
	}
	for _, file := range roots {
		key, err := seal.LoadKey(file)
		if err != nil {
			return errRootKey.With(err)
		}
		r.roots = append(r.roots, key)
	}
	if newRoot != "" {
		key, err := seal.NewKey()
		if err != nil {
			return err
		}
		if err := seal.CreateKey(newRoot, key); err != nil {
			return err
		}
		r.newRoot = &key
	}
	return withAccounts(cmd, func(ctx context.Context, c config.Hub, _ *store.DB, s *accounts.Service) error {
		t, err := r.apply(c.Data, time.Now())
		if err != nil {
			return err
		}
		after := fmt.Sprintf(`{"version":%d,"roles":%q,"revoked":%q,"new_root":%t}`, t.newest().Version(), fmt.Sprint(r.roles), r.revoke, r.newRoot != nil)
		by := accounts.Console()
		err = s.Record(ctx, accounts.Entry{Who: by.Name, Origin: by.Origin, Action: action, Subject: fmt.Sprintf("trust %d", t.newest().Version()), After: []byte(after)})
		_, saying := fmt.Fprint(cmd.OutOrStdout(), t.show(c.Data))
		return errors.Join(err, saying)
	})
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
