package server_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"monarch/internal/msntest"
)

// nasty is input that no client sends. The server answers or closes with a reason; nobody
// else notices.
var nasty = map[string]string{
	"binary":                      string(garbage(4096)) + "\r\n",
	"a megabyte without a line":   strings.Repeat("A", 1<<20),
	"a megabyte of empty lines":   strings.Repeat("\r\n", 1<<19) + "FOO\r\n",
	"half a payload":              "MSG 1 N 1000\r\nhalf",
	"wrong order":                 "ANS 1 alice@example.com 1.2.3 4\r\nUSR 1 alice@example.com 1.2.3\r\n",
	"a TrID too large":            "VER 4294967296 MSNP9 CVR0\r\n",
	"a TrID of a thousand digits": "VER " + strings.Repeat("9", 1000) + " MSNP9\r\n",
	"a negative TrID":             "VER -1 MSNP9\r\n",
	"no TrID":                     "VER\r\n",
	"NUL bytes":                   "VER\x00 1 MSNP9\r\n",
	"NUL bytes between":           "VER 1 MSNP9\r\n\x00\x00\x00\r\n",
	"invalid UTF-8":               "USR 1 \xff\xfe\xfd \xc0\x80 \xed\xa0\x80\r\n",
	"an absurd length":            "MSG 1 N 99999999999999999999\r\n",
	"a negative length":           "MSG 1 N -5\r\n",
	"a thousand parameters":       "VER 1" + strings.Repeat(" x", 400) + "\r\n",
	"lower case":                  "ver 1 MSNP9\r\n",
	"a request for a web page":    "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
	"a TLS hello":                 "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + string(garbage(500)),
	"a line of carriage returns":  strings.Repeat("\r", 5000) + "\n",
}

func garbage(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestNastyInputOnEveryPort sends it to each listener before anybody has signed in there,
// while alice and bob chat.
func TestNastyInputOnEveryPort(t *testing.T) {
	t.Parallel()
	f, p := chat(t, map[string]string{"limits.rates": "off", "limits.greeting": "5s", "limits.switchboard_login": "5s"}, "A", "B")
	t.Run("every port", func(t *testing.T) {
		for what, input := range nasty {
			for _, port := range []string{"dispatch", "notification", "switchboard", "http", "https", "https without TLS"} {
				t.Run(port+": "+what, func(t *testing.T) {
					t.Parallel()
					expectEnd(t, dialPort(t, f, port), input, strings.HasPrefix(port, "http"))
				})
			}
		}
	})
	p.Play(`A.ns> PNG
		A.ns< QNG 60
		A.sb> MSG 3 A {n} + P-HELLO
		B.sb< MSG alice@example.com Alice {n} + P-HELLO
		A.sb< ACK 3`)
	p.Finish()
	if !bytes.Contains(scrape(t, f), []byte("monarch_panics_total 0")) {
		t.Error("a handler panicked")
	}
}

func dialPort(t *testing.T, f *msntest.Fixture, port string) net.Conn {
	t.Helper()
	var nc net.Conn
	var err error
	switch port {
	case "https":
		nc, err = tls.Dial("tcp", f.Server.Addr(port), &tls.Config{InsecureSkipVerify: true}) // it is our own
	case "https without TLS":
		nc, err = f.Dial("https")
	default:
		nc, err = f.Dial(port)
	}
	if err != nil {
		t.Fatal(err)
	}
	return nc
}

// TestNastyInputAfterSigningIn does the same on connections that have passed the sign-in:
// they are ended, or answered and ended by a word of their own.
func TestNastyInputAfterSigningIn(t *testing.T) {
	t.Parallel()
	f, p := chat(t, map[string]string{"limits.rates": "off"}, "B", "C")
	for what, input := range nasty {
		input = strings.Replace(input, "MSG 1 N", "PGD 1 bob@example.com 1", 1)
		if what == "half a payload" {
			input += strings.Repeat("x", 2000)
		}
		p.Play("signin9 A\nignore A.ns")
		if err := p.Conn("A.ns").Send(input+"\r\nOUT", nil); err != nil {
			t.Logf("%s: %v", what, err) // the server need not read it all
		}
		p.Play("A.ns x\nB.ns> PNG\nB.ns< QNG 60\nfresh A.ns")
	}
	p.Play(`B.sb> MSG 3 A {n} + P-HELLO
		C.sb< MSG bob@example.com Bob {n} + P-HELLO
		B.sb< ACK 3`)
	p.Finish()
	if !bytes.Contains(scrape(t, f), []byte("monarch_panics_total 0")) {
		t.Error("a handler panicked")
	}
}

// expectEnd writes input and waits until the server has ended the connection, whatever it
// says before. Where an empty line would end the input, the client ends its half.
func expectEnd(t *testing.T, nc net.Conn, input string, half bool) {
	t.Helper()
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.Copy(nc, strings.NewReader(input)) // which may fail, as the server need not read it all
		if half {
			_ = nc.(interface{ CloseWrite() error }).CloseWrite() // as above
		}
	}()
	_, err := io.ReadAll(nc)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection lives on")
	}
	<-written
}

// TestFloodOfHalfLinesCostsNoMemory opens many connections that each send a megabyte without
// a line's end.
func TestFloodOfHalfLinesCostsNoMemory(t *testing.T) {
	f := msntest.Start(t, map[string]string{"limits.rates": "off"})
	before := heap()
	for range 200 {
		nc, err := f.Dial("notification")
		if err != nil {
			t.Fatal(err)
		}
		expectEnd(t, nc, nasty["a megabyte without a line"], false)
	}
	if grown := int64(heap()) - int64(before); grown > 16<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	metrics := scrape(t, f)
	if !bytes.Contains(metrics, []byte(`monarch_connections_closed_total{reason="malformed",role="notification"} 200`)) {
		t.Errorf("the reason is not counted:\n%s", metrics)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// scrape reads the metrics.
func scrape(t *testing.T, f *msntest.Fixture) []byte {
	t.Helper()
	resp, err := http.Get("http://" + f.Server.Addr("ops") + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
