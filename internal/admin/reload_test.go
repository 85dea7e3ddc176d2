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
