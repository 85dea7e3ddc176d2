package passport_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monarch/internal/passport"
)

// drip sends start, and then byte after byte until the connection is closed or a limit that no
// deadline comes near. It reports whether it was closed.
func drip(c net.Conn, start string, b byte) bool {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, c) // a reset is an end too
	}()
	if _, err := io.WriteString(c, start); err != nil {
		return true
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		select {
		case <-ended:
			return true
		case <-tick.C:
		}
		if _, err := c.Write([]byte{b}); err != nil {
			return true
		}
	}
	return false
}

// One byte after the other gets nobody anywhere: each part of a request has a time of its own,
// however much of it has come.
func TestDripsAreCutOff(t *testing.T) {
	const brief = 300 * time.Millisecond
	hasty := newWorld(t, func(c *passport.Config) { c.Limits.Handshake = brief })
	w := newWorld(t, func(c *passport.Config) { c.Limits.Header, c.Limits.Body = brief, brief })
	for name, c := range map[string]struct {
		dial  func() net.Conn
		start string
		b     byte
	}{
		"no handshake":               {hasty.dialRaw, "", 0x16},
		"a handshake":                {hasty.dialRaw, "\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03", 'r'},
		"empty lines":                {w.dialPlain, "", '\n'},
		"a request line":             {w.dialPlain, "GET /", 'a'},
		"a header":                   {w.dial, "GET / HTTP/1.1\r\nA: ", 'a'},
		"a header in lines":          {w.dial, "GET / HTTP/1.1\r\nA: b\r\n", 'c'},
		"a body":                     {w.dialPlain, "POST / HTTP/1.1\r\nContent-Length: 60000\r\n\r\n", 'a'},
		"the body of a SOAP sign-in": {w.dial, "POST /RST.srf HTTP/1.1\r\nContent-Length: 60000\r\n\r\n<a>", 'a'},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !drip(c.dial(), c.start, c.b) {
				t.Error("still open")
			}
		})
	}
}

func TestHeadAndBodyHaveTimesOfTheirOwn(t *testing.T) {
	const brief, plenty = 5 * time.Second, time.Minute
	head, envelope, _ := strings.Cut(rstRequest("alice@example.com", "secret"), "\r\n\r\n")
	const between = "\r\n\r\n"
	for name, c := range map[string]struct {
		header, body time.Duration
		first, rest  string
	}{
		"a slow head": {plenty, brief, head, between + envelope},
		"a slow body": {brief, plenty, head + between, envelope},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(*passport.Config) {})
			w.srv.SetLimits(passport.Limits{Header: c.header, Body: c.body})
			call := w.dial()
			_, err := io.WriteString(call, c.first)
			w.must(err)
			<-time.After(brief + brief/4)
			if got := w.exchange(call, c.rest); !strings.Contains(got, "wsse:BinarySecurityToken") {
				t.Errorf("answered %q", got)
			}
		})
	}
}

// Whoever takes the answer a byte at a time, or not at all, has only so long for all of it.
func TestAnAnswerMustBeTaken(t *testing.T) {
	templates := t.TempDir()
	huge := []byte("<tabs>" + strings.Repeat(" ", 16<<20) + "</tabs>") // more than the kernel holds
	if err := os.WriteFile(filepath.Join(templates, "tabs.xml"), huge, 0o600); err != nil {
		t.Fatal(err)
	}
	const brief = 3 * time.Second
	w := newWorld(t, func(c *passport.Config) { c.Templates, c.Limits.Answer = templates, brief })
	for name, every := range map[string]time.Duration{"not at all": 0, "a byte at a time": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := w.dialPlain()
			if _, err := io.WriteString(c, "GET /svcs/mms/tabs.asp HTTP/1.1\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			took, err := c.Read(make([]byte, 1)) // the time runs now
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			for every > 0 && time.Since(began) < 2*brief {
				<-time.After(every)
				n, err := c.Read(make([]byte, 1))
				if took += n; err != nil {
					break
				}
			}
			<-time.After(2*brief - time.Since(began))
			rest, err := io.ReadAll(c) // what the kernel has, and then the end
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("still open")
			}
			if took += len(rest); took >= len(huge) {
				t.Errorf("%d bytes were taken all the same", took)
			}
		})
	}
}
