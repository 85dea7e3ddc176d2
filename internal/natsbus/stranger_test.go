package natsbus_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// knock comes to a node's port and says something. It returns what it is told until the node closes the
// connection.
func knock(t *testing.T, e *end, words string) []byte {
	t.Helper()
	c, err := net.Dial("tcp", e.Address())
	must(t, err)
	defer c.Close()
	must(t, c.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = c.Write([]byte(words))
	must(t, err)
	told, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after %q the connection stays open", words)
	}
	return told
}

// Whoever can reach the port of the nodes learns nothing, gets nowhere, and is not written of each time.
func TestStrangersAtTheDoor(t *testing.T) {
	a := embedded(t, anyPort, secret).start(t)
	for range 20 {
		for _, words := range []string{"GET / HTTP/1.1\r\n\r\n", "INFO {}\r\nCONNECT {}\r\nPUB monarch.all 1\r\nx\r\n", "\x16\x03\x01\x00\x05hello"} {
			// TLS may answer with an alert, which is of seven bytes.
			if told := knock(t, a, words); len(told) > 7 || strings.Contains(string(told), "server_id") {
				t.Errorf("to %q it said %q", words, told)
			}
		}
	}
	own := newAuthority(t)
	for name, c := range map[string]*tls.Config{
		"without a certificate":           {InsecureSkipVerify: true},
		"with a certificate of his own":   {InsecureSkipVerify: true, Certificates: own.tls("s").Certificates},
		"with a version of TLS that aged": {InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12},
	} {
		if told, err := speakTLS(t, a, c); err == nil || errors.Is(err, os.ErrDeadlineExceeded) || len(told) > 0 {
			t.Errorf("a stranger %s was told %q, %v", name, told, err)
		}
	}
	if told := knock(t, a, ""); len(told) > 7 { // which takes five seconds
		t.Errorf("to silence it said %q", told)
	}
	if n := strings.Count(a.log.String(), "\n"); n > 10 {
		t.Errorf("%d lines were logged:\n%s", n, a.log)
	}
	friend := embedded(t, anyPort, secret, a.Address()).start(t)
	meet(t, a, friend)
	if a.has("x") || friend.has("x") {
		t.Error("a stranger was heard")
	}
}

// speakTLS returns what a node says to somebody after a handshake.
func speakTLS(t *testing.T, e *end, cfg *tls.Config) (told []byte, err error) {
	t.Helper()
	raw, err := net.Dial("tcp", e.Address())
	must(t, err)
	defer raw.Close()
	must(t, raw.SetDeadline(time.Now().Add(30*time.Second)))
	c := tls.Client(raw, cfg)
	if _, err := c.Write([]byte("CONNECT {}\r\nPUB monarch.all 1\r\nx\r\n")); err != nil {
		return nil, err
	}
	return io.ReadAll(c)
}
