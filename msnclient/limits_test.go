package msnclient

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"monarch/msnp"
)

// remote is a server of which the test plays every line.
type remote struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (r remote) say(lines string) {
	r.t.Helper()
	if _, err := io.WriteString(r.conn, lines); err != nil {
		r.t.Fatal(err)
	}
}

func (r remote) hears(want string) {
	r.t.Helper()
	line, err := r.in.ReadString('\n')
	if err != nil || strings.TrimRight(line, "\r\n") != want {
		r.t.Fatalf("heard %q, want %q: %v", line, want, err)
	}
}

// puppet is a client that has signed in to nobody: what it dials arrives at remotes.
func puppet(t *testing.T) (*Client, <-chan remote) {
	remotes := make(chan remote, 100)
	cfg, err := Config{Handle: "alice@example.com", Dialer: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		remotes <- remote{t, far, bufio.NewReader(far)}
		return near, nil
	}}.complete()
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{
		cfg: cfg, log: cfg.Log, events: newQueue(cfg.Buffer), chats: make(map[*Chat]struct{}),
		objects: make(map[string][]byte), asked: make(map[string]bool), showing: make(chan struct{}, 1),
		status: cfg.Status, version: msnp.MSNP9, book: newBook(),
	}
	c.life, c.end = context.WithCancel(t.Context())
	return c, remotes
}

// finish ends a puppet.
func (c *Client) finish(far ...remote) {
	for _, r := range far {
		r.conn.Close()
	}
	c.end()
	c.work.Wait()
}

func newRemoteChat(t *testing.T) (*Client, *Chat, remote) {
	t.Helper()
	c, remotes := puppet(t)
	ch, err := c.newChat(t.Context(), "board", msnp.MSNP9)
	if err != nil {
		t.Fatal(err)
	}
	r := <-remotes
	r.say("JOI bob@example.com Bob\r\n")
	synctest.Wait()
	if _, ok := (<-c.events.out).(Joined); !ok {
		t.Fatal("nobody came")
	}
	return c, ch, r
}

// TestFloodEnds floods a connection that somebody waits for, while nobody reads the events.
func TestFloodEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1)
		near, far := net.Pipe()
		l := newLink(near, msnp.SwitchboardServerGrammar, q, slog.New(slog.DiscardHandler))
		release := l.gate.hold()
		defer release()
		calm := gate{q: q}
		ended := make(chan error, 1)
		go func() { // received below
			err := l.read(func(msnp.Frame) error { q.push(NoticeReceived{}); return nil })
			l.finish(err)
			ended <- err
		}()
		line := []byte(strings.Repeat("JOI bob@example.com Bob\r\n", 64))
		var err error
		for n := 0; err == nil && n < 2*mostWaiting; n += 64 {
			_, err = far.Write(line)
		}
		far.Close()
		if err := <-ended; !errors.Is(err, errLost) || !errors.Is(err, errFlooded) {
			t.Errorf("ended with %v", err)
		}
		if n := len(q.waiting); n > mostWaiting+1 {
			t.Errorf("%d events wait", n)
		}
		calm.hold()
		calm.pass()
		if err := calm.check(); err != nil {
			t.Errorf("one that told of nothing: %v", err)
		}
	})
}

// TestAnswersNobodyAskedFor lets a switchboard confirm an entrance that was none.
func TestAnswersNobodyAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ch, r := newRemoteChat(t)
		r.say("ANS 1 OK\r\nANS 1 OK\r\n")
		synctest.Wait()
		if n := len(c.events.out); n != 0 {
			t.Errorf("after a call of ours: %d events", n)
		}
		ch.mu.Lock()
		ch.called = true
		ch.mu.Unlock()
		r.say("ANS 1 OK\r\nANS 1 OK\r\nANS 1 OK\r\n")
		synctest.Wait()
		if n := len(c.events.out); n != 1 {
			t.Errorf("after a call of another: %d events", n)
		}
		c.finish(r)
	})
}

// TestCallNobodyAnswers leaves a chat in which somebody is called who never comes.
func TestCallNobodyAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, ch, r := newRemoteChat(t)
		start := time.Now()
		invited := make(chan error)
		go func() { invited <- ch.Invite(t.Context(), "carol@example.com") }() // received below
		r.hears("CAL 1 carol@example.com")
		r.say("CAL 1 RINGING 5\r\n")
		if err := <-invited; err != nil {
			t.Fatal(err)
		}
		r.say("BYE bob@example.com\r\n")
		r.hears("OUT")
		if d := time.Since(start); d != ringing {
			t.Errorf("left after %v", d)
		}
		r.conn.Close()
		<-ch.Done()
		for len(c.events.out) > 1 {
			<-c.events.out
		}
		if ev := <-c.events.out; ev != (ChatClosed{Chat: ch}) {
			t.Errorf("the last event is %+v", ev)
		}
		c.finish()
	})
}

// TestChatForAPicture stays open once it is used for something else.
func TestChatForAPicture(t *testing.T) {
	t.Parallel()
	for _, use := range []string{"nothing", "a text of his", "a text of ours"} {
		t.Run(use, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, ch, r := newRemoteChat(t)
				ch.mu.Lock()
				ch.private = true
				ch.mu.Unlock()
				switch use {
				case "a text of his":
					text := "Content-Type: text/plain\r\n\r\nhello"
					r.say(fmt.Sprintf("MSG bob@example.com Bob %d\r\n%s", len(text), text))
					synctest.Wait()
				case "a text of ours":
					if _, ok := c.chatWith("bob@example.com"); !ok {
						t.Error("the chat is not found")
					}
				}
				left := make(chan struct{})
				go func() { ch.leave(); close(left) }() // received below
				if use == "nothing" {
					r.hears("OUT")
					if _, ok := c.chatWith("bob@example.com"); ok {
						t.Error("a chat that ends was handed out")
					}
					r.conn.Close()
				}
				<-left
				if alive := ch.link.alive(); alive != (use != "nothing") {
					t.Errorf("alive: %v", alive)
				}
				c.finish(r)
			})
		})
	}
}

// newRemoteSession connects a puppet to a notification server.
func newRemoteSession(t *testing.T) (*session, remote, <-chan remote) {
	t.Helper()
	c, remotes := puppet(t)
	s, err := c.connect(t.Context(), "server")
	if err != nil {
		t.Fatal(err)
	}
	return s, <-remotes, remotes
}

// TestStatusAndPictureTogether changes both at once; none may undo the other.
func TestStatusAndPictureTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r, _ := newRemoteSession(t)
		c := s.c
		c.mu.Lock()
		c.session = s
		c.mu.Unlock()
		p := &Picture{Data: []byte("picture")}
		done := make(chan error, 2)
		go func() { done <- c.SetPicture(t.Context(), p) }() // received below
		synctest.Wait()
		go func() { done <- c.SetStatus(t.Context(), msnp.Busy) }() // received below
		synctest.Wait()
		impatient, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.SetStatus(impatient, msnp.Away); !errors.Is(err, context.Canceled) {
			t.Errorf("without patience: %v", err)
		}
		object := msnp.Escape(c.own(p, msnp.ObjectPicture).String())
		r.hears("CHG 1 NLN 268435456 " + object)
		r.say("CHG 1 NLN 268435456\r\n")
		r.hears("CHG 2 BSY 268435456 " + object)
		r.say("CHG 2 BSY 268435456\r\n")
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		c.finish(r)
	})
}

// TestCallsHaveALimit rings before the sign-in is over, and then too often.
func TestCallsHaveALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r, boards := newRemoteSession(t)
		ring := strings.Repeat("RNG 5 192.0.2.1:1863 CKI 6.7 bob@example.com Bob\r\n", maxCalls+8)
		r.say(ring)
		synctest.Wait()
		if n := len(boards); n != 0 {
			t.Errorf("%d calls answered before the sign-in", n)
		}
		r.say("CHG 0 NLN 0\r\n" + ring)
		synctest.Wait()
		if n := len(boards); n != maxCalls {
			t.Errorf("%d calls answered at a time", n)
		}
		for range maxCalls {
			(<-boards).conn.Close()
		}
		synctest.Wait()
		r.say(ring[:len(ring)/(maxCalls+8)])
		synctest.Wait()
		if n := len(boards); n != 1 {
			t.Errorf("%d calls answered after that", n)
		}
		(<-boards).conn.Close()
		s.c.finish(r)
	})
}

// TestAddedAgain tells of somebody who took us off his list and put us on it again, both
// while we were away.
func TestAddedAgain(t *testing.T) {
	t.Parallel()
	c, _ := puppet(t)
	s := &session{c: c, link: &link{}}
	for i, lists := range []Lists{Reverse | Allowed, Allowed, Reverse | Allowed} {
		s.sync = &synchronisation{book: newBook()}
		s.sync.book.version = uint32(i + 1)
		s.sync.book.contacts["bob@example.com"] = &Contact{Person: Person{Handle: "bob@example.com", Name: "Bob"}, Lists: lists}
		s.settle()
		c.asked["bob@example.com"] = c.asked["bob@example.com"] || i == 0
	}
	want := []Event{RemovedBy{"bob@example.com"}, AddedBy{"bob@example.com", "Bob"}}
	if len(c.events.out) != len(want) {
		t.Fatalf("%d events", len(c.events.out))
	}
	for _, ev := range want {
		if got := <-c.events.out; got != ev {
			t.Errorf("%+v, want %+v", got, ev)
		}
	}
	c.finish()
}
