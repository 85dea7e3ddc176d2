//go:build unix

package tui

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestPipesAreNotOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, open := range map[string]func() error{
		"a file to send": func() error { _, _, err := openRegular(path); return err },
		"a picture":      func() error { _, err := readPicture(path); return err },
	} {
		got := make(chan error, 1)
		go func() { got <- open() }()
		late := time.NewTimer(10 * time.Second)
		select {
		case err := <-got:
			if !errors.Is(err, errIrregular) {
				t.Errorf("%s: %v", what, err)
			}
		case <-late.C:
			t.Errorf("%s waits for somebody to write into the pipe", what)
		}
		late.Stop()
	}
}
