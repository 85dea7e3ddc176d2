package server_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/msntest"
)

// A byte a second gets nobody anywhere: every stage has a deadline that what arrives does not
// move. docs/protocol/limits.md#times

// drip is a connection at some stage, on a real socket, and how long it may last.
type drip struct {
	name   string
	server string
	says   string // at once, and is answered
	answer string
	drips  string // what it goes on with, a byte a second
	limit  time.Duration
}

// empty is lines without a command.
var empty = strings.Repeat("\r\n", 2000)

func drips() []drip {
	const version = "VER 1 MSNP9 CVR0\r\n"
	const identity = version + "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS alice@example.com\r\nUSR 3 TWN I alice@example.com\r\n"
	line := strings.Repeat("x", 2000)
	return []drip{
		{"before VER, at the dispatch server", "dispatch", "", "", "VER 1 " + line, 5 * time.Second},
		{"before VER", "notification", "", "", "VER 1 " + line, 5 * time.Second},
		{"before VER, with empty lines", "notification", "", "", empty, 5 * time.Second},
		{"after VER", "notification", version, "VER 1", empty, 6 * time.Second},
		{"after VER, in a command", "notification", version, "VER 1", "CVR " + line, 6 * time.Second},
		{"after USR I", "notification", identity, "USR 3", "USR 4 TWN S t=" + line, 11 * time.Second},
		{
			"after USR I, asked again and again", "notification", identity, "USR 3",
			strings.Repeat("USR 3 TWN I alice@example.com\r\n", 20), 11 * time.Second,
		},
		{"signed in, in a line", "notification", identity + "USR 4 TWN S {ticket}\r\n", "USR 4 OK", "SYN " + line, 12 * time.Second},
		{"signed in, in a payload", "notification", identity + "USR 4 TWN S {ticket}\r\n", "USR 4 OK", "PGD 1 a@b 1 2000\r\n" + line, 12 * time.Second},
		{"silent but for empty lines", "notification", identity + "USR 4 TWN S {ticket}\r\n", "USR 4 OK", empty, 5 * time.Minute},
		{"a stranger at the switchboard", "switchboard", "", "", "USR 1 " + line, 7 * time.Second},
	}
}

func TestADripEndsAtEveryStage(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"auto", "portable"} {
		for _, d := range drips() {
			t.Run(engine+": "+d.name, func(t *testing.T) {
				t.Parallel()
				payload := "12s"
				if d.drips == empty { // each of which is begun and ended, on a busy machine late
					payload = "10m"
				}
				f := msntest.Start(t, map[string]string{
					"conn.engine": engine, "limits.greeting": "5s", "limits.signin_start": "6s", "limits.signin": "11s",
					"limits.payload": payload, "limits.idle": "5m", "limits.switchboard_login": "7s",
				})
				d.run(t, f)
			})
		}
	}
}

// ticketOf returns what proves to be somebody.
func ticketOf(t *testing.T, f *msntest.Fixture, handle string) string {
	t.Helper()
	keys, err := f.Store.Keys(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	u, err := f.Store.User(context.Background(), handle)
	if err != nil {
		t.Fatal(err)
	}
	return auth.NewSigner(keys).Ticket(auth.Ticket{User: int64(u.ID), Credential: u.Credential, Issued: f.Clock.Now()})
}

// run drips until the server has ended it. The server's clock goes a second for each byte;
// the connection must last until the limit and not much longer, as the bytes take their own
// time to arrive.
func (d drip) run(t *testing.T, f *msntest.Fixture) {
	says := strings.ReplaceAll(d.says, "{ticket}", ticketOf(t, f, "alice@example.com"))
	began := f.Clock.Elapsed()
	nc, err := f.Dial(d.server)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(4 * talkerLimit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(nc, says); err != nil {
		t.Fatal(err)
	}
	ended := d.listen(t, nc)
	for i := 0; ; i++ {
		lasted, beat := f.Clock.Elapsed()-began, 2*time.Millisecond
		if lasted > d.limit { // it has ended, which may take a busy machine a while to show
			beat = 100 * time.Millisecond
		}
		select {
		case <-ended:
			if lasted := f.Clock.Elapsed() - began; lasted < d.limit {
				t.Errorf("it ended after %v, want %v", lasted, d.limit)
			}
			return
		case <-time.After(beat):
		}
		if lasted > d.limit+5*time.Minute {
			t.Fatalf("it lasts %v", lasted)
		}
		_, _ = nc.Write([]byte{d.drips[i%len(d.drips)]}) // which may be the end
		f.Clock.Advance(time.Second)
	}
}

// listen waits for the answer that shows the stage, and returns what is closed when the
// server has closed.
func (d drip) listen(t *testing.T, nc net.Conn) <-chan struct{} {
	t.Helper()
	var heard []byte
	b := make([]byte, 4<<10)
	for !bytes.Contains(heard, []byte(d.answer)) {
		n, err := nc.Read(b)
		if heard = append(heard, b[:n]...); err != nil {
			t.Fatalf("heard %q, %v", heard, err)
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, nc)
	}()
	return ended
}
