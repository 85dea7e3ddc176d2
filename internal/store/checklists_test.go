package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"monarch/internal/im"
)

func TestListsThatContradictThemselvesAreFound(t *testing.T) {
	for _, test := range []struct{ name, cause, want string }{
		{"nothing wrong", `SELECT 1`, ""},
		{"no group 0", `DELETE FROM contact_group WHERE owner = 2 AND number = 0`, "account 2 has no group 0"},
		{"a group there is not", `UPDATE contact SET in_groups = 5 WHERE owner = 1`, "account 1 has 2 in a group there is not"},
		{"a number that was not given", `UPDATE last_account SET id = 1`, "account 2 has a number that was not given"},
		{"a name without a reason", `INSERT INTO contact VALUES (1, 1, 0, 0, 'x')`, "account 1 keeps a name for 1"},
		{"a record of other lists", `UPDATE contact SET stored = 'x' WHERE owner = 1`, "the packed roster of account 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx := context.Background()
			url := NewDatabase(t)
			s := open(t, url)
			for _, handle := range []string{"alice@example.com", "bob@example.com"} {
				if _, err := s.CreateUser(ctx, handle, "", ""); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Add(ctx, 1, Addition{List: im.Forward, Handle: "bob@example.com", Group: -1}); err != nil {
				t.Fatal(err)
			}
			r, epoch, err := s.computeRoster(ctx, "test", 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.writeRecords(ctx, []record{newRecord(r, epoch)}); err != nil {
				t.Fatal(err)
			}
			if _, err := raw(s).Exec(test.cause); err != nil {
				t.Fatal(err)
			}
			faults, err := CheckLists(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(faults, "\n"); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}

func TestListsOfASQLiteDatabaseThereIsNotCannotBeChecked(t *testing.T) {
	if _, err := CheckLists(context.Background(), "sqlite://"+filepath.Join(t.TempDir(), "monarch.db")); err == nil {
		t.Error("no error")
	}
}
