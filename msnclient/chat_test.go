package msnclient_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"monarch/msnclient"
	"monarch/msnp"
)

func TestTalk(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, a, b msnp.Version) {
		w := newWorld(t, nil)
		alice, bob := w.signIn("alice", a), w.signIn("bob", b)
		ctx := within(t)
		here, there := open(alice, bob)
		if here.ID() == "" || here.ID() != there.ID() {
			t.Errorf("sessions %q and %q", here.ID(), there.ID())
		}
		expect(alice, func(e msnclient.Joined) bool {
			return e.Chat == here && e.Handle == "bob@example.com" && e.Name == "Bob"
		})
		if m := there.Members(); !slices.Equal(m, []string{"alice@example.com"}) {
			t.Errorf("bob sees %q", m)
		}
		text := msnclient.Text{
			Body: "Hellö,\nBob! 100% \U0001F98B", Font: "Comic Sans MS; bold", Effects: "BI", Color: 0xFF8001, RightToLeft: true,
		}
		check(t, here.Send(ctx, text))
		e := expect[msnclient.TextReceived](bob, nil)
		if e.Chat != there || e.From != "alice@example.com" || e.Name != "Alice" || fmt.Sprint(e.Text) != fmt.Sprint(text) {
			t.Errorf("%+v", e)
		}
		check(t, there.Typing())
		check(t, there.Nudge())
		expect(alice, func(e msnclient.TypingStarted) bool { return e.Chat == here && e.From == "bob@example.com" })
		expect(alice, func(e msnclient.NudgeReceived) bool { return e.Chat == here && e.From == "bob@example.com" })
		header := msnp.Header{{Name: "MIME-Version", Value: "1.0"}, {Name: "Content-Type", Value: "text/x-clientcaps"}}
		check(t, there.SendMessage(ctx, header, []byte("Client-Name: Test\r\n")))
		o := expect[msnclient.MessageReceived](alice, nil)
		if o.From != "bob@example.com" || o.Header.Get("content-type") != "text/x-clientcaps" || string(o.Body) != "Client-Name: Test\r\n" {
			t.Errorf("%+v", o)
		}
		if err := there.SendMessage(ctx, msnp.Header{{Name: "A", Value: "b\r\n\r\n"}}, nil); err == nil {
			t.Error("a header with an end in it was sent")
		}
		check(t, here.Close())
		expect(bob, func(e msnclient.Left) bool { return e.Chat == there && e.Handle == "alice@example.com" && !e.Idle })
		for _, u := range []*user{alice, bob} {
			if e := expect[msnclient.ChatClosed](u, nil); e.Err != nil {
				t.Error(e.Err)
			}
			if len(u.Chats()) != 0 {
				t.Errorf("open: %v", u.Chats())
			}
		}
		for _, ch := range []*msnclient.Chat{here, there} {
			if err := ch.Send(ctx, text); !errors.Is(err, msnclient.ErrNotDelivered) || !errors.Is(err, msnclient.ErrChatClosed) {
				t.Errorf("after the end: %v", err)
			}
			if err := ch.Invite(ctx, "carol@example.com"); err == nil {
				t.Error("invited after the end")
			}
			<-ch.Done()
		}
	})
}

func TestEmoticons(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, a, b msnp.Version) {
		w := newWorld(t, nil)
		alice, bob := w.signIn("alice", a), w.signIn("bob", b)
		here, there := open(alice, bob)
		pictures := make(map[string]*msnclient.Picture)
		var body []string
		for i := range 7 {
			shortcut := fmt.Sprintf("(%d)", i)
			pictures[shortcut] = &msnclient.Picture{Data: []byte(shortcut)}
			body = append(body, shortcut)
		}
		pictures["not in the text"] = &msnclient.Picture{Data: []byte("x")}
		check(t, here.Send(within(t), msnclient.Text{Body: strings.Join(body, " "), Emoticons: pictures}))
		expect[msnclient.TextReceived](bob, nil)
		for i := range 7 {
			if a == msnp.MSNP8 {
				break
			}
			e := expect[msnclient.EmoticonAnnounced](bob, nil)
			if e.Chat != there || e.Shortcut != fmt.Sprintf("(%d)", i) || e.Object.Type != msnp.ObjectEmoticon || e.Object.Creator != e.From {
				t.Errorf("%+v", e)
			}
		}
		none[msnclient.EmoticonAnnounced](bob)
	})
}

func TestLongText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice, bob := w.signIn("alice", msnp.MSNP9), w.signIn("bob", msnp.MSNP8)
	here, _ := open(alice, bob)
	for _, piece := range []string{"wörd ", "é", "\U0001F98B", "a line\n", "\n", "x"} {
		body := strings.Repeat(piece, 6000/len(piece))
		check(t, here.Send(within(t), msnclient.Text{Body: body}))
		check(t, here.Send(within(t), msnclient.Text{Body: "end"}))
		var parts []string
		for {
			e := expect[msnclient.TextReceived](bob, nil)
			if e.Text.Body == "end" {
				break
			}
			parts = append(parts, e.Text.Body)
		}
		glue := ""
		if strings.HasSuffix(piece, "\n") {
			glue = "\n" // the end of a message is the end of a line
		}
		if got := strings.Join(parts, glue); got != body || len(parts) < 4 {
			t.Errorf("%d parts of %q do not make %d bytes but %d", len(parts), piece, len(body), len(got))
		}
	}
}

func TestGroupChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice, bob, carol := w.signIn("alice", msnp.MSNP9), w.signIn("bob", msnp.MSNP8), w.signIn("carol", msnp.MSNP9)
	ctx := within(t)
	a, b := open(alice, bob)
	check(t, b.Invite(ctx, "Carol@example.com"))
	c := expect[msnclient.ChatOpened](carol, nil).Chat
	if m := c.Members(); !slices.Equal(m, []string{"alice@example.com", "bob@example.com"}) {
		t.Errorf("carol sees %q", m)
	}
	expect(alice, func(e msnclient.Joined) bool { return e.Handle == "carol@example.com" && e.Chat == a })
	if err := a.Invite(ctx, "carol@example.com"); code(err) != msnp.CodeAlreadyThere {
		t.Errorf("invited twice: %v", err)
	}
	if err := a.Invite(ctx, "dave@example.com"); !errors.Is(err, msnclient.ErrNotOnline) {
		t.Errorf("invited somebody off line: %v", err)
	}
	check(t, c.Send(ctx, msnclient.Text{Body: "hello all"}))
	for _, u := range []*user{alice, bob} {
		if e := expect[msnclient.TextReceived](u, nil); e.From != "carol@example.com" {
			t.Errorf("%+v", e)
		}
	}
	check(t, a.Close())
	expect[msnclient.Left](bob, nil)
	expect[msnclient.Left](carol, nil)
	check(t, b.Send(ctx, msnclient.Text{Body: "still here"}))
	expect[msnclient.TextReceived](carol, nil)
	check(t, c.Close())
	expect[msnclient.ChatClosed](bob, nil)
	none[msnclient.ChatOpened](bob)
}

func TestCallsThatFail(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		w := newWorld(t, nil)
		alice, bob := w.signIn("alice", v), w.signIn("bob", v)
		ctx := within(t)
		check(t, bob.Block(ctx, "alice@example.com"))
		if _, err := alice.Open(ctx, "bob@example.com"); !errors.Is(err, msnclient.ErrNotOnline) || code(err) != msnp.CodeNotOnline {
			t.Errorf("called one who blocks: %v", err)
		}
		check(t, bob.Unblock(ctx, "alice@example.com"))
		if len(alice.Chats()) != 0 {
			t.Error("a chat is left")
		}
		none[msnclient.ChatClosed](alice)

		// Somebody who does not answer: a client of the transcripts.
		w.p.Play("signin9 C")
		short, cancel := context.WithCancel(ctx)
		result := make(chan error)
		go func() { result <- second(alice.Open(short, "carol@example.com")) }() // received below
		w.p.Play("C.ns< RNG {sid} {addrSB} CKI {cki} alice@example.com Alice")
		cancel()
		if err := <-result; !errors.Is(err, msnclient.ErrNoAnswer) || !errors.Is(err, context.Canceled) {
			t.Errorf("called one who does not answer: %v", err)
		}
	})
}

func TestClientSend(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice, bob := w.signIn("alice", msnp.MSNP9), w.signIn("bob", msnp.MSNP9)
	ctx := within(t)
	first, err := alice.Send(ctx, "bob@example.com", msnclient.Text{Body: "one"})
	check(t, err)
	again, err := alice.Send(ctx, "BOB@example.com", msnclient.Text{Body: "two"})
	check(t, err)
	if first != again {
		t.Error("a second chat for the second text")
	}
	there := expect[msnclient.ChatOpened](bob, nil).Chat
	// However near the end of the old chat, the text arrives, in this chat or another.
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		there.Close()
	}()
	_, err = alice.Send(ctx, "bob@example.com", msnclient.Text{Body: "three"})
	check(t, err)
	<-closed
	for _, want := range []string{"one", "two", "three"} {
		if e := expect[msnclient.TextReceived](bob, nil); e.Text.Body != want {
			t.Errorf("%q came, not %q", e.Text.Body, want)
		}
	}
}

// TestNothingIsLostAtTheEnd closes a chat while the other one talks: what was said to be
// delivered is delivered.
func TestNothingIsLostAtTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice, bob := w.signIn("alice", msnp.MSNP9), w.signIn("bob", msnp.MSNP8)
	here, there := open(alice, bob)
	delivered := make(chan int)
	ctx := within(t)
	go func() { // received below
		n := 0
		for here.Send(ctx, msnclient.Text{Body: fmt.Sprint(n)}) == nil {
			n++
		}
		delivered <- n
	}()
	for range 20 {
		expect[msnclient.TextReceived](bob, nil)
	}
	check(t, there.Close())
	n := <-delivered
	for i := 20; i < n; i++ {
		if e := expect[msnclient.TextReceived](bob, nil); e.Text.Body != fmt.Sprint(i) {
			t.Fatalf("%q came, not %d of %d", e.Text.Body, i, n)
		}
	}
}

// odd are messages as few clients send them, and what becomes of them; nil is nothing.
var odd = []struct {
	payload string
	fits    func(msnclient.Event) bool
}{
	{"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\ncaf\xe9", textIs("café")},
	{"content-type:TEXT/PLAIN;charset=\"utf-8\"\n\n\xff", textIs("\uFFFD")},
	{"no header at all", isOther},
	{"Content-Type: text/x-msmsgscontrol\r\nRecordingUser: bob@example.com\r\n\r\n\r\n", isOther},
	{"Content-Type: text/x-msnmsgr-datacast\r\n\r\nID: 2\r\nData: x\r\n", isOther},
	{"Content-Type: text/x-mms-emoticon\r\n\r\n:x\tno object\t:y", nil},
	{"Content-Type: application/x-msnmsgrp2p\r\nP2P-Dest: carol@example.com\r\n\r\n", nil},
	{"Content-Type: text/plain; charset=UTF-8\r\n\r\nend", textIs("end")},
}

func textIs(body string) func(msnclient.Event) bool {
	return func(ev msnclient.Event) bool {
		e, ok := ev.(msnclient.TextReceived)
		return ok && e.Text.Body == body
	}
}

func isOther(ev msnclient.Event) bool {
	_, ok := ev.(msnclient.MessageReceived)
	return ok
}

func TestOddMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice := w.signIn("alice", msnp.MSNP9)
	w.p.Play("signin8 B")
	opened := make(chan *msnclient.Chat)
	go func() { // received below
		ch, err := alice.Open(within(t), "bob@example.com")
		if err != nil {
			t.Error(err)
		}
		opened <- ch
	}()
	w.p.Play(`B.ns< RNG {sid} {addrSB} CKI {cki} alice@example.com Alice
		B.sb> ANS 1 bob@example.com {cki} {sid}
		B.sb< IRO 1 1 1 alice@example.com Alice
		B.sb< ANS 1 OK`)
	here := <-opened
	expect[msnclient.Joined](alice, nil)
	for _, c := range odd {
		w.p.Play(fmt.Sprintf("B.sb>> %q", fmt.Sprintf("MSG 2 U %d\r\n%s", len(c.payload), c.payload)))
		if c.fits == nil {
			continue
		}
		if ev := <-alice.Events(); !c.fits(ev) {
			t.Errorf("%q became %+v", c.payload, ev)
		}
	}
	check(t, here.Send(within(t), msnclient.Text{Body: "x"}))
	w.p.Play("ignore B.sb\nB.sb! reset")
	if e := expect[msnclient.ChatClosed](alice, nil); e.Err != nil {
		t.Error(e.Err)
	}
}

// TestManyAtOnce lets several talk in one chat from several goroutines each.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice, bob := w.signIn("alice", msnp.MSNP9), w.signIn("bob", msnp.MSNP9)
	here, there := open(alice, bob)
	ctx := within(t)
	const each, all = 20, 4
	done := make(chan error, 2*all)
	for _, ch := range []*msnclient.Chat{here, there} {
		for i := range all {
			go func() { // its end is received below
				for n := range each {
					if err := ch.Send(ctx, msnclient.Text{Body: fmt.Sprintf("%d %d", i, n)}); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
	}
	for _, u := range []*user{alice, bob} {
		var next [all]int
		for range each * all {
			var i, n int
			e := expect[msnclient.TextReceived](u, nil)
			if _, err := fmt.Sscanf(e.Text.Body, "%d %d", &i, &n); err != nil || next[i] != n {
				t.Fatalf("%q came out of order", e.Text.Body)
			}
			next[i]++
		}
	}
	for range 2 * all {
		check(t, <-done)
	}
}

// TestSlowReader leaves the events unread: the client stops reading, loses nothing, and
// requests still work.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.p.Play("mutual alice bob")
	alice := w.signIn("alice", msnp.MSNP9)
	bob := w.signIn("bob", msnp.MSNP9, func(c *msnclient.Config) { c.Buffer = 4 })
	here, err := alice.Open(within(t), "bob@example.com")
	check(t, err)
	const texts = 200
	for n := range texts {
		check(t, here.Send(within(t), msnclient.Text{Body: fmt.Sprint(n)}))
	}
	check(t, bob.SetStatus(within(t), msnp.Away))
	check(t, bob.Ping(within(t)))
	chats := bob.Chats()
	if len(chats) != 1 {
		t.Fatalf("%d chats", len(chats))
	}
	check(t, chats[0].Send(within(t), msnclient.Text{Body: "I am slow"}))
	for n := range texts {
		if e := expect[msnclient.TextReceived](bob, nil); e.Text.Body != fmt.Sprint(n) {
			t.Fatalf("%q came, not %d", e.Text.Body, n)
		}
	}
}

// TestCloseWithEventsUnread must not hang, and what fits stays readable.
func TestCloseWithEventsUnread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice := w.signIn("alice", msnp.MSNP9)
	bob := w.signIn("bob", msnp.MSNP9, func(c *msnclient.Config) { c.Buffer = 3 })
	here, err := alice.Open(within(t), "bob@example.com")
	check(t, err)
	for range 50 {
		check(t, here.Send(within(t), msnclient.Text{Body: "x"}))
	}
	check(t, bob.Close())
	n := 0
	for range bob.Events() {
		n++
	}
	if n != 3 {
		t.Errorf("%d events are readable", n)
	}
}

func TestRequestsAreAbandoned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice := w.signIn("alice", msnp.MSNP9)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := alice.SetName(ended, "Never mind"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// The answer comes all the same and changes what it has to.
	check(t, alice.Ping(within(t)))
	if name := alice.Self().Name; name != "Never mind" {
		t.Errorf("I am %q", name)
	}
}
