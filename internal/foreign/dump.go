package foreign

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// What a dump may have; what is longer is none.
const (
	longestValue = 16 << 20 // bytes
	mostColumns  = 200
)

// usualColumns are those of R2M's tables, for dumps that do not say.
var usualColumns = map[string][]string{
	"users":         {"id", "email", "password", "display_name", "puid", "guid", "gtc", "blp"},
	"contacts":      {"id", "user_id", "contact_id", "display_name", "in_forward_list", "in_allow_list", "in_block_list"},
	"groups":        {"id", "user_id", "name", "guid"},
	"group_members": {"id", "group_id", "contact_id"},
}

// dump is a file of SQL as mariadb-dump, mysqldump and phpMyAdmin write it, on its way into a database.
type dump struct {
	tokens  *scanner
	tx      *sql.Tx
	tables  []string // that are wanted
	columns map[string][]string
	made    map[string]bool
}

// loadDump puts the wanted tables of a dump into a database, with all columns they have.
func loadDump(ctx context.Context, db *sql.DB, r io.Reader, tables []string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	d := &dump{tokens: &scanner{r: bufio.NewReaderSize(r, 1<<18)}, tx: tx, tables: tables, columns: make(map[string][]string), made: make(map[string]bool)}
	for {
		err := errors.Join(ctx.Err(), d.statement(ctx))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if len(d.made) == 0 {
		return errors.New("there is no table in it that is wanted")
	}
	for _, t := range tables { // nobody may be in a group
		if columns := usualColumns[t]; columns != nil && !d.made[t] {
			if err := d.create(ctx, t, columns); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// statement reads one statement.
func (d *dump) statement(ctx context.Context) error {
	first, err := d.tokens.next()
	if err != nil {
		return err
	}
	switch {
	case first.is(";"):
		return nil
	case first.word("CREATE"):
		if t, err := d.tokens.next(); err != nil || !t.word("TABLE") {
			return errors.Join(err, d.skip(t))
		}
		return d.define(ctx)
	case first.word("INSERT"), first.word("REPLACE"):
		return d.insert(ctx)
	}
	return d.skip(first)
}

// skip reads to the end of a statement of which last was read.
func (d *dump) skip(last token) (err error) {
	for err == nil && !last.is(";") {
		last, err = d.tokens.next()
	}
	return err
}

// define reads the columns of CREATE TABLE.
func (d *dump) define(ctx context.Context) error {
	name, err := d.name("IF", "NOT", "EXISTS")
	if err != nil {
		return err
	}
	t, err := d.tokens.next()
	if err != nil || !t.is("(") {
		return errors.Join(err, d.skip(t))
	}
	var columns []string
	begins, depth := true, 1
	for depth > 0 {
		if t, err = d.tokens.next(); err != nil {
			return err
		}
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case t.is(",") && depth == 1:
			begins = true
			continue
		case begins && t.kind == identifier:
			columns = append(columns, t.text)
		}
		begins = false
	}
	if slices.Contains(d.tables, name) && !d.made[name] {
		if err := d.create(ctx, name, columns); err != nil {
			return err
		}
	}
	return d.skip(t)
}

// name reads the name of a table, without that of its database, behind words that may be there.
func (d *dump) name(before ...string) (string, error) {
	for {
		t, err := d.tokens.next()
		if err != nil {
			return "", err
		}
		if t.kind == word && slices.ContainsFunc(before, t.word) {
			continue
		}
		if t.kind != identifier && t.kind != word {
			return "", fmt.Errorf("line %d: a name of a table should be here", d.tokens.line)
		}
		after, err := d.tokens.next()
		if err != nil {
			return "", err
		}
		if !after.is(".") {
			d.tokens.unread(after)
			return t.text, nil
		}
	}
}

func (d *dump) create(ctx context.Context, table string, columns []string) error {
	if len(columns) == 0 || len(columns) > mostColumns {
		return fmt.Errorf("line %d: the table %s has %d columns", d.tokens.line, table, len(columns))
	}
	d.columns[table], d.made[table] = columns, true
	_, err := d.tx.ExecContext(ctx, `CREATE TABLE `+quoted(table)+` (`+quotedAll(columns)+`)`)
	return err
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quotedAll(names []string) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = quoted(n)
	}
	return strings.Join(all, ", ")
}

// insert reads INSERT INTO table (columns) VALUES (…), (…).
func (d *dump) insert(ctx context.Context) error {
	table, err := d.name("INTO", "IGNORE")
	if err != nil {
		return err
	}
	if !slices.Contains(d.tables, table) {
		return d.skip(token{})
	}
	if !d.made[table] {
		if err := d.create(ctx, table, usualColumns[table]); err != nil {
			return err
		}
	}
	columns, err := d.named(table)
	if err != nil {
		return err
	}
	places := strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ")
	put, err := d.tx.PrepareContext(ctx, `INSERT INTO `+quoted(table)+` (`+quotedAll(columns)+`) VALUES (`+places+`)`) //nolint:gosec // the names are quoted
	if err != nil {
		return fmt.Errorf("line %d: %w", d.tokens.line, err)
	}
	defer put.Close() //nolint:errcheck // what it has done stays
	for {
		values, err := d.values()
		if err != nil {
			return err
		}
		if len(values) != len(columns) {
			return fmt.Errorf("line %d: a row of %s has %d values and should have %d", d.tokens.line, table, len(values), len(columns))
		}
		if _, err := put.ExecContext(ctx, values...); err != nil {
			return err
		}
		t, err := d.tokens.next()
		if err != nil || !t.is(",") {
			return errors.Join(err, d.skip(t))
		}
	}
}

// named reads the columns that a statement names, if it does, and VALUES.
func (d *dump) named(table string) ([]string, error) {
	columns := d.columns[table]
	t, err := d.tokens.next()
	if err == nil && t.is("(") {
		if columns, err = d.list(); err == nil {
			t, err = d.tokens.next()
		}
	}
	if err == nil && !t.word("VALUES") {
		err = fmt.Errorf("line %d: VALUES should be here", d.tokens.line)
	}
	return columns, err
}

// list reads names up to a closing bracket.
func (d *dump) list() (names []string, err error) {
	for {
		t, err := d.tokens.next()
		switch {
		case err != nil || t.is(")"):
			return names, err
		case len(names) > mostColumns:
			return nil, fmt.Errorf("line %d: too many columns", d.tokens.line)
		case !t.is(","):
			names = append(names, t.text)
		}
	}
}

// values reads one row.
func (d *dump) values() (row []any, err error) {
	if t, err := d.tokens.next(); err != nil || !t.is("(") {
		return nil, errors.Join(err, fmt.Errorf("line %d: a row should begin here", d.tokens.line))
	}
	for {
		t, err := d.tokens.next()
		switch {
		case err != nil:
			return nil, err
		case t.is(")"):
			return row, nil
		case t.is(","), t.kind == word && strings.HasPrefix(t.text, "_"): // _binary 'text'
		case len(row) > mostColumns:
			return nil, fmt.Errorf("line %d: too many values", d.tokens.line)
		case t.word("NULL"):
			row = append(row, nil)
		case t.kind == text:
			row = append(row, t.text)
		case t.kind == word:
			row = append(row, number(t.text))
		default:
			return nil, fmt.Errorf("line %d: %q is no value", d.tokens.line, t.text)
		}
	}
}

// number returns a number, or what else it may be.
func number(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	return s
}
