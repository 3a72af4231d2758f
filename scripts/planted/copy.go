package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Verdicts on a planted weakness.
const (
	found    = "found"    // its test fails
	survived = "SURVIVED" // its test passes all the same
	broken   = "BROKEN"   // it does not apply or does not compile: the patch has to follow the code
)

// testTime bounds one test: a weakness may make it wait for ever, which counts as found.
const testTime = "3m"

// treeCopy is a copy of the tree's files as git lists them, with what is not committed yet.
type treeCopy struct{ root, dir string }

func newCopy(ctx context.Context, root string) (*treeCopy, error) {
	dir, err := os.MkdirTemp("", "loa-planted-")
	if err != nil {
		return nil, fmt.Errorf("make copy: %w", err)
	}
	c := &treeCopy{root, dir}
	list, err := exec.CommandContext(ctx, "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("list files: %w", err), c.remove())
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		if err := c.restore(name); err != nil && !errors.Is(err, os.ErrNotExist) { // one that was deleted and not committed
			return nil, errors.Join(err, c.remove())
		}
	}
	return c, nil
}

func (c *treeCopy) remove() error { return os.RemoveAll(c.dir) }

// restore puts a file back as it is in the tree.
func (c *treeCopy) restore(name string) error {
	from, to := filepath.Join(c.root, name), filepath.Join(c.dir, name)
	info, err := os.Stat(from)
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	if err := os.WriteFile(to, text, info.Mode().Perm()); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return nil
}

// command runs one in the copy and gives all it wrote.
func (c *treeCopy) command(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func (c *treeCopy) test(ctx context.Context, pkg string, functions ...string) (string, error) {
	// Trimmed paths let every copy use what an earlier one compiled.
	return c.command(ctx, "go", "test", "-count=1", "-trimpath", "-vet=off", "-timeout", testTime, "-run", "^("+strings.Join(functions, "|")+")$", "-v", pkg)
}

// healthy runs every test that a weakness names without any: one that fails anyway, or is not there, shows nothing.
func (c *treeCopy) healthy(ctx context.Context, plants []plant) error {
	tests := map[string][]string{}
	for _, p := range plants {
		if !slices.Contains(tests[p.pkg()], p.function()) {
			tests[p.pkg()] = append(tests[p.pkg()], p.function())
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(tests)) {
		out, err := c.test(ctx, pkg, tests[pkg]...)
		if err != nil {
			return fmt.Errorf("the tests of %s fail without a weakness: %w\n%s", pkg, err, out)
		}
		for _, name := range tests[pkg] {
			if !strings.Contains(out, "--- PASS: "+name+" ") {
				return fmt.Errorf("%s %s did not run", pkg, name)
			}
		}
	}
	return nil
}

// try plants a weakness, runs its test and takes it out again.
func (c *treeCopy) try(ctx context.Context, p plant) string {
	defer func() {
		for _, name := range p.files {
			if err := c.restore(name); err != nil {
				panic(err) // every later verdict would be wrong
			}
		}
	}()
	if out, err := c.command(ctx, "git", "apply", "-C1", p.patch); err != nil {
		fmt.Print(out)
		return broken
	}
	out, err := c.test(ctx, p.pkg(), p.function())
	if err != nil && strings.Contains(out, "[build failed]") {
		fmt.Print(out)
		return broken
	}
	if err == nil || !strings.Contains(out, "--- FAIL: "+p.function()) && !strings.Contains(out, "panic: ") {
		return survived
	}
	return found
}
