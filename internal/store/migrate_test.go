package store

import (
	"context"
	"database/sql"
	"strings"
	"testing"
)

func TestEverySchemaBecomesThePresentOne(t *testing.T) {
	ctx := context.Background()
	list, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	for from := range len(list) + 1 {
		url := newEmpty(t)
		old := openRaw(t, url)
		if err := migrate(ctx, old, list[:from]); err != nil {
			t.Fatalf("to schema %d: %v", from, err)
		}
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time there is nothing to do
			s, err := Open(ctx, url)
			if err != nil {
				t.Fatalf("from schema %d: %v", from, err)
			}
			if _, err := s.Users(ctx, "", 1); err != nil {
				t.Errorf("from schema %d: %v", from, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if got := readSchema(t, openRaw(t, url)); got != len(list) {
			t.Errorf("from schema %d: reached %d of %d", from, got, len(list))
		}
	}
}

func TestAMigrationThatFailsLeavesTheSchemaBefore(t *testing.T) {
	ctx := context.Background()
	db := openRaw(t, newEmpty(t))
	good := migration{"0001_good.sql", `CREATE TABLE a (x BIGINT); INSERT INTO a (x) VALUES (1)`}
	bad := migration{"0002_bad.sql", `CREATE TABLE b (x BIGINT); INSERT INTO nowhere (x) VALUES (1)`}
	err := migrate(ctx, db, []migration{good, bad})
	if err == nil || !strings.Contains(err.Error(), "0002_bad.sql") {
		t.Errorf("got %v", err)
	}
	if at := readSchema(t, db); at != 1 {
		t.Errorf("schema %d", at)
	}
	if _, err := db.Exec(`SELECT x FROM b`); err == nil {
		t.Error("half a migration is there")
	}
	better := migration{"0002_better.sql", `CREATE TABLE b (x BIGINT)`}
	if err := migrate(ctx, db, []migration{good, better}); err != nil {
		t.Error(err)
	}
}

// openRaw opens a database without looking at what is in it.
func openRaw(t testing.TB, url string) *sql.DB {
	t.Helper()
	where, err := parseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	var db *sql.DB
	if where.postgres != nil {
		db = connect(where.postgres, 0).DB
	} else if db, err = sql.Open("sqlite", dataSource(where.path, []string{"_txlock=immediate"})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func readSchema(t testing.TB, db *sql.DB) int {
	t.Helper()
	var at int
	if err := db.QueryRow(`SELECT version FROM schema_version`).Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at
}
