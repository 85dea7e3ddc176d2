package web_test

import (
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestHome(t *testing.T) {
	s := open(t)
	s.browse().get("/").wants(t, http.StatusOK, "Test Service", "Nobody is on line", `<html lang="en">`)
}

func TestWhoGoesAstrayFindsAPage(t *testing.T) {
	s := open(t)
	s.browse().get("/nowhere").wants(t, http.StatusNotFound, "Nothing here", `href="/"`)
}

func TestEveryPageIsProtected(t *testing.T) {
	s := open(t)
	for _, path := range []string{"/", "/nowhere", "/static/nothing"} {
		h := s.browse().get(path).Header
		if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; script-src 'self';") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestLanguage(t *testing.T) {
	s := open(t)
	for _, c := range []struct{ accepts, lang string }{
		{"", "en"}, {"de-AT,de;q=0.9,en;q=0.5", "de"}, {"es-419", "es"}, {"fr, es;q=0.5", "es"}, {"ja", "en"}, {"!!!", "en"},
	} {
		b := s.browse()
		b.header.Set("Accept-Language", c.accepts)
		b.get("/").wants(t, http.StatusOK, `<html lang="`+c.lang+`">`)
	}
}

func TestLanguageAndThemeAreKept(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.send("/design?a=b", "/language", "language", "de").leadsTo(t, "/design?a=b")
	b.send("/", "/theme", "theme", "dark").leadsTo(t, "/")
	b.get("/").wants(t, http.StatusOK, `<html lang="de">`, `content="dark"`)
	b.send("/", "/theme", "theme", "auto").leadsTo(t, "/")
	b.get("/").wants(t, http.StatusOK, `content="light dark"`)
	b.send("/", "/language", "language", "xx", "back", "//elsewhere.example/").leadsTo(t, "/")
	b.get("/").wants(t, http.StatusOK, `<html lang="de">`)
}

func TestFormsFromElsewhere(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.get("/")
	b.post("/theme", url.Values{"theme": {"dark"}}).wants(t, http.StatusForbidden, "Please try once more")
	b.send("/", "/theme", "theme", "dark", "_csrf", "guess").wants(t, http.StatusForbidden)
	b.header.Set("Sec-Fetch-Site", "cross-site")
	b.send("/", "/theme", "theme", "dark").wants(t, http.StatusForbidden)
	b.header.Set("Sec-Fetch-Site", "same-origin")
	b.send("/", "/theme", "theme", "dark").leadsTo(t, "/")
	stranger := s.browse()
	stranger.submit(b.get("/"), "/theme", "theme", "dark").wants(t, http.StatusForbidden)
}

func TestFormsHaveALimit(t *testing.T) {
	s := open(t)
	s.browse().send("/", "/theme", "theme", strings.Repeat("x", 70<<10)).wants(t, http.StatusRequestEntityTooLarge, "That was too much")
}

func TestWhoSaysNothingHoldsUpNobody(t *testing.T) {
	const longer = 4 * time.Second // net/http alone waits for somebody who has said nothing
	shortest := time.Duration(math.MaxInt64)
	for attempt := 0; attempt < 5 && shortest > longer; attempt++ { // the machine may be as slow as that, but not always
		s := open(t)
		c, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s.browse().get("/") // the other connection was accepted before
		began := time.Now()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		shortest = min(shortest, time.Since(began))
	}
	if shortest > longer {
		t.Errorf("it takes %v at the shortest", shortest)
	}
}
