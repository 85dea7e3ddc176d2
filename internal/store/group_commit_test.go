package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"modernc.org/sqlite"

	"monarch/internal/im"
)

// crowded is a store in which changes are made to wait for each other.
type crowded struct {
	t *testing.T
	s *Store
	u im.User
}

func newCrowded(t *testing.T) *crowded {
	t.Helper()
	s := openAt(t, filepath.Join(t.TempDir(), "monarch.db"))
	u, err := s.CreateUser(context.Background(), "alice@example.com", "", "")
	if err != nil {
		t.Fatal(err)
	}
	return &crowded{t, s, u}
}

// together has changes wait until all are there, in this order, and returns their errors. Of
// one that panics it is what it panicked with.
func (c *crowded) together(changes ...func() error) []error {
	c.s.writer.turn <- struct{}{}
	errs := make([]error, len(changes))
	var all sync.WaitGroup
	for i, change := range changes {
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					errs[i] = fmt.Errorf("panicked: %v", v)
				}
			}()
			errs[i] = change()
		})
		c.await(i + 1)
	}
	<-c.s.writer.turn
	all.Wait()
	return errs
}

// await waits until n changes wait.
func (c *crowded) await(n int) {
	for {
		c.s.writer.mu.Lock()
		waiting := len(c.s.writer.waiting)
		c.s.writer.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}

func (c *crowded) addGroup(name string) func() error {
	return func() error {
		_, err := c.s.AddGroup(context.Background(), c.u.ID, name)
		return err
	}
}

// do is a change of the test's own.
func (c *crowded) do(statements ...string) func() error {
	return func() error {
		_, err := change(context.Background(), c.s, "test", func(tx *transaction) (none struct{}, err error) {
			for _, text := range statements {
				if _, err := tx.ExecContext(context.Background(), text); err != nil {
					return none, err
				}
			}
			return none, nil
		})
		return err
	}
}

// wantGroups checks which groups alice has, and that her version tells of these and no more.
func (c *crowded) wantGroups(names ...string) {
	c.t.Helper()
	r, err := c.s.Roster(context.Background(), c.u.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	got := make([]string, len(r.Groups))
	for i, g := range r.Groups {
		got[i] = g.Name
	}
	want := strings.Join(append([]string{firstGroup}, names...), ", ")
	if strings.Join(got, ", ") != want || int(r.User.Version) != len(got) {
		c.t.Errorf("groups %v at version %d, want %s", got, r.User.Version, want)
	}
}

func TestOnSQLiteChangesThatWaitTogetherHaveEachTheirOwnResult(t *testing.T) {
	c := newCrowded(t)
	errs := c.together(c.addGroup("a"), func() error {
		_, err := c.s.RenameGroup(context.Background(), c.u.ID, 7, "x") // has taken its step by then
		return err
	}, c.addGroup("b"))
	if errs[0] != nil || !errors.Is(errs[1], im.ErrNoGroup) || errs[2] != nil {
		t.Errorf("got %v", errs)
	}
	c.wantGroups("a", "b")
}

func TestOnSQLiteMoreChangesThanOneCommitTakesAreAllMade(t *testing.T) {
	c := newCrowded(t)
	var changes []func() error
	for i := range 2*mostTogether + 1 {
		changes = append(changes, func() error {
			_, err := c.s.CreateUser(context.Background(), fmt.Sprintf("user%d@example.com", i), "", "")
			return err
		})
	}
	if err := errors.Join(c.together(changes...)...); err != nil {
		t.Error(err)
	}
	if all, err := c.s.Users(context.Background(), "", 1000); err != nil || len(all) != 1+len(changes) {
		t.Errorf("%d accounts, %v", len(all), err)
	}
}

func TestOnSQLiteTroubleOfOneChangeIsNotThatOfOthers(t *testing.T) {
	c := newCrowded(t)
	for _, text := range []string{`PRAGMA wal_checkpoint(TRUNCATE)`, `PRAGMA max_page_count = 1`} {
		if _, err := c.s.writer.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	errs := c.together(c.addGroup("a"), func() error {
		_, err := c.s.Rename(context.Background(), c.u.ID, strings.Repeat("long ", 1e5))
		return err
	}, c.do(`ROLLBACK`), c.addGroup("b"))
	if errs[0] != nil || !errors.Is(errs[1], ErrFull) || errs[3] != nil {
		t.Errorf("got %v", errs)
	}
	c.wantGroups("a", "b")
}

func TestOnSQLiteChangesFailWithTheirCommit(t *testing.T) {
	c := newCrowded(t)
	// The commit finds a group without an owner.
	orphan := c.do(`PRAGMA defer_foreign_keys = 1`, `INSERT INTO contact_group (owner, number, name) VALUES (77, 0, 'x')`)
	for i, err := range c.together(c.addGroup("a"), orphan, c.addGroup("b")) {
		if err == nil {
			t.Errorf("change %d is said to be made", i)
		}
	}
	c.wantGroups()
	if err := c.addGroup("c")(); err != nil {
		t.Error(err)
	}
	c.wantGroups("c")
}

func TestOnSQLiteAPanicIsThatOfTheOneWhoseChangeItIs(t *testing.T) {
	for at := range 3 {
		c := newCrowded(t)
		changes := []func() error{c.addGroup("a"), c.addGroup("b")}
		runs := 0
		broken := func() error {
			return c.s.writer.change(context.Background(), func(*transaction) error { runs++; panic("broken") })
		}
		for i, err := range c.together(slices.Insert(changes, at, broken)...) {
			switch {
			case i != at && err != nil:
				t.Errorf("with one that panics at %d, change %d: %v", at, i, err)
			case i == at && (err == nil || !strings.HasPrefix(err.Error(), "panicked: broken\n") || !strings.Contains(err.Error(), "group_commit_test.go")):
				t.Errorf("the one that panics: %v", err)
			}
		}
		if runs != 1 {
			t.Errorf("it ran %d times", runs)
		}
		c.wantGroups("a", "b")
		if err := c.together(broken)[0]; err == nil || !strings.HasPrefix(err.Error(), "panicked: broken\n") {
			t.Errorf("alone: %v", err)
		}
		if err := c.addGroup("c")(); err != nil {
			t.Error(err)
		}
	}
}

func TestOnSQLiteTheEndOfAContextIsThatOfItsOwnChange(t *testing.T) {
	c := newCrowded(t)
	patient := func() error {
		_, err := change(context.Background(), c.s, "test", func(tx *transaction) (uint32, error) {
			return step(context.Background(), tx, c.u.ID)
		})
		return err
	}
	if err := patient(); err != nil { // prepares the statement
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	impatient := func() error {
		_, err := change(ctx, c.s, "test", func(tx *transaction) (uint32, error) {
			cancel()
			return step(ctx, tx, c.u.ID)
		})
		return err
	}
	if errs := c.together(impatient, patient); !errors.Is(errs[0], context.Canceled) || errs[1] != nil {
		t.Errorf("got %v", errs)
	}
}

func TestOnSQLiteChangesOfALostTransactionWaitForALockOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "monarch.db")
	s := openAt(t, path)
	c := &crowded{t: t, s: s}
	if _, err := s.writer.Exec(`PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	var held *sql.Tx
	other := openRaw(t, "sqlite:"+path)
	robbed := func() error {
		_, err := change(context.Background(), s, "test", func(tx *transaction) (none struct{}, err error) {
			if _, err := tx.ExecContext(context.Background(), `ROLLBACK`); err != nil {
				return none, err
			}
			held, err = other.BeginTx(context.Background(), nil)
			return none, err
		})
		return err
	}
	errs := c.together(robbed, c.addGroup("a"), c.addGroup("b"))
	if held == nil {
		t.Fatal("nobody holds the database")
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	var first *sqlite.Error
	for i, err := range errs {
		var cause *sqlite.Error
		if !errors.Is(err, ErrLocked) || !errors.As(err, &cause) || i > 0 && cause != first {
			t.Errorf("change %d: %v", i, err)
		}
		first = cause
	}
}

func TestOnSQLiteAnImportForgetsAccountsOfALostTransaction(t *testing.T) {
	c := newCrowded(t)
	once := false
	carol := func() error {
		_, err := change(context.Background(), c.s, "test", func(tx *transaction) (none struct{}, err error) {
			if once {
				return none, errors.New("not again")
			}
			once = true
			return none, importUsers(context.Background(), tx, []NewUser{{Handle: "carol@example.com"}})
		})
		return err
	}
	contact := func() error {
		return c.s.ImportContacts(context.Background(), slices.Values([]NewContact{
			{Owner: "alice@example.com", Peer: "carol@example.com", Lists: im.Forward},
		}), nil)
	}
	if errs := c.together(carol, contact, c.do(`ROLLBACK`)); !once || !errors.Is(errs[1], im.ErrNoUser) {
		t.Errorf("got %v", errs)
	}
}

func TestOnSQLiteAChangeNobodyWaitsForAnyMoreIsNotMade(t *testing.T) {
	c := newCrowded(t)
	ctx, cancel := context.WithCancel(context.Background())
	impatient := func() error {
		_, err := c.s.AddGroup(ctx, c.u.ID, "late")
		return err
	}
	c.s.writer.turn <- struct{}{}
	result := make(chan error)
	go func() { result <- impatient() }()
	c.await(1)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	c.await(0)
	<-c.s.writer.turn
	c.wantGroups()
}
