package server_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"monarch/internal/config"
	"monarch/internal/msntest"
)

// Rates change for people who are signed in and in conversations, and what they did before
// does not count any more.
func TestRatesChangeWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	f, p := chat(t, map[string]string{
		"rates.status": "1/60m", "rates.failed_calls": "1/60m", "rates.bytes": "16KiB/60s",
	}, "A", "B")
	p.Play(`A.ns> CHG 20 BSY 268435492
		A.ns< CHG 20 BSY 268435492
		A.ns> CHG 21 NLN 268435492
		A.ns< 800 21
		A.sb> CAL 20 carol@example.com
		A.sb< 217 20
		A.sb> CAL 21 carol@example.com
		A.sb< 713 21`)
	reload(t, f, map[string]string{"rates.status": "2/60s", "rates.failed_calls": "off", "rates.bytes": "1MiB/4s"})
	p.Play(`A.ns> CHG 22 NLN 268435492
		A.ns< CHG 22 NLN 268435492
		A.ns> CHG 23 BSY 268435492
		A.ns< CHG 23 BSY 268435492
		A.ns> CHG 24 NLN 268435492
		A.ns< 800 24
		repeat 10 from 30 {
			A.sb> CAL {i} carol@example.com
			A.sb< 217 {i}
		}`)
	send := func(from, n int) {
		a, b, big := p.Conn("A.sb"), p.Conn("B.sb"), fixture(t, "P-1664")
		for i := range n {
			say(t, a, "MSG "+strconv.Itoa(from+i)+" A 1664", big)
		}
		for i := range n {
			hear(t, a, "ACK "+strconv.Itoa(from+i))
			hear(t, b, "MSG alice@example.com Alice 1664")
		}
	}
	send(100, 40) // four times what the rate of bytes was
	reload(t, f, map[string]string{"limits.rates": "off"})
	p.Play(`repeat 40 from 101 {
			A.ns> CHG {i} BSY 268435492
			A.ns< CHG {i} BSY 268435492
		}`)
	send(1000, 600)
	p.Finish()
	metrics := string(scrape(t, f))
	for _, want := range []string{`{what="status"} 2`, `{what="failed_calls"} 1`, `{what="messages"} 0`, `{what="commands"} 0`} {
		if !strings.Contains(metrics, "\nmonarch_limited_total"+want+"\n") {
			t.Errorf("no monarch_limited_total%s", want)
		}
	}
}

// A connection that sends more than its bytes is read later, on either server; its partner and
// the others do not notice. Time passes while this is seen, and more on a busy machine: nothing comes before its
// time, and a message that is due may come at any moment.
func TestBytesWait(t *testing.T) {
	t.Parallel()
	f, p := chat(t, map[string]string{"rates.bytes": "16KiB/60s"}, "A", "B")
	a, b, big := p.Conn("A.sb"), p.Conn("B.sb"), fixture(t, "P-1664")
	const (
		burst     = 16 << 10
		size      = 1664 + len("MSG 10 A 1664\r\n")
		little    = 1100 // so that the burst ends soon after the beginning of a message
		count     = 14
		most      = 10 // a burst, and the one too many
		relayed   = "MSG alice@example.com Alice 1664"
		remarked  = "MSG bob@example.com Bob 122"
		firstLate = "ACK 20"
	)
	began := f.Clock.Elapsed()
	inTime := func(n int) { // fails when message n was read too early
		t.Helper()
		due := time.Duration(little+n*size-burst) * time.Minute / burst
		if passed := f.Clock.Elapsed() - began; passed < due {
			t.Errorf("message %d is read after %v, which is not allowed before %v", n, passed, due)
		}
	}
	say(t, a, "MSG 9 U "+strconv.Itoa(little), make([]byte, little))
	for i := range count {
		say(t, a, "MSG "+strconv.Itoa(10+i)+" A 1664", big)
	}
	hear(t, b, "MSG alice@example.com Alice "+strconv.Itoa(little))
	for i := range most {
		hear(t, a, "ACK "+strconv.Itoa(10+i))
		hear(t, b, relayed)
	}
	say(t, b, "MSG 3 A {n}", hello(t))
	if hearOne(t, a, remarked, firstLate) == firstLate {
		inTime(most)
		hear(t, a, remarked)
	} else {
		hear(t, a, firstLate)
		inTime(most)
	}
	if hearOne(t, b, "ACK 3", relayed) == relayed {
		hear(t, b, "ACK 3")
	} else {
		hear(t, b, relayed)
	}
	p.Play(`A.ns> PNG
		A.ns< QNG 60`)
	for n := most + 1; n < count; n++ {
		f.Clock.Advance(5 * time.Second) // of six
		hear(t, a, "ACK "+strconv.Itoa(10+n))
		hear(t, b, relayed)
		inTime(n)
	}
	for i, n := range []int{10_000, 60_000} {
		say(t, p.Conn("B.ns"), "PGD "+strconv.Itoa(20+i)+" bob@example.com 1 "+strconv.Itoa(n), make([]byte, n))
	}
	p.Play(`B.ns< 800 20
		B.ns< 800 21
		B.ns> PNG
		B.ns -`)
	f.Clock.Advance(4 * time.Minute)
	hear(t, p.Conn("B.ns"), "QNG 60")
	p.Finish()
}

// Whoever talks at two switchboards has no more calls than others.
func TestCallsCountAtAllSwitchboards(t *testing.T) {
	t.Parallel()
	cfg := freePorts(t)
	cfg.Switchboard.Listen += "," + cfg.Switchboard.Listen
	cfg.Rates.FailedCalls = config.Rate{Burst: 3, Per: config.Duration(time.Hour)}
	f, _ := serve(t, cfg)
	p := msntest.NewPlayer(t, f)
	p.Play("signin9 A")
	var boards []client
	for _, n := range []string{"1", "2"} {
		p.Play("A.ns> XFR 2" + n + " SB\nA.ns< XFR 2" + n + " SB {addr" + n + "} CKI {cki" + n + "}")
		c := dialAddr(t, p.Value("addr"+n))
		c.say("USR 1 alice@example.com " + p.Value("cki"+n))
		c.hear("USR 1 OK alice@example.com Alice")
		boards = append(boards, c)
	}
	p.Play("differ addr1 addr2")
	for i, answer := range []string{"217", "217", "217", "713"} {
		c, trid := boards[i%2], strconv.Itoa(i+2)
		c.say("CAL " + trid + " carol@example.com")
		c.hear(answer + " " + trid)
	}
	p.Finish()
}
