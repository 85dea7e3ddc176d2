package arch

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// module is the import path of the project.
const module = "monarch"

// source is one Go file, read and parsed.
type source struct {
	path  string // from the top of the module, with slashes
	text  []byte
	fset  *token.FileSet
	file  *ast.File
	lines int
}

// dir is the directory of the file from the top of the module, which names its package.
func (s *source) dir() string { return path.Dir(s.path) }

func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s *source) line(p token.Pos) int { return s.fset.Position(p).Line }

// complain puts a finding in the form of a compiler's: where, what, and what to do.
func (s *source) complain(line int, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, line, fmt.Sprintf(format, args...))
}

func parseSource(name string, text []byte) (*source, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{path: name, text: text, fset: fset, file: f, lines: bytes.Count(text, []byte{'\n'})}, nil
}

// tree is the module as the rules see it: every Go file, whatever its build constraints,
// and every document.
type tree struct {
	root    string
	sources []*source
	docs    []string // paths of the Markdown files
	texts   []string // those of configurations and the like, which cite documents as well
}

var readTree = sync.OnceValues(func() (*tree, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	t := &tree{root: root}
	return t, filepath.WalkDir(root, t.visit)
})

// visit adds a file to the tree. Directories with a go.mod of their own are other modules, and what
// npm installs is nobody's here.
func (t *tree) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(t.root, name)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	if d.IsDir() {
		if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules" || isModule(name)) {
			return filepath.SkipDir
		}
		return nil
	}
	switch path.Ext(rel) {
	case ".md":
		t.docs = append(t.docs, rel)
	case ".toml", ".service", ".yaml", ".cfg", ".sh", ".html":
		t.texts = append(t.texts, rel)
	case ".go":
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		s, err := parseSource(rel, text)
		if err != nil {
			return err
		}
		t.sources = append(t.sources, s)
	}
	return nil
}

func (t *tree) stat(name string) (os.FileInfo, error) {
	return os.Stat(filepath.Join(t.root, filepath.FromSlash(name)))
}

func (t *tree) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(t.root, filepath.FromSlash(name)))
}

// packages groups the files by directory.
func (t *tree) packages() map[string][]*source {
	m := make(map[string][]*source)
	for _, s := range t.sources {
		m[s.dir()] = append(m[s.dir()], s)
	}
	return m
}

func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for !isModule(dir) {
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = up
	}
	return dir, nil
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// open returns the tree of the module under test.
func open(t *testing.T) *tree {
	t.Helper()
	tr, err := readTree()
	if err != nil {
		t.Fatal(err)
	}
	if len(tr.sources) == 0 {
		t.Fatal("found no Go file below " + tr.root)
	}
	return tr
}

// report fails the test with one line for each finding, in the order of the files.
func report(t *testing.T, findings []string) {
	t.Helper()
	slices.Sort(findings)
	for _, f := range findings {
		t.Error(f)
	}
}

// eachSource reports what a rule finds in every file of the module.
func eachSource(t *testing.T, rule func(*source) []string) {
	t.Helper()
	var findings []string
	for _, s := range open(t).sources {
		findings = append(findings, rule(s)...)
	}
	report(t, findings)
}

// snippet parses a made-up file, for showing that a rule bites.
func snippet(t *testing.T, name, text string) *source {
	t.Helper()
	s, err := parseSource(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
