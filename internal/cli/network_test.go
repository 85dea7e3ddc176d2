package cli_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"monarch/internal/admin"
)

var dates = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d`)

func TestNetworkCommands(t *testing.T) {
	p := newPlace(t)
	p.add(t, "alice@example.com")
	if got := p.ok(t, "", "network", "list"); !strings.Contains(got, "from everywhere") {
		t.Errorf("at first: %s", got)
	}
	got := dates.ReplaceAllString(p.ok(t, "", "network", "deny", "203.0.113.0/24", "--reason", "guesses", "--for", "7d"), "DATE")
	if !strings.Contains(got, "Nobody can connect from 203.0.113.0/24, until DATE.\n") || !strings.Contains(got, "network remove 203.0.113.0/24") {
		t.Errorf("deny: %s", got)
	}
	if got := p.ok(t, "", "network", "allow", "::ffff:203.0.113.7"); !strings.HasPrefix(got, "203.0.113.7 is exempt ") {
		t.Errorf("allow: %s", got)
	}
	want := "NETWORK         RULE   HOLDS       MADE  BY   REASON\n" +
		"203.0.113.0/24  deny   until DATE  DATE  WHO  guesses\n" +
		"203.0.113.7     allow  for good    DATE  WHO  \n"
	got = dates.ReplaceAllString(p.ok(t, "", "network", "list"), "DATE")
	got = regexp.MustCompile(`uid \d+ \([^)]*\)|uid \d+`).ReplaceAllString(got, "WHO")
	same := func(s string) string { return strings.Join(strings.Fields(s), " ") } // who it is may be short or long
	if same(got) != same(want) {
		t.Errorf("list:\n%swant:\n%s", got, want)
	}
	var rules []admin.NetworkRule
	if err := json.Unmarshal([]byte(p.ok(t, "", "network", "list", "--json")), &rules); err != nil || len(rules) != 2 || rules[0].Expires.IsZero() || !rules[1].Expires.IsZero() {
		t.Errorf("%+v, %v", rules, err)
	}
	for _, args := range [][]string{{"deny", "0.0.0.0/0"}, {"deny", "mars"}, {"remove", "192.0.2.0/24"}} {
		if r := p.run("", append([]string{"network"}, args...)...); r.code == 0 || r.errout == "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
	p.ok(t, "", "network", "deny", "0.0.0.0/0", "--force", "--keep")
	p.ok(t, "", "network", "remove", "0.0.0.0/0")
	p.ok(t, "", "network", "remove", "203.0.113.0/24")
	if got := p.ok(t, "", "network", "list"); strings.Contains(got, "deny") {
		t.Errorf("at last: %s", got)
	}
}

func TestLockingForAReason(t *testing.T) {
	p := newPlace(t)
	p.add(t, "bob@example.com")
	got := dates.ReplaceAllString(p.ok(t, "", "user", "disable", "bob@example.com", "--reason", "sent spam", "--for", "12h"), "DATE")
	if got != "bob@example.com cannot sign in until DATE.\n" {
		t.Errorf("disable: %s", got)
	}
	got = dates.ReplaceAllString(p.ok(t, "", "user", "show", "bob@example.com"), "DATE")
	if !strings.Contains(got, "Disabled          yes, until DATE: sent spam\n") {
		t.Errorf("show: %s", got)
	}
	if r := p.run("", "user", "disable", "bob@example.com", "--reason", "\x1b[2J"); r.code == 0 {
		t.Error("a reason may command the terminal")
	}
	p.ok(t, "", "user", "enable", "bob@example.com")
	if got := p.ok(t, "", "user", "show", "bob@example.com"); !strings.Contains(got, "Disabled          no\n") {
		t.Errorf("afterwards: %s", got)
	}
}

func TestStatusOfARunningServer(t *testing.T) {
	p, _ := running(t)
	got := p.ok(t, "", "status")
	for _, want := range []string{"NOW", "LAST HOUR", "Signed in", "NODE", "No warnings and no errors"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	var o admin.Overview
	if err := json.Unmarshal([]byte(p.ok(t, "", "status", "--json")), &o); err != nil || o.People != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	if r := newPlace(t).run("", "status"); r.code == 0 || r.errout == "" {
		t.Errorf("where no server runs: %+v", r)
	}
}
