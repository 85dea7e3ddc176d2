package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

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
		_, _, err := c.s.AddGroup(context.Background(), c.u.ID, name)
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

func TestChangesThatWaitTogetherHaveEachTheirOwnResult(t *testing.T) {
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

func TestMoreChangesThanOneCommitTakesAreAllMade(t *testing.T) {
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

func TestTroubleOfOneChangeIsNotThatOfOthers(t *testing.T) {
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

func TestChangesFailWithTheirCommit(t *testing.T) {
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

func TestAPanicOfOneChangeIsTheEndOfThoseTogetherWithIt(t *testing.T) {
	c := newCrowded(t)
	broken := func() error {
		return c.s.writer.change(context.Background(), func(*transaction) error { panic("broken") })
	}
	for i, err := range c.together(c.addGroup("a"), broken, c.addGroup("b")) {
		if err == nil {
			t.Errorf("change %d is said to be made", i)
		}
	}
	c.wantGroups()
	if err := c.addGroup("c")(); err != nil {
		t.Error(err)
	}
}

func TestAChangeNobodyWaitsForAnyMoreIsNotMade(t *testing.T) {
	c := newCrowded(t)
	ctx, cancel := context.WithCancel(context.Background())
	impatient := func() error {
		_, _, err := c.s.AddGroup(ctx, c.u.ID, "late")
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
