package sb

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// These tests are inside the package because they count memory on the way of a message and
// look at tables that no client sees. What clients see is in the transcripts of
// internal/server.

// party is a switchboard with signed-in people and no notification server.
type party struct {
	t      testing.TB
	srv    *Server
	hub    *hub.Hub
	engine *conn.Engine
	clock  *clock.Clock
	addr   string
}

// guest is a session that takes every event and remembers the last invitation.
type guest struct{ invited chan hub.Invited }

func (g guest) Deliver(ev hub.Event) bool {
	if inv, ok := ev.(hub.Invited); ok {
		g.invited <- inv
	}
	return true
}

func newParty(t testing.TB) *party { return newPartyOn(t, conn.Auto) }

func newPartyOn(t testing.TB, kind conn.Kind) *party {
	t.Helper()
	clk := clock.New()
	m := metrics.New()
	log := slog.New(slog.DiscardHandler)
	h := hub.New(clk, time.Second)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &party{
		t: t, hub: h, clock: clk, addr: l.Addr().String(),
		engine: conn.New(conn.Config{Kind: kind, Clock: clk, Log: log, Metrics: m, Limits: conn.Limits{
			QueueBytes: 1 << 20, QueueStall: time.Minute, DeadPeer: 210 * time.Second, CloseFlush: time.Second, Linger: time.Second, Slow: 1,
		}}),
	}
	p.srv = New(Config{
		Hub: h, Signer: auth.NewSigner([]auth.Key{auth.NewKey(1, 0)}), Clock: clk, Log: log, Metrics: m, Addr: p.addr,
		Paces:  NewPaces(clk, Rates{}),
		Limits: Limits{Entrance: time.Minute, CookieLife: time.Minute, Idle: time.Hour, IdleGroup: time.Hour, Participants: 50},
	})
	served := make(chan error, 1)
	go func() { served <- p.engine.Serve(l, p.srv.Role()) }()
	t.Cleanup(func() {
		l.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := p.engine.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		clk.Close()
	})
	return p
}

// signIn enters somebody into the hub and returns a cookie for the board, and where his
// invitations arrive.
func (p *party) signIn(id im.UserID, name, board string) (cookie string, invited chan hub.Invited) {
	g := guest{make(chan hub.Invited, 1)}
	e := p.hub.SignIn(hub.Login{
		Person:  im.Person{ID: id, Handle: strings.ToLower(name) + "@example.com", Name: name},
		Version: msnp.MSNP9,
	}, g)
	a := auth.Admission{Board: board, Session: auth.SessionID(), User: int64(id), Login: e.Number()}
	return p.srv.Signer.Cookie(a, p.clock.Steady()), g.invited
}

// guestLine is a client's connection.
type guestLine struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

func (p *party) dial() guestLine {
	p.t.Helper()
	nc, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		p.t.Fatal(err)
	}
	return guestLine{p.t, nc, bufio.NewReader(nc)}
}

func (g guestLine) say(line string) {
	g.t.Helper()
	if _, err := io.WriteString(g.nc, line+"\r\n"); err != nil {
		g.t.Fatal(err)
	}
}

func (g guestLine) hear(want string) {
	g.t.Helper()
	line, err := g.r.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, want) {
		g.t.Fatalf("%q, %v; want %q", line, err, want)
	}
}

// chat brings Alice and Bob into one room.
func (p *party) chat() (alice, bob guestLine) {
	p.t.Helper()
	cookie, _ := p.signIn(1, "Alice", p.addr)
	_, invited := p.signIn(2, "Bob", p.addr)
	alice, bob = p.dial(), p.dial()
	alice.say("USR 1 alice@example.com " + cookie)
	alice.hear("USR 1 OK")
	alice.say("CAL 2 bob@example.com")
	alice.hear("CAL 2 RINGING")
	inv := <-invited
	bob.say("ANS 1 bob@example.com " + inv.Cookie + " " + strconv.Itoa(int(inv.Session)))
	bob.hear("IRO 1 1 1 alice@example.com")
	bob.hear("ANS 1 OK")
	alice.hear("JOI bob@example.com")
	return alice, bob
}

func TestCookieForAnotherBoardIsRefused(t *testing.T) {
	p := newParty(t)
	cookie, _ := p.signIn(1, "Alice", "192.0.2.1:1865")
	alice := p.dial()
	alice.say("USR 1 alice@example.com " + cookie)
	alice.hear("911 1")
}

func TestRelayMakesNoGarbage(t *testing.T) {
	p := newParty(t)
	p.srv.Paces.SetRates(Rates{Messages: clock.Rate{Burst: 1_000_000, Per: time.Second}, FailedMessages: clock.Rate{Burst: 50, Per: time.Second}})
	a, b := p.chat()
	drained := make(chan struct{}, 2)
	for _, line := range []guestLine{a, b} {
		go func() {
			_, _ = io.Copy(io.Discard, line.r) // until the test ends
			drained <- struct{}{}
		}()
	}
	p.srv.mu.Lock()
	var r *room
	for _, r = range p.srv.rooms {
	}
	p.srv.mu.Unlock()
	r.mu.Lock()
	alice := r.members[0]
	r.mu.Unlock()
	frame := msnp.Frame{Verb: msnp.MSG, Args: [][]byte{[]byte("3"), []byte("A"), []byte("300")}, Payload: make([]byte, 300)}
	n := testing.AllocsPerRun(1000, func() {
		if err := alice.msg(frame); err != nil {
			t.Fatal(err)
		}
	})
	if n > relayAllocs {
		t.Errorf("%v allocations for a message and its acknowledgement", n)
	}
	a.nc.Close()
	b.nc.Close()
	<-drained
	<-drained
}

func TestUsedCookiesAreRememberedForTheirLife(t *testing.T) {
	clk := clock.New()
	defer clk.Close()
	u := newUsedCookies(clk, time.Minute)
	for i, step := range []struct {
		wait   time.Duration
		cookie string
		fresh  bool
	}{
		{0, "1.1.1", true},
		{0, "1.1.1", false},
		{59 * time.Second, "1.1.1", false},
		{2 * time.Second, "2.2.2", true}, // the next generation
		{0, "1.1.1", false},
		{61 * time.Second, "3.3.3", true},
		{0, "2.2.2", false},
		{0, "1.1.1", true}, // long expired
		{0, strings.Repeat("1", maxCookie+1), false},
	} {
		clk.Advance(step.wait)
		if got := u.present(step.cookie); got != step.fresh {
			t.Errorf("step %d: %s fresh: %v", i, step.cookie, got)
		}
	}
}

// A cookie that was too old, and may be forgotten, is not good again when the life is made
// longer; new ones come to live that long.
func TestALongerLifeRevivesNoCookie(t *testing.T) {
	clk := clock.New()
	defer clk.Close()
	u := newUsedCookies(clk, time.Minute)
	for i, step := range []struct {
		wait, set, want time.Duration
	}{
		{0, 0, time.Minute},
		{time.Hour, 10 * time.Minute, time.Minute},
		{3 * time.Minute, 0, 4 * time.Minute},
		{time.Minute, 20 * time.Minute, 5 * time.Minute},
		{time.Hour, 0, 20 * time.Minute},
		{0, time.Minute, time.Minute},
		{time.Minute, 2 * time.Minute, time.Minute},
		{time.Minute, 0, 2 * time.Minute},
	} {
		clk.Advance(step.wait)
		if step.set > 0 {
			u.setLife(step.set)
		}
		if got := u.oldest().Round(time.Second); got != step.want {
			t.Errorf("step %d: a cookie may be %v old, want %v", i, got, step.want)
		}
	}
}

func TestInventedCookiesDoNotFillMemory(t *testing.T) {
	clk := clock.New()
	defer clk.Close()
	u := newUsedCookies(clk, time.Minute)
	for i := range 2 * maxStrange {
		cookie := strconv.Itoa(i)
		u.present(cookie)
		u.refused(cookie)
	}
	if len(u.young) > maxStrange {
		t.Errorf("%d invented cookies are kept", len(u.young))
	}
}

// A flood of invented cookies makes room by forgetting invented ones, not one that has let
// somebody in. docs/protocol/switchboard.md#cookies
func TestAUsedCookieStaysUsedInAFlood(t *testing.T) {
	p := newParty(t)
	cookie, _ := p.signIn(1, "Alice", p.addr)
	alice := p.dial()
	alice.say("USR 1 alice@example.com " + cookie)
	alice.hear("USR 1 OK")
	u := p.srv.cookies
	for i := range maxStrange {
		invented := strconv.Itoa(i)
		u.present(invented)
		u.refused(invented)
	}
	for range 3 {
		thief := p.dial()
		thief.say("USR 1 alice@example.com " + cookie)
		thief.hear("911 1")
	}
}

// hasty is a session that answers a call before it has taken note of it.
type hasty struct{ answer func(hub.Invited) }

func (h hasty) Deliver(ev hub.Event) bool {
	if inv, ok := ev.(hub.Invited); ok {
		h.answer(inv)
	}
	return true
}

// However fast the one who is called, the caller hears that it rings before he joins.
// docs/protocol/switchboard.md#cal
func TestRingingComesBeforeJoining(t *testing.T) {
	p := newPartyOn(t, conn.Portable) // where a handler may wait for another, as this one does
	cookie, _ := p.signIn(1, "Alice", p.addr)
	alice, bob := p.dial(), p.dial()
	p.hub.SignIn(hub.Login{Person: im.Person{ID: 2, Handle: "bob@example.com", Name: "Bob"}}, hasty{func(inv hub.Invited) {
		bob.say("ANS 1 bob@example.com " + inv.Cookie + " " + strconv.Itoa(int(inv.Session)))
		bob.hear("IRO 1 1 1 alice@example.com")
		bob.hear("ANS 1 OK")
	}})
	alice.say("USR 1 alice@example.com " + cookie)
	alice.hear("USR 1 OK")
	alice.say("CAL 2 bob@example.com")
	alice.hear("CAL 2 RINGING")
	alice.hear("JOI bob@example.com")
	alice.say("CAL 3 bob@example.com") // the line before has not come twice
	alice.hear("215 3")
}

func BenchmarkRelay(b *testing.B) {
	p := newParty(b)
	alice, bob := p.chat()
	payload := strings.Repeat("x", 300)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	buf := make([]byte, len("MSG alice@example.com Alice 300\r\n")+len(payload))
	for b.Loop() {
		if _, err := io.WriteString(alice.nc, "MSG 3 U 300\r\n"+payload); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(bob.r, buf); err != nil {
			b.Fatal(err)
		}
	}
}

// coy is a session whose user is not to be called, and that does something meanwhile.
type coy struct{ meanwhile func() }

func (c coy) Deliver(ev hub.Event) bool {
	if _, called := ev.(hub.Invited); called {
		c.meanwhile()
	}
	return false
}

// Two participants call somebody who has blocked both, at the same moment: the second must not
// learn from the call of the first that she is there, and waits to make his own.
// docs/protocol/switchboard.md#cal
func TestCallsOfTheBlockedMeet(t *testing.T) {
	p := newParty(t)
	alice, _ := p.chat()
	p.srv.mu.Lock()
	bob := slices.Collect(maps.Keys(p.srv.callers[2][0].members))[0]
	p.srv.mu.Unlock()
	carol := msnp.Call{TrID: "9", Handle: "carol@example.com"}
	var calls atomic.Int32
	met := make(chan attempt, 1)
	p.hub.SignIn(hub.Login{Person: im.Person{ID: 3, Handle: carol.Handle, Name: "Carol"}}, coy{func() {
		if calls.Add(1) > 1 {
			return
		}
		next, err := bob.call(carol)
		if err != nil || next.before == nil {
			t.Errorf("bob does not wait: %v", err)
		}
		met <- next
	}})
	alice.say("CAL 9 carol@example.com")
	alice.hear("217 9")
	if err := bob.try(t.Context(), carol, <-met); !errors.Is(err, msnp.CodeNotOnline) {
		t.Errorf("bob is told %v", err)
	}
	if n := calls.Load(); n != 2 {
		t.Errorf("carol was asked %d times", n)
	}
}
