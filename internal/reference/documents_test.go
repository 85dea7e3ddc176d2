package reference

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"monarch/internal/cli"
	"monarch/internal/command"
	"monarch/internal/config"
)

// text is one document for operators, in which a test looks for names.
type text struct {
	file  string // from docs
	lines []string
}

// documents returns the handbook and the page that leads to it. Decisions tell of their day.
func documents(t *testing.T) []text {
	t.Helper()
	var all []text
	add := func(file, name string) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text{name, strings.Split(string(content), "\n")})
	}
	add(filepath.Join(docsDir, "../README.md"), "../README.md")
	err := filepath.WalkDir(docsDir, func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "adr" {
			return filepath.SkipDir
		}
		if err == nil && filepath.Ext(file) == ".md" {
			name, relErr := filepath.Rel(docsDir, file)
			add(file, filepath.ToSlash(name))
			return relErr
		}
		return err
	})
	if err != nil || len(all) < 30 {
		t.Fatalf("%d documents, %v", len(all), err)
	}
	return all
}

// each shows every line of the documents, and whether it is in a block of code.
func each(all []text, visit func(where string, line string, block bool)) {
	for _, d := range all {
		block := false
		for i, line := range d.lines {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				block = !block
				continue
			}
			visit(d.file+":"+strconv.Itoa(i+1), line, block)
		}
	}
}

// whole joins a document.
func (d text) whole() string { return strings.Join(d.lines, "\n") }

var (
	span     = regexp.MustCompile("`([^`]+)`")
	keyLike  = regexp.MustCompile(`^([a-z]+)\.[a-z0-9_]+$`)
	variable = regexp.MustCompile(`\bMONARCH_[A-Z0-9_]+\b`)
)

// notKeys look like settings and are files.
var notKeys = []string{"accounts.csv", "audit.log", "mail.example"}

func TestDocumentsNameSettingsThatExist(t *testing.T) {
	keys, variables, sections := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for _, s := range config.Sections() {
		sections[s.Name] = true
		for _, k := range s.Keys {
			keys[k.Name], variables[k.Env] = true, true
		}
	}
	others := otherVariables(t)
	each(documents(t), func(where, line string, block bool) {
		for _, name := range variable.FindAllString(line, -1) {
			if !variables[name] && !others[name] {
				t.Errorf("%s: no setting has the variable %s", where, name)
			}
		}
		for _, m := range span.FindAllStringSubmatch(line, -1) {
			if k := keyLike.FindStringSubmatch(m[1]); !block && k != nil && sections[k[1]] && !keys[m[1]] && !slices.Contains(notKeys, m[1]) {
				t.Errorf("%s: there is no setting %s", where, m[1])
			}
		}
	})
}

// otherVariables returns those that scripts and tests read.
func otherVariables(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for _, pattern := range []string{"../../scripts/*", "../../.goreleaser.yaml", "../*/*_test.go", "../msntest/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range variable.FindAllString(string(content), -1) {
				names[name] = true
			}
		}
	}
	return names
}

// Blocks of TOML are configurations.
func TestConfigurationsInDocumentsAreRight(t *testing.T) {
	n := 0
	for _, d := range documents(t) {
		for _, block := range blocks(d) {
			if !strings.HasPrefix(block, "[") || !strings.Contains(block, " = ") || strings.Contains(block, "[Unit]") || strings.Contains(block, "[Service]") {
				continue
			}
			n++
			file := filepath.Join(t.TempDir(), "monarch.toml")
			if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}
			environ := []string{"MONARCH_DATABASE_URL=postgres://monarch@db.example.com/monarch"} // for several nodes, which is not repeated everywhere
			if strings.Contains(block, "[database]") {
				environ = nil
			}
			if _, err := config.Load(file, environ); err != nil {
				t.Errorf("%s: %v\n%s", d.file, err, block)
			}
		}
	}
	if n < 5 {
		t.Errorf("found %d configurations", n)
	}
}

// blocks returns the blocks of code of a document.
func blocks(d text) []string {
	var all []string
	begun := false
	for _, line := range d.lines {
		switch fence := strings.HasPrefix(strings.TrimSpace(line), "```"); {
		case fence && !begun:
			all, begun = append(all, ""), true
		case fence:
			begun = false
		case begun:
			all[len(all)-1] += line + "\n"
		}
	}
	return all
}

func TestCommandsInDocumentsAreRight(t *testing.T) {
	program := cli.Program()
	entries, err := program.Reference()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	each(documents(t), func(where, line string, block bool) {
		if block {
			if usage := strings.TrimSuffix(line, " [FLAGS]"); slices.ContainsFunc(entries, func(e command.Entry) bool { return e.Usage == usage }) {
				return
			}
			for _, args := range commandLines(line) {
				n++
				if err := program.Check(args); err != nil {
					t.Errorf("%s: %v: %s", where, err, line)
				}
			}
			return
		}
		for _, m := range span.FindAllStringSubmatch(line, -1) {
			if problem := wrong(entries, m[1]); problem != "" {
				t.Errorf("%s: %s", where, problem)
			}
		}
	})
	if n < 50 {
		t.Errorf("found %d commands", n)
	}
}

var (
	logged  = regexp.MustCompile("msg=\"([^\"]+)\"")
	checked = regexp.MustCompile(`doctor's lines? ((?:"[^"]+"(?:, | and )?)+)`)
	inWords = regexp.MustCompile(`"([^"]+)"`)
)

// TestDocumentsQuoteWhatIsSaid looks for lines of the log and of the doctor in the source.
func TestDocumentsQuoteWhatIsSaid(t *testing.T) {
	said := make(map[string]bool)
	source := goSource(t)
	n := 0
	quote := func(where, text string) {
		n++
		text, _, _ = strings.Cut(text, ": ") // what follows may be put together
		if !said[text] && !strings.Contains(source, `"`+text) {
			t.Errorf("%s: nothing says %q", where, text)
		}
		said[text] = true
	}
	for _, d := range documents(t) {
		whole := strings.ReplaceAll(d.whole(), "\n", " ")
		for _, m := range logged.FindAllStringSubmatch(whole, -1) {
			quote(d.file, m[1])
		}
		for _, lines := range checked.FindAllStringSubmatch(whole, -1) {
			for _, m := range inWords.FindAllStringSubmatch(lines[1], -1) {
				quote(d.file, m[1])
			}
		}
	}
	if n < 15 {
		t.Errorf("found %d quotations", n)
	}
}

// goSource is all that the program is made of.
func goSource(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return err
		}
		content, err := os.ReadFile(file)
		b.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
