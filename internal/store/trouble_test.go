package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// These tests reach under the store to bring about what a full disk or another process does.

func TestTroubleWithSQLiteIsToldFromRefusals(t *testing.T) {
	tests := []struct {
		name  string
		cause string // run on the writer's connection
		want  error
	}{
		{"a full disk", `PRAGMA max_page_count = 1`, ErrFull},
		{"a file that cannot be written", `PRAGMA query_only = 1`, ErrReadOnly},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx := context.Background()
			s := openAt(t, filepath.Join(t.TempDir(), "monarch.db"))
			u, err := s.CreateUser(ctx, "alice@example.com", "", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.writer.Exec(test.cause); err != nil {
				t.Fatal(err)
			}
			_, err = s.Rename(ctx, u.ID, strings.Repeat("long ", 1e5))
			if !errors.Is(err, test.want) || !errors.Is(err, ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			if got, err := s.UserByID(ctx, u.ID); err != nil || got != u {
				t.Errorf("changed all the same: %+v, %v", got, err)
			}
		})
	}
}

func TestASQLiteDatabaseThatAnotherProcessHoldsIsLocked(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "monarch.db")
	s := openAt(t, path)
	held, err := openRaw(t, "sqlite:"+path).BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := s.User(ctx, "alice@example.com"); errors.Is(err, ErrUnavailable) {
		t.Errorf("reading waits for a writer: %v", err)
	}
	if _, err := s.writer.Exec(`PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateUser(ctx, "alice@example.com", "", "")
	if !errors.Is(err, ErrLocked) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateUser(ctx, "alice@example.com", "", ""); err != nil {
		t.Errorf("still locked: %v", err)
	}
}

func TestWaitingForTheWriterOfSQLiteEndsWithTheContext(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "monarch.db"))
	held, err := s.writer.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := s.CreateUser(ctx, "alice@example.com", "", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := held.Rollback(); err != nil {
		t.Error(err)
	}
}
