// Package foreign reads the databases of other services, so that people can move here with their
// accounts and lists: those of Escargot, and of R2M (Rusty Retro Messaging). It knows what is in
// whose tables. To check it, store it, and tell of it belongs to transfer.
package foreign

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/internal/transfer"
	"monarch/msnp"
)

// Kind is whose database something is.
type Kind string

// Those that can be read.
const (
	Escargot Kind = "escargot"
	R2M      Kind = "r2m"
)

// Database is the one of another service.
type Database struct {
	db   *sql.DB
	done func() error
	read func(ctx context.Context, r *reading) error

	passed, total int64 // rows
}

// Open opens a database: a file of SQLite, a url of PostgreSQL, or a file that mariadb-dump or mysqldump
// has written, which takes room in the directory for temporary files.
func Open(ctx context.Context, kind Kind, where string) (*Database, error) {
	d := &Database{}
	tables := []string{"t_user", "t_user_contact", "t_user_group"}
	count := `SELECT COUNT(*) FROM t_user`
	d.read = readEscargot
	if kind == R2M {
		tables = []string{"users", "contacts", "groups", "group_members"}
		count = `SELECT (SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM contacts)`
		d.read = readR2M
	}
	if err := d.open(ctx, where, tables); err != nil {
		return nil, err
	}
	if err := d.db.QueryRowContext(ctx, count).Scan(&d.total); err != nil {
		return nil, errors.Join(fmt.Errorf("%s has not the tables of %s: %w", name(where), kind, err), d.Close())
	}
	if kind == Escargot && has(ctx, d.db, "t_user_contact", "user_uuid") {
		var n int64
		if err := d.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM t_user_contact`).Scan(&n); err != nil {
			return nil, errors.Join(err, d.Close())
		}
		d.total += n
	}
	return d, nil
}

// name is a url without what may be secret.
func name(where string) string {
	if strings.Contains(where, "://") {
		return "the database"
	}
	return where
}

func (d *Database) open(ctx context.Context, where string, tables []string) (err error) {
	scheme, rest, ok := strings.Cut(where, "://")
	switch {
	case ok && (strings.HasPrefix(scheme, "mysql") || strings.HasPrefix(scheme, "mariadb")):
		return errors.New("databases of MariaDB and MySQL are read from a dump: mariadb-dump --single-transaction DATABASE > dump.sql, then import dump.sql")
	case ok && scheme == "sqlite":
		where = strings.TrimPrefix(rest, "/") // as SQLAlchemy has it: sqlite:///relative, sqlite:////absolute
	case ok && strings.HasPrefix(scheme, "postgresql+"):
		where = "postgresql://" + rest
	}
	if store.IsPostgres(where) {
		d.db, err = store.OpenOther(ctx, where)
		d.done = func() error { return d.db.Close() }
		return err
	}
	f, err := os.Open(where)
	if err != nil {
		return err
	}
	defer f.Close()
	magic := make([]byte, 16)
	if _, err := io.ReadFull(f, magic); err == nil && bytes.Equal(magic, []byte("SQLite format 3\x00")) {
		d.db, err = store.OpenOther(ctx, where)
		d.done = func() error { return d.db.Close() }
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if d.db, d.done, err = store.OpenScratch(ctx); err != nil {
		return err
	}
	if err := loadDump(ctx, d.db, f, tables); err != nil {
		return errors.Join(fmt.Errorf("%s is neither a file of SQLite nor a dump that can be read: %w", where, err), d.done())
	}
	return nil
}

// Close ends the use of the database.
func (d *Database) Close() error { return d.done() }

// HasLists is true.
func (d *Database) HasLists() bool { return true }

// Position counts rows.
func (d *Database) Position() (done, total int64) { return d.passed, d.total }

// Read hands everything on, as it is at one moment.
func (d *Database) Read(ctx context.Context, each func(transfer.Item) error) error {
	tx, err := d.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	d.passed = 0
	return d.read(ctx, &reading{Tx: tx, d: d, each: each})
}

// reading is one look at everything.
type reading struct {
	*sql.Tx
	d    *Database
	each func(transfer.Item) error
}

// rows runs a query and calls one for each row.
func (r *reading) rows(ctx context.Context, query string, one func(rows *sql.Rows) error) error {
	rows, err := r.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r.d.passed++
		if err := one(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// has reports whether a table has a column.
func has(ctx context.Context, db querier, table, column string) bool {
	rows, err := db.QueryContext(ctx, `SELECT * FROM `+table+` WHERE 1 = 0`)
	if err != nil {
		return false
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil || rows.Err() != nil {
		return false
	}
	return slices.Contains(names, column)
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// cut makes a text one that fits, and reports whether it had to.
func cut(s string, longest int) (string, bool) {
	s = strings.ToValidUTF8(s, "\ufffd")
	short := s
	for len(msnp.Escape(short)) > longest {
		_, n := utf8.DecodeLastRuneInString(short)
		short = short[:len(short)-n]
	}
	return short, short != s
}

// privacy reads the two settings as clients send them, GTC and BLP. What they do not say is as usual.
func privacy(gtc, blp any) (*im.Prompt, *im.Policy) {
	prompt, policy := im.Ask, im.AllowOthers
	if gtc == "N" {
		prompt = im.AddSilent
	}
	if blp == "BL" {
		policy = im.BlockOthers
	}
	return &prompt, &policy
}

// folders are somebody's groups, with the numbers they get here.
type folders struct {
	groups []im.Group
	number map[string]int // by what the other service calls them
}

func newFolders() *folders {
	return &folders{groups: []im.Group{{Number: 0, Name: "Other Contacts"}}, number: map[string]int{"0": 0}}
}

// add gives a group the next number. It says what becomes different, if anything does.
func (f *folders) add(id, name string) (different string) {
	if id == "0" {
		return ""
	}
	name, short := cut(name, msnp.MaxGroupName)
	if short {
		different = fmt.Sprintf("the name of the group %q is cut", name)
	}
	for _, g := range f.groups {
		if g.Name == name {
			f.number[id] = g.Number
			return fmt.Sprintf("there are two groups %q; their people are in one", name)
		}
	}
	if len(f.groups) == im.MaxGroups {
		return fmt.Sprintf("there is no room for the group %q; its people are in group 0", name)
	}
	f.number[id] = len(f.groups)
	f.groups = append(f.groups, im.Group{Number: len(f.groups), Name: name})
	return different
}

// of returns the numbers of groups.
func (f *folders) of(ids []string) (numbers []int) {
	for _, id := range ids {
		if n, ok := f.number[id]; ok {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// allowed takes the people off AL whom somebody has on BL, too.
func allowed(item *transfer.Item, e *store.Entry) {
	if e.Lists&(im.Allow|im.Block) == im.Allow|im.Block {
		e.Lists &^= im.Allow
		item.Findings = append(item.Findings, transfer.Noted(item.Where, "contact "+e.Handle, "on both AL and BL; now on BL"))
	}
}
