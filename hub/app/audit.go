package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

// auditKeyFile signs heads of the audit log and nothing else: no trust document names it, no agent believes it.
const auditKeyFile = "audit-key"

var errHeadFile = problem.New("AUDIT_HEAD_FILE", 422,
	"Không đọc được tệp đầu nhật ký. Hãy ghi đúng đường dẫn tệp đã giữ từ loa-hub audit head.",
	"The file of the kept head cannot be read. Give the path of a file made by loa-hub audit head.")

func auditCommand() *cobra.Command {
	audit := &cobra.Command{Use: "audit", Short: "The log of who did what, a chain of hashes"}
	verify := &cobra.Command{Use: "verify", Short: "Look for edits, deletions and swaps in the audit log, and with --head for a cut tail", Args: cobra.NoArgs}
	head := verify.Flags().String("head", "", "file with a head that was kept elsewhere (loa-hub audit head)")
	verify.RunE = func(cmd *cobra.Command, _ []string) error { return auditVerify(cmd, *head) }
	audit.AddCommand(verify, &cobra.Command{Use: "head", Short: "Print where the audit log ends now, signed: keep it away from this machine",
		Args: cobra.NoArgs, RunE: auditHead})
	return audit
}

func auditHead(cmd *cobra.Command, _ []string) error {
	return withAccounts(cmd, func(ctx context.Context, c config.Hub, _ *store.DB, s *accounts.Service) error {
		key, err := seal.LoadOrCreateKey(filepath.Join(c.Data, auditKeyFile))
		if err != nil {
			return err
		}
		head, err := s.Head(ctx, key)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", head)
		return err
	})
}

func auditVerify(cmd *cobra.Command, headFile string) error {
	return withAccounts(cmd, func(ctx context.Context, c config.Hub, _ *store.DB, s *accounts.Service) error {
		kept, err := keptHead(c.Data, headFile)
		if err != nil {
			return err
		}
		lines, faults, err := s.Verify(ctx, kept)
		out := cmd.OutOrStdout()
		for _, f := range faults {
			_, _ = fmt.Fprintln(out, f) // the refusal below says it too
		}
		if err != nil {
			return err
		}
		if kept == nil {
			_, err = fmt.Fprintf(out, "%d lines, one whole chain; whether lines are missing at its end, only a kept head tells (--head)\n", lines)
		} else {
			_, err = fmt.Fprintf(out, "%d lines, one whole chain, and the one whose line %d was kept on %s\n", lines, kept.Seq, kept.At.Format("2006-01-02 15:04 MST"))
		}
		return err
	})
}

// keptHead reads a head that this hub signed; nil when none is named.
func keptHead(data, file string) (*seal.AuditHead, error) {
	if file == "" {
		return nil, nil
	}
	envelope, err := os.ReadFile(file)
	if err != nil {
		return nil, errHeadFile.With(err)
	}
	key, err := seal.LoadKey(filepath.Join(data, auditKeyFile))
	if err != nil {
		return nil, accounts.ErrHeadForeign(err)
	}
	head, err := seal.OpenAuditHead(key.Public(), envelope)
	if err != nil {
		return nil, accounts.ErrHeadForeign(err)
	}
	return &head, nil
}
