package transfer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"monarch/internal/im"
	"monarch/internal/store"
)

// What the first line of a file says.
const (
	formatName    = "monarch accounts"
	formatVersion = 1
)

// longestLine bounds what is read at a time.
const longestLine = 8 << 20

// peopleInLine is how many contacts an export puts in a line.
const peopleInLine = 1000

type header struct {
	Format   string    `json:"format"`
	Version  int       `json:"version"`
	Exported time.Time `json:"exported"`
	Accounts int       `json:"accounts"`
	Contacts int       `json:"contacts"`
}

// accountLine is an account, in the order in which its fields are written.
type accountLine struct {
	Account    string          `json:"account,omitempty"`
	Name       *text           `json:"name,omitempty"`
	Hash       *string         `json:"password_hash,omitempty"`
	Password   string          `json:"password,omitempty"`
	Disabled   *bool           `json:"disabled,omitempty"`
	Reason     *text           `json:"disabled_reason,omitempty"`
	Until      *time.Time      `json:"disabled_until,omitempty"`
	Role       *im.Role        `json:"role,omitempty"`
	Created    *time.Time      `json:"created,omitempty"`
	Version    uint32          `json:"list_version,omitempty"`
	Asks       *bool           `json:"ask_when_added,omitempty"`
	Visible    *bool           `json:"visible_to_others,omitempty"`
	Properties map[string]text `json:"properties,omitzero"`
	Groups     []groupField    `json:"groups,omitzero"`
	Mailbox    *mailboxField   `json:"mailbox,omitempty"`
}

type groupField struct {
	Number int  `json:"number"`
	Name   text `json:"name"`
}

type mailboxField struct {
	Inbox   int    `json:"unread_inbox"`
	Folders int    `json:"unread_folders"`
	URL     string `json:"url"`
}

// listsLine is people whom somebody has on his lists.
type listsLine struct {
	Owner    string         `json:"contacts_of,omitempty"`
	Contacts []contactField `json:"contacts,omitempty"`
}

type contactField struct {
	Account string   `json:"account"`
	Name    text     `json:"name,omitempty"`
	Lists   []string `json:"lists"`
	Groups  []int    `json:"groups,omitempty"`
}

// jsonWriter writes an export.
type jsonWriter struct {
	out *json.Encoder
	now time.Time
}

func newJSONWriter(w io.Writer, now time.Time) *jsonWriter {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &jsonWriter{e, now}
}

func (w *jsonWriter) Begin(accounts, contacts int) error {
	return w.out.Encode(header{formatName, formatVersion, w.now.UTC().Truncate(time.Second), accounts, contacts})
}

func (w *jsonWriter) Account(a store.Account) error {
	return w.out.Encode(lineOf(a)) //nolint:gosec // no password is known here
}

func (w *jsonWriter) Lists(l store.Lists) error {
	for people := l.People; len(people) > 0; {
		n := min(len(people), peopleInLine)
		line := listsLine{Owner: l.Owner}
		for _, e := range people[:n] {
			line.Contacts = append(line.Contacts, contactField{e.Handle, text(e.Name), namesOf(e.Lists), e.Groups})
		}
		if err := w.out.Encode(line); err != nil {
			return err
		}
		people = people[n:]
	}
	return nil
}

// lineOf returns the line of an account of which everything is known.
func lineOf(a store.Account) accountLine {
	name, created := text(*a.Name), time.Unix(*a.Created, 0).UTC()
	asks, visible := *a.Prompt == im.Ask, *a.Policy == im.AllowOthers
	l := accountLine{
		Account: a.Handle, Name: &name, Hash: a.PasswordHash, Disabled: a.Disabled, Role: a.Role, Created: &created, Version: a.Version,
		Asks: &asks, Visible: &visible, Properties: make(map[string]text), Groups: []groupField{},
	}
	if *a.LockReason != "" {
		l.Reason = (*text)(a.LockReason)
	}
	if *a.LockedUntil != 0 {
		until := time.Unix(*a.LockedUntil, 0).UTC()
		l.Until = &until
	}
	for _, p := range a.Properties {
		l.Properties[p.Type] = text(p.Value)
	}
	for _, g := range a.Groups {
		l.Groups = append(l.Groups, groupField{g.Number, text(g.Name)})
	}
	if m := a.Mailbox; m != nil {
		l.Mailbox = &mailboxField{m.Inbox, m.Folders, m.URL}
	}
	return l
}

// namesOf returns the two-letter names of lists.
func namesOf(lists im.List) (names []string) {
	for _, l := range []im.List{im.Forward, im.Allow, im.Block} {
		if lists&l != 0 {
			names = append(names, l.String())
		}
	}
	return names
}

// jsonFile is a file that an export has written, or somebody by hand.
type jsonFile struct {
	path   string
	packed bool // with gzip
	file   *position
}

// HasLists is true: a file with accounts alone says that nobody has anybody on his lists.
func (f *jsonFile) HasLists() bool { return true }

func (f *jsonFile) Position() (done, total int64) { return f.file.at() }

func (f *jsonFile) Read(ctx context.Context, each func(Item) error) error {
	file, err := openAt(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	f.file = file
	var r io.Reader = file
	if f.packed {
		z, err := gzip.NewReader(r)
		if err != nil {
			return fmt.Errorf("%s is not packed with gzip: %w", f.path, err)
		}
		r = z
	}
	err = readLines(ctx, bufio.NewReaderSize(r, 1<<18), each)
	if errors.Is(err, errHeader) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return err
}

// errHeader is what is wrong with a first line.
var errHeader = errors.New("this is no export of Monarch")

// kept refuses a file that ends before there was what its first line promises.
func (h header) kept(got header) error {
	if h.Accounts <= got.Accounts && h.Contacts <= got.Contacts {
		return nil
	}
	return fmt.Errorf("%w: the first line promises %d accounts and %d contacts, and the file ends after %d and %d; copy it again",
		io.ErrUnexpectedEOF, h.Accounts, h.Contacts, got.Accounts, got.Contacts)
}

func readLines(ctx context.Context, r *bufio.Reader, each func(Item) error) error {
	var got, promised header
	lists := false
	for number := 1; ; number++ {
		b, err := readLine(r)
		switch {
		case errors.Is(err, io.EOF) && number == 1:
			return fmt.Errorf("%w: it is empty", errHeader)
		case errors.Is(err, io.EOF):
			return promised.kept(got)
		case err != nil:
			return fmt.Errorf("line %d: %w", number, err)
		case number == 1:
			if promised, err = parseHeader(b); err != nil {
				return err
			}
			continue
		case len(bytes.TrimSpace(b)) == 0:
			if err := ctx.Err(); err != nil { // there may be any number of them, packed
				return err
			}
			continue
		}
		item := parseLine(b)
		item.Where = fmt.Sprintf("line %d", number)
		if item.Account != nil {
			got.Accounts++
			if lists {
				item = Item{Where: item.Where, Findings: []Finding{wrong("account", "it comes after contacts; put all accounts before them")}}
			}
		}
		if item.Lists != nil {
			lists = true
			got.Contacts += len(item.Lists.People)
		}
		if err := errors.Join(ctx.Err(), each(item)); err != nil {
			return err
		}
	}
}

// readLine returns the next line. It is valid until the next call.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		if err == io.EOF && len(line) > 0 {
			err = nil
		}
		return line, err
	}
	long := bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(long) > longestLine {
			return nil, fmt.Errorf("it is longer than %d MiB; put the contacts of one account into several lines, one after the other", longestLine>>20)
		}
		line, err = r.ReadSlice('\n')
		long = append(long, line...)
	}
	if err == io.EOF {
		err = nil
	}
	return long, err
}

func parseHeader(b []byte) (header, error) {
	var h header
	switch err := strict(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), &h); {
	case h.Format != formatName:
		return h, fmt.Errorf("%w: its first line is not {\"format\": %q, \"version\": %d}", errHeader, formatName, formatVersion)
	case h.Version != formatVersion:
		return h, fmt.Errorf("%w of this release: its format has version %d, known here is %d; use the release that wrote it, or a newer one", errHeader, h.Version, formatVersion)
	case err != nil:
		return h, fmt.Errorf("%w: first line: %w", errHeader, err)
	}
	return h, nil
}

// strict reads one value of JSON and nothing that is not known.
func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is more in the line than one object")
	}
	return nil
}

// parseLine reads a line after the first.
func parseLine(b []byte) Item {
	var line struct {
		accountLine
		listsLine
	}
	if err := strict(b, &line); err != nil {
		return Item{Findings: []Finding{explainJSON(err)}}
	}
	switch {
	case line.Account != "" && line.Owner == "" && line.Contacts == nil:
		return Item{Account: line.account()}
	case line.Owner != "" && line.Account == "":
		l, findings := line.lists()
		return Item{Lists: &l, Findings: findings}
	}
	return Item{Findings: []Finding{wrong("", `it is neither {"account": …} nor {"contacts_of": …, "contacts": […]}`)}}
}

// explainJSON says what is wrong with a line.
func explainJSON(err error) Finding {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		field := strings.TrimPrefix(strings.TrimPrefix(mistyped.Field, "accountLine."), "listsLine.")
		return wrong(field, "it cannot be a %s", mistyped.Value)
	}
	said := strings.TrimPrefix(err.Error(), "json: ")
	if name, ok := strings.CutPrefix(said, "unknown field "); ok {
		return wrong(strings.Trim(name, `"`), "there is no such field; docs/import-export.md names those there are")
	}
	return wrong("", "it is no line of JSON: %s", said)
}

func (l accountLine) account() *Account {
	a := Account{Account: store.Account{
		Handle: l.Account, Name: (*string)(l.Name), PasswordHash: l.Hash, Disabled: l.Disabled, LockReason: (*string)(l.Reason), Role: l.Role, Version: l.Version,
	}, Password: l.Password}
	if l.Until != nil {
		t := l.Until.Unix()
		a.LockedUntil = &t
	}
	if l.Created != nil {
		t := l.Created.Unix()
		a.Created = &t
	}
	if l.Asks != nil {
		a.Prompt = prompt(*l.Asks)
	}
	if l.Visible != nil {
		a.Policy = policy(*l.Visible)
	}
	if l.Properties != nil {
		a.Properties = []im.Property{}
		for typ, v := range l.Properties {
			a.Properties = append(a.Properties, im.Property{Type: typ, Value: string(v)})
		}
	}
	if l.Groups != nil {
		a.Groups = []im.Group{}
		for _, g := range l.Groups {
			a.Groups = append(a.Groups, im.Group{Number: g.Number, Name: string(g.Name)})
		}
	}
	if m := l.Mailbox; m != nil {
		a.Mailbox = &im.Mailbox{Inbox: m.Inbox, Folders: m.Folders, URL: m.URL}
	}
	return &a
}

func prompt(ask bool) *im.Prompt {
	p := im.AddSilent
	if ask {
		p = im.Ask
	}
	return &p
}

func policy(visible bool) *im.Policy {
	p := im.BlockOthers
	if visible {
		p = im.AllowOthers
	}
	return &p
}

func (l listsLine) lists() (store.Lists, []Finding) {
	out := store.Lists{Owner: l.Owner, People: make([]store.Entry, 0, len(l.Contacts))}
	var findings []Finding
	for i, c := range l.Contacts {
		lists, err := parseLists(c.Lists)
		if err != nil {
			findings = append(findings, wrong(fmt.Sprintf("contacts[%d].lists", i), "%v", err))
		}
		out.People = append(out.People, store.Entry{Handle: c.Account, Name: string(c.Name), Lists: lists, Groups: c.Groups})
	}
	return out, findings
}

// parseLists reads the names of lists.
func parseLists(names []string) (lists im.List, err error) {
	for _, n := range names {
		l, ok := im.ParseList([]byte(strings.ToUpper(n)))
		if !ok {
			return 0, fmt.Errorf("%q is no list; there are FL, AL and BL", n)
		}
		lists |= l
	}
	return lists &^ im.Reverse, nil // which others' FL make
}

// position is a file that knows how much of it was read.
type position struct {
	*os.File
	read, size int64
}

func openAt(path string) (*position, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &position{File: f, size: info.Size()}, nil
}

// Read counts.
func (p *position) Read(b []byte) (int, error) {
	n, err := p.File.Read(b)
	p.read += int64(n)
	return n, err
}

func (p *position) at() (done, total int64) {
	if p == nil {
		return 0, 0
	}
	return p.read, p.size
}
