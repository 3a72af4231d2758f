package outage

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// actArg makes this program the process that acts a script and is recorded.
const actArg = "act-script"

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == actArg {
		if err := act(os.Args[2], os.Args[3], os.Stdout); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
