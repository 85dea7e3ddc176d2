package msntest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// RunFile runs the sections of a transcript file as subtests, all at once, each with a
// server of its own.
func RunFile(t *testing.T, path string) {
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
			p := NewPlayer(t, Start(t, settings))
			p.fragments = s.fragments
			p.check(p.run(s.header))
			p.check(p.run(part.steps))
			p.Finish()
		})
	}
}
