package app

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/loa-vn/loa/agent/internal/service"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/packaging"
)

// serviceCommand makes the agent a service of this machine, or tells how it is as one.
func serviceCommand() *cobra.Command {
	root := &cobra.Command{Use: "service", Short: "The agent as a service of this machine", Args: cobra.NoArgs}
	add := func(use, short string, do func(*cobra.Command, *service.Host) error) *cobra.Command {
		cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			host, err := thisHost(cmd)
			if err != nil {
				return err
			}
			return do(cmd, host)
		}}
		root.AddCommand(cmd)
		return cmd
	}
	add("install", "Install and start it, from now on with the machine", func(cmd *cobra.Command, h *service.Host) error { return h.Install(cmd.Context()) })
	var purge bool
	add("uninstall", "Stop and remove it; its data and settings stay", func(cmd *cobra.Command, h *service.Host) error {
		return h.Uninstall(cmd.Context(), purge)
	}).Flags().BoolVar(&purge, "purge", false, "remove its data, settings and user as well: the machine must be paired again")
	add("start", "Start it", func(cmd *cobra.Command, h *service.Host) error { return h.Start(cmd.Context()) })
	add("stop", "Stop it until it is started, or the machine is", func(cmd *cobra.Command, h *service.Host) error { return h.Stop(cmd.Context()) })
	add("status", "Tell whether it runs; exit code 1 when it does not", func(cmd *cobra.Command, h *service.Host) error {
		st, err := h.Status(cmd.Context())
		if err != nil {
			return err
		}
		if problem := st.Problem(); problem != nil {
			return problem
		}
		starts := "không tự khởi động cùng máy / does not start with the machine: loa-agent service install"
		if st.Starts {
			starts = "tự khởi động cùng máy / starts with the machine"
		}
		Terminal{Out: cmd.OutOrStdout()}.say("đang chạy / running (%s); %s\n", st.Detail, starts)
		return nil
	})
	return root
}

func thisHost(cmd *cobra.Command) (*service.Host, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return service.Open(service.Host{Program: self, Unit: packaging.AgentUnit(), Users: packaging.AgentUsers(), Settings: config.AgentSample(),
		Say: Terminal{Out: cmd.OutOrStdout()}.say}), nil
}

// A log takes no more than this of a small disk.
const (
	logMiB   = 10
	logsKept = 5
)

// logFile is a log that begins anew when it is full. A file that cannot be written silences nothing but the log.
func logFile(path string) *lumberjack.Logger {
	_ = os.MkdirAll(filepath.Dir(path), 0o700) // the first line fails then
	return &lumberjack.Logger{Filename: path, MaxSize: logMiB, MaxBackups: logsKept}
}
