package msntest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// RunFile runs the sections of a transcript file as subtests, all at once, each with a
// service of its own. Of how many nodes that is says [Nodes], unless alone has a reason why a
// section is about one: under the name of the file, or of the section after that and a slash. A
// section with one connection, and nothing else that is done to the service, is at one node in any case.
func RunFile(t *testing.T, path string, alone map[string]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := parse(filepath.ToSlash(path), string(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.sections) == 0 {
		t.Fatalf("%s has no section", path)
	}
	for _, part := range s.sections {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			settings := make(map[string]string)
			for _, line := range append(s.settings[:len(s.settings):len(s.settings)], part.settings...) {
				key, value, _ := strings.Cut(line, "=")
				settings[key] = value
			}
			nodes := Nodes()
			if file := strings.TrimSuffix(filepath.Base(path), ".txt"); alone[file] != "" || alone[file+"/"+part.name] != "" ||
				s.ways(s.header)+s.ways(part.steps) < 2 {
				nodes = 1
			}
			p := NewPlayer(t, startOn(t, settings, nodes))
			p.fragments = s.fragments
			p.check(p.run(s.header))
			p.check(p.run(part.steps))
			p.Finish()
		})
	}
}

// ways counts how something comes to the service in steps: connections, and what operators and
// others do. It may count one several times.
func (s *script) ways(steps []step) (count int) {
	opened := make(map[string]bool)
	for _, each := range steps {
		if each.conn != "" && !opened[each.conn] {
			opened[each.conn] = true
			count++
		}
		for _, block := range each.blocks {
			count += s.ways(block)
		}
		if each.op == opDo {
			count += s.waysOf(strings.Fields(each.text))
		}
	}
	return count
}

// waysOf counts those of a directive.
func (s *script) waysOf(words []string) int {
	switch words[0] {
	case "include":
		return s.ways(s.fragments[strings.Join(words[1:], " ")])
	case "chat":
		return len(words) // with the sign-ins before it
	case "signin9", "signin8", "board", "open", "fresh", "login", "operator", "web", "hook", "restart":
		return 1
	}
	return 0
}
