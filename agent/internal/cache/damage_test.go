package cache

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/faults"
)

// Whatever happens to the files while the agent is off: it starts, gives right bytes or none, and has all of
// them again in the end. A death of this process is a failure too. One in twenty goes the whole way through a child
// of its own; the others are looked at by one child after the other, which dies of them in our place.
func TestFaultDamagedFiles(t *testing.T) {
	rnd := faults.Random(t)
	h := newHub(t)
	r := newRigIn(t, h, faults.Dir(t))
	items := []broadcast.Item{h.report(2 * chunk), h.report(chunk / 2), h.report(3*chunk + 7)}
	head := h.head(nil, items...)
	r.offer(head)
	r.fetch(h, 100)
	if err := r.cache.Journal().Write(map[string][]byte{"slot": []byte("began")}, nil); err != nil {
		t.Fatal(err)
	}
	r.close()
	names := []string{"audio.db", "state.db"}
	whole := map[string][]byte{}
	for _, name := range names {
		raw, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		whole[name] = raw
	}
	own := childOf(t)
	children := &children{t: t, command: own.Command[0]}
	defer children.stop()
	total := faults.Count(400, 40_000)
	verdicts := map[int]int{}
	for i := range total {
		name := names[rnd.IntN(len(names))]
		raw, what := damage(rnd, whole[name])
		for _, n := range names {
			b := whole[n]
			if n == name {
				b = raw
			}
			path := filepath.Join(r.dir, n)
			_ = os.Remove(path) // the child may still have the one before, and its lock
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if r.checker = own; i >= total/20 {
			r.checker = Checker{}
			verdict := children.look(filepath.Join(r.dir, name))
			verdicts[verdict]++
			if verdict == checkDamaged || verdict == checkCrashed {
				continue // the agent sets it aside unread, see the first twentieth
			}
		}
		r.liveWith(h, head, items, fmt.Sprintf("%d: %s, %s", i, name, what))
		if t.Failed() {
			return
		}
	}
	t.Logf("%d damages, %d of them each with a child of its own; of the others the child found %d damaged, died of %d, and left %d to the hashes",
		total, total/20, verdicts[checkDamaged], verdicts[checkCrashed], verdicts[checkSound]+verdicts[checkUnfinished])
	if aside, _ := filepath.Glob(filepath.Join(r.dir, "*.damaged-*")); len(aside) == 0 && !testing.Short() || len(aside) > len(names)*keptAside {
		t.Errorf("set aside: %s", strings.Join(aside, " "))
	}
}

// liveWith starts a cache on what there is: it gives right bytes or none, and fetches what it lost.
func (r *rig) liveWith(h *hub, head []byte, items []broadcast.Item, what string) {
	r.t.Helper()
	c, err := Open(r.options())
	if err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
	r.cache = c
	for _, it := range items {
		_ = r.read(h, it) // fails the test on wrong bytes
	}
	r.offer(head)
	r.fetch(h, 100)
	c.finishComplete() // as Run does
	for _, it := range items {
		if err := r.read(h, it); err != nil {
			r.t.Errorf("%s: after fetching again: %v", what, err)
		}
	}
	if err := c.Close(); err != nil {
		r.t.Errorf("%s: %v", what, err)
	}
	r.cache = nil
}

// children looks at files through a child process, and begins a new one when it died.
type children struct {
	t       testing.TB
	command string
	cmd     *exec.Cmd
	looked  int // files, by this child
	in      io.WriteCloser
	out     *bufio.Reader
}

// look gives the code that CheckChild would have ended with.
func (k *children) look(path string) int {
	if k.cmd == nil {
		k.cmd, k.looked = exec.Command(k.command, childrenArg), 0
		in, err := k.cmd.StdinPipe()
		if err != nil {
			k.t.Fatal(err)
		}
		out, err := k.cmd.StdoutPipe()
		if err != nil {
			k.t.Fatal(err)
		}
		k.in, k.out = in, bufio.NewReader(out)
		if err := k.cmd.Start(); err != nil {
			k.t.Fatal(err)
		}
	}
	code := checkCrashed
	if _, err := fmt.Fprintln(k.in, path); err != nil {
		k.t.Fatalf("ask the child: %v", err)
	}
	if line, err := k.out.ReadString('\n'); err != nil {
		k.stop()
		return code
	} else if _, err := fmt.Sscan(line, &code); err != nil {
		k.t.Fatalf("the child said %q", line)
	}
	if k.looked++; code == checkUnfinished || k.looked == 1000 { // a damaged file stays open in it
		k.stop()
	}
	return code
}

func (k *children) stop() {
	if k.cmd != nil {
		_ = k.in.Close()
		_, _ = io.Copy(io.Discard, k.out)
		_ = k.cmd.Wait() // it may well have crashed
		k.cmd = nil
	}
}

// checkChildren is the child.
func checkChildren(in io.Reader, out io.Writer) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		code := CheckChild(lines.Text(), io.Discard)
		_, _ = fmt.Fprintln(out, code)
		if code == checkUnfinished { // what hangs goes on
			return
		}
	}
}

// damage gives bytes that differ a little, and says how.
func damage(rnd *rand.Rand, b []byte) ([]byte, string) {
	b = bytes.Clone(b)
	at := rnd.IntN(len(b))
	if rnd.IntN(2) == 0 { // the pages that hold the others together
		at = rnd.IntN(min(len(b), 10*4096))
	}
	switch rnd.IntN(4) {
	case 0:
		return b[:at], fmt.Sprintf("cut to %d", at)
	case 1:
		n := min(len(b)-at, 1+rnd.IntN(8192))
		clear(b[at : at+n])
		return b, fmt.Sprintf("%d zeroes at %d", n, at)
	default:
		bit := rnd.IntN(8)
		b[at] ^= 1 << bit
		return b, fmt.Sprintf("bit %d of byte %d", bit, at)
	}
}
