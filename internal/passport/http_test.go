package passport_test

import (
	"io"
	"net"
	"strings"
	"testing"
)

func nexusAnswer(date string) string {
	return "HTTP/1.1 200 OK\r\n" +
		"Date: " + date + "\r\n" +
		"PassportURLs: DARealm=Passport.Net,DALogin=login.passport.com/login2.srf,DAReg=https://login.passport.com/register," +
		"Properties=https://login.passport.com/profile,Privacy=https://login.passport.com/privacy," +
		"GeneralRedir=https://login.passport.com/redir,Help=https://login.passport.com/help,ConfigVersion=11\r\n" +
		"Cache-Control: private\r\n" +
		"Content-Type: text/html\r\n" +
		"Content-Length: 0\r\n" +
		"Connection: close\r\n\r\n"
}

// dateOf returns the Date header of an answer.
func dateOf(answer string) string {
	_, rest, _ := strings.Cut(answer, "\r\nDate: ")
	date, _, _ := strings.Cut(rest, "\r\n")
	return date
}

func TestNexusAnswersTheSameBytesToEveryFormOfRequest(t *testing.T) {
	w := newWorld(t, nil)
	for name, request := range map[string]string{
		"official client":       "GET /rdr/pprdr.asp HTTP/1.1\r\nUser-Agent: MSMSGS\r\nHost: nexus.passport.com\r\nConnection: Keep-Alive\r\nCache-Control: no-cache\r\n\r\n",
		"HTTP/1.0 without Host": "GET /rdr/pprdr.asp HTTP/1.0\r\n\r\n",
		"no version":            "GET /rdr/pprdr.asp\r\n\r\n",
		"LF only":               "GET /rdr/pprdr.asp HTTP/1.1\nHost: nexus.passport.com\n\n",
		"absolute form":         "GET https://nexus.passport.com:443/rdr/pprdr.asp HTTP/1.1\r\n\r\n",
		"a query":               "GET /rdr/pprdr.asp?x=1 HTTP/1.1\r\n\r\n",
		"empty lines first":     "\r\n\r\nGET /rdr/pprdr.asp HTTP/1.1\r\n\r\n",
		"more than one request": "GET /rdr/pprdr.asp HTTP/1.1\r\n\r\nGET /rdr/pprdr.asp HTTP/1.1\r\n\r\n",
	} {
		got := w.askHTTPS(request)
		if want := nexusAnswer(dateOf(got)); got != want {
			t.Errorf("%s: answered\n%q\nwant\n%q", name, got, want)
		}
	}
}

func TestRequestsInOneByteWrites(t *testing.T) {
	w := newWorld(t, nil)
	send := func(c net.Conn, request string) string {
		for i := range len(request) {
			if _, err := io.WriteString(c, request[i:i+1]); err != nil {
				t.Fatal(err)
			}
		}
		return w.exchange(c, "")
	}
	got := send(w.dial(), "GET /rdr/pprdr.asp\r\n\r\n")
	if got != nexusAnswer(dateOf(got)) {
		t.Errorf("nexus: %q", got)
	}
	got = send(w.dial(), "GET /login2.srf\nAuthorization: Passport1.4 sign-in=alice@example.com,pwd=secret"+challenge+"\n\n")
	if w.ticket(got) == "" {
		t.Errorf("login: %q", got)
	}
}

func TestRequestsThatCannotBeServed(t *testing.T) {
	w := newWorld(t, nil)
	for name, c := range map[string]struct{ request, want string }{
		"binary":                    {"\x00\x01\x02\x03", "400 Bad Request"},
		"a TLS hello":               {"\x16\x03\x01\x02\x00\x01", "400 Bad Request"},
		"no target":                 {"GET\r\n\r\n", "400 Bad Request"},
		"a version for a target":    {"GET HTTP/1.1\r\n\r\n", "400 Bad Request"},
		"NUL in a header":           {"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n", "400 Bad Request"},
		"a line without end":        {"GET /" + strings.Repeat("a", 1<<20), "431 Request Header Fields Too Large"},
		"a header of more than 8K":  {"GET / HTTP/1.1\r\nA: " + strings.Repeat("a", 8193) + "\r\n\r\n", "431 Request Header Fields Too Large"},
		"a folded one of over 8K":   {"GET / HTTP/1.1\r\nA: a\r\n" + strings.Repeat(" "+strings.Repeat("a", 1000)+"\r\n", 9) + "\r\n", "431 Request Header Fields Too Large"},
		"more than 100 headers":     {"GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 101) + "\r\n", "431 Request Header Fields Too Large"},
		"more than 100 lines":       {"GET / HTTP/1.1\r\nA: a\r\n" + strings.Repeat(" b\r\n", 100) + "\r\n", "431 Request Header Fields Too Large"},
		"headers of more than 16K":  {"GET / HTTP/1.1\r\n" + strings.Repeat("A: "+strings.Repeat("b", 200)+"\r\n", 90) + "\r\n", "431 Request Header Fields Too Large"},
		"a body of more than 64K":   {"POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", "413 Request Entity Too Large"},
		"a length past all numbers": {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", "413 Request Entity Too Large"},
		"a length below zero":       {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400 Bad Request"},
		"chunks":                    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411 Length Required"},
		"an unknown path":           {"GET /nothing HTTP/1.1\r\n\r\n", "404 Not Found"},
		"the nexus on port 80":      {"GET /rdr/pprdr.asp HTTP/1.1\r\n\r\n", "404 Not Found"},
		"an unknown method":         {"BREW /help HTTP/1.1\r\n\r\n", "404 Not Found"},
	} {
		conn := w.dialPlain()
		written := make(chan struct{})
		go func() {
			defer close(written)
			_, _ = io.WriteString(conn, c.request) // the server may answer before it has read all
		}()
		got, _ := io.ReadAll(conn)
		<-written
		want := "HTTP/1.1 " + c.want + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
		if string(got) != want {
			t.Errorf("%s: answered %.200q, want %q", name, got, want)
		}
	}
}

func TestHalfARequestGetsNoAnswer(t *testing.T) {
	w := newWorld(t, nil)
	for _, request := range []string{"", "GET", "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345"} {
		c := w.dialPlain()
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); err != nil || len(got) > 0 {
			t.Errorf("%q: answered %q, %v", request, got, err)
		}
	}
}

func TestPlainServices(t *testing.T) {
	w := newWorld(t, nil)
	for name, c := range map[string]struct{ request, head, contains string }{
		"tabs":             {"GET /svcs/mms/tabs.asp?lc=0x0409 HTTP/1.1\r\nHost: svcs.microsoft.com\r\n\r\n", "HTTP/1.1 200 OK\r\n", "<msntabdata></msntabdata>"},
		"portal":           {"GET /svcs/mms/portal.asp HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Monarch Today"},
		"address book":     {"GET /svcs/mms/abch_config.asp HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "<percent>0</percent>"},
		"redirector":       {"GET /5meen_us/60 HTTP/1.1\r\nHost: G.MSN.com\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: https://msn.example.com/help\r\n", ""},
		"advertisements":   {"GET /ADSAdClient31.dll HTTP/1.1\r\nHost: rad.msn.com:80\r\n\r\n", "HTTP/1.1 200 OK\r\n", ""},
		"a test of a port": {"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\n", ""},
		"absolute form":    {"GET http://rad.msn.com/x HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", ""},
		"login in clear":   {"GET /login2.srf HTTP/1.1\r\nAuthorization: Passport1.4 sign-in=alice@example.com,pwd=secret\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", ""},
		"web login":        {"POST /ppsecure/md5auth.srf HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", ""},
		"head of a page":   {"HEAD /help HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", ""},
	} {
		got := w.askHTTP(c.request)
		if !strings.HasPrefix(got, c.head) || !strings.Contains(body(got), c.contains) || c.contains == "" && body(got) != "" {
			t.Errorf("%s: answered %q", name, got)
		}
	}
}
