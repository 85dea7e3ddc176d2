package msnclient_test

import (
	"context"
	"errors"
	"net"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/msnclient"
	"monarch/msnp"
)

func reconnecting(c *msnclient.Config) { c.Reconnect = true }

func TestReconnect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		w := newWorld(t, nil)
		w.p.Play("mutual alice bob\nlist dave FL alice")
		tapped := new(wire)
		alice := w.signIn("alice", v, reconnecting, tap(tapped))
		bob := w.signIn("bob", msnp.MSNP9, reconnecting)
		expect(alice, func(e msnclient.AddedBy) bool { return e.Handle == "dave@example.com" })
		alice.becomes("bob@example.com", msnp.Online)
		check(t, alice.SetStatus(within(t), msnp.Lunch))
		open(alice, bob)
		before := alice.Roster()

		w.p.Play("operator stop\nstopped")
		if e := expect[msnclient.Disconnected](alice, nil); !errors.Is(e.Err, msnclient.ErrShutdown) || e.RetryIn <= 0 {
			t.Errorf("%+v", e)
		}
		if e := expect[msnclient.ChatClosed](alice, nil); !errors.Is(e.Err, msnclient.ErrShutdown) {
			t.Errorf("chat closed: %v", e.Err)
		}
		if err := alice.SetName(within(t), "x"); !errors.Is(err, msnclient.ErrNotConnected) {
			t.Errorf("asked while away: %v", err)
		}
		if c, _ := alice.Roster().Contact("bob@example.com"); c.Status != msnp.Offline || alice.Self().Status != msnp.Offline {
			t.Errorf("while away: %+v", c)
		}
		w.p.Play("restart")
		w.look()
		expect[msnclient.Reconnected](alice, nil)
		expect[msnclient.Reconnected](bob, nil)
		if s := alice.Self().Status; s != msnp.Lunch {
			t.Errorf("came back %v", s)
		}
		alice.becomes("bob@example.com", msnp.Online)
		none[msnclient.AddedBy](alice)
		if _, heard := tapped.session().lines(); strings.Contains(heard, "LST") {
			t.Error("the list was sent again, though nothing had changed")
		}
		after := alice.Roster()
		for i := range after.Contacts {
			after.Contacts[i].Person, before.Contacts[i].Person = msnclient.Person{}, msnclient.Person{}
		}
		if !reflect.DeepEqual(before, after) {
			t.Errorf("before %+v\nafter  %+v", before, after)
		}
		here, _ := open(bob, alice)
		check(t, here.Send(within(t), msnclient.Text{Body: "again"}))
		expect[msnclient.TextReceived](alice, nil)
	})
}

func TestKickedElsewhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		w := newWorld(t, nil)
		bob := w.signIn("bob", v)
		first := w.signIn("alice", v, reconnecting)
		open(first, bob)
		second := w.signIn("alice", v, reconnecting)
		expect[msnclient.ChatClosed](first, nil)
		if e := expect[msnclient.Closed](first, nil); !errors.Is(e.Err, msnclient.ErrElsewhere) {
			t.Errorf("closed with %v", e.Err)
		}
		none[msnclient.Closed](second)
		expect[msnclient.ChatClosed](bob, nil)
		if _, err := first.Open(within(t), "bob@example.com"); !errors.Is(err, msnclient.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestLostForGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice := w.signIn("alice", msnp.MSNP9)
	bob := w.signIn("bob", msnp.MSNP9, reconnecting)
	open(alice, bob)
	check(t, w.f.Server.Admin().Kick(t.Context(), "alice@example.com"))
	if e := expect[msnclient.Closed](alice, nil); e.Err == nil {
		t.Error("closed without a reason")
	}
	// With a new password there is no coming back either.
	check(t, w.f.Server.Admin().SetPassword(t.Context(), "bob@example.com", "another"))
	if e := expect[msnclient.Closed](bob, nil); !errors.Is(e.Err, msnclient.ErrPassword) && !errors.Is(e.Err, msnclient.ErrElsewhere) {
		t.Errorf("closed with %v", e.Err)
	}
}

// TestCloseWhileAway closes a client between two tries.
func TestCloseWhileAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	tapped := new(wire)
	alice := w.signIn("alice", msnp.MSNP9, reconnecting, tap(tapped))
	w.mu.Lock()
	w.addrs["messenger.hotmail.com:1863"] = "127.0.0.1:1"
	w.mu.Unlock()
	tapped.session().Close()
	expect[msnclient.Disconnected](alice, nil)
	e := expect[msnclient.Disconnected](alice, nil)
	var op *net.OpError
	if !errors.As(e.Err, &op) {
		t.Error(e.Err)
	}
	check(t, alice.Close())
	if e := expect[msnclient.Closed](alice, nil); e.Err != nil {
		t.Error(e.Err)
	}
}

func TestMoved(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		w := newWorld(t, nil)
		w.p.Play("mutual alice bob")
		w.signIn("bob", v)
		tapped := new(wire)
		alice := w.signIn("alice", v, tap(tapped))
		first := tapped.session()
		first.inject(t, "XFR 0 NS %s 0 192.0.2.1:1863\r\n", w.f.Server.Addr("notification"))
		if e := expect[msnclient.Disconnected](alice, nil); !errors.Is(e.Err, msnclient.ErrMoved) || e.RetryIn != 0 {
			t.Errorf("%+v", e)
		}
		expect[msnclient.Reconnected](alice, nil)
		alice.becomes("bob@example.com", msnp.Online)
		check(t, alice.Ping(within(t)))
		if tapped.session() == first {
			t.Error("did not move")
		}
	})
}

// TestMovedInCircles is sent on after every sign-in, until that is as good as being lost.
func TestMovedInCircles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	tapped := new(wire)
	alice := w.signIn("alice", msnp.MSNP9, tap(tapped))
	const hops = 5
	for n := range hops + 1 {
		tapped.session().inject(t, "XFR 0 NS %s 0 192.0.2.1:1863\r\n", w.f.Server.Addr("notification"))
		if n < hops {
			expect[msnclient.Reconnected](alice, nil)
		}
	}
	if e := expect[msnclient.Closed](alice, nil); !errors.Is(e.Err, msnclient.ErrMoved) {
		t.Errorf("closed with %v", e.Err)
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		for _, p := range msnp.Products {
			t.Run(p.ID, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, map[string]string{"protocol.challenge": "enforce"})
				tapped := new(wire)
				u := w.signIn("alice", v, func(c *msnclient.Config) { c.Product = p.ID }, tap(tapped))
				for range 3 {
					check(t, u.Ping(within(t))) // behind the challenge
					check(t, u.Ping(within(t))) // behind its answer
					w.f.Clock.Advance(90 * time.Minute)
				}
				check(t, u.Ping(within(t)))
				if said, _ := tapped.session().lines(); strings.Count(said, "QRY ") < 2 {
					t.Errorf("challenges: %d", strings.Count(said, "QRY "))
				}
			})
		}
	})
}

func TestNotices(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		w := newWorld(t, nil)
		tapped := new(wire)
		u := w.signIn("alice", v, tap(tapped))
		_, err := w.f.Server.Admin().Notify(t.Context(), 5)
		check(t, err)
		if e := expect[msnclient.NoticeReceived](u, nil); e.Minutes != 5 {
			t.Errorf("%+v", e)
		}
		message := func(mediaType, body string) {
			text := "MIME-Version: 1.0\r\nContent-Type: " + mediaType + "; charset=UTF-8\r\n\r\n" + body
			tapped.session().inject(t, "MSG Hotmail Hotmail %d\r\n%s", len(text), text)
		}
		message("text/x-msmsgsinitialemailnotification",
			"Inbox-Unread: 2\r\nFolders-Unread: 1\r\nInbox-URL: /in\r\nFolders-URL: /folders\r\nPost-URL: https://msn.example.com/p\r\n\r\n")
		if e := expect[msnclient.MailCounted](u, nil); e != (msnclient.MailCounted{2, 1, "/in", "/folders", "https://msn.example.com/p"}) {
			t.Errorf("%+v", e)
		}
		message("text/x-msmsgsemailnotification",
			"From: =?utf-8?q?B=C3=B6b?=\r\nMessage-URL: /m\r\nPost-URL: /p\r\nSubject: =?utf-8?b?SMOk?=\r\nDest-Folder: ACTIVE\r\nFrom-Addr: bob@example.com\r\nid: 2\r\n\r\n")
		if e := expect[msnclient.MailReceived](u, nil); e != (msnclient.MailReceived{"Böb", "bob@example.com", "Hä", "ACTIVE", "/m", "/p", "2"}) {
			t.Errorf("%+v", e)
		}
		message("text/x-msmsgsactivemailnotification", "Src-Folder: ACTIVE\r\nDest-Folder: trAsH\r\nMessage-Delta: 3\r\n\r\n")
		if e := expect[msnclient.MailMoved](u, nil); e != (msnclient.MailMoved{"ACTIVE", "trAsH", 3}) {
			t.Errorf("%+v", e)
		}
		message("text/x-nobody-knows", "x")
		note := `<NOTIFICATION ver="1" id="7" siteid="45" siteurl="http://alerts.example.com"><TO pid="0x1:0x2" name="alice@example.com"/>` +
			`<MSG id="8"><ACTION url="/go"/><SUBSCR url="/set"/><BODY lang="1033" icon="/i.png"><TEXT>Rain &amp; wind</TEXT><TEXTX>&lt;b&gt;Rain&lt;/b&gt;</TEXTX></BODY></MSG></NOTIFICATION>`
		for _, text := range []string{"no XML", note} {
			tapped.session().inject(t, "NOT %d\r\n%s", len(text), text)
		}
		tapped.session().inject(t, "IPG %d\r\n%s", len(note), note)
		want := msnp.Alert{
			ID: "7", Message: "8", SiteID: "45", SiteURL: "http://alerts.example.com", To: "alice@example.com",
			Action: "/go", Subscribe: "/set", Icon: "/i.png", Text: "Rain & wind", HTML: "<b>Rain</b>",
		}
		if e := expect[msnclient.AlertReceived](u, nil); e.Alert != want {
			t.Errorf("%+v", e)
		}
		if e := expect[msnclient.PageReceived](u, nil); e.Alert != want {
			t.Errorf("%+v", e)
		}
		check(t, u.Ping(within(t)))
	})
}

// TestNonsenseFromTheServer parts from a server that cannot be understood, and only then.
func TestNonsenseFromTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	tapped := new(wire)
	u := w.signIn("alice", msnp.MSNP9, reconnecting, tap(tapped))
	for _, nonsense := range []string{"NLN XYZ bob@example.com Bob 0\r\n", "RNG 1\r\n", "MSG a b 99999999\r\n", "CHL 0\r\n"} {
		tapped.session().inject(t, "%s", nonsense)
		e := expect[msnclient.Disconnected](u, nil)
		var syntax *msnp.SyntaxError
		if !errors.As(e.Err, &syntax) {
			t.Errorf("%q: %v", nonsense, e.Err)
		}
		expect[msnclient.Reconnected](u, nil)
	}
	// These are odd, but no reason to part.
	tapped.session().inject(t, "\r\nFOO 1 2 3\r\nNLN NLN dave@example.com Dave 0\r\nFLN erin@example.com\r\n"+
		"999 77\r\nACK 12345\r\nLST x y 1\r\nBPR PHH 1\r\nCHG 0 BSY 0\r\nREM 0 RL 9 nobody@example.com\r\n")
	expect[msnclient.RemovedBy](u, nil)
	check(t, u.Ping(within(t)))
	if s := u.Self().Status; s != msnp.Busy {
		t.Errorf("the server made me %v", s)
	}
	none[msnclient.PresenceChanged](u)
}

func TestCallMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var calls atomic.Int32
	hold := make(chan struct{})
	board := w.f.Server.Addr("switchboard")
	alice := w.signIn("alice", msnp.MSNP9, func(c *msnclient.Config) {
		c.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == board {
				if calls.Add(1) == 1 {
					return nil, errAny
				}
				<-hold
			}
			return w.dial(ctx, network, addr)
		}
	})
	w.p.Play(`signin9 C
		board C
		C.sb> CAL 2 alice@example.com
		C.sb< CAL 2 RINGING {sid1}`)
	if e := expect[msnclient.CallMissed](alice, nil); e.From != "carol@example.com" || e.Name != "Carol" || !errors.Is(e.Err, errAny) {
		t.Errorf("%+v", e)
	}
	w.p.Play(`signin9 D
		board D
		D.sb> CAL 2 alice@example.com
		D.sb< CAL 2 RINGING {sid2}
		D.sb> OUT
		D.sb x`)
	close(hold)
	if e := expect[msnclient.CallMissed](alice, nil); e.From != "dave@example.com" {
		t.Errorf("%+v", e)
	}
	none[msnclient.ChatOpened](alice)
}

// TestNoticesOfTheServer has the server itself send what TestNotices puts in.
func TestNoticesOfTheServer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		w := newWorld(t, map[string]string{"protocol.alerts": "on"})
		operator, unread := w.f.Server.Admin(), 2
		check(t, operator.SetMailbox(t.Context(), "alice@example.com", "https://mail.example.com/"))
		_, err := operator.Mail(t.Context(), admin.MailNews{To: "alice@example.com", Unread: &unread})
		check(t, err)
		u := w.signIn("alice", v)
		if e := expect[msnclient.MailCounted](u, nil); e.Inbox != 2 {
			t.Errorf("%+v", e)
		}
		if u.Profile()["EmailEnabled"] != "1" {
			t.Errorf("profile %v", u.Profile())
		}
		unread = 3
		_, err = operator.Mail(t.Context(), admin.MailNews{
			To: "alice@example.com", Unread: &unread, From: "bob@example.net", FromName: "Böb", Subject: "Größe & mehr",
		})
		check(t, err)
		if e := expect[msnclient.MailReceived](u, nil); e.From != "Böb" || e.Address != "bob@example.net" || e.Subject != "Größe & mehr" {
			t.Errorf("%+v", e)
		}
		check(t, operator.Alert(t.Context(), "alice@example.com", admin.NewAlert{Text: "Rain & wind", HTML: "<b>Rain</b>", URL: "https://example.com/rain"}))
		if e := expect[msnclient.AlertReceived](u, nil); e.Text != "Rain & wind" || e.To != "alice@example.com" {
			t.Errorf("%+v", e)
		}
	})
}
