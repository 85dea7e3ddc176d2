package foreign

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// This file is inside the package because to load a dump takes a database, and with it fuzzing is slow.

// FuzzScanner looks for a dump whose tokens do not come to an end, or are more than the dump.
func FuzzScanner(f *testing.F) {
	text, err := os.ReadFile(filepath.Join("testdata", "r2m.sql"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("CREATE TABLE `users` (`id` int);INSERT INTO `users` VALUES (1),(NULL),('a\\'b'),(_binary \"x\"),(-1.5)")
	f.Add("/* a */ -- b\n# c\n'it''s' `x``y` 'open")
	f.Fuzz(func(t *testing.T, content string) {
		s := scanner{r: bufio.NewReader(strings.NewReader(content))}
		size := 0
		for n := 0; n <= len(content); n++ {
			token, err := s.next()
			if err != nil {
				if size > 2*len(content) {
					t.Errorf("%d bytes of tokens in %d", size, len(content))
				}
				if !errors.Is(err, io.EOF) && !strings.HasPrefix(err.Error(), "line ") {
					t.Errorf("got %v", err)
				}
				return
			}
			size += len(token.text)
		}
		t.Error("there are more tokens than bytes")
	})
}
