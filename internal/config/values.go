package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Size is a number of bytes; as text "20GiB", "500 MiB", "64KiB" or plain bytes.
type Size int64

// UnmarshalText reads what the type's doc shows.
func (s *Size) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	unit := int64(1)
	for i, suffix := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = strings.TrimSpace(rest), int64(1)<<(10*(i+1))
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return fmt.Errorf("size %q is not like 500MiB or 20GiB", string(b))
	}
	*s = Size(n * unit)
	return nil
}

// Hours are a span of every day, over midnight when End is not after Start; as text "22:00-05:00", or nothing for the
// whole day.
type Hours struct{ Start, End broadcast.TimeOfDay }

// UnmarshalText reads what the type's doc shows.
func (h *Hours) UnmarshalText(b []byte) error {
	*h = Hours{}
	text := strings.TrimSpace(string(b))
	if text == "" {
		return nil
	}
	from, to, _ := strings.Cut(text, "-")
	start, startErr := broadcast.ParseTimeOfDay(strings.TrimSpace(from))
	end, endErr := broadcast.ParseTimeOfDay(strings.TrimSpace(to))
	if startErr != nil || endErr != nil || start == end || start == broadcast.EndOfDay {
		return fmt.Errorf("hours %q are not like 22:00-05:00", string(b))
	}
	*h = Hours{start, end}
	return nil
}

// Hosts are addresses of other machines, host:port; as text with commas between them.
type Hosts []string

// UnmarshalText reads what the type's doc shows.
func (h *Hosts) UnmarshalText(b []byte) error {
	*h = nil
	for _, text := range strings.Split(string(b), ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		if err := checkFixed(text); err != nil {
			return err
		}
		if host, _, _ := net.SplitHostPort(text); host == "" || strings.ContainsAny(host, "/@ ") { // checkFixed split it
			return fmt.Errorf("address %q names no machine", text)
		}
		*h = append(*h, text)
	}
	return nil
}

// checkListen refuses what is not host:port; an empty host means every address.
func checkListen(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address %q is not host:port", addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return nil
}

// checkFixed refuses, beside that, a port that is another at each start.
func checkFixed(addr string) error {
	if err := checkListen(addr); err != nil {
		return err
	}
	if _, port, _ := net.SplitHostPort(addr); strings.Trim(port, "+-0") == "" { // checkListen split it
		return fmt.Errorf("address %q has no port", addr)
	}
	return nil
}

// checkLoopback refuses addresses that another machine could reach: the console has no accounts.
func checkLoopback(addr string) error {
	if err := checkListen(addr); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(addr) // checkListen split it
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("address %q is not of this machine alone (127.0.0.1 or ::1)", addr)
}

// checkURL refuses what is not an absolute URL of one of the schemes, without user, query or fragment.
func checkURL(text string, schemes ...string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("parse %q: %w", text, err)
	case !slices.Contains(schemes, u.Scheme) || u.Host == "":
		return fmt.Errorf("%q does not begin with %s://", text, strings.Join(schemes, ":// or "))
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%q has more than scheme, host and path", text)
	}
	return nil
}

func checkData(dir string) error {
	if strings.TrimSpace(dir) == "" {
		return errors.New("the data folder has no name")
	}
	return nil
}
