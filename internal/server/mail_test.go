package server_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"monarch/internal/msntest"
)

// withMail starts a mail server and a server that sends invitations by it.
func withMail(t *testing.T) (*msntest.MailServer, *msntest.Fixture, *msntest.Player) {
	t.Helper()
	post := new(msntest.MailServer)
	post.Start(t)
	f := msntest.Start(t, map[string]string{
		"smtp.host": "127.0.0.1", "smtp.port": strconv.Itoa(post.Port()), "smtp.tls": "none",
		"smtp.from": "robot@example.com", "service.name": "Our Messenger",
	})
	return post, f, msntest.NewPlayer(t, f)
}

func TestInvitationsAreSentByMail(t *testing.T) {
	for _, dialect := range []string{"signin9", "signin8"} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			post, f, p := withMail(t)
			p.Play(dialect + ` A
				A.ns> SDC 20 Dan@example.net 0x0409 MSMSGS MSMSGS X X Mallory 12 + "Join me here"
				A.ns< SDC 20 OK
				A.ns> PNG
				A.ns< QNG{*}
				`)
			l := post.Next(t)
			if l.From != "robot@example.com" || l.To != "dan@example.net" {
				t.Errorf("envelope %+v", l)
			}
			for _, want := range []string{
				"Subject: Alice invites you to Our Messenger\r\n", "> Join me here\r\n", "alice@example.com",
				f.Server.Addr("dispatch"), "http://" + f.Server.Addr("web") + "/join",
			} {
				if !strings.Contains(l.Text, want) {
					t.Errorf("no %q in\n%s", want, l.Text)
				}
			}
			p.Play(`
				A.ns> SND 21 dora@example.net
				A.ns< SND 21 OK
				`)
			if l := post.Next(t); l.To != "dora@example.net" || strings.Contains(l.Text, "writes:") {
				t.Errorf("%+v", l)
			}
			p.Finish()
		})
	}
}

func TestInvitationsHaveLimits(t *testing.T) {
	post, f, p := withMail(t)
	p.Play("signin9 A\nsignin9 B")
	invite := func(who, to string) {
		t.Helper()
		p.Play(fmt.Sprintf("%s.ns> SND 20 %s\n%s.ns< SND 20 OK", who, to, who))
	}
	// Letters are sent in order: one of Bob's shows that none of Alice's came before it.
	bobs := 0
	nothing := func(why string) {
		t.Helper()
		to := fmt.Sprintf("friend%d@example.net", bobs)
		bobs++
		invite("B", to)
		if l := post.Next(t); l.To != to {
			t.Errorf("%s: a letter to %s", why, l.To)
		}
	}
	sent := func(to string) {
		t.Helper()
		if l := post.Next(t); l.To != to {
			t.Errorf("a letter to %s, not %s", l.To, to)
		}
	}
	invite("A", "bob@example.com")
	nothing("to somebody who has an account")
	invite("A", "dan-at-example.net")
	invite("A", "a<b>@example.net")
	nothing("to what is no address")
	invite("A", "dan@example.net")
	sent("dan@example.net")
	invite("A", "DAN+again@example.net")
	nothing("to the same person")
	for i := range 4 {
		invite("A", fmt.Sprintf("eve%d@example.net", i))
		sent(fmt.Sprintf("eve%d@example.net", i))
	}
	invite("A", "frank@example.net")
	nothing("beyond five an hour")
	f.Clock.Advance(time.Hour + time.Second)
	invite("A", "frank@example.net")
	sent("frank@example.net")
	p.Finish()
}

// How often somebody may ask for one at all is a setting, for people who are signed in, too.
func TestInvitationsHaveARate(t *testing.T) {
	t.Parallel()
	post, f, p := withMail(t)
	p.Play("signin9 A\nsignin9 B")
	reload(t, f, map[string]string{"rates.invitations": "1/60m"})
	for _, to := range []string{"dan", "dora"} {
		p.Play("A.ns> SND 20 " + to + "@example.net\nA.ns< SND 20 OK")
	}
	p.Play("B.ns> SND 20 eve@example.net\nB.ns< SND 20 OK")
	for _, want := range []string{"dan@example.net", "eve@example.net"} {
		if l := post.Next(t); l.To != want {
			t.Errorf("a letter to %s, not %s", l.To, want)
		}
	}
	sees(t, f, `monarch_limited_total{what="invitations"} 1`)
	reload(t, f, map[string]string{"rates.invitations": "off"})
	p.Play("A.ns> SND 21 dora@example.net\nA.ns< SND 21 OK")
	if l := post.Next(t); l.To != "dora@example.net" {
		t.Errorf("with another rate a letter to %s", l.To)
	}
	p.Finish()
}
