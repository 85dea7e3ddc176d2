package passport_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/passport"
)

func TestMailPagesLeadToTheMailbox(t *testing.T) {
	w := newWorld(t, func(c *passport.Config) { c.MailURL = "https://mail.example.com/?login={email}" })
	follow := func(user im.User, more string) string {
		token := w.signer.WebToken(auth.Ticket{User: int64(user.ID), Credential: user.Credential, Issued: w.clock.Now()})
		form := "mode=ttl&auth=" + url.QueryEscape(token) + more
		answer := w.askHTTPS(fmt.Sprintf("POST /ppsecure/md5auth.srf?lc=1033 HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", len(form), form))
		_, target, _ := strings.Cut(answer, "\r\nLocation: ")
		target, _, _ = strings.Cut(target, "\r\n")
		return target
	}
	bob := w.addUser("bob@example.com", "x")
	carol := w.addUser("carol@example.com", "x")
	w.must(w.store.SetMailbox(t.Context(), w.alice.ID, ""))
	w.must(w.store.SetMailbox(t.Context(), bob.ID, "https://bobs.example.net/mail"))
	for _, c := range []struct {
		name string
		user im.User
		form string
		want string
	}{
		{"the page of the service", w.alice, "&rru=/mail/inbox", "https://mail.example.com/?login=alice%40example.com"},
		{"every page about mail", w.alice, "&ru=https://msn.example.com/mail/compose", "https://mail.example.com/?login=alice%40example.com"},
		{"one's own page", bob, "&rru=/mail/folders", "https://bobs.example.net/mail"},
		{"a message there", bob, "&rru=https://bobs.example.net/17?a=b", "https://bobs.example.net/17?a=b"},
		{"not a message of others", bob, "&ru=https://mail.example.com/17", "https://msn.example.com/help"},
		{"not a message elsewhere", bob, "&ru=https://bobs.example.net.evil.org/17", "https://msn.example.com/help"},
		{"not a line end", bob, "&ru=https://bobs.example.net/%0d%0aX:y", "https://msn.example.com/help"},
		{"not other pages", w.alice, "&rru=/profile", "https://msn.example.com/profile"},
		{"ours for people without a mailbox", carol, "&rru=/mail/inbox", "https://msn.example.com/mail/inbox"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := follow(c.user, c.form); got != c.want {
				t.Errorf("led to %q, want %q", got, c.want)
			}
		})
	}
}
