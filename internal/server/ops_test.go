package server_test

import (
	"io"
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
