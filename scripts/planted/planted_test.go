package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// tests gives the functions of a package's tests.
func tests(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				names[fn.Name.Name] = true
			}
		}
	}
	return names
}

// TestEveryWeaknessFitsTheTree: a patch that no longer applies is mended where its code was changed, not found out a
// month later. Each names a test that is there and that docs/security.md names.
func TestEveryWeaknessFitsTheTree(t *testing.T) {
	plants, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(plants) < 20 {
		t.Errorf("%d weaknesses are kept", len(plants))
	}
	doc, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plants {
		cmd := exec.CommandContext(t.Context(), "git", "apply", "-C1", "--check", p.patch)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s no longer fits its code, make it anew: %v %s", p.patch, err, out)
		}
		if !tests(t, p.pkg())[p.function()] {
			t.Errorf("%s names a test that is not there: %s", p.patch, p.test)
		}
		if cell := strings.TrimPrefix(p.pkg(), "./") + " " + p.function(); !strings.Contains(string(doc), "`"+cell+"`") {
			t.Errorf("docs/security.md does not name `%s`, the test of %s", cell, p.name)
		}
		if !strings.Contains(string(doc), "`"+p.name+"`") {
			t.Errorf("docs/security.md does not name the weakness `%s`", p.name)
		}
	}
}

var row = regexp.MustCompile("`([a-z][a-z0-9/]*) ((?:Test|Fuzz)[A-Za-z0-9]*)`")

// TestTheThreatTableNamesTests: every row of the table has a test, and every test it names is there.
func TestTheThreatTableNamesTests(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(doc), "| attacker or fault |")
	if !ok {
		t.Fatal("docs/security.md has no threat table")
	}
	rows := 0
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| what") {
			if strings.HasPrefix(line, "## What is open") {
				break
			}
			continue
		}
		cells := strings.Split(line, "|")
		named := row.FindAllStringSubmatch(line, -1)
		if len(cells) < 6 || len(named) == 0 {
			if !strings.Contains(line, "would do") {
				t.Errorf("a row without a test: %s", line)
			}
			continue
		}
		rows++
		for _, n := range named {
			if !tests(t, n[1])[n[2]] {
				t.Errorf("there is no %s in %s", n[2], n[1])
			}
		}
	}
	if rows < 30 {
		t.Errorf("%d rows were read", rows)
	}
}
