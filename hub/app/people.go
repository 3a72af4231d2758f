package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/api"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/config"
)

// welcome prints, on a hub without people, the one-time link by which its first admin is made. There is no default
// password, and the log does not get the link: it may go to other machines.
func (a *App) welcome(ctx context.Context) error {
	inv, first, err := a.accounts.FirstRun(ctx)
	if err != nil || !first {
		return err
	}
	base := a.o.PublicURL
	if base == "" {
		base = a.URL()
	}
	_, err = fmt.Fprintf(a.o.Console, "\n  Máy chủ chưa có ai. Mở liên kết này trước %s để tạo quản trị viên đầu tiên:\n"+
		"  Nobody has an account yet. Open this link before %[1]s to make the first admin:\n\n      %[2]s\n\n",
		inv.Expires.In(a.o.Zone).Format("15:04"), base+api.SetupPath(inv.Code))
	if err != nil {
		return fmt.Errorf("print set-up link: %w", err)
	}
	return nil
}

// withAccounts opens the database beside a hub that may be serving.
func withAccounts(cmd *cobra.Command, do func(context.Context, config.Hub, *store.DB, *accounts.Service) error) (err error) {
	ctx := cmd.Context()
	c, err := settings(cmd)
	if err != nil {
		return err
	}
	if err := makeData(c.Data); err != nil {
		return err
	}
	db, err := store.Open(ctx, c.Database, c.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	s, err := accounts.New(ctx, db.DB, time.Now)
	if err != nil {
		return err
	}
	return do(ctx, c, db, s)
}

func userCommand() *cobra.Command {
	users := &cobra.Command{Use: "user", Short: "People who may use the hub"}
	users.AddCommand(userAdd(), userReset(),
		&cobra.Command{Use: "list", Short: "Show everybody who has an account", Args: cobra.NoArgs, RunE: userList})
	return users
}

func userAdd() *cobra.Command {
	var n accounts.NewPerson
	var role string
	cmd := &cobra.Command{Use: "add", Short: "Add a person; the password is read from standard input", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&n.Name, "name", "", "name to sign in with")
	cmd.Flags().StringVar(&role, "role", "", "admin, officer, operator or viewer")
	cmd.Flags().StringVar(&n.Area, "area", "", "code of the area they answer for, with all below it (default: the whole tree)")
	required(cmd, "name", "role")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		n.Role = accounts.Role(role)
		if n.Password, err = readPassword(cmd.InOrStdin()); err != nil {
			return err
		}
		return withAccounts(cmd, func(ctx context.Context, c config.Hub, db *store.DB, s *accounts.Service) error {
			if n.Area != "" {
				if _, err := planner.New(planner.Deps{DB: db.DB, Zone: c.Zone, Now: time.Now}).Area(ctx, n.Area); err != nil {
					return err
				}
			}
			p, err := s.Add(ctx, n)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "added %s, %s of %s\n", p.Name, p.Role, place(p.Area))
			return err
		})
	}
	return cmd
}

func userReset() *cobra.Command {
	var name string
	cmd := &cobra.Command{Use: "reset", Short: "Give a person a new password, read from standard input; ends sessions, tokens and one-time codes", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&name, "name", "", "name they sign in with")
	required(cmd, "name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		password, err := readPassword(cmd.InOrStdin())
		if err != nil {
			return err
		}
		return withAccounts(cmd, func(ctx context.Context, _ config.Hub, _ *store.DB, s *accounts.Service) error {
			a, err := s.ConsoleReset(ctx, name, password)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s signs in with the new password from now on, and with nothing else\n", a.Name)
			return err
		})
	}
	return cmd
}

func userList(cmd *cobra.Command, _ []string) error {
	return withAccounts(cmd, func(ctx context.Context, _ config.Hub, _ *store.DB, s *accounts.Service) error {
		const page = 500
		for f := (accounts.PeopleFilter{Limit: page}); ; {
			people, err := s.List(ctx, f)
			if err != nil {
				return err
			}
			for _, a := range people {
				f.After = a.ID
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%-20s %-8s of %s%s\n", a.Name, a.Role, place(a.Area), notes(a)); err != nil {
					return fmt.Errorf("print person: %w", err)
				}
			}
			if len(people) < page {
				return nil
			}
		}
	})
}

func notes(a accounts.Account) string {
	var words []string
	for word, holds := range map[string]bool{"disabled": a.Disabled, "invited": a.Invited, "one-time codes": a.SecondFactor} {
		if holds {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return ""
	}
	slices.Sort(words)
	return " (" + strings.Join(words, ", ") + ")"
}

func place(area string) string {
	if area == "" {
		return "the whole tree"
	}
	return area
}

func required(cmd *cobra.Command, flags ...string) {
	for _, flag := range flags {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // the flag is defined by the caller
		}
	}
}

// readPassword takes the first line.
func readPassword(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
