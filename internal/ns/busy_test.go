package ns

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/turns"
)

// caller is a client, line by line.
type caller struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

// dial connects to the crowd's server.
func (c *crowd) dial(t *testing.T, l net.Listener) *caller {
	t.Helper()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(30 * time.Second))
	return &caller{t, nc, bufio.NewReader(nc)}
}

// say sends a line and returns the one that comes back, or "" if it is the end.
func (c *caller) say(line string) string {
	c.t.Helper()
	if _, err := io.WriteString(c, line+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
	answer, err := c.r.ReadString('\n')
	if err != nil {
		return ""
	}
	return strings.TrimSpace(answer)
}

// signIn signs in up to USR OK, and returns what came in its place.
func (c *caller) signIn(handle, ticket string) string {
	c.t.Helper()
	c.say("VER 1 MSNP9 CVR0")
	c.say("USR 3 TWN I " + handle)
	return c.say("USR 4 TWN S " + ticket)
}

// Who cannot be served in time is told so, and may come again; who is inside goes first.
// docs/protocol/signin.md#usr
func TestABusyServerSaysSo(t *testing.T) {
	c := newCrowd(t, 3, 2)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go c.engine.Serve(l, c.srv.Notification()) //nolint:errcheck // it ends with the listener
	ticket := func(i int) string {
		return c.srv.Signer.Ticket(auth.Ticket{User: int64(i + 1), Credential: 1, Issued: c.srv.Clock.Now()})
	}
	alice, bob, carol := c.dial(t, l), c.dial(t, l), c.dial(t, l)
	if got := alice.signIn(handleOf(0), ticket(0)); !strings.HasPrefix(got, "USR 4 OK ") {
		t.Fatalf("alice hears %q", got)
	}

	c.srv.Turns.SetLimits(turns.Limits{Parallel: 1, Queue: 1, Wait: 50 * time.Millisecond})
	elsewhere := netip.MustParseAddr("192.0.2.1")
	if err := c.srv.Turns.Take(t.Context(), elsewhere); err != nil {
		t.Fatal(err)
	}
	if got := bob.signIn(handleOf(1), ticket(1)); got != "910 4" {
		t.Errorf("bob hears %q", got)
	}
	if got := bob.say("PNG"); got != "" {
		t.Errorf("and then %q", got)
	}
	if got := c.dial(t, l).signIn(handleOf(2), "t=forged&p=0"); got != "911 4" {
		t.Errorf("with a forged ticket carol hears %q", got)
	}

	c.srv.Turns.SetLimits(turns.Limits{Parallel: 1, Queue: 1})
	carol.say("VER 1 MSNP9 CVR0")
	carol.say("USR 3 TWN I " + handleOf(2))
	if _, err := io.WriteString(carol, "USR 4 TWN S "+ticket(2)+"\r\n"); err != nil {
		t.Fatal(err)
	}
	for c.srv.Turns.Waiting() < 1 {
		<-time.After(time.Millisecond)
	}
	if got := c.dial(t, l).signIn(handleOf(1), ticket(1)); got != "910 4" {
		t.Errorf("with a full queue bob hears %q", got)
	}
	if n := c.srv.Turns.Busy(); n != 2 {
		t.Errorf("%d were turned away", n)
	}
	c.srv.Turns.Done()
	if got, err := carol.r.ReadString('\n'); err != nil || !strings.HasPrefix(got, "USR 4 OK ") {
		t.Errorf("carol hears %q, %v", got, err)
	}
	if got := c.dial(t, l).signIn(handleOf(1), ticket(1)); !strings.HasPrefix(got, "USR 4 OK ") {
		t.Errorf("afterwards bob hears %q", got)
	}
}
