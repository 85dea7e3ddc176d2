package transfer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"monarch/internal/im"
	"monarch/internal/store"
)

// The files of a directory.
const (
	accountsFile = "accounts.csv"
	contactsFile = "contacts.csv"
)

// accountColumns are what accounts.csv may have, in the order in which an export writes it. An empty
// cell is not known. read says what is wrong with one that is not, and write is nil for what no export has.
var accountColumns = []struct {
	name  string
	read  func(a *Account, cell string) error
	write func(a store.Account) string
}{
	{"email", func(a *Account, s string) error { a.Handle = uncell(s); return nil }, func(a store.Account) string { return cell(a.Handle) }},
	{"nick", func(a *Account, s string) error { name := uncell(s); a.Name = &name; return nil }, func(a store.Account) string { return cell(*a.Name) }},
	{"password", func(a *Account, s string) error { a.Password = s; return nil }, nil},
	{"password_hash", func(a *Account, s string) error { a.PasswordHash = &s; return nil }, func(a store.Account) string { return *a.PasswordHash }},
	{"disabled", func(a *Account, s string) (err error) { a.Disabled, err = parseBool(s); return err }, func(a store.Account) string { return yesNo(*a.Disabled) }},
	{"disabled_reason", func(a *Account, s string) error { reason := uncell(s); a.LockReason = &reason; return nil }, func(a store.Account) string { return cell(*a.LockReason) }},
	{"disabled_until", func(a *Account, s string) (err error) { a.LockedUntil, err = parseTime(s); return err }, func(a store.Account) string {
		if *a.LockedUntil == 0 {
			return ""
		}
		return time.Unix(*a.LockedUntil, 0).UTC().Format(time.RFC3339)
	}},
	{"role", func(a *Account, s string) error { a.Role = (*im.Role)(&s); return nil }, func(a store.Account) string { return string(*a.Role) }},
	{"created", func(a *Account, s string) (err error) { a.Created, err = parseTime(s); return err }, func(a store.Account) string {
		return time.Unix(*a.Created, 0).UTC().Format(time.RFC3339)
	}},
	{"list_version", func(a *Account, s string) error {
		v, err := strconv.ParseUint(s, 10, 32)
		a.Version = uint32(v)
		return numeric(err)
	}, func(a store.Account) string { return strconv.FormatUint(uint64(a.Version), 10) }},
	{"ask_when_added", func(a *Account, s string) error {
		ask, err := parseBool(s)
		if err == nil {
			a.Prompt = prompt(*ask)
		}
		return err
	}, func(a store.Account) string { return yesNo(*a.Prompt == im.Ask) }},
	{"visible_to_others", func(a *Account, s string) error {
		visible, err := parseBool(s)
		if err == nil {
			a.Policy = policy(*visible)
		}
		return err
	}, func(a store.Account) string { return yesNo(*a.Policy == im.AllowOthers) }},
	{"groups", readGroups, writeGroups},
	{"unread_inbox", func(a *Account, s string) (err error) { mailbox(a).Inbox, err = parseCount(s); return err }, func(a store.Account) string {
		return ofMailbox(a, func(m im.Mailbox) string { return strconv.Itoa(m.Inbox) })
	}},
	{"unread_folders", func(a *Account, s string) (err error) { mailbox(a).Folders, err = parseCount(s); return err }, func(a store.Account) string {
		return ofMailbox(a, func(m im.Mailbox) string { return strconv.Itoa(m.Folders) })
	}},
	{"mailbox_url", func(a *Account, s string) error { mailbox(a).URL = s; return nil }, func(a store.Account) string {
		return ofMailbox(a, func(m im.Mailbox) string { return m.URL })
	}},
	{"PHH", readProperty("PHH"), writeProperty("PHH")},
	{"PHW", readProperty("PHW"), writeProperty("PHW")},
	{"PHM", readProperty("PHM"), writeProperty("PHM")},
	{"MOB", readProperty("MOB"), writeProperty("MOB")},
	{"MBE", readProperty("MBE"), writeProperty("MBE")},
	{"WWE", readProperty("WWE"), writeProperty("WWE")},
}

var contactColumns = []string{"email", "contact", "name", "lists", "groups"}

func readProperty(typ string) func(*Account, string) error {
	return func(a *Account, s string) error {
		a.Properties = append(a.Properties, im.Property{Type: typ, Value: uncell(s)})
		return nil
	}
}

func writeProperty(typ string) func(store.Account) string {
	return func(a store.Account) string {
		for _, p := range a.Properties {
			if p.Type == typ {
				return cell(p.Value)
			}
		}
		return ""
	}
}

// readGroups reads numbers and names: 0=Other Contacts|1=Friends.
func readGroups(a *Account, s string) error {
	for one := range strings.SplitSeq(s, "|") {
		number, name, ok := strings.Cut(one, "=")
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if !ok || err != nil {
			return errors.New("write it like 0=Other Contacts|1=Friends")
		}
		a.Groups = append(a.Groups, im.Group{Number: n, Name: uncell(name)})
	}
	return nil
}

func writeGroups(a store.Account) string {
	all := make([]string, len(a.Groups))
	for i, g := range a.Groups {
		all[i] = fmt.Sprintf("%d=%s", g.Number, cell(g.Name))
	}
	return strings.Join(all, "|")
}

func mailbox(a *Account) *im.Mailbox {
	if a.Mailbox == nil {
		a.Mailbox = new(im.Mailbox)
	}
	return a.Mailbox
}

func ofMailbox(a store.Account, what func(im.Mailbox) string) string {
	if a.Mailbox == nil {
		return ""
	}
	return what(*a.Mailbox)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func parseBool(s string) (*bool, error) {
	b := false
	switch strings.ToLower(s) {
	case "yes", "true", "1":
		b = true
	case "no", "false", "0":
	default:
		return nil, fmt.Errorf("%q is neither yes nor no", s)
	}
	return &b, nil
}

func parseTime(s string) (*int64, error) {
	for _, form := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(form, s); err == nil {
			seconds := t.Unix()
			return &seconds, nil
		}
	}
	return nil, fmt.Errorf("%q is no time; write it like 2026-01-31 or 2026-01-31T12:00:00Z", s)
}

func parseCount(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), numeric(err)
}

func numeric(err error) error {
	if err != nil {
		return errors.New("it is no number from 0 on")
	}
	return nil
}

// csvWriter writes an export; contacts is nil where accounts alone are wanted.
type csvWriter struct{ accounts, contacts *csv.Writer }

func newCSVWriter(accounts, contacts io.Writer) *csvWriter {
	w := &csvWriter{accounts: csv.NewWriter(accounts)}
	if contacts != nil {
		w.contacts = csv.NewWriter(contacts)
	}
	return w
}

func (w *csvWriter) Begin(int, int) error {
	var names []string
	for _, c := range accountColumns {
		if c.write != nil {
			names = append(names, c.name)
		}
	}
	if w.contacts != nil {
		if err := w.contacts.Write(contactColumns); err != nil {
			return err
		}
	}
	return w.accounts.Write(names)
}

func (w *csvWriter) Account(a store.Account) error {
	row := make([]string, 0, len(accountColumns))
	for _, c := range accountColumns {
		if c.write != nil {
			row = append(row, c.write(a))
		}
	}
	return w.accounts.Write(row)
}

func (w *csvWriter) Lists(l store.Lists) error {
	if w.contacts == nil {
		return nil
	}
	for _, e := range l.People {
		groups := make([]string, len(e.Groups))
		for i, n := range e.Groups {
			groups[i] = strconv.Itoa(n)
		}
		row := []string{cell(l.Owner), cell(e.Handle), cell(e.Name), strings.Join(namesOf(e.Lists), " "), strings.Join(groups, " ")}
		if err := w.contacts.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// end writes what is left.
func (w *csvWriter) end() error {
	w.accounts.Flush()
	err := w.accounts.Error()
	if w.contacts != nil {
		w.contacts.Flush()
		err = errors.Join(err, w.contacts.Error())
	}
	return err
}

// csvFiles is a table of accounts, and one of contacts if there is one.
type csvFiles struct {
	accounts, contacts string // paths; "" for no contacts
	first, second      *position
	sizes              [2]int64
}

// openDirectory returns what a directory has.
func openDirectory(dir string) (*csvFiles, error) {
	f := &csvFiles{accounts: filepath.Join(dir, accountsFile)}
	if _, err := os.Stat(f.accounts); err != nil {
		return nil, fmt.Errorf("a directory to import from has %s in it: %w", accountsFile, err)
	}
	contacts := filepath.Join(dir, contactsFile)
	if info, err := os.Stat(contacts); err == nil {
		f.contacts, f.sizes[1] = contacts, info.Size()
	}
	return f, nil
}

func (f *csvFiles) HasLists() bool { return f.contacts != "" }

func (f *csvFiles) Position() (done, total int64) {
	a, size := f.first.at()
	b, _ := f.second.at()
	return a + b, size + f.sizes[1]
}

func (f *csvFiles) Read(ctx context.Context, each func(Item) error) (err error) {
	f.second = nil
	if f.first, err = openAt(f.accounts); err != nil {
		return err
	}
	defer f.first.Close()
	var names []string
	for _, c := range accountColumns {
		names = append(names, c.name)
	}
	where := "line"
	if f.contacts != "" {
		where = accountsFile + " line"
	}
	err = readTable(f.first, names, func(line int, row map[string]string) error {
		item := parseAccount(row)
		item.Where = fmt.Sprintf("%s %d", where, line)
		return errors.Join(ctx.Err(), each(item))
	})
	if err != nil || f.contacts == "" {
		return named(f.accounts, err)
	}
	if f.second, err = openAt(f.contacts); err != nil {
		return err
	}
	defer f.second.Close()
	return named(f.contacts, readTable(f.second, contactColumns, func(line int, row map[string]string) error {
		item := parseContact(row)
		item.Where = fmt.Sprintf("%s line %d", contactsFile, line)
		return errors.Join(ctx.Err(), each(item))
	}))
}

// errTable is what is wrong with a whole table.
var errTable = errors.New("the table cannot be read")

func named(path string, err error) error {
	if errors.Is(err, errTable) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return err
}

// readTable reads a table whose first line names its columns, some of those that are known.
func readTable(r io.Reader, known []string, each func(line int, row map[string]string) error) error {
	lines := &bounded{r, longestLine}
	b := bufio.NewReaderSize(lines, 1<<16)
	if mark, err := b.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		b.Discard(3) //nolint:errcheck // it is there
	}
	table := csv.NewReader(b)
	if first, err := b.Peek(256); (err == nil || err == io.EOF) && separatedBySemicolons(first) {
		table.Comma = ';'
	}
	table.ReuseRecord = true
	names, err := readNames(table, known)
	if err != nil {
		return err
	}
	table.FieldsPerRecord = len(names)
	for {
		lines.left = longestLine
		cells, err := table.Read()
		if err == io.EOF {
			return nil
		}
		if errors.Is(err, errLong) {
			return fmt.Errorf("%w: %w", errTable, err)
		}
		if err != nil {
			return fmt.Errorf("%w: %w; every line has as many cells as the first, and a cell with a comma, a quote or a line break stands in quotes", errTable, err)
		}
		row := make(map[string]string, len(names))
		for i, c := range cells {
			row[names[i]] = c
		}
		line, _ := table.FieldPos(0)
		if err := each(line, row); err != nil {
			return err
		}
	}
}

// bounded reads so many bytes at most.
type bounded struct {
	io.Reader
	left int
}

// errLong is what is wrong with a line on which there would be more.
var errLong = fmt.Errorf("a line is longer than %d MiB; see whether a quote is left open", longestLine>>20)

func (r *bounded) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, errLong
	}
	n, err := r.Reader.Read(b[:min(len(b), r.left)])
	r.left -= n
	return n, err
}

// readNames reads the names of the columns.
func readNames(table *csv.Reader, known []string) ([]string, error) {
	first, err := table.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: first line: %w", errTable, err)
	}
	var names []string
	for _, n := range first {
		n = strings.TrimSpace(n)
		if !slices.Contains(known, n) {
			return nil, fmt.Errorf("%w: line 1 names the column %q; those there may be are %s", errTable, n, strings.Join(known, ", "))
		}
		if slices.Contains(names, n) {
			return nil, fmt.Errorf("%w: line 1 names the column %q twice", errTable, n)
		}
		names = append(names, n)
	}
	if !slices.Contains(names, "email") {
		return nil, fmt.Errorf("%w: line 1 names no column email; write for example: email,nick,password", errTable)
	}
	return names, nil
}

// separatedBySemicolons reports whether a table is what spreadsheets write where a comma is part of a number.
func separatedBySemicolons(beginning []byte) bool {
	line, _, _ := bytes.Cut(beginning, []byte("\n"))
	return bytes.ContainsRune(line, ';') && !bytes.ContainsRune(line, ',')
}

func parseAccount(row map[string]string) Item {
	item := Item{Account: new(Account)}
	for _, c := range accountColumns {
		s := row[c.name]
		if c.name != "password" { // which may have blanks
			s = strings.TrimSpace(s)
		}
		if s == "" {
			continue
		}
		if err := c.read(item.Account, s); err != nil {
			item.Findings = append(item.Findings, wrong(c.name, "%v", err))
		}
	}
	return item
}

func parseContact(row map[string]string) Item {
	e := store.Entry{Handle: uncell(row["contact"]), Name: uncell(row["name"])}
	item := Item{Lists: &store.Lists{Owner: uncell(row["email"])}}
	var err error
	if e.Lists, err = parseLists(strings.Fields(row["lists"])); err != nil {
		item.Findings = append(item.Findings, wrong("lists", "%v", err))
	}
	for n := range strings.FieldsSeq(row["groups"]) {
		number, err := strconv.Atoi(n)
		if err != nil {
			item.Findings = append(item.Findings, wrong("groups", "%q is no number of a group", n))
			continue
		}
		e.Groups = append(e.Groups, number)
	}
	item.Lists.People = []store.Entry{e}
	return item
}
