package passport_test

import (
	"context"
	"strings"
	"testing"

	"monarch/internal/passport"
)

// page returns what the page at a path says.
func (w *world) page(path string) string {
	w.t.Helper()
	got := w.askHTTP("GET " + path + " HTTP/1.0\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") {
		w.t.Fatalf("%s: answered %.200q", path, got)
	}
	return body(got)
}

func TestPagesLeadToTheWebsite(t *testing.T) {
	w := newWorld(t, func(c *passport.Config) { c.Site, c.Limits.Join = "https://im.example.com", true })
	link := func(path string) string {
		return `<a href="https://im.example.com` + path + `">https://im.example.com` + path + `</a>`
	}
	for path, wants := range map[string][]string{
		"/register": {link("/join")},
		"/password": {link("/account"), link("/reset")},
		"/person":   {link("/account")},
		"/addrbook": {link("/account/contacts")},
		"/help":     {link("/connect")},
		"/privacy":  {link("/account/data")},
	} {
		page := w.page(path)
		for _, want := range append(wants, "too old for the website") {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %s:\n%s", path, want, page)
			}
		}
	}
	if page := w.page("/svcs/mms/portal.asp"); !strings.Contains(page, `<a href="https://im.example.com/"`) {
		t.Errorf("the start page of the client:\n%s", page)
	}
	for _, path := range []string{"/redir", "/chat", "/mobile"} {
		if page := w.page(path); strings.Contains(page, "im.example.com") {
			t.Errorf("%s leads to the website:\n%s", path, page)
		}
	}
}

func TestOperatorsMakeAccountsWhereNobodyElseDoes(t *testing.T) {
	const ask = "made by the people who run it"
	w := newWorld(t, func(c *passport.Config) { c.Limits.Join = true }) // but there is no website
	for path, want := range map[string]string{"/register": ask, "/password": "changed by the people who run it"} {
		if page := w.page(path); !strings.Contains(page, want) || strings.Contains(page, "website") {
			t.Errorf("%s:\n%s", path, page)
		}
	}
	w = newWorld(t, func(c *passport.Config) { c.Site = "http://im.example.com:8080" })
	if page := w.page("/register"); !strings.Contains(page, ask) || strings.Contains(page, "website") {
		t.Errorf("where nobody may join:\n%s", page)
	}
	if page := w.page("/password"); !strings.Contains(page, "http://im.example.com:8080/reset") {
		t.Errorf("the password of who has an account:\n%s", page)
	}
	w.srv.SetLimits(passport.Limits{Join: true})
	if page := w.page("/register"); !strings.Contains(page, "http://im.example.com:8080/join") || strings.Contains(page, ask) {
		t.Errorf("since everybody may:\n%s", page)
	}
}

func TestAnAuthorityIsAnswered(t *testing.T) {
	w := newWorld(t, func(c *passport.Config) {
		c.Challenge = func(_ context.Context, token string) (string, bool) { return token + ".print", token == "Abc-1_2" }
	})
	const path = "/.well-known/acme-challenge/"
	for request, want := range map[string]string{
		"GET " + path + "Abc-1_2 HTTP/1.1\r\nHost: im.example.com\r\n\r\n": "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 13\r\nConnection: close\r\n\r\nAbc-1_2.print",
		"HEAD " + path + "Abc-1_2 HTTP/1.0\r\n\r\n":                        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 13\r\nConnection: close\r\n\r\n",
		"GET " + path + "abc-1_2 HTTP/1.0\r\n\r\n":                         "HTTP/1.1 404 Not Found\r\n",
		"GET " + path + " HTTP/1.0\r\n\r\n":                                "HTTP/1.1 404 Not Found\r\n",
		"POST " + path + "Abc-1_2 HTTP/1.0\r\nContent-Length: 0\r\n\r\n":   "HTTP/1.1 404 Not Found\r\n",
	} {
		if got := w.askHTTP(request); !strings.HasPrefix(got, want) || strings.HasSuffix(want, "print") && got != want {
			t.Errorf("%q: answered %q", request, got)
		}
	}
	without := newWorld(t, nil)
	if got := without.askHTTP("GET " + path + "Abc-1_2 HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 404 ") {
		t.Errorf("where no authority is expected: %q", got)
	}
}
