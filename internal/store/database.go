package store

import (
	"context"
	"database/sql"
	"sync"
)

// database is a handle on SQLite's file, with the statements that were prepared on it. They are
// kept: their texts are those of this package, and to prepare one takes longer than most of
// them take to run.
type database struct {
	*sql.DB
	prepared sync.Map // statement by its text
}

// statement is a prepared one. Whoever it was prepared on, a database or a transaction, closes
// it at its own end.
type statement struct{ *sql.Stmt }

// statement returns the prepared form of a text. It takes a connection when it is asked for
// the first time.
func (d *database) statement(ctx context.Context, text string) (statement, error) {
	if known, ok := d.prepared.Load(text); ok {
		return known.(statement), nil
	}
	made, err := d.PrepareContext(ctx, text)
	if err != nil {
		return statement{}, err
	}
	known, ok := d.prepared.LoadOrStore(text, statement{made})
	if ok { // another was quicker
		err = made.Close() //nolint:sqlclosecheck // it is closed here alone
	}
	return known.(statement), err
}

// row runs a query for one row, outside of any transaction.
func (d *database) row(ctx context.Context, text string, args ...any) row {
	st, err := d.statement(ctx, text)
	if err != nil {
		return noRow{err}
	}
	return st.QueryRowContext(unwatched(ctx), args...)
}

// row is a *sql.Row, or the present one of *sql.Rows.
type row interface{ Scan(dest ...any) error }

// noRow is the answer to a query that could not be asked.
type noRow struct{ err error }

func (r noRow) Scan(...any) error { return r.err }

// unwatched returns the context for a single statement. It is cancelled if ctx is by now, and
// else never: none of our statements takes long, and watching for the end of a context takes
// two goroutines. So a query outside of a transaction waits for a connection, too, however long
// the others that read take.
func unwatched(ctx context.Context) context.Context {
	if ctx.Err() != nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// view runs do in a transaction for reading.
func (d *database) view(ctx context.Context, do func(tx *transaction) error) error {
	tx, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.end(ctx)
	return do(tx)
}

// transaction runs the statements of one transaction.
type transaction struct {
	*sql.Tx

	// On SQLite.
	conn  *sql.Conn
	on    *database
	bound map[string]statement // those it has run by their texts; zero: not prepared

	watch *watch // on PostgreSQL, whose driver keeps prepared statements itself
}

func (d *database) begin(ctx context.Context) (*transaction, error) {
	conn, err := d.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(unwatched(ctx), nil)
	if err != nil {
		conn.Close() //nolint:errcheck // it goes back to where it came from
		return nil, err
	}
	return &transaction{Tx: tx, conn: conn, on: d, bound: make(map[string]statement)}, nil
}

// end rolls back what was not committed and gives the connection back. Statements that were new
// are prepared for the next transaction, now that there is a connection to do it on.
func (t *transaction) end(ctx context.Context) {
	t.Rollback()   //nolint:errcheck // after a commit there is nothing to roll back
	t.conn.Close() //nolint:errcheck // it goes back to where it came from
	for text, st := range t.bound {
		if st.Stmt == nil {
			t.on.statement(unwatched(ctx), text) //nolint:errcheck // the next transaction tries again
		}
	}
}

// ExecContext hides that of *sql.Tx, as the others do.
func (t *transaction) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if t.watch != nil {
		t.watch.again()
		return t.Tx.ExecContext(t.watch.ctx, text, args...)
	}
	ctx = unwatched(ctx)
	if st := t.statement(ctx, text); st.Stmt != nil {
		return st.ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, text, args...)
}

func (t *transaction) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if t.watch != nil {
		t.watch.again()
		return t.Tx.QueryContext(t.watch.ctx, text, args...)
	}
	ctx = unwatched(ctx)
	if st := t.statement(ctx, text); st.Stmt != nil {
		return st.QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, text, args...)
}

func (t *transaction) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	if t.watch != nil {
		t.watch.again()
		return t.Tx.QueryRowContext(t.watch.ctx, text, args...)
	}
	ctx = unwatched(ctx)
	if st := t.statement(ctx, text); st.Stmt != nil {
		return st.QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, text, args...)
}

// statement returns the prepared form of a text, or none: to prepare it for good takes a
// connection, and this transaction may have the only one. It is for every change of a group, so
// the end of ctx, which is that of one of them, does not matter.
func (t *transaction) statement(ctx context.Context, text string) statement {
	st, ok := t.bound[text]
	if ok {
		return st
	}
	if known, ok := t.on.prepared.Load(text); ok {
		st = statement{t.StmtContext(context.WithoutCancel(ctx), known.(statement).Stmt)}
	}
	t.bound[text] = st
	return st
}
