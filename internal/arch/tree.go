// Package arch guards the tree: which package may import which, and how packages and tests are kept. It
// takes the repository's source files, parsed and not built, so that files for other systems count too, and
// gives violations, each with the rule's reason, to its own test. Nothing imports it. A Tree is read-only
// once loaded and safe for concurrent use.
package arch

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Tree is a module's Go files.
type Tree struct {
	module string // import path of the root
	fset   *token.FileSet
	files  []*file
}

// file is one parsed Go file.
type file struct {
	name    string // slash-separated, from the root
	dir     string // the same without the last element; "." at the root
	test    bool
	lines   int
	syntax  *ast.File
	imports []imported
}

// imported is one import of a file.
type imported struct {
	path  string // as written
	local string // folder in this module, "" for another module's or the standard library's package
	line  int
}

// Load parses every Go file under root, which holds a go.mod. Folders that Go itself ignores, and what make
// and npm put there, are left out.
func Load(root string) (*Tree, error) {
	module, err := modulePath(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	t := &Tree{module: module, fset: token.NewFileSet()}
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && ignored(root, name):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		return t.add(root, name)
	})
	if err != nil {
		return nil, fmt.Errorf("load tree: %w", err)
	}
	return t, nil
}

func modulePath(gomod string) (string, error) {
	text, err := os.ReadFile(gomod)
	if err != nil {
		return "", fmt.Errorf("read module path: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if module, ok := strings.CutPrefix(lines.Text(), "module "); ok {
			return strings.TrimSpace(module), nil
		}
	}
	return "", fmt.Errorf("read module path: no module line in %s", gomod)
}

func ignored(root, dir string) bool {
	base := filepath.Base(dir)
	if base == "testdata" || base == "node_modules" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	atRoot := filepath.Dir(dir) == filepath.Clean(root)
	return atRoot && (base == "bin" || base == "dist" || base == "var")
}

func (t *Tree) add(root, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(root, name)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	syntax, err := parser.ParseFile(t.fset, rel, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	f := &file{
		name:   rel,
		dir:    path.Dir(rel),
		test:   strings.HasSuffix(rel, "_test.go"),
		lines:  bytes.Count(text, []byte("\n")),
		syntax: syntax,
	}
	for _, spec := range syntax.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("read import of %s: %w", rel, err)
		}
		f.imports = append(f.imports, imported{path: p, local: t.local(p), line: t.line(spec)})
	}
	t.files = append(t.files, f)
	return nil
}

// local gives the folder of an import path of this module.
func (t *Tree) local(importPath string) string {
	if importPath == t.module {
		return "."
	}
	dir, ok := strings.CutPrefix(importPath, t.module+"/")
	if !ok {
		return ""
	}
	return dir
}

func (t *Tree) line(n ast.Node) int { return t.fset.Position(n.Pos()).Line }

// within says whether dir is base or lies under it.
func within(dir, base string) bool {
	return dir == base || strings.HasPrefix(dir, base+"/")
}

// withinAny says whether dir is one of bases or lies under one of them.
func withinAny(dir string, bases ...string) bool {
	for _, base := range bases {
		if within(dir, base) {
			return true
		}
	}
	return false
}
