package arch

import (
	"go/ast"
	"slices"
)

// serveRules say what is behind an open port.
func serveRules() []Rule {
	return []Rule{
		{
			Name: "shipped programs serve no default handlers",
			Why: "whatever package is linked puts handlers into http.DefaultServeMux, net/http/pprof the heap with its keys, and nats-server, which " +
				"links it, serves them by ProfPort: a port shows what we wrote for it, a Server names its Handler",
			check: func(t *Tree) []Violation {
				reached := t.shipped()
				var found []Violation
				for _, f := range t.files {
					if !f.test && reached[f.dir] {
						found = append(found, append(defaultHandlers(t, f), profilers(t, f)...)...)
					}
				}
				return found
			},
		},
	}
}

// defaultHandlers finds what uses http.DefaultServeMux, or may.
func defaultHandlers(t *Tree, f *file) (found []Violation) {
	report := func(n ast.Node, what string) { found = append(found, Violation{At: at(f, t.line(n)), What: what}) }
	http := f.localName("net/http")
	if http == "." {
		report(f.syntax.Name, "imports net/http without a name")
	}
	harmless := map[ast.Expr]bool{} // uses of the type http.Server that make none without a Handler
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StarExpr:
			harmless[n.X] = true
		case *ast.CompositeLit:
			harmless[n.Type] = harmless[n.Type] || namesHandler(n)
		case *ast.SelectorExpr:
			if !isName(n.X, http) {
				break
			}
			if name := n.Sel.Name; name == "Server" && !harmless[n] {
				report(n, "makes an http.Server that may have no Handler")
			} else if slices.Contains([]string{"DefaultServeMux", "Handle", "HandleFunc", "ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS"}, name) {
				report(n, "names http."+name)
			}
		}
		return true
	})
	return found
}

// profilers finds what has nats-server serve its profiler.
func profilers(t *Tree, f *file) (found []Violation) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && (id.Name == "ProfPort" || id.Name == "StartProfiler") {
			found = append(found, Violation{At: at(f, t.line(n)), What: "names " + id.Name})
		}
		return true
	})
	return found
}

// namesHandler tells whether a literal has a field Handler that is not nil.
func namesHandler(literal *ast.CompositeLit) bool {
	return slices.ContainsFunc(literal.Elts, func(e ast.Expr) bool {
		field, ok := e.(*ast.KeyValueExpr)
		return ok && isName(field.Key, "Handler") && !isName(field.Value, "nil")
	})
}
