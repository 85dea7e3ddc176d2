package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/conn"
	"monarch/internal/msntest"
	"monarch/internal/server"
	"monarch/msnp"
)

// stage is how far a connection has come when it begins to say what fuzzing makes up.
type stage int

const (
	atDispatch   stage = iota // nothing said
	versionedAtD              // VER answered, at the dispatch server
	connected                 // nothing said, at the notification server
	versioned                 // VER answered
	challenged                // USR I answered
	signedIn                  // USR OK said
	synced                    // SYN answered
	online                    // CHG answered
	stranger                  // nothing said, at the switchboard
	caller                    // alone in a room
	callerOfOne               // with somebody who was called
	callee                    // with somebody who called
	stages
)

// grammar is what the server reads at this stage.
func (s stage) grammar() *msnp.Grammar {
	switch {
	case s >= stranger:
		return msnp.SwitchboardGrammar
	case s >= signedIn:
		return msnp.NotificationGrammar
	}
	return msnp.SignInGrammar
}

// fuzzWorld is a server on which bob and carol talk while eve says what she likes. Frank is
// there to be talked to.
type fuzzWorld struct {
	*msntest.Fixture
	signer *auth.Signer
	hash   string

	bob, carol, frank *talker // at the notification server
	bobTalks          *talker // in one conversation with
	carolHears        *talker
	said              int

	quiet server.Held // what the server holds without eve
	busy  bool        // a session is under way, or has ended the test
}

// The time that passes after each of eve's connections: longer than anything lasts that she
// may leave behind, shorter than a conversation may be silent.
const aftermath = 121 * time.Second

func newFuzzWorld(tb testing.TB) *fuzzWorld {
	tb.Helper()
	w := &fuzzWorld{Fixture: msntest.Start(tb, map[string]string{
		"limits.rates": "off", "protocol.challenge": "off", "limits.signin_hold": "0s", "limits.contact_debounce": "0s",
	})}
	ctx := context.Background()
	keys, err := w.Store.Keys(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	w.signer = auth.NewSigner(keys)
	if w.hash, err = auth.NewHasher(1, 1, auth.Params{Memory: 8, Time: 1}).Hash(ctx, "secret-eve"); err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Store.CreateUser(ctx, "frank@example.com", "Frank", w.hash); err != nil {
		tb.Fatal(err)
	}
	w.bob, w.carol, w.frank = w.signIn(tb, "bob", "MSNP9", online), w.signIn(tb, "carol", "MSNP8", online), w.signIn(tb, "frank", "MSNP9", online)
	w.bobTalks = w.callOut(tb, w.bob, "bob")
	w.carolHears = w.call(tb, w.bobTalks, w.carol, "carol")
	w.quiet = w.Server.Held()
	return w
}

// signIn brings a connection of somebody's to a stage at the notification server.
func (w *fuzzWorld) signIn(tb testing.TB, who, version string, to stage) *talker {
	tb.Helper()
	c := newTalker(w.Fixture, "notification")
	handle := who + "@example.com"
	for s := connected + 1; s <= to; s++ {
		switch s {
		case versioned:
			c.ask(tb, "VER 1 "+version+" CVR0\r\n", "VER 1 "+version)
		case challenged:
			c.ask(tb, "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS "+handle+"\r\n", "CVR 2")
			c.ask(tb, "USR 3 TWN I "+handle+"\r\n", "USR 3 TWN S lc=")
		case signedIn:
			u, err := w.Store.User(context.Background(), handle)
			if err != nil {
				tb.Fatal(err)
			}
			ticket := w.signer.Ticket(auth.Ticket{User: int64(u.ID), Credential: u.Credential, Issued: w.Clock.Now()})
			c.ask(tb, "USR 4 TWN S "+ticket+"\r\n", "USR 4 OK")
			c.hear(tb, "MSG Hotmail")
		case synced:
			c.ask(tb, "SYN 5 0\r\nPNG\r\n", "QNG")
		case online:
			c.ask(tb, "CHG 6 NLN 0\r\n", "CHG 6 NLN")
		}
	}
	return c
}

// callOut opens a conversation for somebody who is signed in.
func (w *fuzzWorld) callOut(tb testing.TB, ns *talker, who string) *talker {
	tb.Helper()
	cookie := word(ns.ask(tb, "XFR 7 SB\r\n", "XFR 7 SB"), 5)
	c := newTalker(w.Fixture, "switchboard")
	c.ask(tb, "USR 1 "+who+"@example.com "+cookie+"\r\n", "USR 1 OK")
	return c
}

// call calls somebody into a conversation, and has him come.
func (w *fuzzWorld) call(tb testing.TB, room, ns *talker, who string) *talker {
	tb.Helper()
	room.ask(tb, "CAL 2 "+who+"@example.com\r\n", "CAL 2 RINGING")
	ring, _, ok := ns.hear(tb, "RNG")
	if !ok {
		tb.Fatalf("%s is gone", who)
	}
	c := newTalker(w.Fixture, "switchboard")
	c.ask(tb, fmt.Sprintf("ANS 1 %s@example.com %s %s\r\n", who, word(ring, 4), word(ring, 1)), "ANS 1 OK")
	room.hear(tb, "JOI "+who)
	return c
}

// eve makes her account and brings a connection of hers to a stage. The other connections
// are what it needs to be there.
func (w *fuzzWorld) eve(tb testing.TB, at stage, version string) (c *talker, others []*talker) {
	tb.Helper()
	if _, err := w.Store.CreateUser(context.Background(), "eve@example.com", "Eve", w.hash); err != nil {
		tb.Fatal(err)
	}
	switch at {
	case atDispatch, versionedAtD:
		c = newTalker(w.Fixture, "dispatch")
		if at == versionedAtD {
			c.ask(tb, "VER 1 "+version+"\r\n", "VER 1 "+version)
		}
		return c, nil
	case stranger:
		return newTalker(w.Fixture, "switchboard"), nil
	case caller, callerOfOne:
		ns := w.signIn(tb, "eve", version, online)
		c = w.callOut(tb, ns, "eve")
		others = append(others, ns)
		if at == callerOfOne {
			others = append(others, w.call(tb, c, w.frank, "frank"))
		}
		return c, others
	case callee:
		ns := w.signIn(tb, "eve", version, online)
		room := w.callOut(tb, w.frank, "frank")
		return w.call(tb, room, ns, "eve"), []*talker{ns, room}
	}
	return w.signIn(tb, "eve", version, at), nil
}

// probe is what the server answers at any stage, or closes for.
func (s stage) probe() (text string, answers []string) {
	if s >= stranger {
		return "CAL 4294967295 nobody@example.com\r\n", []string{"217 4294967295"}
	}
	return "CVR 4294967295 0x0409 win 4.10 i386 X 1 Y eve@example.com\r\n", []string{"CVR 4294967295"}
}

// session lets eve say input at a stage, and checks what must hold whatever it is: the server
// answers or closes, for a reason; it says nothing that is not the protocol; no handler
// panics and nothing fails within; bob and carol notice only what eve may tell them; and when
// she has gone, so has all that was held for her.
func (w *fuzzWorld) session(tb testing.TB, at stage, version string, input []byte) {
	tb.Helper()
	if w.busy {
		tb.Fatal("an earlier session could not be ended")
	}
	w.busy = true
	c, others := w.eve(tb, at, version)
	probe, answers := at.probe()
	if c.say(tb, string(input)+rest(at.grammar(), input)) {
		c.say(tb, probe)
	}
	_, heard, _ := c.hear(tb, answers...)
	for _, line := range heard {
		if strings.HasPrefix(line, "500 ") {
			tb.Errorf("the server could not do its work: %q", line)
		}
	}
	for _, each := range append([]*talker{c}, others...) {
		if why := each.hangUp(tb); why == conn.Panicked || why.String() == "open" {
			tb.Errorf("closed for %v", why)
		}
	}
	w.untouched(tb)
	if err := w.Server.Admin().DeleteAccount(context.Background(), "eve@example.com"); err != nil {
		tb.Fatal(err)
	}
	w.Clock.Advance(aftermath)
	w.settle(tb)
	w.busy = false
}

// rest returns what makes the last frame of input whole, so that a probe behind it is read.
func rest(g *msnp.Grammar, input []byte) string {
	b := append([]byte(nil), input...)
	begun := func() bool { // moves b to the frame that is not whole
		for len(b) > 0 {
			_, n, err := g.Next(b, nil)
			if n == 0 || err != nil {
				return err == nil
			}
			b = b[n:]
		}
		return false
	}
	add := ""
	if begun() && !strings.Contains(string(b), "\n") {
		add = "\r\n"
		b = append(b, add...)
	}
	if !begun() {
		return add
	}
	low, high := 1, 1<<17 // bytes of payload that are missing
	for low < high {
		middle := (low + high) / 2
		_, n, err := g.Next(append(b[:len(b):len(b)], make([]byte, middle)...), nil)
		if n > 0 || err != nil {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return add + strings.Repeat("x", low)
}

// untouched checks that the conversation goes on, and that nobody hears of anything but eve.
func (w *fuzzWorld) untouched(tb testing.TB) {
	tb.Helper()
	w.said++
	text := fmt.Sprintf("MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n%d", w.said)
	ack := w.bobTalks.ask(tb, fmt.Sprintf("MSG %d A %d\r\n%s", w.said, len(text), text), "")
	if want := fmt.Sprintf("ACK %d", w.said); ack != want {
		tb.Errorf("bob hears %q, want %q", ack, want)
	}
	want := fmt.Sprintf("MSG bob@example.com Bob %d\n%s", len(text), text)
	if got, _, _ := w.carolHears.hear(tb, ""); got != want {
		tb.Errorf("carol hears %q, want %q", got, want)
	}
	for who, ns := range map[string]*talker{"bob": w.bob, "carol": w.carol, "frank": w.frank} {
		ns.say(tb, "PNG\r\n")
		_, before, ok := ns.hear(tb, "QNG")
		if !ok {
			tb.Fatalf("%s is not signed in any more", who)
		}
		for _, line := range before {
			if !strings.Contains(line, "eve@example.com") && !strings.HasPrefix(line, "XFR 7 SB") {
				tb.Errorf("%s hears %q", who, line)
			}
		}
	}
}

// settle waits until the server holds what it held before.
func (w *fuzzWorld) settle(tb testing.TB) {
	tb.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.Now().Add(talkerLimit)
	for w.Server.Held() != w.quiet {
		if time.Now().After(limit) {
			tb.Fatalf("the server holds %+v, want %+v", w.Server.Held(), w.quiet)
		}
		<-tick.C
	}
}
