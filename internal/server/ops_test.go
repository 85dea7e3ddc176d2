package server_test

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"monarch/internal/msntest"
)

// ask gets a path of the operators' listener.
func ask(t *testing.T, f *msntest.Fixture, path string) (status int, body string) {
	t.Helper()
	res, err := http.Get("http://" + f.Server.Addr("ops") + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// TestOpsAnswerToNamesOfTheirOwn asks as a page in a browser of the operator's machine would, whose name
// somebody has led to 127.0.0.1.
func TestOpsAnswerToNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	here := msntest.Start(t, map[string]string{"service.host": "im.example.com", "cluster.node": "node-1"})
	everywhere := msntest.Start(t, map[string]string{"ops.listen": ":0"})
	_, port, err := net.SplitHostPort(here.Server.Addr("ops"))
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := net.SplitHostPort(everywhere.Server.Addr("ops"))
	if err != nil {
		t.Fatal(err)
	}
	get := func(port, host, path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	for _, host := range []string{"127.0.0.1:" + port, "127.0.0.1", "127.0.0.2", "[::1]:9090", "[::1]", "192.0.2.7", "localhost:9090", "LocalHost.", "a.localhost", "im.example.com:9090", "node-1"} {
		if status, body := get(port, host, "/metrics"); status != http.StatusOK {
			t.Errorf("%s: status %d, %s", host, status, body)
		}
	}
	for _, host := range []string{"evil.example", "evil.example:" + port, "127.0.0.1.evil.example", "localhost.evil.example", "notlocalhost", "1.evil.example."} {
		for _, path := range []string{"/metrics", "/debug/pprof/", "/api/v1/openapi.json", "/readyz"} {
			status, body := get(port, host, path)
			if status != http.StatusMisdirectedRequest || !strings.Contains(body, "Ask for 127.0.0.1") || strings.Count(body, "\n") != 1 {
				t.Errorf("%s%s: status %d, %s", host, path, status, body)
			}
		}
		if status, _ := get(other, host, "/metrics"); status != http.StatusOK {
			t.Errorf("%s, where all addresses are listened on: status %d", host, status)
		}
	}
	c, err := net.Dial("tcp", here.Server.Addr("ops"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /readyz HTTP/1.0\r\n\r\n"); err != nil { // as balancers do
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.0 200 ") {
		t.Errorf("of HTTP/1.0 without a name: %s, %v", answer, err)
	}
}

func TestOperatorsSeeTheRuntime(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	cycles := func() float64 {
		_, text := ask(t, f, "/metrics")
		_, after, found := strings.Cut(text, "\ngo_gc_cycles_total_gc_cycles_total ")
		number, _, _ := strings.Cut(after, "\n")
		n, err := strconv.ParseFloat(number, 64)
		if !found || err != nil {
			t.Fatalf("cycles of the garbage collector: %v in\n%s", err, text)
		}
		return n
	}
	before := cycles()
	if status, body := ask(t, f, "/debug/pprof/heap?gc=1"); status != http.StatusOK || body == "" {
		t.Errorf("heap profile: status %d, %d bytes", status, len(body))
	}
	if after := cycles(); after <= before {
		t.Errorf("%v cycles, and %v after one was asked for", before, after)
	}
	for path, want := range map[string]int{
		"/debug/pprof/": 200, "/debug/pprof/goroutine?debug=1": 200, "/debug/pprof/profile?seconds=1": 200,
		"/debug/pprof/cmdline": 404, "/debug/vars": 404,
	} {
		if status, _ := ask(t, f, path); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
	}
}
