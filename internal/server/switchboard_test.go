package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/clock"
	"monarch/internal/config"
	"monarch/internal/msntest"
	"monarch/internal/server"
)

// These are the scenarios of the switchboard that need many voices at once, chance, or
// more bytes than a transcript should hold. docs/protocol/scenarios.md

// unlimited switches off what would slow a test of many messages or calls.
var unlimited = map[string]string{"limits.rates": "off"}

// chat starts a server and a conversation of the given actors, the first of whom calls the
// others.
func chat(t *testing.T, settings map[string]string, actors ...string) (*msntest.Fixture, *msntest.Player) {
	t.Helper()
	f := msntest.Start(t, settings)
	p := msntest.NewPlayer(t, f)
	for _, actor := range actors {
		p.Play("signin9 " + actor)
	}
	p.Play("chat " + strings.Join(actors, " "))
	return f, p
}

// hello is the message that fills the time.
func hello(t *testing.T) []byte { return fixture(t, "P-HELLO") }

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	b, ok := msntest.Payload(name)
	if !ok {
		t.Fatalf("no fixture %s", name)
	}
	return b
}

// say sends a message and ends the test when it cannot.
func say(t *testing.T, c *msntest.Conn, line string, payload []byte) {
	t.Helper()
	if err := c.Send(line, payload); err != nil {
		t.Fatalf("%s> %s: %v", c.Name, line, err)
	}
}

// hear takes the next line and ends the test when it is another.
func hear(t *testing.T, c *msntest.Conn, want string) []byte {
	t.Helper()
	line, payload, ok := c.Next()
	if !ok || line != want {
		t.Fatalf("%s< %q (%v), want %q", c.Name, line, ok, want)
	}
	return payload
}

// hearOne takes the next line, which must be one of several, and returns it.
func hearOne(t *testing.T, c *msntest.Conn, want ...string) string {
	t.Helper()
	line, _, ok := c.Next()
	for _, w := range want {
		if ok && line == w {
			return line
		}
	}
	t.Fatalf("%s< %q (%v), want one of %q", c.Name, line, ok, want)
	return ""
}

// TestGroupOfFive is the middle of S26: five people say a hundred things each, all at the
// same time.
func TestGroupOfFive(t *testing.T) {
	t.Parallel()
	actors := []string{"A", "B", "C", "D", "E"}
	_, p := chat(t, nil, actors...)
	var all sync.WaitGroup
	for _, actor := range actors {
		c := p.Conn(actor + ".sb")
		all.Go(func() {
			for n := range remarks {
				if err := c.Send(fmt.Sprintf("MSG %d A {n}", 100+n), remark(c.Account, n)); err != nil {
					t.Errorf("%s, message %d: %v", c.Name, n, err)
					return
				}
			}
		})
		all.Go(func() { listen(t, c, len(actors)-1) })
	}
	all.Wait()
	p.Finish()
}

// remarks is how much everybody in the group of five says.
const remarks = 100

// remark is what a speaker says as his nth.
func remark(speaker string, n int) []byte {
	return fmt.Appendf(nil, "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n%s %d %s", speaker, n, strings.Repeat(".", n*7))
}

// listen hears every remark of the others, in the order of each, and an ACK for every own.
func listen(t *testing.T, c *msntest.Conn, others int) {
	heard := make(map[string]int) // remarks, by speaker
	acks := 0
	for range remarks * (others + 1) {
		line, payload, ok := c.Next()
		words := strings.Split(line, " ")
		switch {
		case !ok:
			t.Errorf("%s: silence after %v and %d ACKs", c.Name, heard, acks)
			return
		case words[0] == "ACK" && line == fmt.Sprintf("ACK %d", 100+acks):
			acks++
		case words[0] == "MSG" && words[1] != c.Account && bytes.Equal(payload, remark(words[1], heard[words[1]])):
			heard[words[1]]++
		default:
			t.Errorf("%s< %s %q after %v and %d ACKs", c.Name, line, payload, heard, acks)
			return
		}
	}
	if acks != remarks || len(heard) != others {
		t.Errorf("%s: %d ACKs, want %d, and %v", c.Name, acks, remarks, heard)
	}
}

// TestSlowReader is S40 and the second variant of S23: carol stops reading.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	// On a busy machine it takes long to fill the queue, and nothing else may end the reader first.
	_, p := chat(t, map[string]string{
		"limits.rates": "off", "limits.queue_bytes": "65536", "limits.queue_stall": "5m", "limits.dead_peer": "5m",
	}, "A", "B", "C")
	p.Play("pause C.sb")
	a, b := p.Conn("A.sb"), p.Conn("B.sb")
	big := fixture(t, "P-1664")
	const (
		relayed = "MSG alice@example.com Alice 1664"
		gone    = "BYE carol@example.com"
		most    = 24 << 20 // bytes: the queue, and generously what the kernel may hold
	)
	n := 0
	for {
		n++
		if n*len(big) > most {
			t.Fatalf("%d messages of %d bytes were acknowledged while one participant read nothing", n, len(big))
		}
		say(t, a, fmt.Sprintf("MSG %d A 1664", n), big)
		if hearOne(t, a, fmt.Sprintf("ACK %d", n), gone) == gone {
			hear(t, a, fmt.Sprintf("NAK %d", n))
			break
		}
		if got := hear(t, b, relayed); !bytes.Equal(got, big) {
			t.Fatalf("message %d came changed", n)
		}
	}
	if hearOne(t, b, relayed, gone) == gone {
		hear(t, b, relayed)
	} else {
		hear(t, b, gone)
	}
	say(t, a, "MSG 7 A {n}", hello(t))
	hear(t, b, "MSG alice@example.com Alice 122")
	hear(t, a, "ACK 7")

	p.Play("resume C.sb")
	c := p.Conn("C.sb")
	got := 0
	for line, _, ok := c.Next(); ok && strings.HasPrefix(line, "MSG "); line, _, ok = c.Next() {
		got++
	}
	if got == 0 || got >= n {
		t.Errorf("carol read %d of the %d messages before she was closed", got, n)
	}
	p.Play("C.sb x")
	p.Finish()
}

// TestStalledReader is the other limit of S40: a queue that has room but does not move.
func TestStalledReader(t *testing.T) {
	t.Parallel()
	f, p := chat(t, map[string]string{
		"limits.rates": "off", "limits.queue_bytes": "67108864", "limits.queue_stall": "2m",
	}, "A", "B", "C")
	p.Play("pause C.sb")
	a, b := p.Conn("A.sb"), p.Conn("B.sb")
	big := fixture(t, "P-1664")
	const (
		enough = 16 << 20 // bytes: more than the kernel holds
		batch  = 100      // messages at a time, to be done well before the limit
	)
	for range enough / len(big) / batch {
		for n := range batch {
			say(t, a, fmt.Sprintf("MSG %d A 1664", n), big)
		}
		for n := range batch {
			hear(t, b, "MSG alice@example.com Alice 1664")
			hear(t, a, fmt.Sprintf("ACK %d", n))
		}
	}
	f.Clock.Advance(2 * time.Minute) // an engine that goes by the system's time takes that long
	patient(t, a, "BYE carol@example.com")
	patient(t, b, "BYE carol@example.com")
	say(t, a, "MSG 7 A {n}", hello(t))
	hear(t, b, "MSG alice@example.com Alice 122")
	hear(t, a, "ACK 7")
	p.Play("ignore C.sb\nresume C.sb")
	p.Finish()
}

// patient is hear for a line that may take minutes of real time.
func patient(t *testing.T, c *msntest.Conn, want string) {
	t.Helper()
	for range 12 {
		if line, _, ok := c.Next(); ok {
			if line != want {
				t.Fatalf("%s< %q, want %q", c.Name, line, want)
			}
			return
		}
	}
	t.Fatalf("%s: %q did not come", c.Name, want)
}

// TestByeBeforeNAK is the third variant of S23 many times over: bob's connection breaks
// while a message is on its way to him.
func TestByeBeforeNAK(t *testing.T) {
	t.Parallel()
	_, p := chat(t, unlimited, "A", "B")
	a := p.Conn("A.sb")
	for range 40 {
		b := p.Conn("B.sb")
		var both sync.WaitGroup
		both.Go(b.Reset)
		say(t, a, "MSG 7 A {n}", hello(t))
		both.Wait()
		switch hearOne(t, a, "ACK 7", "BYE bob@example.com") {
		case "ACK 7":
			hear(t, a, "BYE bob@example.com")
		default:
			hear(t, a, "NAK 7")
		}
		p.Play(`fresh B.sb
			forget ckiB
			A.sb> CAL 8 bob@example.com
			A.sb< CAL 8 RINGING {sid}
			B.ns< RNG {sid} {addr} CKI {ckiB} alice@example.com Alice
			B.sb> ANS 1 bob@example.com {ckiB} {sid}
			B.sb< IRO 1 1 1 alice@example.com Alice
			B.sb< ANS 1 OK
			A.sb< JOI bob@example.com Bob`)
	}
	p.Finish()
}

// TestAnswerMeetsLeaving is the second variant of S43 many times over: bob answers at the
// moment alice leaves.
func TestAnswerMeetsLeaving(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, unlimited)
	p := msntest.NewPlayer(t, f)
	p.Play("signin9 A\nsignin9 B")
	for range 40 {
		p.Play(`board A
			A.sb> CAL 2 bob@example.com
			A.sb< CAL 2 RINGING {sid}
			B.ns< RNG {sid} {addr} CKI {ckiB} alice@example.com Alice
			open B.sb`)
		a, b := p.Conn("A.sb"), p.Conn("B.sb")
		var both sync.WaitGroup
		both.Go(a.Close)
		say(t, b, "ANS 1 bob@example.com "+p.Value("ckiB")+" "+p.Value("sid"), nil)
		both.Wait()
		if hearOne(t, b, "IRO 1 1 1 alice@example.com Alice", "ANS 1 OK") != "ANS 1 OK" {
			hear(t, b, "ANS 1 OK")
			hear(t, b, "BYE alice@example.com")
		}
		say(t, b, "MSG 2 N {n}", hello(t))
		hear(t, b, "NAK 2")
		p.Play("fresh A.sb\nfresh B.sb\nforget sid\nforget ckiB")
	}
	p.Finish()
}

// TestCookiesDiffer is the ninth variant of S31: a thousand cookies, twenty for each of
// fifty people.
func TestCookiesDiffer(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	seen := make(map[string]bool)
	firsts, lasts := make(map[byte]bool), make(map[string]bool)
	for batch := range 5 {
		p := msntest.NewPlayer(t, f)
		for i := range 10 {
			actor := string(rune('F' + i))
			p.Play(fmt.Sprintf("account %s user%d\nsignin9 %s", actor, 10*batch+i, actor))
			ns := p.Conn(actor + ".ns")
			for n := range 20 {
				say(t, ns, fmt.Sprintf("XFR %d SB", 20+n), nil)
				line, _, _ := ns.Next()
				words := strings.Split(line, " ")
				if len(words) != 6 {
					t.Fatalf("XFR: %q", line)
				}
				cookie := words[5]
				groups := strings.Split(cookie, ".")
				if len(groups) != 3 || len(cookie) > 52 || strings.Trim(cookie, "0123456789.") != "" {
					t.Fatalf("cookie %q", cookie)
				}
				seen[cookie], lasts[groups[2]] = true, true
				firsts[groups[1][0]] = true
			}
		}
		p.Play("ignore F.ns")
	}
	if len(seen) != 1000 || len(lasts) != 1000 {
		t.Errorf("%d different cookies, %d different last groups, want 1000", len(seen), len(lasts))
	}
	if len(firsts) < 2 {
		t.Error("the second groups of all cookies begin alike")
	}
}

// TestEmptySessionIsForgotten is the end of S27: a conversation that nobody can enter any
// more is not counted any more.
func TestEmptySessionIsForgotten(t *testing.T) {
	t.Parallel()
	f, p := chat(t, nil, "A", "B")
	if got := gauge(t, f, "monarch_switchboard_sessions"); got != 1 {
		t.Errorf("%v conversations while two people talk, want 1", got)
	}
	p.Play(`B.sb> OUT
		B.sb x
		A.sb< BYE bob@example.com
		A.sb> CAL 3 bob@example.com
		A.sb< CAL 3 RINGING {sid}
		B.ns< RNG {sid} {addr} CKI {ckiB2} alice@example.com Alice
		A.sb> OUT
		A.sb x`)
	if got := gauge(t, f, "monarch_switchboard_sessions"); got != 1 {
		t.Errorf("%v conversations while somebody is ringing, want 1", got)
	}
	p.Play("wait 121s")
	if got := gauge(t, f, "monarch_switchboard_sessions"); got != 0 {
		t.Errorf("%v conversations after the last invitation ran out, want 0", got)
	}
	p.Finish()
}

// gauge reads one number of the operations listener.
func gauge(t *testing.T, f *msntest.Fixture, name string) float64 {
	t.Helper()
	for line := range strings.Lines(string(scrape(t, f))) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// TestLargeObject is the second variant of S33: two megabytes in parts of the usual size,
// sent without waiting for acknowledgements, at the default rates.
func TestLargeObject(t *testing.T) {
	t.Parallel()
	const part, parts = 1202, (2 << 20) / 1202
	_, p := chat(t, nil, "A", "B")
	a, b := p.Conn("A.sb"), p.Conn("B.sb")
	piece := func(n int) []byte {
		m := []byte("MIME-Version: 1.0\r\nContent-Type: application/x-msnmsgrp2p\r\nP2P-Dest: bob@example.com\r\n\r\n")
		m = binary.LittleEndian.AppendUint32(m, 1172536)
		m = binary.LittleEndian.AppendUint32(m, 2999999)
		m = binary.LittleEndian.AppendUint64(m, uint64(n*part))
		m = binary.LittleEndian.AppendUint64(m, parts*part)
		m = binary.LittleEndian.AppendUint32(m, part)
		m = append(m, make([]byte, 20)...)
		for i := range part {
			m = append(m, byte(31*(n*part+i)+7))
		}
		return append(m, 0, 0, 0, 1)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for n := range parts {
			if err := a.Send(fmt.Sprintf("MSG %d D {n}", 100+n), piece(n)); err != nil {
				t.Errorf("part %d: %v", n, err)
				return
			}
		}
	})
	all.Go(func() {
		for n := range parts {
			if line, _, ok := a.Next(); !ok || line != fmt.Sprintf("ACK %d", 100+n) {
				t.Errorf("part %d: %q, want its ACK", n, line)
				return
			}
		}
	})
	all.Go(func() {
		for n := range parts {
			line, payload, ok := b.Next()
			if want := piece(n); !ok || line != fmt.Sprintf("MSG alice@example.com Alice %d", len(want)) || !bytes.Equal(payload, want) {
				t.Errorf("part %d came as %q with %d bytes", n, line, len(payload))
				return
			}
		}
	})
	all.Wait()
	p.Finish()
}

// TestRandomBytes is the last row of S32: ten thousand strings of random bytes, half of
// them as the first thing a connection says, half in the middle of a conversation.
func TestRandomBytes(t *testing.T) {
	t.Parallel()
	const count, check = 10000, 500
	f, p := chat(t, unlimited, "A", "B")
	p.Play("signin9 C")
	a, b, ns := p.Conn("A.sb"), p.Conn("B.sb"), p.Conn("C.ns")
	rng := rand.New(rand.NewPCG(1863, 1864))
	for n := range count {
		var nc net.Conn
		if n%2 == 0 {
			nc = dialBoard(t, f)
		} else {
			nc = enter(t, f, ns)
		}
		if _, err := nc.Write(garble(rng)); err != nil {
			t.Fatalf("string %d: %v", n, err)
		}
		hangUp(nc)
		if n%check == 0 {
			say(t, a, fmt.Sprintf("MSG %d A {n}", n), hello(t))
			hear(t, b, "MSG alice@example.com Alice 122")
			hear(t, a, fmt.Sprintf("ACK %d", n))
		}
	}
	p.Finish()
}

// garble returns random bytes, at times behind the beginning of something that makes sense.
func garble(rng *rand.Rand) []byte {
	beginnings := []string{
		"", "", "MSG ", "MSG 3 A ", "MSG 3 D 200\r\n", "CAL 3 ", "USR 1 ", "ANS 1 bob@example.com ", "OUT ", "\r\n\r\n",
	}
	b := []byte(beginnings[rng.IntN(len(beginnings))])
	for range rng.IntN(2000) {
		b = append(b, byte(rng.Uint32()))
	}
	return b
}

func dialBoard(t *testing.T, f *msntest.Fixture) net.Conn {
	t.Helper()
	nc, err := f.Dial("switchboard")
	if err != nil {
		t.Fatal(err)
	}
	return nc
}

// enter opens a conversation of carol's, by hand.
func enter(t *testing.T, f *msntest.Fixture, ns *msntest.Conn) net.Conn {
	t.Helper()
	say(t, ns, "XFR 20 SB", nil)
	line, _, _ := ns.Next()
	words := strings.Split(line, " ")
	if len(words) != 6 {
		t.Fatalf("XFR: %q", line)
	}
	nc := dialBoard(t, f)
	if _, err := fmt.Fprintf(nc, "USR 1 carol@example.com %s\r\n", words[5]); err != nil {
		t.Fatal(err)
	}
	const want = "USR 1 OK carol@example.com Carol\r\n"
	got := make([]byte, len(want))
	if err := nc.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(nc, got); err != nil || string(got) != want {
		t.Fatalf("USR: %q, %v", got, err)
	}
	return nc
}

// hangUp resets a connection, so that ten thousand of them leave no port waiting.
func hangUp(nc net.Conn) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // the server may have closed before
	}
	_ = nc.Close() // as above
}

// TestSwitchboardStops is S44: one of two switchboards is taken out of service.
func TestSwitchboardStops(t *testing.T) {
	t.Parallel()
	f := startTwoBoards(t)
	p := msntest.NewPlayer(t, f)
	p.Play(`signin9 A
		signin9 B
		signin9 C
		C.ns> XFR 20 SB
		C.ns< XFR 20 SB {addr1} CKI {ckiC}`)
	f.Clock.Advance(10 * time.Second) // C is not expected there any more, so the next comes there, too
	p.Play(`chat A B
		A.sb> MSG 3 A 122 + P-HELLO
		B.sb< MSG alice@example.com Alice 122 + P-HELLO
		A.sb< ACK 3`)
	if err := f.Server.StopSwitchboard(0); err != nil {
		t.Fatal(err)
	}
	p.Play(`any {
			A.sb< OUT SSD
			A.sb x
			B.sb< OUT SSD
			B.sb x
		}
		C.sb refused
		A.ns> PNG
		A.ns< QNG 60
		B.ns> PNG
		B.ns< QNG 60
		A.ns> XFR 21 SB
		A.ns< XFR 21 SB {addr2} CKI {ckiNew}
		differ addr1 addr2`)
	a := dialAddr(t, p.Value("addr2"))
	a.say("USR 1 alice@example.com " + p.Value("ckiNew"))
	a.hear("USR 1 OK alice@example.com Alice")
	a.say("CAL 2 bob@example.com")
	p.Play("B.ns< RNG {sidNew} {addr2} CKI {ckiCall} alice@example.com Alice")
	a.hear("CAL 2 RINGING " + p.Value("sidNew"))
	b := dialAddr(t, p.Value("addr2"))
	b.say("ANS 1 bob@example.com " + p.Value("ckiCall") + " " + p.Value("sidNew"))
	b.hear("IRO 1 1 1 alice@example.com Alice")
	b.hear("ANS 1 OK")
	a.hear("JOI bob@example.com Bob")
	p.Finish()
}

// startTwoBoards starts a server with two switchboards, and alice, bob and carol.
func startTwoBoards(t *testing.T) *msntest.Fixture {
	t.Helper()
	cfg := freePorts(t)
	cfg.Switchboard.Listen += "," + cfg.Switchboard.Listen
	f, _ := serve(t, cfg)
	return f
}

// freePorts returns settings for a server on free ports, with a directory of its own.
func freePorts(t *testing.T) config.Config {
	t.Helper()
	cfg := config.Default()
	msntest.FreePorts(&cfg)
	cfg.Data.Dir = t.TempDir()
	return cfg
}

// serve runs a server with alice, bob and carol until stop is called, or the test ends.
func serve(t *testing.T, cfg config.Config) (f *msntest.Fixture, stop func() error) {
	t.Helper()
	clk := clock.New()
	s, err := server.New(cfg, slog.New(slog.DiscardHandler), clk)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		defer clk.Close()
		return <-ended
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("stop server: %v", err)
		}
	})
	<-s.Ready()
	for _, nick := range []string{"Alice", "Bob", "Carol"} {
		if _, err := s.Store().CreateUser(t.Context(), strings.ToLower(nick)+"@example.com", nick, ""); err != nil {
			t.Fatal(err)
		}
	}
	return &msntest.Fixture{Server: s, Store: s.Store(), Clock: clk}, stop
}

// client is a connection to an address of the test's choice.
type client struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

func dialAddr(t *testing.T, addr string) client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hangUp(nc) })
	if err := nc.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return client{t, nc, bufio.NewReader(nc)}
}

func (w client) say(line string) {
	w.t.Helper()
	if _, err := w.nc.Write([]byte(line + "\r\n")); err != nil {
		w.t.Fatalf("%s: %v", line, err)
	}
}

func (w client) hear(want string) {
	w.t.Helper()
	if line, err := w.r.ReadString('\n'); err != nil || line != want+"\r\n" {
		w.t.Fatalf("%q, %v; want %q", line, err, want)
	}
}
