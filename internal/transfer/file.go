package transfer

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"monarch/internal/store"
)

// ErrName says that a name does not tell the format.
var ErrName = errors.New("the name does not say which format is wanted: let it end in .jsonl, .jsonl.gz or .csv, or in a slash for a directory of CSV files")

// form is the format of a file, as its name tells it.
type form int

const (
	lines form = iota // of JSON
	linesPacked
	tableOfAccounts
	directory
)

func formOf(path string) (form, error) {
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(filepath.Separator)) {
		return directory, nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return directory, nil
	}
	name := strings.ToLower(path)
	base, packed := strings.CutSuffix(name, ".gz")
	switch {
	case strings.HasSuffix(name, ".csv"):
		return tableOfAccounts, nil
	case !strings.HasSuffix(base, ".jsonl") && !strings.HasSuffix(base, ".json"):
		return 0, ErrName
	case packed:
		return linesPacked, nil
	}
	return lines, nil
}

// AccountsAlone reports whether a file of this name has no lists in it.
func AccountsAlone(path string) bool {
	f, err := formOf(path)
	return err == nil && f == tableOfAccounts
}

// Open returns the source that a file or a directory is, by its name.
func Open(path string) (Source, error) {
	f, err := formOf(path)
	if err != nil {
		return nil, err
	}
	if f == directory {
		return openDirectory(path)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	if f == tableOfAccounts {
		return &csvFiles{accounts: path}, nil
	}
	return &jsonFile{path: path, packed: f == linesPacked}, nil
}

// Exported counts what was written.
type Exported struct{ Accounts, Contacts int }

// Export writes what run tells of to a file or a directory, by its name. There must be no such file;
// under its name there is never a part of an export.
func Export(ctx context.Context, path string, tell func(Progress), run func(context.Context, store.Exporter) error) (Exported, error) {
	f, err := formOf(path)
	if err != nil {
		return Exported{}, err
	}
	var files newFiles
	defer files.abandon()
	to, end, err := files.exporter(path, f)
	if err != nil {
		return Exported{}, err
	}
	counted := &counting{to: to, tell: tell}
	if err := errors.Join(run(ctx, counted), end()); err != nil {
		return counted.done, err
	}
	return counted.done, files.publish()
}

// counting counts what it passes on.
type counting struct {
	to    store.Exporter
	tell  func(Progress)
	total int
	done  Exported
}

func (c *counting) Begin(accounts, contacts int) error {
	c.total = accounts + contacts
	return c.to.Begin(accounts, contacts)
}

func (c *counting) Account(a store.Account) error {
	c.done.Accounts++
	return c.passed(c.to.Account(a))
}

func (c *counting) Lists(l store.Lists) error {
	c.done.Contacts += len(l.People)
	return c.passed(c.to.Lists(l))
}

func (c *counting) passed(err error) error {
	if c.tell != nil && err == nil {
		c.tell(Progress{
			Doing: "Exporting", Done: int64(c.done.Accounts + c.done.Contacts), Total: int64(c.total),
			Accounts: c.done.Accounts, Contacts: c.done.Contacts,
		})
	}
	return err
}

// newFiles are the files of an export.
type newFiles []*newFile

// exporter makes the files, and returns what writes to them and what completes them.
func (files *newFiles) exporter(path string, f form) (to store.Exporter, end func() error, err error) {
	if f == lines || f == linesPacked {
		file, err := files.create(path)
		if err != nil {
			return nil, nil, err
		}
		if f == lines {
			return newJSONWriter(file.buffer, time.Now()), func() error { return nil }, nil
		}
		z := gzip.NewWriter(file.buffer)
		return newJSONWriter(z, time.Now()), z.Close, nil
	}
	var contacts *newFile
	if f == directory {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, nil, err
		}
		if contacts, err = files.create(filepath.Join(path, contactsFile)); err != nil {
			return nil, nil, err
		}
		path = filepath.Join(path, accountsFile)
	}
	accounts, err := files.create(path)
	if err != nil {
		return nil, nil, err
	}
	w := newCSVWriter(accounts.buffer, contacts.writer())
	return w, w.end, nil
}

func (files *newFiles) create(path string) (*newFile, error) {
	f, err := createFile(path)
	if err == nil {
		*files = append(*files, f)
	}
	return f, err
}

func (files *newFiles) publish() error {
	for _, f := range *files {
		if err := f.publish(); err != nil {
			return err
		}
	}
	return nil
}

func (files *newFiles) abandon() {
	for _, f := range *files {
		f.abandon()
	}
}

// newFile is a file that gets its name when it is whole. Nobody else may read it: it has hashes of
// passwords in it.
type newFile struct {
	path   string
	file   *os.File
	buffer *bufio.Writer
}

func createFile(path string) (*newFile, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("%s: %w; choose another name", path, fs.ErrExist)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".writing-*")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &newFile{path, f, bufio.NewWriterSize(f, 1<<18)}, nil
}

// writer is nil for no file.
func (f *newFile) writer() io.Writer {
	if f == nil {
		return nil
	}
	return f.buffer
}

// publish gives the file its name.
func (f *newFile) publish() error {
	err := errors.Join(f.buffer.Flush(), f.file.Sync(), f.file.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	if err := os.Link(f.file.Name(), f.path); err == nil || errors.Is(err, fs.ErrExist) {
		return errors.Join(err, os.Remove(f.file.Name()))
	}
	return os.Rename(f.file.Name(), f.path) // where a file has one name
}

// abandon removes what was not published.
func (f *newFile) abandon() {
	f.file.Close()
	os.Remove(f.file.Name()) // which may be gone
}
