package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestPackagesIntroduceThemselves(t *testing.T) {
	var findings []string
	for _, files := range open(t).packages() {
		findings = append(findings, introduction(files)...)
	}
	report(t, findings)
}

func TestTestsNeitherSleepNorSkip(t *testing.T) {
	eachSource(t, waiting)
}

func TestNothingIsLeftForLater(t *testing.T) {
	eachSource(t, leftovers)
}

func TestVersionsAreTables(t *testing.T) {
	eachSource(t, versionComparisons)
}

func TestReturnsDoNotDependOnTheOrderOfEvaluation(t *testing.T) {
	eachSource(t, returnsBeside)
}

// introduction finds a package without its one comment of two sentences or more: what it is
// responsible for, and what it leaves to others.
func introduction(files []*source) []string {
	slices.SortFunc(files, func(a, b *source) int { return strings.Compare(a.path, b.path) })
	var found []*source
	for _, s := range files {
		if s.file.Doc != nil && !strings.HasSuffix(s.file.Name.Name, "_test") {
			found = append(found, s)
		}
	}
	first := files[0]
	switch {
	case allTests(files):
		return nil
	case len(found) == 0:
		return []string{first.complain(1, "package %s has no comment: say in one sentence what it is responsible for, "+
			"and in a second what it leaves to others", first.file.Name.Name)}
	case len(found) > 1:
		return []string{found[1].complain(1, "a second package comment; keep the one in %s, and put a blank line "+
			"after a comment about this file", found[0].path)}
	}
	s, doc := found[0], found[0].file.Doc.Text()
	line := s.line(s.file.Doc.Pos())
	start := "Package " + s.file.Name.Name + " "
	if s.file.Name.Name == "main" {
		start = "Command "
	}
	if !strings.HasPrefix(doc, start) {
		return []string{s.complain(line, "the package comment begins with %q", start)}
	}
	if s.file.Name.Name != "main" && len(sentence.FindAllString(doc, 2)) < 2 {
		return []string{s.complain(line, "the package comment needs a second sentence: what the package leaves to others")}
	}
	return nil
}

var sentence = regexp.MustCompile(`\.(\s|$)`)

func allTests(files []*source) bool {
	return !slices.ContainsFunc(files, func(s *source) bool { return !s.isTest() })
}

// waiting finds tests that guess how long something takes, or do not run at all. Sleeping is
// no better outside of tests.
func waiting(s *source) []string {
	var findings []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		switch line := s.line(sel.Pos()); {
		case x.Name == "time" && sel.Sel.Name == "Sleep":
			findings = append(findings, s.complain(line, "do not sleep: set a timer of internal/clock, which tests move "+
				"with Advance, or wait for what the test is about"))
		case s.isTest() && isTestingT(x.Name) && strings.HasPrefix(sel.Sel.Name, "Skip"):
			findings = append(findings, s.complain(line, "do not skip: a test that cannot run says what is missing and fails; "+
				"a test nobody needs is deleted"))
		}
		return true
	})
	return findings
}

// isTestingT reports whether a variable has a name that tests give to what runs them.
func isTestingT(name string) bool {
	return slices.Contains([]string{"t", "b", "f", "tb", "r"}, name)
}

// versionComparisons finds code that decides by the number of a protocol version, which
// only msnp, for layout, and the dialect files, named after their versions, may do.
func versionComparisons(s *source) []string {
	if s.isTest() || s.dir() == "msnp" || dialectFile.MatchString(path.Base(s.path)) {
		return nil
	}
	var findings []string
	find := func(exprs ...ast.Expr) {
		if slices.ContainsFunc(exprs, isVersion) {
			findings = append(findings, s.complain(s.line(exprs[0].Pos()), "do not compare versions: make the difference a field of "+
				"the dialect, or a method of msnp.Version that says what the version has"))
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			find(n.X, n.Y)
		case *ast.CaseClause:
			if len(n.List) > 0 {
				find(n.List...)
			}
		}
		return true
	})
	return findings
}

var (
	dialectFile = regexp.MustCompile(`^(dialect|msnp\d+)\.go$`)
	versionName = regexp.MustCompile(`^MSNP\d+$`)
)

// isVersion reports whether an expression names a version of the protocol.
func isVersion(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	return ok && versionName.MatchString(sel.Sel.Name)
}

// returnsBeside finds a variable that is returned beside a call that is given its address: whether
// it is read before or after the call is up to the compiler.
func returnsBeside(s *source) []string {
	var findings []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		r, ok := n.(*ast.ReturnStmt)
		if !ok {
			return true
		}
		for _, result := range r.Results {
			if v, ok := result.(*ast.Ident); ok && slices.ContainsFunc(r.Results, func(e ast.Expr) bool { return pointsTo(e, v.Name) }) {
				findings = append(findings, s.complain(s.line(r.Pos()), "%s may be read before the call fills it: call first, then return", v.Name))
			}
		}
		return true
	})
	return findings
}

// pointsTo reports whether an expression has the address of a variable, or of a part of it.
func pointsTo(e ast.Expr, variable string) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		u, ok := n.(*ast.UnaryExpr)
		if !ok || u.Op != token.AND {
			return true
		}
		x := u.X
		for {
			part, ok := x.(*ast.SelectorExpr)
			if !ok {
				break
			}
			x = part.X
		}
		v, ok := x.(*ast.Ident)
		found = found || ok && v.Name == variable
		return true
	})
	return found
}

// leftovers finds the words that mark unfinished work.
func leftovers(s *source) []string {
	var findings []string
	for _, g := range s.file.Comments {
		for _, c := range g.List {
			if word := leftover.FindString(c.Text); word != "" {
				findings = append(findings, s.complain(s.line(c.Pos()), "%s: do it now, or write an issue and delete the comment", word))
			}
		}
	}
	return findings
}

var leftover = regexp.MustCompile(`\b(` + strings.Join(leftoverWords, "|") + `)\b`)

// leftoverWords are spelt in halves, so that a search for them does not end here.
var leftoverWords = []string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"}

func TestHabitsBite(t *testing.T) {
	const intro = "// Package p does one thing. It leaves the rest to others.\n"
	for _, c := range []struct {
		name, file, text string
		findings         int
	}{
		{"a package that introduces itself", "a.go", intro + "package p\n", 0},
		{"no introduction", "a.go", "package p\n", 1},
		{"one sentence only", "a.go", "// Package p does one thing.\npackage p\n", 1},
		{"an introduction of somebody else", "a.go", "// This is p. It does things.\npackage p\n", 1},
		{"a command", "a.go", "// Command a runs a.\npackage main\n", 0},
		{"a test alone needs none", "a_test.go", "package p_test\n", 0},
		{"sleeping", "a.go", intro + "package p\nfunc f() { time." + "Sleep(1) }\n", 1},
		{"skipping", "a_test.go", intro + "package p\nfunc f(t *T) { t." + "Skipf(\"\") }\n", 1},
		{"skipping what is no test", "a.go", intro + "package p\nfunc f(r R) { r." + "Skip(2) }\n", 0},
		{"comparing versions", "a.go", intro + "package p\nvar b = v >= msnp.MSNP9\n", 1},
		{"switching on versions", "a.go", intro + "package p\nfunc f() { switch v { case msnp.MSNP8: } }\n", 1},
		{"comparing versions where they are made", "msnp9.go", intro + "package p\nvar b = v >= msnp.MSNP9\n", 0},
		{"naming a version", "a.go", intro + "package p\nvar v = msnp.MSNP9\n", 0},
		{"returning what a call fills", "a.go", intro + "package p\nfunc f() (T, error) { return v, c.get(x, &v) }\n", 1},
		{"returning what a call fills a part of", "a.go", intro + "package p\nfunc f() (T, bool) { return v, get(&v.A.B) == nil }\n", 1},
		{"returning after the call", "a.go", intro + "package p\nfunc f() (T, error) { err := get(&v); return v, err }\n", 0},
		{"returning what another call fills", "a.go", intro + "package p\nfunc f() (T, error) { return v, get(&w) }\n", 0},
		{"unfinished work", "a.go", intro + "package p\n// " + leftoverWords[0] + " more\n", 1},
		{"a name that looks like it", "a.go", intro + "package p\n// Parse" + leftoverWords[2] + " reads\n", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := snippet(t, c.file, c.text)
			findings := slices.Concat(introduction([]*source{s}), waiting(s), leftovers(s), versionComparisons(s), returnsBeside(s))
			if len(findings) != c.findings {
				t.Errorf("%d findings, want %d: %q", len(findings), c.findings, findings)
			}
		})
	}
	two := []*source{snippet(t, "a.go", intro+"package p\n"), snippet(t, "b.go", intro+"package p\n")}
	if f := introduction(two); len(f) != 1 || !strings.HasPrefix(f[0], "b.go:1:") {
		t.Errorf("two introductions: %q", f)
	}
	if f := fmt.Sprint(introduction(two[:1])); f != "[]" {
		t.Error(f)
	}
}
