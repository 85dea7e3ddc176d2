package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/audit"
)

// moments are the times in what commands print.
var moments = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?`)

func TestKeyCommands(t *testing.T) {
	alone := newPlace(t)
	alone.add(t, "alice@example.com")
	served, _ := running(t)
	for name, p := range map[string]place{"without a server": alone, "with one": served} {
		t.Run(name, func(t *testing.T) {
			if got := moments.ReplaceAllString(p.ok(t, "", "key", "list"), "TIME"); got != "KEY  CREATED           STATE\n1    TIME  signs\n" {
				t.Errorf("list:\n%s", got)
			}
			got := moments.ReplaceAllString(p.ok(t, "", "key", "rotate"), "TIME")
			if !strings.HasPrefix(got, "Key 2 signs from now on.") || !strings.HasSuffix(got, "2    TIME  signs\n1    TIME  accepted until TIME\n") {
				t.Errorf("rotate:\n%s", got)
			}
			var keys []admin.Key
			decode(t, p.ok(t, "", "key", "list", "--json"), &keys)
			if len(keys) != 2 || keys[1].Retires == nil || time.Until(*keys[1].Retires) < 24*time.Hour {
				t.Errorf("keys %+v", keys)
			}
			got = moments.ReplaceAllString(p.ok(t, "", "key", "rotate", "--now"), "TIME")
			if !strings.HasPrefix(got, "Key 3 signs from now on.") || !strings.HasSuffix(got, "STATE\n3    TIME  signs\n") {
				t.Errorf("rotate --now:\n%s", got)
			}
		})
	}
	empty := place{t.TempDir()}
	if r := empty.run("", "key", "list"); r.code != 1 || !strings.Contains(r.errout, "--data") {
		t.Errorf("where there is nothing: %+v", r)
	}
}

func TestAuditCommand(t *testing.T) {
	p := newPlace(t)
	if r := p.run("", "audit"); r.code != 1 || !strings.Contains(r.errout, "no audit log") {
		t.Errorf("before anything: %+v", r)
	}
	p.add(t, "alice@example.com")
	p.add(t, "bob@example.com")
	p.ok(t, "", "user", "rename", "bob@example.com", "Bob\x1b[31m")
	p.ok(t, "", "user", "list") // changes nothing
	me := audit.UID(os.Getuid())
	want := fmt.Sprintf("TIME  account added       alice@example.com, by %[1]s\n"+
		"TIME  account added       bob@example.com, by %[1]s\n"+
		"TIME  account renamed     bob@example.com, by %[1]s, Bob�[31m\n", me)
	for _, args := range [][]string{{"audit"}, {"audit", "--since", "1h"}} {
		if got := moments.ReplaceAllString(p.ok(t, "", args...), "TIME"); got != want {
			t.Errorf("%q:\n%swant:\n%s", args, got, want)
		}
	}
	got := p.ok(t, "", "audit", "--user", "Alice@example.com", "--json")
	var e audit.Entry
	decode(t, got, &e)
	if strings.Count(got, "\n") != 1 || e.Event != "account added" || e.User != "alice@example.com" || e.By != me {
		t.Errorf("%s", got)
	}
	if got := p.ok(t, "", "audit", "--user", "carol@example.com"); got != "Nothing is recorded about carol@example.com; 3 entries are about others.\n" {
		t.Errorf("about nobody: %s", got)
	}
	got = moments.ReplaceAllString(p.ok(t, "", "audit", "--user", "carol@example.com", "--since", "1ns"), "TIME")
	if got != "Nothing is recorded about carol@example.com since TIME.\n" {
		t.Errorf("just now: %s", got)
	}
	if got, days := p.ok(t, "", "audit"), p.ok(t, "", "audit", "--since", "7d"); got != days {
		t.Errorf("in seven days %s\nof all %s", days, got)
	}
	for _, wrong := range []string{"--since=-1h", "--since=yesterday"} {
		if r := p.run("", "audit", wrong); r.code != 2 || !strings.Contains(r.errout, "write it like 90m, 12h or 7d") {
			t.Errorf("%s: %+v", wrong, r)
		}
	}
	t.Setenv("MONARCH_AUDIT_FILE", "off")
	if r := p.run("", "audit"); r.code != 1 || !strings.Contains(r.errout, "audit.file") {
		t.Errorf("switched off: %+v", r)
	}
	p.ok(t, "", "user", "delete", "bob@example.com", "--yes")
	t.Setenv("MONARCH_AUDIT_FILE", "")
	if got := p.ok(t, "", "audit"); strings.Contains(got, "deleted") {
		t.Errorf("recorded although switched off:\n%s", got)
	}
}

func TestOperatorsOfARunningServerAreRecorded(t *testing.T) {
	p, _ := running(t)
	p.ok(t, "", "user", "disable", "alice@example.com")
	p.ok(t, "", "cert", "--renew")
	got := p.ok(t, "", "audit")
	if !strings.Contains(got, "account disabled    alice@example.com") || !strings.Contains(got, "certificate renewed") {
		t.Errorf("audit:\n%s", got)
	}
}

// A command that cannot record what it did says so, and has done it.
func TestAnAuditLogThatCannotBeWrittenStopsNoCommand(t *testing.T) {
	p := newPlace(t)
	p.add(t, "alice@example.com")
	t.Setenv("MONARCH_AUDIT_FILE", filepath.Join(p.dir, "absent", "audit.log"))
	r := p.run("", "user", "disable", "alice@example.com")
	if r.code != 0 || !strings.Contains(r.errout, "audit log cannot be written") {
		t.Errorf("%+v", r)
	}
	if got := p.ok(t, "", "user", "show", "alice@example.com"); !strings.Contains(got, "Disabled          yes") {
		t.Errorf("show:\n%s", got)
	}
}
