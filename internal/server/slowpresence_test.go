package server_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"monarch/internal/msntest"
)

// TestSlowReaderOfPresence is S40 for those who watch: bob, who has alice on his list, stops
// reading while she changes her picture. What waits for him is bounded, and then he is gone
// for a reason that is counted; alice and carol, who watches too, notice nothing of it.
func TestSlowReaderOfPresence(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"auto", "portable"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			readPresenceSlowly(t, engine)
		})
	}
}

func readPresenceSlowly(t *testing.T, engine string) {
	f := msntest.Start(t, map[string]string{
		"conn.engine": engine, "limits.rates": "off", "limits.queue_bytes": "65536", "protocol.challenge": "off",
	})
	p := msntest.NewPlayer(t, f)
	p.Play(`mutual alice bob
		mutual alice carol
		signin9 A
		signin9 B
		signin9 C
		pause B.ns`)
	a, c := p.Conn("A.ns"), p.Conn("C.ns")
	const (
		most  = 24 << 20 // bytes: the queue, and generously what the kernel may hold
		batch = 20       // changes at a time: fewer bytes than the queue of those who read
		slow  = `monarch_connections_closed_total{reason="slow",role="notification"} 1`
	)
	picture := "%3Cmsnobj%20" + strings.Repeat("x", 1900) + "%2F%3E"
	sent := 0
	for gone := false; !gone; gone = bytes.Contains(scrape(t, f), []byte(slow)) {
		if sent*len(picture) > most {
			t.Fatalf("bob read none of %d changes and is still there", sent)
		}
		for range batch {
			sent++
			say(t, a, fmt.Sprintf("CHG %d %s 268435492 %d%s", sent, alternate(sent), sent, picture), nil)
		}
		for n := range batch {
			n += sent - batch + 1
			want := fmt.Sprintf("%s 268435492 %d%s", alternate(n), n, picture)
			if got := hearLine(t, a); got != fmt.Sprintf("CHG %d %s", n, want) && !strings.HasPrefix(got, "FLN bob") {
				t.Fatalf("alice hears %.80q", got)
			} else if strings.HasPrefix(got, "FLN") {
				hearLine(t, a)
			}
			status, rest, _ := strings.Cut(want, " ")
			if got := hearLine(t, c); got != fmt.Sprintf("NLN %s alice@example.com Alice %s", status, rest) {
				t.Fatalf("carol hears %.80q", got)
			}
		}
	}
	t.Logf("bob was closed within %d changes, %d KiB", sent, sent*len(picture)>>10)
	p.Play("ignore A.ns\nignore B.ns\nresume B.ns\nC.ns> PNG\nC.ns< QNG 60")
	p.Finish()
}

// hearLine takes the next line, whatever it is.
func hearLine(t *testing.T, c *msntest.Conn) string {
	t.Helper()
	line, _, ok := c.Next()
	if !ok {
		t.Fatalf("%s: nothing came", c.Name)
	}
	return line
}
