package pgtest_test

import (
	"testing"
	"time"

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

func TestAFrozenServerAnswersLater(t *testing.T) {
	s := pgtest.Start(t)
	name, err := s.Create("")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	go func() { answer <- s.Run(name, `SELECT 1`) }()
	select {
	case err := <-answer:
		t.Errorf("it answers while it is frozen: %v", err)
		answer <- nil
	case <-time.After(time.Second):
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if err := <-answer; err != nil {
		t.Error(err)
	}
}
