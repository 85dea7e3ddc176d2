package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"regexp"
	"syscall"
	"testing"
)

// silent is standard input on which nothing comes until the test ends. asked is called when
// somebody reads it.
type silent struct {
	asked func()
	ended <-chan struct{}
}

func (s silent) Read([]byte) (int, error) {
	s.asked()
	<-s.ended
	return 0, io.EOF
}

func TestNobodyWaitsForAPasswordAfterAnInterrupt(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	a := &app{stdin: silent{interrupt, t.Context().Done()}}
	if _, err := a.newPassword(ctx, true); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWhoMayNotReadTheConfigurationIsToldWhoMay(t *testing.T) {
	err := withheld(fmt.Errorf("read configuration: %w", &fs.PathError{Op: "open", Path: "monarch.toml", Err: syscall.EACCES}))
	want := "read configuration: open monarch.toml: permission denied\nRun this as the user who runs the server, or as root"
	if err.Error() != want || !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	if err := withheld(io.ErrUnexpectedEOF); err.Error() != io.ErrUnexpectedEOF.Error() {
		t.Error(err)
	}
}

func TestWhatCannotBeClosedIsNamed(t *testing.T) {
	var errout bytes.Buffer
	a := &app{stderr: &errout}
	a.closed("database", nil)
	a.closed("audit log", io.ErrShortWrite)
	if got := errout.String(); got != "monarch: close audit log: short write\n" {
		t.Error(got)
	}
}

// TestHelpSaysWhatHoldsWithoutAFlag fails where a flag has a default that its help does not tell.
func TestHelpSaysWhatHoldsWithoutAFlag(t *testing.T) {
	told := regexp.MustCompile(`Without it|unless `)
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		for f := range of.Fields() {
			if _, ok := f.Tag.Lookup("default"); ok && !told.MatchString(f.Tag.Get("help")) {
				t.Errorf("%s.%s: what holds without it?", of, f.Name)
			}
			if f.Type.Kind() == reflect.Struct {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[commands]())
}
