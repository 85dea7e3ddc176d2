package server_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"monarch/internal/msntest"
)

// ports are the listeners of clients.
var ports = []string{"dispatch", "notification", "switchboard", "http", "https", "web"}

// connect opens a connection and says something at once.
func connect(t *testing.T, f *msntest.Fixture, port, text string) net.Conn {
	t.Helper()
	nc, err := f.Dial(port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(nc, text) // it may be refused already
	return nc
}

// knock connects, says something, and returns what is heard until the connection ends.
func knock(t *testing.T, f *msntest.Fixture, port, text string) string {
	t.Helper()
	nc, err := f.Dial(port)
	if err != nil {
		return "" // it is refused so soon that connecting fails
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(nc, text) // as above
	b, err := io.ReadAll(nc)
	if e, ok := err.(net.Error); ok && e.Timeout() { //nolint:errorlint // it is the error itself
		t.Errorf("%s: still open after %q", port, b)
	}
	return string(b)
}

// reload puts settings in force, all of them without a restart.
func reload(t *testing.T, f *msntest.Fixture, settings map[string]string) {
	t.Helper()
	if report, err := f.Reload(settings); err != nil || len(report.Restart) > 0 {
		t.Fatalf("reload of %v: %+v, %v", settings, report, err)
	}
}

// sees checks that the metrics have a line.
func sees(t *testing.T, f *msntest.Fixture, line string) {
	t.Helper()
	if !bytes.Contains(scrape(t, f), []byte("\n"+line+"\n")) {
		t.Errorf("the metrics lack %s", line)
	}
}

// settle waits until a gauge has a value: the end of a connection is noticed a little later.
func settle(t *testing.T, f *msntest.Fixture, name string, want float64) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); gauge(t, f, name) != want; <-tick.C {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%s is %v, want %v", name, gauge(t, f, name), want)
		}
	}
}

func TestDeniedNetworksAreShutOutOfEveryPort(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	p := msntest.NewPlayer(t, f)
	p.Play("signin9 A")
	reload(t, f, map[string]string{"networks.deny": "127.0.0.0/8"})
	for _, port := range ports {
		if got := knock(t, f, port, ""); got != "" {
			t.Errorf("%s says %q to one who is denied", port, got)
		}
		sees(t, f, `monarch_connections_refused_total{cause="denied",listener="`+port+`"} 1`)
	}
	p.Play("A.ns> PNG\nA.ns< QNG 60")
	reload(t, f, map[string]string{"networks.deny": "0.0.0.0/0", "networks.allow": "127.0.0.1"})
	p.Play("signin9 B")
	p.Finish()
}

// People behind one address are limited, and not limited by each other once they are inside.
func TestConnectionsFromOneAddressAreLimited(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, map[string]string{"connections.per_address": "4", "connections.strangers_per_address": "2"})
	p := msntest.NewPlayer(t, f)
	p.Play("signin9 A\nsignin9 B\nsignin9 C")
	connect(t, f, "switchboard", "")
	settle(t, f, "monarch_strangers", 1)
	if got := knock(t, f, "http", "GET / HTTP/1.1\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Errorf("the fifth connection is told %q", got)
	}
	sees(t, f, `monarch_connections_refused_total{cause="address",listener="http"} 1`)
	reload(t, f, map[string]string{"connections.per_address": "0", "connections.strangers_per_address": "1"})
	if got := knock(t, f, "switchboard", ""); got != "" {
		t.Errorf("the second stranger is told %q", got)
	}
	sees(t, f, `monarch_connections_refused_total{cause="address_strangers",listener="switchboard"} 1`)
	reload(t, f, map[string]string{"limits.rates": "off"})
	p.Play("signin9 D\nA.ns> PNG\nA.ns< QNG 60")
	p.Finish()
}

// Over HTTP there are words for it, also behind TLS.
func TestHTTPTellsOneTooMany(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, map[string]string{"connections.strangers": "1"})
	nc := connect(t, f, "http", "GET /")
	settle(t, f, "monarch_strangers", 1)
	const request = "GET /rdr/pprdr.asp\r\n\r\n"
	secure, err := tls.Dial("tcp", f.Server.Addr("https"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer secure.Close()
	if _, err := io.WriteString(secure, request); err != nil {
		t.Fatal(err)
	}
	overTLS, err := io.ReadAll(secure)
	if err != nil {
		t.Error(err)
	}
	for what, got := range map[string]string{"HTTP": knock(t, f, "http", request), "HTTPS": string(overTLS)} {
		if !strings.HasPrefix(got, "HTTP/1.1 503 Service Unavailable\r\n") || !strings.Contains(got, "\r\nRetry-After: 30\r\n") {
			t.Errorf("%s says %q", what, got)
		}
	}
	nc.Close()
	settle(t, f, "monarch_strangers", 0)
	if got := knock(t, f, "http", request); !strings.HasPrefix(got, "HTTP/1.1 404 ") {
		t.Errorf("when there is room again: %q", got)
	}
}

// header is the PROXY header of a client at 192.0.2.7, in both forms.
var header = map[string]string{
	"a line": "PROXY TCP4 192.0.2.7 127.0.0.1 4321 1863\r\n",
	"binary": "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\x7f\x00\x00\x01\x10\xe1\x07\x47",
}

func TestProxiesNameTheirClients(t *testing.T) {
	t.Parallel()
	for form, text := range header {
		for _, engine := range []string{"auto", "portable"} {
			t.Run(form+", "+engine, func(t *testing.T) {
				t.Parallel()
				f := msntest.Start(t, map[string]string{"networks.proxies": "10.0.0.0/8, 127.0.0.0/8", "conn.engine": engine})
				signInBehind(t, f, text)
				overHTTPBehind(t, f, text)
				if got := knock(t, f, "notification", "VER 1 MSNP9 CVR0\r\n"); got != "" {
					t.Errorf("a proxy that names nobody is told %q", got)
				}
				sees(t, f, `monarch_connections_refused_total{cause="proxy_header",listener="notification"} 1`)
				reload(t, f, map[string]string{"networks.proxies": "127.0.0.1", "networks.deny": "192.0.2.0/24"})
				if got := knock(t, f, "notification", text+"VER 1 MSNP9 CVR0\r\n"); got != "" {
					t.Errorf("a denied client is told %q", got)
				}
				sees(t, f, `monarch_connections_refused_total{cause="denied",listener="notification"} 1`)
			})
		}
	}
}

// signInBehind signs alice in through a proxy, and checks what the server thinks where she is.
func signInBehind(t *testing.T, f *msntest.Fixture, header string) {
	t.Helper()
	p := msntest.NewPlayer(t, f)
	p.Play("ticket A")
	nc := connect(t, f, "notification", header+"VER 1 MSNP9 CVR0\r\n") // in one piece
	r := bufio.NewReader(nc)
	for _, step := range [][2]string{
		{"", "VER 1 MSNP9 CVR0"},
		{"USR 2 TWN I alice@example.com\r\n", "USR 2 TWN S lc="},
		{"USR 3 TWN S " + p.Value("ticketA") + "\r\n", "USR 3 OK alice@example.com"},
	} {
		_, _ = io.WriteString(nc, step[0]) // reading tells
		if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, step[1]) {
			t.Fatalf("%q is answered %q, %v", step[0], line, err)
		}
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("no address in the profile: %v", err)
		}
		if where, ok := strings.CutPrefix(line, "ClientIP: "); ok {
			if where != "192.0.2.7\r\n" {
				t.Errorf("alice is at %q", where)
			}
			return
		}
	}
}

// overHTTPBehind asks for pages through a proxy.
func overHTTPBehind(t *testing.T, f *msntest.Fixture, header string) {
	t.Helper()
	if got := knock(t, f, "http", header+"GET /help\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("over HTTP: %q", got)
	}
	nc := connect(t, f, "https", header)
	secure := tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	if _, err := io.WriteString(secure, "GET /rdr/pprdr.asp\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(secure); !strings.HasPrefix(string(got), "HTTP/1.1 200 ") {
		t.Errorf("over HTTPS: %q, %v", got, err)
	}
}

// Whoever is no proxy of ours names nobody.
func TestProxyHeadersOfOthersAreNoCommands(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, map[string]string{"networks.proxies": "10.0.0.0/8"})
	for form, text := range header {
		for _, port := range ports {
			got := knock(t, f, port, text+"VER 1 MSNP9 CVR0\r\n\r\n")
			answered := got != ""
			switch port {
			case "http", "web":
				answered = !strings.HasPrefix(got, "HTTP/1.1 400 Bad Request\r\n")
			case "https": // an alert of TLS, perhaps
				answered = strings.Contains(got, "HTTP")
			}
			if answered {
				t.Errorf("%s, %s: %q", port, form, got)
			}
		}
	}
	settle(t, f, "monarch_connections", 0)
	for _, port := range ports[:3] {
		sees(t, f, fmt.Sprintf(`monarch_connections_closed_total{reason="proxy_header",role=%q} 2`, port))
	}
}

// Whoever names a conversation and somebody who is called into it, but has no cookie, stays a
// stranger. docs/protocol/switchboard.md#ans
func TestAWrongCookieLeavesAStranger(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, map[string]string{"connections.strangers_per_address": "3"})
	p := msntest.NewPlayer(t, f)
	p.Play("mutual alice bob\nsignin9 A\nsignin9 B\nboard A\nA.sb> CAL 2 bob@example.com\nA.sb< CAL 2 RINGING {sid}")
	p.Play("B.ns< RNG {sid} {addr} CKI {ckiB} alice@example.com Alice")
	// The server lets a connection that it has ended go after a second at the latest. Where it did, because the
	// machine is busy, the last stranger was not one too many.
	for deadline := time.Now().Add(time.Minute); ; settle(t, f, "monarch_strangers", 0) {
		began := time.Now()
		line := lastStranger(t, f, p.Value("sid"))
		if line == "" {
			break
		}
		if now := time.Now(); now.Sub(began) < time.Second || now.After(deadline) {
			t.Fatalf("the last stranger is told %q", line)
		}
	}
	sees(t, f, `monarch_connections_refused_total{cause="address_strangers",listener="switchboard"} 1`)
}

// lastStranger has two tell nothing and two try wrong cookies for a conversation, and returns what the last hears.
func lastStranger(t *testing.T, f *msntest.Fixture, sid string) (line string) {
	t.Helper()
	for range 2 {
		nc := connect(t, f, "switchboard", "")
		defer nc.Close()
	}
	settle(t, f, "monarch_strangers", 2)
	for i := range 2 {
		nc := connect(t, f, "switchboard", fmt.Sprintf("ANS 1 bob@example.com %s.2.%d %s\r\n", sid, i, sid))
		defer nc.Close()
		var err error
		if line, err = bufio.NewReader(nc).ReadString('\n'); i == 0 && line != "911 1\r\n" {
			t.Errorf("a wrong cookie is answered %q, %v", line, err)
		}
	}
	return line
}

// TestStrangersShareTheirMemory lets many strangers begin a line each that they do not end.
func TestStrangersShareTheirMemory(t *testing.T) {
	f := msntest.Start(t, map[string]string{
		"connections.memory": "1MiB", "connections.per_address": "0", "connections.strangers_per_address": "0",
	})
	p := msntest.NewPlayer(t, f)
	p.Play("signin9 A")
	const many = 1200
	for range many {
		connect(t, f, "notification", "VER 1 MSNP9")
	}
	settle(t, f, "monarch_strangers", 1024) // whose buffers have a KiB each
	if held := gauge(t, f, "monarch_strangers_bytes"); held != 1<<20 {
		t.Errorf("strangers hold %v bytes", held)
	}
	sees(t, f, fmt.Sprintf(`monarch_connections_closed_total{reason="flood",role="notification"} %d`, many-1024))
	p.Play("A.ns> PNG\nA.ns< QNG 60")
	p.Finish()
}
