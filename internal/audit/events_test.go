package audit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"monarch/internal/audit"
)

// TestEventsAreListed fails where somebody adds an event, and people cannot look for it.
func TestEventsAreListed(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "events.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	listed, n := audit.Events(), 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if text, ok := spec.Values[0].(*ast.BasicLit); ok {
			n++
			if what, err := strconv.Unquote(text.Value); err != nil || !slices.Contains(listed, audit.What(what)) {
				t.Errorf("%s is not listed", spec.Names[0])
			}
		}
		return true
	})
	if n != len(listed) {
		t.Errorf("%d events, %d listed", n, len(listed))
	}
}
