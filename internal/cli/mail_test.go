package cli_test

import (
	"strings"
	"testing"

	"monarch/internal/hub"
	"monarch/internal/im"
)

func TestMailCommands(t *testing.T) {
	p := newPlace(t)
	p.add(t, "alice@example.com")
	if r := p.run("", "mail", "alice@example.com", "--unread", "1"); r.code != 1 || !strings.Contains(r.errout, "user mailbox alice@example.com on") {
		t.Errorf("mail without a mailbox: %+v", r)
	}
	p.ok(t, "", "user", "mailbox", "alice@example.com", "on", "--url", "https://mail.example.com/")
	if got := p.ok(t, "", "mail", "alice@example.com", "--unread", "3", "--folders", "2"); !strings.Contains(got, "Noted.") {
		t.Errorf("mail: %s", got)
	}
	p.ok(t, "", "mail", "alice@example.com", "--unread", "0", "--from", "dan@example.net", "--subject", "Hi")
	if got := p.ok(t, "", "user", "show", "alice@example.com"); !strings.Contains(got, "Mailbox           0 unread, 2 in other folders, https://mail.example.com/") {
		t.Errorf("show:\n%s", got)
	}
	p.ok(t, "", "user", "mailbox", "alice@example.com", "off")
	if got := p.ok(t, "", "user", "show", "alice@example.com"); strings.Contains(got, "Mailbox") {
		t.Errorf("show:\n%s", got)
	}
	for _, c := range []struct {
		says string
		args []string
	}{
		{"--from", []string{"mail", "alice@example.com", "--unread", "1", "--subject", "Hi"}},
		{"--unread", []string{"mail", "alice@example.com"}},
		{"on", []string{"user", "mailbox", "alice@example.com", "maybe"}},
		{"--url", []string{"user", "mailbox", "alice@example.com", "off", "--url", "https://a/"}},
		{"cancel", []string{"notice"}},
		{"cancel", []string{"notice", "--cancel", "--shutdown-in", "5m"}},
	} {
		if r := p.run("", c.args...); r.code != 2 || !strings.Contains(r.errout, c.says) {
			t.Errorf("%q: %+v", c.args, r)
		}
	}
	for _, args := range [][]string{{"alert", "alice@example.com", "Hello"}, {"notice", "--cancel"}} {
		if r := p.run("", args...); r.code != 1 || !strings.Contains(r.errout, "does not run") {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

func TestMailAndNoticesReachTheRunningServer(t *testing.T) {
	p, c := running(t)
	p.ok(t, "", "user", "mailbox", "alice@example.com", "on")
	if got := p.ok(t, "", "mail", "alice@example.com", "--unread", "1", "--from", "dan@example.net", "--name", "Dan", "--subject", "Hi"); !strings.Contains(got, "Told alice@example.com.") {
		t.Errorf("mail: %s", got)
	}
	want := hub.MailArrived{From: "dan@example.net", Name: "Dan", Subject: "Hi", Box: im.Mailbox{Inbox: 1, Version: 2}}
	if ev := <-c.last; ev != want {
		t.Errorf("the session was told %#v", ev)
	}
	if r := p.run("", "alert", "alice@example.com", "Hello"); r.code != 1 || !strings.Contains(r.errout, `protocol.alerts = "on"`) {
		t.Errorf("alert: %+v", r)
	}
	if r := p.run("", "notice", "--cancel"); r.code != 1 || !strings.Contains(r.errout, "nothing to take back") {
		t.Errorf("cancel: %+v", r)
	}
	if got := p.ok(t, "", "notice", "--shutdown-in", "5m"); !strings.Contains(got, "notice --cancel") {
		t.Errorf("notice: %s", got)
	}
	if got := p.ok(t, "", "notice", "--cancel"); !strings.Contains(got, "The service goes on.") {
		t.Errorf("cancel: %s", got)
	}
}
