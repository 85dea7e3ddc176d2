package web_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"monarch/internal/account"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/gate"
	"monarch/internal/hub"
	"monarch/internal/login"
	"monarch/internal/metrics"
	"monarch/internal/store"
	"monarch/internal/web"
)

func TestMain(m *testing.M) {
	// net/http stays with a connection for half a second whose request it has not read to its end.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// site is a website that serves on a socket.
type site struct {
	*web.Server
	t      testing.TB
	base   string // its address, without a slash at the end
	store  *store.Store
	hub    *hub.Hub
	hasher *auth.Hasher
	clock  *clock.Clock
}

// open starts a site, which ends with the test. Tests may change how it is made.
func open(t testing.TB, change ...func(*web.Config)) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, base: "http://" + l.Addr().String(), clock: clock.New()}
	t.Cleanup(s.clock.Close)
	s.hub = hub.New(s.clock, 0)
	if s.store, err = store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "monarch.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close() })
	log := slog.New(slog.DiscardHandler)
	s.hasher = auth.NewHasher(2, 64, auth.Params{Memory: 64, Time: 1})
	cfg := web.Config{
		Login:   login.New(login.Config{Store: s.store, Hasher: s.hasher, Clock: s.clock, Log: log, Limits: login.Limits{Rates: true}}),
		Account: &account.Service{Store: s.store, Hub: s.hub, Hasher: s.hasher, Clock: s.clock, Log: log},
		Limits:  web.Limits{Rates: true, Registration: web.Open},
		Store:   s.store, Hub: s.hub, Clock: s.clock, Log: log, Name: "Test Service", URL: s.base, Host: "127.0.0.1",
		Gate: gate.New(metrics.New(), log, gate.Networks{}, gate.Limits{}),
	}
	for _, fn := range change {
		fn(&cfg)
	}
	if s.Server, err = web.New(cfg); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l, nil) }()
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s
}

// browser is somebody with cookies, who speaks a language and follows no redirects by himself.
type browser struct {
	t      testing.TB
	client *http.Client
	base   string
	header http.Header
}

// browse returns a browser without JavaScript.
func (s *site) browse() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &browser{
		t: s.t, base: s.base, header: make(http.Header),
		client: &http.Client{
			Jar: jar, Transport: transport, Timeout: time.Minute,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// answer is what came back, read to its end.
type answer struct {
	*http.Response
	text string
}

func (b *browser) do(q *http.Request) answer {
	b.t.Helper()
	for name, values := range b.header {
		q.Header[name] = values
	}
	resp, err := b.client.Do(q)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp, string(text)}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	q, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(q)
}

// post sends a form, as it is given.
func (b *browser) post(path string, values url.Values) answer {
	b.t.Helper()
	q, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+path, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(q)
}

// hidden matches the hidden fields of a form.
var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// send gets a page, fills in fields of the form that is sent to a path, and sends it. Fields are
// given in pairs.
func (b *browser) send(page, to string, fields ...string) answer {
	b.t.Helper()
	return b.submit(b.get(page), to, fields...)
}

// submit does the same with a page that is there.
func (b *browser) submit(page answer, to string, fields ...string) answer {
	b.t.Helper()
	_, form, found := strings.Cut(page.text, ` action="`+to+`"`)
	if !found {
		b.t.Fatalf("%s has no form for %s:\n%s", page.Request.URL, to, page.text)
	}
	form, _, _ = strings.Cut(form, "</form>")
	values := make(url.Values)
	for _, field := range hidden.FindAllStringSubmatch(form, -1) {
		values.Set(field[1], field[2])
	}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return b.post(to, values)
}

// wants fails unless the answer has a status and shows texts.
func (a answer) wants(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s %s: status %d, want %d\n%s", a.Request.Method, a.Request.URL, a.StatusCode, status, a.text)
	}
	for _, text := range texts {
		if !strings.Contains(a.text, text) {
			t.Errorf("%s %s does not say %q:\n%s", a.Request.Method, a.Request.URL, text, a.text)
		}
	}
}

// leadsTo fails unless the answer sends the browser elsewhere.
func (a answer) leadsTo(t testing.TB, path string) {
	t.Helper()
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != path {
		t.Errorf("%s %s: status %d to %q, want %q\n%s", a.Request.Method, a.Request.URL, a.StatusCode, a.Header.Get("Location"), path, a.text)
	}
}

// read returns what is in a file.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
