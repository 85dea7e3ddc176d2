package pgtest_test

import (
	"testing"

	"monarch/internal/pgtest"
)

func TestAServerKeepsItsDatabasesOverARestart(t *testing.T) {
	s := pgtest.Start(t)
	first, err := s.Create("")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(first, `CREATE TABLE a (x BIGINT)`, `INSERT INTO a VALUES (1)`); err != nil {
		t.Fatal(err)
	}
	for what, end := range map[string]func() error{"stopped": s.Stop, "killed": s.Kill} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := s.Run(first, `SELECT x FROM a`); err == nil {
			t.Errorf("it answers when it was %s", what)
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		copied, err := s.Create(first)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(copied, `SELECT 1 / x FROM a`); err != nil {
			t.Errorf("after it was %s: %v", what, err)
		}
	}
}
