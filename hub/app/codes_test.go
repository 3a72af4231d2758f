package app

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/codes.md anew")

const codesHead = `# Codes of refusals

Every answer of the hub or of an agent's page that is no success, and every message of their commands, has one of these codes. A code is stable: it never
gets another meaning. Beside it stand the sentence and the next step in Vietnamese (` + "`vi`" + `) and English (` + "`en`" + `). This list
is made from the source: ` + "`go test ./hub/app -run Codes -update`" + `.

| code | meaning and next step |
| --- | --- |
`

// TestCodesAreDocumented compares docs/codes.md with every problem.New of both programs and of what they share.
func TestCodesAreDocumented(t *testing.T) {
	codes := map[string]string{}
	for _, dir := range []string{"../../hub", "../../agent", "../../internal"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			return collect(path, codes)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var doc bytes.Buffer
	doc.WriteString(codesHead)
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		fmt.Fprintf(&doc, "| `%s` | %s |\n", code, strings.ReplaceAll(codes[code], "|", `\|`))
	}
	const file = "../../docs/codes.md"
	if *update {
		if err := os.WriteFile(file, doc.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, doc.Bytes()) {
		t.Error("docs/codes.md is not what the source says: go test ./hub/app -run Codes -update")
	}
}

// collect reads the codes of one file: problem.New with a literal code and its last sentence.
func collect(path string, codes map[string]string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if c, ok := n.(*ast.ValueSpec); ok && filepath.Base(filepath.Dir(path)) == "broadcast" && strings.HasPrefix(c.Names[0].Name, "Code") {
			codes[literal(c.Values[0])] = strings.TrimSpace(c.Comment.Text()) // of a broadcast.Invalid, which planner makes a problem
		}
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 4 {
			return true
		}
		fun, ok := call.Fun.(*ast.SelectorExpr)
		if pkg, isName := receiver(fun); !ok || !isName || pkg != "problem" || fun.Sel.Name != "New" {
			return true
		}
		if code := literal(call.Args[0]); code != "…" {
			if old, twice := codes[code]; !twice || len(literal(call.Args[3])) < len(old) {
				codes[code] = literal(call.Args[3])
			}
		}
		return true
	})
	return nil
}

func receiver(fun *ast.SelectorExpr) (string, bool) {
	if fun == nil {
		return "", false
	}
	id, ok := fun.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	return id.Name, true
}

// literal gives the text of a string expression, with … where it is made at run time.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return text
		}
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	case *ast.CallExpr:
		if len(e.Args) > 0 {
			return literal(e.Args[0])
		}
	}
	return "…"
}
