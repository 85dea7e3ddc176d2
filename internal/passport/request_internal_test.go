package passport

import (
	"bufio"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

// This file is inside the package because a fuzzer needs the reader without a socket, and
// because nobody outside can see how much is remembered of guesses.

// FuzzRequest checks that the reader keeps its promises about whatever it is sent, and
// that the readers of what was sent do not fail over it.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET /rdr/pprdr.asp\r\n\r\n",
		"GET /rdr/pprdr.asp HTTP/1.0\n\n",
		"GET https://login.passport.com:443/login2.srf?lc=1033#x HTTP/1.1\r\nHost: [::1]:80\r\n folded\r\n\r\n",
		"GET /login2.srf HTTP/1.1\r\nAuthorization: Passport1.4 OrgVerb=GET,OrgURL=http%3A%2F%2Fmessenger%2Emsn%2Ecom,sign-in=a%40b.c,pwd=p%E4,x,lc=1033,lc=2\r\n\r\n",
		"POST /RST.srf HTTP/1.0\r\nContent-Length: 62\r\n\r\n<a><wsse:Username>a@b.c</wsse:Username><Password>&lt;</Password></a>",
		"POST /x HTTP/1.1\r\nContent-Length: 70000\r\n\r\n",
		"\r\n\r\n\x16\x03\x01",
		"G  /a b  HTTP/1.1\r\n: \r\nA:\x00\r\n\r\n",
		"GET / HTTP/1.1\r\nA: " + strings.Repeat("a", maxField) + "\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := readRequest(bufio.NewReaderSize(strings.NewReader(string(data)), maxHead), anyRoom)
		if err != nil {
			var status refusal
			if !errors.As(err, &status) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("error of neither kind: %v", err)
			}
			return
		}
		if q.path == "" && q.query == "" && !strings.Contains(string(data), "#") && !strings.Contains(string(data), "?") {
			t.Fatalf("no target: %+v", q)
		}
		if len(q.body) > maxBody || strings.ContainsAny(q.path+q.query+q.method, "\r\n\x00") {
			t.Fatalf("request %+v", q)
		}
		for _, h := range q.fields {
			if len(h.value) > maxField || strings.ContainsAny(h.name+h.value, "\n\x00") {
				t.Fatalf("header %+v", h)
			}
		}
		if c, ok := parseAuthorization(q.header("Authorization")); ok && len(c.passwords) == 0 {
			t.Fatalf("credentials %+v", c)
		}
		_, _ = xmlTexts(q.body, "Username", "Password")
		query(q.query)
	})
}

func anyRoom(int) bool { return true }

func TestABodyNeedsRoom(t *testing.T) {
	text := "POST / HTTP/1.1\r\nContent-Length: 7\r\n\r\n0123456"
	asked := 0
	_, err := readRequest(bufio.NewReaderSize(strings.NewReader(text), maxHead), func(n int) bool {
		asked = n
		return n > 7
	})
	if !errors.Is(err, refusal(503)) || asked != 7 {
		t.Errorf("%v after asking for %d bytes", err, asked)
	}
}

// What is kept of a head has been asked for, and is not much more than that.
func TestAHeadNeedsRoom(t *testing.T) {
	for what, line := range map[string]string{
		"many short lines": ":\n", "names": strings.Repeat("a", 100) + ":\n", "values": "a:" + strings.Repeat("b", 150) + "\n",
	} {
		text := "GET / HTTP/1.1\r\n" + strings.Repeat(line, maxLines) + "\r\n"
		room := 0
		kept := make([]*request, 50)
		before := heap()
		for i := range kept {
			var err error
			kept[i], err = readHead(bufio.NewReaderSize(strings.NewReader(text), maxHead), func(n int) bool {
				room += n
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if took := heap() - before; took > room*3/2 {
			t.Errorf("%s: %d bytes for each, %d were asked for", what, took/len(kept), room/len(kept))
		}
		if q := kept[0]; len(q.fields) != maxLines || q.held*len(kept) != room {
			t.Errorf("%s: %d fields, held %d", what, len(q.fields), q.held)
		}
		runtime.KeepAlive(kept)
		some := 200
		_, err := readHead(bufio.NewReaderSize(strings.NewReader(text), maxHead), func(n int) bool {
			some -= n
			return some >= 0
		})
		if !errors.Is(err, refusal(503)) {
			t.Errorf("%s, without room: %v", what, err)
		}
	}
}

// heap returns how many bytes are in use.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// The PROXY header of somebody who is no proxy of ours is no request.
func TestAProxyHeaderIsNoRequest(t *testing.T) {
	text := "PROXY TCP4 192.0.2.7 10.0.0.1 4321 80\r\nGET / HTTP/1.1\r\n\r\n"
	if _, err := readRequest(bufio.NewReaderSize(strings.NewReader(text), maxHead), anyRoom); !errors.Is(err, refusal(400)) {
		t.Error(err)
	}
}

// A connection that is kept carries one request after another, so there must be no doubt
// where one ends.
func TestRequestsOfDoubtfulLengthAreRefused(t *testing.T) {
	for _, head := range []string{
		"Content-Length: 0\r\nContent-Length: 7\r\n",
		"Content-Length: 7\r\ncontent-length: 7\r\n",
		"Transfer-Encoding: chunked\r\n",
		"Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n",
	} {
		text := "POST / HTTP/1.1\r\n" + head + "\r\n0123456"
		if _, err := readRequest(bufio.NewReaderSize(strings.NewReader(text), maxHead), anyRoom); err == nil {
			t.Errorf("%q is read", head)
		}
	}
}

// readRequest reads a request with its body.
func readRequest(r *bufio.Reader, room func(bytes int) bool) (*request, error) {
	q, err := readHead(r, room)
	if err != nil {
		return nil, err
	}
	return q, q.readBody(r, room)
}
