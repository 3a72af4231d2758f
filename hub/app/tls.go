package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loa-vn/loa/internal/config"
)

func tlsCommand() *cobra.Command {
	group := &cobra.Command{Use: "tls", Short: "The private CA that the hub proves itself with"}
	var given []string
	initial := &cobra.Command{Use: "init", Short: "Make the CA and the server's certificate, or a certificate for other hosts by the same CA", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := settings(cmd)
			if err != nil {
				return err
			}
			if len(given) == 0 {
				given = usualHosts(c)
			}
			return tlsInit(cmd, c, given)
		}}
	initial.Flags().StringSliceVar(&given, "host", nil,
		"names and addresses that agents and browsers dial (default: this machine's name, that of public_url, and loopback)")
	group.AddCommand(initial,
		&cobra.Command{Use: "show", Short: "Show the certificate and the pin for agents", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := settings(cmd)
			if err != nil {
				return err
			}
			ca, err := loadAuthority(c.Data)
			if err != nil {
				return err
			}
			return showTLS(cmd, ca)
		}})
	return group
}

// usualHosts are the names a hub is likely dialled by.
func usualHosts(c config.Hub) []string {
	out := []string{"localhost", "127.0.0.1", "::1"}
	if name, err := os.Hostname(); err == nil {
		if _, _, err := hosts([]string{name}); err == nil {
			out = append(out, name)
		}
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && host != "" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			out = append(out, host)
		}
	}
	if u, err := url.Parse(c.PublicURL); err == nil && u.Hostname() != "" {
		out = append(out, u.Hostname())
	}
	return out
}

// tlsInit may run beside a serving hub, which reads the files again within the hour.
func tlsInit(cmd *cobra.Command, c config.Hub, given []string) error {
	names, addresses, err := hosts(given)
	if err != nil {
		return err
	}
	if err := makeData(c.Data); err != nil {
		return err
	}
	ca, err := loadAuthority(c.Data)
	if errors.Is(err, errNoTLS) {
		ca, err = newAuthority(c.Data, time.Now())
	}
	if err != nil {
		return err
	}
	if err := ca.issue(names, addresses, time.Now()); err != nil {
		return err
	}
	return showTLS(cmd, ca)
}

func showTLS(cmd *cobra.Command, ca *authority) error {
	cert, err := ca.server()
	if err != nil {
		return err
	}
	known := cert.DNSNames
	for _, ip := range cert.IPAddresses {
		known = append(known, ip.String())
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "hosts    %s\nuntil    %s, renewed by itself before\nCA       %s\npin      %s\nAgents   loa-agent pair --hub https://%s --hub-pin %s --code CODE\n",
		strings.Join(known, " "), cert.NotAfter.UTC().Format(time.DateOnly), ca.path(caFile), ca.pin(), known[len(known)-1], ca.pin())
	return err
}
