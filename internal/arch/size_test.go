package arch

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

// The longest things may get, in lines.
const (
	maxFile     = 500
	maxTestFile = 800
	maxFunction = 70
)

func TestFilesAreShort(t *testing.T) {
	eachSource(t, longFile)
}

func TestFunctionsFitAScreen(t *testing.T) {
	eachSource(t, longFunctions)
}

func longFile(s *source) []string {
	limit := maxFile
	if s.isTest() {
		limit = maxTestFile
	}
	if s.lines <= limit {
		return nil
	}
	return []string{s.complain(limit+1, "the file has %d lines, of %d at most: split it by topic, one file each", s.lines, limit)}
}

func longFunctions(s *source) []string {
	var findings []string
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		first := s.line(f.Pos())
		if n := s.line(f.End()) - first + 1; n > maxFunction {
			findings = append(findings, s.complain(first, "%s has %d lines, of %d at most: give its parts names of their own",
				f.Name.Name, n, maxFunction))
		}
	}
	return findings
}

func TestSizesBite(t *testing.T) {
	function := func(lines int) string {
		return "func f() {\n" + strings.Repeat("\n", lines-2) + "}\n"
	}
	for _, c := range []struct {
		name, file, text string
		findings         int
	}{
		{"a file at the limit", "a.go", strings.Repeat("\n", maxFile-1), 0},
		{"a file over it", "a.go", strings.Repeat("\n", maxFile), 1},
		{"a test file may be longer", "a_test.go", strings.Repeat("\n", maxTestFile-1), 0},
		{"but not for ever", "a_test.go", strings.Repeat("\n", maxTestFile), 1},
		{"a function at the limit", "a.go", function(maxFunction), 0},
		{"a function over it", "a.go", function(maxFunction + 1), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := snippet(t, c.file, fmt.Sprintf("package p\n%s", c.text))
			findings := append(longFile(s), longFunctions(s)...)
			if len(findings) != c.findings {
				t.Errorf("%d findings, want %d: %q", len(findings), c.findings, findings)
			}
		})
	}
}
