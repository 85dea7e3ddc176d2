package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Entry is a line of the log.
type Entry struct {
	Time    time.Time `json:"time"`
	Event   string    `json:"event"`
	User    string    `json:"user"`
	Addr    string    `json:"addr"`
	By      string    `json:"by"`
	Note    string    `json:"note"`
	Omitted uint64    `json:"omitted"` // events like this one that were not recorded before it

	Line []byte `json:"-"` // as it stands in the file, without its end; good until the next one is read
}

// Read calls visit with the entries since a time, oldest first, of the log at path and of what
// was put aside from it. What is no entry is left out. The error is fs.ErrNotExist when there is
// no log, or that of visit.
func Read(path string, since time.Time, visit func(Entry) error) error {
	f, err := readBefore(path, since, visit)
	if err != nil {
		return err
	}
	defer f.Close()
	return newLines(f).each(since, visit)
}

// readBefore reads what was put aside from the log at path, and opens that.
func readBefore(path string, since time.Time, visit func(Entry) error) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	// From here on what is put aside is the open file itself, or comes after it.
	for _, name := range asideOf(path, f) {
		if err := readAside(name, since, visit); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// asideOf returns the files that were put aside from the log at path, oldest first: their names
// hold the time. One that is now is left out, and what came after it.
func asideOf(path string, now *os.File) []string {
	base := filepath.Base(path)
	extension := filepath.Ext(base)
	prefix := strings.TrimSuffix(base, extension) + "-"
	entries, err := os.ReadDir(filepath.Dir(path)) // sorted
	if err != nil {
		return nil // the log itself is open: what is aside may be kept from us
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), extension) {
			names = append(names, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	if i := slices.IndexFunc(names, func(name string) bool { return isFile(name, now) }); i >= 0 {
		names = names[:i]
	}
	return names
}

// isFile reports whether a name is that of an open file.
func isFile(name string, f *os.File) bool {
	a, err := os.Stat(name)
	if err != nil {
		return false
	}
	b, err := f.Stat()
	return err == nil && os.SameFile(a, b)
}

func readAside(name string, since time.Time, visit func(Entry) error) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted meanwhile, for its age
	}
	if err != nil {
		return fmt.Errorf("read audit log: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.ModTime().Before(since) {
		return nil
	}
	return newLines(f).each(since, visit)
}

// followEvery is how often it is looked for more.
const followEvery = 200 * time.Millisecond

// Follow does the same as [Read] and goes on with what is recorded from then on, until ctx ends,
// which is no error, or visit has one.
func Follow(ctx context.Context, path string, since time.Time, visit func(Entry) error) error {
	f, err := readBefore(path, since, visit)
	if err != nil {
		return err
	}
	defer func() { f.Close() }()
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for now := newLines(f); ; {
		if err := now.each(since, visit); err != nil {
			return err
		}
		if !isFile(path, f) {
			next, err := readRest(f, now, path, since, visit)
			if err != nil {
				return err
			}
			if next != nil {
				f.Close()
				f, now = next, newLines(next)
				continue
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readRest reads the end of a file that was put aside, what was put aside after it, and opens
// the log that took its place; nil when there is none yet.
func readRest(f *os.File, l *lines, path string, since time.Time, visit func(Entry) error) (*os.File, error) {
	next, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	if err := l.each(since, visit); err != nil {
		next.Close()
		return nil, err
	}
	names := asideOf(path, next)
	if i := slices.IndexFunc(names, func(name string) bool { return isFile(name, f) }); i >= 0 {
		for _, name := range names[i+1:] {
			if err := readAside(name, since, visit); err != nil {
				next.Close()
				return nil, err
			}
		}
	}
	return next, nil
}

// lines reads a file that may be growing.
type lines struct {
	r    *bufio.Reader
	part []byte // of a line whose end has not come yet
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReader(r)} }

// each visits the entries up to the present end of the file.
func (l *lines) each(since time.Time, visit func(Entry) error) error {
	for {
		piece, err := l.r.ReadSlice('\n')
		l.part = append(l.part, piece...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read audit log: %w", err)
		}
		line := bytes.TrimSuffix(l.part, []byte{'\n'})
		l.part = l.part[:0]
		var e Entry
		if json.Unmarshal(line, &e) != nil || e.Event == "" || e.Time.Before(since) {
			continue
		}
		e.Line = line
		if err := visit(e); err != nil {
			return err
		}
	}
}
