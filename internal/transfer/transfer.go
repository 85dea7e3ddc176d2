// Package transfer carries accounts, contact lists and settings between services, as documented
// JSON and CSV: it writes files and reads them, finds out what is wrong with them and tells it line
// by line, and takes what is in order into a database. The database itself belongs to store, those
// of other services to foreign, and what the operator sees to cli.
package transfer

import (
	"context"
	"fmt"

	"monarch/internal/store"
)

// Account is one that is to be imported.
type Account struct {
	store.Account
	Password string // in plain text; "": there is none, or a hash
}

// Item is one thing that a source has: an account, people of somebody's lists, or neither where it
// cannot be read. Lists of one owner come one after the other.
type Item struct {
	Where    string // "line 7"
	Account  *Account
	Lists    *store.Lists
	Findings []Finding // what is wrong already
}

// Source is where accounts come from.
type Source interface {
	// Read hands everything on, first all accounts, then everybody's lists, until each returns an
	// error. It begins anew each time, and finds the same.
	Read(ctx context.Context, each func(Item) error) error
	// HasLists reports whether there are lists, too: without them those of accounts that are
	// replaced stay as they are.
	HasLists() bool
	// Position says how far the reading is, in units of the source's own.
	Position() (done, total int64)
}

// Finding is something that is wrong, or that becomes different.
type Finding struct {
	Where string // "line 7"
	Field string // "" for the whole
	Text  string // what it is, and what to do
	Note  bool   // the rest of the item is imported all the same
}

// String puts it in a line.
func (f Finding) String() string {
	if f.Field == "" {
		return f.Where + ": " + f.Text
	}
	return f.Where + ", " + f.Field + ": " + f.Text
}

// wrong is something for which an item is left out.
func wrong(field, format string, args ...any) Finding {
	return Finding{Field: field, Text: fmt.Sprintf(format, args...)}
}

// noted is something that the rest of an item does not suffer by.
func noted(field, format string, args ...any) Finding {
	return Finding{Field: field, Text: fmt.Sprintf(format, args...), Note: true}
}

// Noted is for sources: something about an item that is imported all the same.
func Noted(where, field, format string, args ...any) Finding {
	f := noted(field, format, args...)
	f.Where = where
	return f
}

// Progress is how far something is.
type Progress struct {
	Doing              string // "Checking"
	Done, Total        int64  // in units that only say how they are to each other
	Accounts, Contacts int
}
