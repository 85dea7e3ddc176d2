package admin_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/admin"
)

func TestReload(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		refused := func(code, text string) {
			t.Helper()
			_, err := b.client.Reload(t.Context())
			var p *admin.Problem
			if !errors.As(err, &p) || p.Code != code || !strings.Contains(p.Detail, text) {
				t.Errorf("%v", err)
			}
		}
		refused(admin.CodeNotRunning, "does not run")

		b.Configure = func() (admin.Report, error) { return admin.Report{}, errors.New("line one\nline two") }
		refused(admin.CodeBadConfig, "line one\nline two")
		if log := b.log.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "line two") {
			t.Errorf("logged: %s", log)
		}

		want := admin.Report{Applied: []string{"limits.idle"}, Restart: []string{"dispatch.listen"}, NewCertificate: true}
		b.Configure = func() (admin.Report, error) { return want, nil }
		got, err := b.client.Reload(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if log := b.log.String(); !strings.Contains(log, "applied=limits.idle needs_restart=dispatch.listen") {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestAnOccupiedDirectoryTellsCommandsWhy(t *testing.T) {
	dir := t.TempDir()
	release, err := admin.Occupy(dir, "something is being done")
	if err != nil {
		t.Fatal(err)
	}
	c, err := admin.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Accounts(t.Context(), "", 1); err == nil || !strings.Contains(err.Error(), "something is being done; try again") {
		t.Errorf("a command is told %v", err)
	}
	if _, err := admin.Occupy(dir, ""); !errors.Is(err, admin.ErrRunning) {
		t.Errorf("a second time: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Dial(t.Context(), dir); !errors.Is(err, admin.ErrNotRunning) {
		t.Errorf("afterwards: %v", err)
	}
}
