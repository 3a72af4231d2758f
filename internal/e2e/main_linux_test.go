package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// bin is the folder of both programs, built by TestMain.
var bin string

func TestMain(m *testing.M) {
	// The bad line's proxy leaves the data of connections that broke in its pipes.
	goleak.VerifyTestMain(wholeRun{m}, goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write"))
}

// wholeRun builds the programs around the tests' run.
type wholeRun struct{ m *testing.M }

func (r wholeRun) Run() int {
	dir, err := os.MkdirTemp("", "loa-e2e-")
	if err == nil {
		defer os.RemoveAll(dir)
		bin = dir
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := r.m.Run()
	http.DefaultClient.CloseIdleConnections() // else they look like leaks
	return code
}

func build(dir string) error {
	for name, pkg := range map[string]string{"loa-hub": "hub", "loa-agent": "agent"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), "github.com/loa-vn/loa/"+pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}
