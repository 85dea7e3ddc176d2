package msntest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// peer stands in for a server: it takes connections and does what the test says.
func peer(t *testing.T, serve func(net.Conn, *bufio.Reader)) *Player {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c, bufio.NewReader(c))
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return newPlayer(t, func(string) (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) })
}

// says returns a peer that sends a text, waits for the client to close, and closes.
func says(t *testing.T, text string) *Player {
	return peer(t, func(c net.Conn, r *bufio.Reader) {
		_, _ = io.WriteString(c, text) // a client that has gone is seen below
		_, _ = io.Copy(io.Discard, r)
	})
}

// hangsUp returns a peer that sends a text and closes.
func hangsUp(t *testing.T, text string) *Player {
	return peer(t, func(c net.Conn, _ *bufio.Reader) { _, _ = io.WriteString(c, text) })
}

// echoes returns a peer that sends back what it gets.
func echoes(t *testing.T) *Player {
	return peer(t, func(c net.Conn, r *bufio.Reader) { _, _ = io.Copy(c, r) })
}

func play(p *Player, text string) error {
	steps, err := parseSteps("S00.txt", text)
	if err != nil {
		return err
	}
	if err := p.run(steps); err != nil {
		return err
	}
	return p.finish()
}

func TestStepsThatGoAsWritten(t *testing.T) {
	for _, tt := range []struct {
		name  string
		peer  *Player
		steps string
	}{
		{"lines and payloads", echoes(t), `
			A.sb> MSG 3 A {n} + P-HELLO
			A.sb< MSG {t} A {n} + P-HELLO
			A.sb>> "ACK {t}\r\nMSG 5\r\nhello"
			A.sb< ACK 3
			A.sb< MSG 5 + "hello"
			A.sb -`},
		{"a payload nobody cares for", says(t, "MSG a b 3\r\nxyz"), `A.sb< MSG a b {n} + {any}`},
		{"a close", hangsUp(t, "911 1\r\n"), "A.sb< 911 1\nA.sb x"},
		{"any order", hangsUp(t, "A 1\r\nB 2\r\nC 3\r\n"), `
			any {
				A.sb x
				A.sb< C {c}
				A.sb< A {a}
				A.sb< B {b}
			}`},
		{"the branch that happens", says(t, "B 2\r\nC 3\r\n"), `
			either {
				A.sb< A 1
			} or {
				A.sb< B 2
				A.sb< C 3
			}`},
		{"the branch where nothing happens", says(t, ""), "either {\nA.sb< A 1\n} or {\nA.sb -\n}"},
		{"lines that may be missing", hangsUp(t, "B 2\r\n"), "optional A.sb< A 1\noptional A.sb< B 2\noptional A.sb< C 3\nA.sb x"},
		{"repetition", echoes(t), `
			repeat 2 {
				A.sb> CAL {i} x
				A.sb< CAL {i} x
				repeat 2 from 8 {
					A.sb> ACK {i}
					A.sb< ACK {i}
				}
				A.sb> CAL {i} y
				A.sb< CAL {i} y
			}`},
		{"values that differ", says(t, "A 1 2 3\r\nA 1 4\r\n"), `
			A.sb< A 1 {x!} {y}
			A.sb< A 1 {x!}
			differ x y`},
		{"segments, LF and half a close", echoes(t), `
			split 1
			lf on
			A.sb>> "CAL 1 x\r\n"
			A.sb< CAL 1 x
			A.sb! half
			A.sb x`},
		{"a challenge in the background", peer(t, answersChallenge), "A.ns< OK\nA.ns x"},
		{"ignored lines", says(t, "A 1\r\n"), "A.sb< A 1\nignore A.sb"},
		{"texts of its own", echoes(t), `
			let a = repeat xy 3
			let b = <{a}>
			answer 12345678901234567890 VT6PX?UQTM4WM%YR
			A.sb> {b} {answer}
			A.sb< <xyxyxy> c64fe621f55832479b97b7f50829d5c1`},
		{"a connection that is opened anew", says(t, "A 1\r\n"), "A.sb< A 1\nfresh A.sb\nA.sb< A 1\nA.sb! reset"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := play(tt.peer, tt.steps); err != nil {
				t.Errorf("%v\n%s", err, tt.peer.log.tail(20))
			}
		})
	}
}

func TestALineThatMayBeMissingIsLate(t *testing.T) {
	p := peer(t, func(c net.Conn, r *bufio.Reader) {
		_, _ = r.ReadString('\n')
		<-time.After(2 * quiet)
		_, _ = io.WriteString(c, "OUT\r\n")
	})
	if err := play(p, "A.sb> OUT\noptional A.sb< OUT\nA.sb x"); err != nil {
		t.Errorf("%v\n%s", err, p.log.tail(20))
	}
}

// answersChallenge sends a challenge and closes if the answer is right.
func answersChallenge(c net.Conn, r *bufio.Reader) {
	_, _ = io.WriteString(c, "CHL 0 12345678901234567890\r\n")
	want := fmt.Sprintf("QRY %d %s 32\r\nc64fe621f55832479b97b7f50829d5c1", firstHidden, product)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err == nil && string(got) == want {
		_, _ = fmt.Fprintf(c, "QRY %d\r\nOK\r\n", firstHidden)
	}
}

func TestStepsThatDoNot(t *testing.T) {
	for _, tt := range []struct {
		name  string
		peer  *Player
		steps string
		want  string
	}{
		{"another line", says(t, "USR 2 OK\r\n"), "\nA.sb< USR 1 OK", "S00.txt:2: A.sb< USR 1 OK\n  A.sb sent USR 2 OK\n"},
		{"a payload too many", says(t, "MSG 2 1\r\nx"), "A.sb< MSG 2 1", "it has a payload"},
		{"another payload", says(t, "MSG 2 1\r\nx"), `A.sb< MSG 2 1 + "y"`, `the payload is not "y"`},
		{"a line without CR", says(t, "USR 2 OK\n"), "A.sb< USR 2 OK", "the line ends in LF alone"},
		{"a close instead of a line", hangsUp(t, ""), "A.sb< USR 1 OK", "the server has closed A.sb"},
		{"a line instead of a close", hangsUp(t, "OUT\r\n"), "A.sb x", "A.sb sent OUT"},
		{"a line where nothing should come", says(t, "OUT\r\n"), "A.sb -", "A.sb sent OUT"},
		{"a close where nothing should come", hangsUp(t, ""), "A.sb -", "the server has closed A.sb"},
		{"a line that is not in the list", says(t, "B 2\r\n"), "any {\nA.sb< A 1\n}", "A.sb sent B 2\n  and expected was:\n    A.sb< A 1"},
		{"a line that is left at the end", says(t, "B 2\r\nC 3\r\n"), "A.sb< B 2", "at the end: A.sb -\n  A.sb sent C 3"},
		{"half a line", hangsUp(t, "B 2"), "A.sb< B 2", "the line has no end"},
		{"half a payload", hangsUp(t, "MSG a 5\r\nhel"), "A.sb< MSG a 5 + {any}", "only 3 bytes of its payload came"},
		{"values that should differ", says(t, "A 1 1\r\n"), "A.sb< A {x} {y}\ndiffer x y", `{x} and {y} are both "1"`},
		{"a word more than a strict client bears", says(t, "NLN NLN a b 0 x\r\n"), "strict A\nA.ns< NLN {*}", "hangs up on 6 words"},
		{"a name nobody set", says(t, ""), "A.sb> ANS {sid}", "nothing is known as {sid}"},
		{"an actor nobody knows", says(t, ""), "Z.sb> ANS", `nobody is called "Z.sb"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := play(tt.peer, tt.steps)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("it gives %v, want %s", err, tt.want)
			}
		})
	}
}
