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
// the others do not notice.
func TestBytesWait(t *testing.T) {
	t.Parallel()
	f, p := chat(t, map[string]string{"rates.bytes": "16KiB/60s"}, "A", "B")
	a, b, big := p.Conn("A.sb"), p.Conn("B.sb"), fixture(t, "P-1664")
	const count, most = 20, 10 // a burst, and the one too many
	for i := range count {
		say(t, a, "MSG "+strconv.Itoa(10+i)+" A 1664", big)
	}
	for i := range most {
		hear(t, a, "ACK "+strconv.Itoa(10+i))
		hear(t, b, "MSG alice@example.com Alice 1664")
	}
	p.Play(`A.sb -
		B.sb> MSG 3 A {n} + P-HELLO
		A.sb< MSG bob@example.com Bob {n} + P-HELLO
		B.sb< ACK 3
		A.ns> PNG
		A.ns< QNG 60`)
	for i := range count - most {
		f.Clock.Advance(7 * time.Second)
		hear(t, a, "ACK "+strconv.Itoa(10+most+i))
		hear(t, b, "MSG alice@example.com Alice 1664")
	}
	for i := range 2 {
		say(t, p.Conn("B.ns"), "PGD "+strconv.Itoa(20+i)+" bob@example.com 1 10000", make([]byte, 10_000))
	}
	p.Play(`B.ns< 800 20
		B.ns< 800 21
		B.ns> PNG
		B.ns -`)
	f.Clock.Advance(60 * time.Second)
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
