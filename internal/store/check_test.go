package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestCheckOfASoundDatabaseInUse(t *testing.T) {
	ctx := context.Background()
	url := NewDatabase(t)
	s := open(t, url)
	before := time.Now().Truncate(time.Second)
	for _, handle := range []string{"alice@example.com", "bob@example.com"} {
		if _, err := s.CreateUser(ctx, handle, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	h, err := Check(ctx, url)
	if err != nil || h.Schema != h.Newest || h.Users != 2 || len(h.Faults) != 0 || len(h.Risks) != 0 || h.Last.Before(before) {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := s.CreateUser(ctx, "carol@example.com", "", ""); err != nil {
		t.Errorf("after the check: %v", err)
	}
}

func TestCheckMakesNoSQLiteFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Check(context.Background(), "sqlite:"+filepath.Join(dir, "monarch.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("made %v, %v", files, err)
	}
}

func TestCheckTellsADatabaseOfAnotherRelease(t *testing.T) {
	url := NewDatabase(t)
	open(t, url)
	Exec(t, url, `UPDATE schema_version SET version = 1000`)
	if h, err := Check(context.Background(), url); err != nil || h.Schema != 1000 || h.Newest >= 1000 {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestCheckFindsDamageToSQLite(t *testing.T) {
	ctx := context.Background()
	sound := filepath.Join(t.TempDir(), "monarch.db")
	s := openAt(t, sound)
	for i := range 200 {
		if _, err := s.CreateUser(ctx, fmt.Sprintf("u%d@example.com", i), "", ""); err != nil {
			t.Fatal(err)
		}
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := s.Backup(ctx, copied); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		damage func([]byte) []byte
	}{
		{"a file cut short", func(b []byte) []byte { return b[:len(b)/2] }},
		{"pages of garbage", func(b []byte) []byte {
			return append(append(bytes.Clone(b[:8192]), bytes.Repeat([]byte{0xA5}, 16384)...), b[24576:]...)
		}},
		{"no database at all", func([]byte) []byte { return bytes.Repeat([]byte("text\n"), 1000) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "monarch.db")
			if err := os.WriteFile(path, test.damage(text), 0o600); err != nil {
				t.Fatal(err)
			}
			h, err := Check(ctx, "sqlite:"+path)
			if !errors.Is(err, ErrDamaged) && len(h.Faults) == 0 {
				t.Errorf("nothing found: %+v, %v", h, err)
			}
		})
	}
}
