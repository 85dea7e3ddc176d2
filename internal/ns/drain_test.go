package ns

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/hub"
	"monarch/internal/im"
)

// settler signs somebody in who can be sent to another node.
func (c *crowd) settler(t *testing.T) *caller {
	t.Helper()
	c.srv.Home = func(string) (string, bool) { return "192.0.2.1:1863", true }
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go c.engine.Serve(listener, c.srv.Notification()) //nolint:errcheck // it ends with the listener
	who := c.dial(t, listener)
	who.signIn(handleOf(0), c.srv.Signer.Ticket(auth.Ticket{User: 1, Credential: 1, Issued: c.srv.Clock.Now()}))
	return who
}

// Somebody was told to go, and the moving is stopped. If he goes at once, he still comes back
// elsewhere; if he leaves later, he has left.
func TestWhoIsToldToGoMayStay(t *testing.T) {
	for _, tc := range []struct {
		name string
		wait time.Duration
		want hub.Ending
	}{{"he was on his way", 0, hub.Stopped}, {"he stayed", movePatience, hub.Left}} {
		t.Run(tc.name, func(t *testing.T) {
			c, ends := newCrowdAt(t, populate(t, 4, 2), 0), make(chan hub.Ending, 1)
			c.hub.OnEnd(func(_ im.UserID, _ uint64, how hub.Ending) { ends <- how })
			who := c.settler(t)
			c.srv.Move(1000, func() {})
			who.hears("XFR 0 NS 192.0.2.1:1863 ")
			c.srv.Stay()
			c.srv.Clock.Advance(tc.wait)
			who.Close()
			if got := <-ends; got != tc.want {
				t.Errorf("his sign-in ended as %d, want %d", got, tc.want)
			}
		})
	}
}

// Nobody is sent away before other nodes know that people will come from here.
func TestOthersKnowBeforePeopleMove(t *testing.T) {
	c := newCrowdAt(t, populate(t, 4, 2), 0)
	who := c.settler(t)
	for _, stays := range []bool{true, false} {
		asked, known := make(chan struct{}), make(chan struct{})
		c.srv.Move(1000, func() { close(asked); <-known })
		<-asked
		if !c.srv.Draining() {
			t.Error("there is nothing to tell")
		}
		stayed := make(chan struct{})
		go func() {
			defer close(stayed)
			if stays {
				c.srv.Stay()
			}
		}()
		for stays && c.srv.Draining() {
			<-time.After(time.Millisecond)
		}
		who.tell("PNG")
		if before := fmt.Sprint(who.hears("QNG")); strings.Contains(before, "XFR") {
			t.Errorf("hears %q too early", before)
		}
		if !stays {
			close(known)
			who.hears("XFR 0 NS 192.0.2.1:1863 ")
			continue
		}
		close(known)
		<-stayed
		who.tell("PNG")
		if before := who.hears("QNG"); len(before) > 0 {
			t.Errorf("hears %q, who may stay", before)
		}
	}
	c.srv.Stay()
}

// Two operators move people away at the same time, at two nodes.
func TestMovingBegunTwiceEnds(t *testing.T) {
	c := newCrowdAt(t, populate(t, 4, 2), 0)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for range 1000 {
				c.srv.Move(1000, func() {})
			}
		})
	}
	both.Wait()
	stayed := make(chan struct{})
	go func() {
		c.srv.Stay()
		close(stayed)
	}()
	select {
	case <-stayed:
	case <-time.After(30 * time.Second):
		t.Fatal("it goes on for ever")
	}
}
