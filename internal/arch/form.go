package arch

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
)

// maxLines is what can still be read at one sitting.
const maxLines = 500

// formRules say how packages, files and tests are kept.
func formRules() []Rule {
	return []Rule{
		{
			Name: "each package has exactly one package doc, which opens with its name",
			Why: "it says the package's stage: what it takes and gives, and what it promises about concurrency. A newcomer " +
				"finds a report's way by reading these",
			check: packageDocs,
		},
		{
			Name:  fmt.Sprintf("no file over %d lines", maxLines),
			Why:   "a file is read at one sitting; a longer one is about two things",
			check: longFiles,
		},
		{
			Name: "no time.Sleep in tests",
			Why: "a sleep is either too short, and the test fails by chance, or too long, and everyone waits: use testing/synctest, " +
				"a channel, or a condition with a deadline",
			check: sleepingTests,
		},
		{
			Name:  "no func init",
			Why:   "it runs before main can choose, in an order nobody reads, and leaves state that two tests share",
			check: initFuncs,
		},
	}
}

func packageDocs(t *Tree) []Violation {
	packages := map[string][]*file{}
	for _, f := range t.files {
		packages[f.dir] = append(packages[f.dir], f)
	}
	var found []Violation
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		found = append(found, packageDoc(t, dir, packages[dir])...)
	}
	return found
}

// packageDoc looks at one folder. A folder of tests only has its doc in one of them.
func packageDoc(t *Tree, dir string, files []*file) []Violation {
	code := slices.DeleteFunc(slices.Clone(files), func(f *file) bool { return f.test })
	if len(code) == 0 {
		code = files
	}
	var docs []*file
	for _, f := range code {
		if f.syntax.Doc != nil {
			docs = append(docs, f)
		}
	}
	switch len(docs) {
	case 0:
		return []Violation{{At: dir, What: "has no package doc"}}
	case 1:
		return docOpening(t, docs[0])
	}
	var found []Violation
	for _, f := range docs {
		found = append(found, Violation{At: at(f, t.line(f.syntax.Doc)), What: fmt.Sprintf("one of %d package docs", len(docs))})
	}
	return found
}

func docOpening(t *Tree, f *file) []Violation {
	want := "Package " + strings.TrimSuffix(f.syntax.Name.Name, "_test") + " "
	if f.syntax.Name.Name == "main" {
		want = "Command "
	}
	if strings.HasPrefix(f.syntax.Doc.Text(), want) {
		return nil
	}
	return []Violation{{At: at(f, t.line(f.syntax.Doc)), What: fmt.Sprintf("package doc does not open with %q", want)}}
}

func longFiles(t *Tree) []Violation {
	var found []Violation
	for _, f := range t.files {
		if f.lines > maxLines && !ast.IsGenerated(f.syntax) {
			found = append(found, Violation{At: f.name, What: fmt.Sprintf("has %d lines", f.lines)})
		}
	}
	return found
}

func sleepingTests(t *Tree) []Violation {
	var found []Violation
	for _, f := range t.files {
		if !f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if selected, ok := n.(*ast.SelectorExpr); ok && isName(selected.X, f.localName("time")) && selected.Sel.Name == "Sleep" {
				found = append(found, Violation{At: at(f, t.line(n)), What: "calls time.Sleep"})
			}
			return true
		})
	}
	return found
}

func initFuncs(t *Tree) []Violation {
	var found []Violation
	for _, f := range t.files {
		for _, declared := range f.syntax.Decls {
			if fn, ok := declared.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				found = append(found, Violation{At: at(f, t.line(fn)), What: "declares func init"})
			}
		}
	}
	return found
}

// localName gives the name under which the file knows an imported package, "" when it does not import it.
func (f *file) localName(importPath string) string {
	for i, spec := range f.syntax.Imports {
		if f.imports[i].path != importPath {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return importPath[strings.LastIndex(importPath, "/")+1:]
	}
	return ""
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && name != "" && id.Name == name
}
