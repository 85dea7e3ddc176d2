package passport_test

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/passport"
)

func TestLoginReadsEveryFormOfHeader(t *testing.T) {
	w := newWorld(t, nil)
	w.addUser("odd@example.com", `a,b=c%2Cd+e'f`)
	w.addUser("utf8@example.com", "pässwörd€")
	w.addUser("bytes@example.com", "p\xe4ss")
	w.addUser("lc@example.com", "x,lc=y")
	every := new(strings.Builder)
	for _, c := range []byte("alice@example.com") {
		fmt.Fprintf(every, "%%%02x", c)
	}
	const org = "OrgVerb=GET,OrgURL=http%3A%2F%2Fmessenger%2Emsn%2Ecom,"
	for name, c := range map[string]struct {
		authorization string
		want          bool
	}{
		"official client":                  {org + "sign-in=alice%40example.com,pwd=secret" + challenge, true},
		"bare @":                           {org + "sign-in=alice@example.com,pwd=secret" + challenge, true},
		"every byte encoded":               {org + "sign-in=" + every.String() + ",pwd=%73%65%63%72%65%74,lc=1033", true},
		"capitals in the name":             {"sign-in=Alice@Example.com,pwd=secret,lc=1033", true},
		"another spelling of OrgURL":       {"OrgVerb=GET,OrgUrl=x,sign-in=alice@example.com,pwd=secret" + challenge, true},
		"nothing before the name":          {"sign-in=alice@example.com,pwd=secret" + challenge, true},
		"blanks before":                    {"   sign-in=alice@example.com,pwd=secret" + challenge, true},
		"no challenge":                     {"sign-in=alice@example.com,pwd=secret", true},
		"a challenge of nothing but nulls": {"sign-in=alice@example.com,pwd=secret,lc=(null),id=(null)", true},
		"odd password, encoded":            {"sign-in=odd@example.com,pwd=" + url.PathEscape(`a,b=c%2Cd+e'f`) + challenge, true},
		"odd password, commas bare":        {"sign-in=odd@example.com,pwd=a,b=c%252Cd+e'f" + challenge, true},
		"plus is a plus":                   {"sign-in=odd@example.com,pwd=a%2Cb%3Dc%252Cd%20e%27f" + challenge, false},
		"lc in the password":               {"sign-in=lc@example.com,pwd=x,lc=y" + challenge, true},
		"UTF-8, encoded":                   {"sign-in=utf8@example.com,pwd=" + url.PathEscape("pässwörd€") + challenge, true},
		"UTF-8, bare":                      {"sign-in=utf8@example.com,pwd=pässwörd€" + challenge, true},
		"ANSI, encoded":                    {"sign-in=utf8@example.com,pwd=p%E4ssw%F6rd%80" + challenge, true},
		"ANSI, bare":                       {"sign-in=utf8@example.com,pwd=p\xe4ssw\xf6rd\x80" + challenge, true},
		"ANSI as stored":                   {"sign-in=bytes@example.com,pwd=p%e4ss" + challenge, true},
		"wrong password":                   {"sign-in=alice@example.com,pwd=Secret" + challenge, false},
		"empty password":                   {"sign-in=alice@example.com,pwd=" + challenge, false},
		"password missing":                 {"sign-in=alice@example.com" + challenge, false},
		"name missing":                     {"pwd=secret" + challenge, false},
		"nobody":                           {"sign-in=nobody@example.com,pwd=secret" + challenge, false},
		"no address":                       {"sign-in=alice,pwd=secret" + challenge, false},
		"percent without digits":           {"sign-in=alice@example.com,pwd=%zz" + challenge, false},
		"percent at the end":               {"sign-in=alice@example.com,pwd=secret%4", false},
	} {
		if got := w.logIn(c.authorization); (w.ticket(got) != "") != c.want {
			t.Errorf("%s: answered %q", name, got)
		}
	}
}

func TestLoginTakesEveryFormOfRequest(t *testing.T) {
	w := newWorld(t, func(c *passport.Config) { c.LoginURL = "short.example.com/l" })
	const right, wrong = "Authorization: Passport1.4 sign-in=alice@example.com,pwd=secret,lc=1033", "Authorization: Passport1.4 sign-in=alice@example.com,pwd=x,lc=1033"
	for name, c := range map[string]struct {
		request string
		want    bool
	}{
		"HTTP/1.1":               {"GET /login2.srf HTTP/1.1\r\nHost: login.passport.com\r\n" + right + "\r\n\r\n", true},
		"HTTP/1.0":               {"GET /login2.srf HTTP/1.0\r\n" + right + "\r\n\r\n", true},
		"no version":             {"GET /login2.srf\r\n" + right + "\r\n\r\n", true},
		"LF only":                {"GET /login2.srf HTTP/1.1\n" + right + "\n\n", true},
		"POST with a body":       {"POST /login2.srf HTTP/1.1\r\n" + right + "\r\nContent-Length: 4\r\n\r\nabcd", true},
		"another path":           {"GET /login.srf?lc=1033 HTTP/1.1\r\n" + right + "\r\n\r\n", true},
		"the path of the nexus":  {"GET /l HTTP/1.1\r\n" + right + "\r\n\r\n", true},
		"another host":           {"GET /login2.srf HTTP/1.1\r\nHost: whatever\r\n" + right + "\r\n\r\n", true},
		"scheme in small":        {"GET /login2.srf HTTP/1.1\r\nauthorization: passport1.4   sign-in=alice@example.com,pwd=secret\r\n\r\n", true},
		"first of two headers":   {"GET /login2.srf HTTP/1.1\r\n" + right + "\r\n" + wrong + "\r\n\r\n", true},
		"second of two headers":  {"GET /login2.srf HTTP/1.1\r\n" + wrong + "\r\n" + right + "\r\n\r\n", false},
		"a header of 8 KiB":      {"GET /login2.srf HTTP/1.1\r\n" + right + strings.Repeat("x", 8192-len(right)+len("Authorization: ")) + "\r\n\r\n", true},
		"no header":              {"GET /login2.srf HTTP/1.1\r\n\r\n", false},
		"another scheme":         {"GET /login2.srf HTTP/1.1\r\nAuthorization: Basic sign-in=alice@example.com,pwd=secret\r\n\r\n", false},
		"scheme without a blank": {"GET /login2.srf HTTP/1.1\r\nAuthorization: Passport1.4sign-in=alice@example.com,pwd=secret\r\n\r\n", false},
		"scheme by itself":       {"GET /login2.srf HTTP/1.1\r\nAuthorization: Passport1.4\r\n\r\n", false},
	} {
		if got := w.askHTTPS(c.request); (w.ticket(got) != "") != c.want {
			t.Errorf("%s: answered %.500q", name, got)
		}
	}
}

func TestSuccessComesInOneRead(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial()
	if _, err := io.WriteString(c, "GET /login2.srf HTTP/1.0\r\nAuthorization: Passport1.4 sign-in=alice@example.com,pwd=secret,lc=1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2048)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	got := string(b[:n])
	ticket := w.ticket(got)
	want := "HTTP/1.1 200 OK\r\n" +
		"Content-Type: text/html\r\n" +
		"Content-Length: 0\r\n" +
		"Cache-Control: no-cache\r\n" +
		"Authentication-Info: Passport1.4 da-status=success,tname=MSPAuth,tname=MSPProf,tname=MSPSec,from-PP='" + ticket + "',ru=http://messenger.msn.com\r\n" +
		"Connection: close\r\n\r\n"
	if got != want {
		t.Errorf("first read:\n%q\nwant\n%q", got, want)
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Errorf("then %q, %v", rest, err)
	}
	if !strings.HasPrefix(ticket, "t=") || !strings.Contains(ticket, "&p=") || strings.HasSuffix(ticket, "&p=") || len(ticket) > 300 {
		t.Errorf("ticket %q", ticket)
	}
}

func TestTicketIsBoundToAccountPasswordAndTime(t *testing.T) {
	w := newWorld(t, nil)
	const login = "sign-in=alice@example.com,pwd=secret"
	ticket := w.ticket(w.logIn(login))
	for range 2 {
		if got := w.opens(ticket); got.User != int64(w.alice.ID) || got.Credential != w.alice.Credential {
			t.Errorf("ticket says %+v, account is %+v", got, w.alice)
		}
	}
	hash, err := w.hasher.Hash(t.Context(), "other")
	w.must(err)
	w.must(w.store.SetPassword(t.Context(), w.alice.ID, hash))
	if got := w.opens(w.ticket(w.logIn("sign-in=alice@example.com,pwd=other"))); got.Credential == w.alice.Credential {
		t.Error("a new password and the same credential count")
	}
	w.clock.Advance(11 * time.Minute)
	if _, err := w.signer.OpenTicket(ticket, w.clock.Now(), 10*time.Minute); !errors.Is(err, auth.ErrTicket) {
		t.Errorf("after 11 minutes: %v", err)
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	w := newWorld(t, withRates)
	for range 7 {
		w.logIn("sign-in=alice@example.com,pwd=Hush1Hush" + challenge)
	}
	w.ticket(w.askHTTPS("GET /login2.srf HTTP/1.1\r\nAuthorization: Passport1.4 sign-in=other@example.com,pwd=Hush2Hush\r\n\r\n"))
	w.askHTTP("GET /nothing?pwd=Hush3Hush HTTP/1.1\r\nAuthorization: Hush4Hush\r\n\r\n")
	if strings.Contains(w.log.String(), "Hush") {
		t.Errorf("logged: %s", w.log)
	}
	if n := strings.Count(w.log.String(), "held back"); n != 1 {
		t.Errorf("limit logged %d times: %s", n, w.log)
	}
}

func TestNoLimitWhenRatesAreOff(t *testing.T) {
	w := newWorld(t, nil)
	for range 10 {
		w.logIn("sign-in=alice@example.com,pwd=wrong")
	}
	if w.ticket(w.logIn("sign-in=alice@example.com,pwd=secret")) == "" {
		t.Error("held back")
	}
}

func TestBusyServerSaysSo(t *testing.T) {
	w := newWorld(t, withHasher(auth.NewHasher(0, 0, cheap)))
	for _, got := range []string{
		w.logIn("sign-in=alice@example.com,pwd=secret"),
		w.logIn("sign-in=nobody@example.com,pwd=secret"),
		w.askHTTPS(rstRequest("alice@example.com", "secret")),
	} {
		if !isUnavailable(got) {
			t.Errorf("answered %q", got)
		}
	}
	if n := w.desk.Counts.Busy.Load(); n != 3 {
		t.Errorf("counted %d", n)
	}
}

func isUnavailable(answer string) bool {
	return strings.HasPrefix(answer, "HTTP/1.1 503 Service Unavailable\r\n") && strings.Contains(answer, "\r\nRetry-After: 30\r\n")
}

// More people sign in at once than there is room for: some get in, one after the other, and the
// others are told at once to come back.
func TestACrowdSignsInAFewAtATime(t *testing.T) {
	const crowd, room = 24, 3
	w := newWorld(t, withHasher(auth.NewHasher(1, room-1, cheap)))
	// What takes long is to check a hash that was made with much effort.
	hash, err := auth.NewHasher(1, 0, auth.Params{Memory: 32 * 1024, Time: 8}).Hash(t.Context(), "secret")
	w.must(err)
	w.must(w.store.SetPassword(t.Context(), w.alice.ID, hash))

	answers := make([]string, crowd)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = w.logIn("sign-in=alice@example.com,pwd=secret") })
	}
	all.Wait()
	var in, busy int
	for _, got := range answers {
		switch {
		case isUnavailable(got):
			busy++
		case w.ticket(got) != "":
			in++
		default:
			t.Errorf("answered %q", got)
		}
	}
	if in < room || busy == 0 || w.desk.Counts.Busy.Load() != uint64(busy) {
		t.Errorf("%d got in, %d were turned away, and %d were counted", in, busy, w.desk.Counts.Busy.Load())
	}
	if w.ticket(w.logIn("sign-in=alice@example.com,pwd=secret")) == "" {
		t.Error("still busy")
	}
}

func TestRedirection(t *testing.T) {
	w := newWorld(t, func(c *passport.Config) { c.Redirects = map[string]string{"example.com": "loginnet.passport.com"} })
	const authorization = "Authorization: Passport1.4 sign-in=alice%40example.com,pwd=secret,lc=1033\r\n\r\n"
	want := "HTTP/1.1 302 Found\r\nLocation: https://loginnet.passport.com/login2.srf?lc=1033\r\n" +
		"Authentication-Info: Passport1.4 da-status=redir\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	for _, start := range []string{"GET /login2.srf HTTP/1.0\r\n", "GET /login2.srf HTTP/1.1\r\nHost: login.passport.com\r\n"} {
		if got := w.askHTTPS(start + authorization); got != want {
			t.Errorf("%q: answered %q", start, got)
		}
	}
	for _, start := range []string{"GET /login2.srf?lc=1033 HTTP/1.0\r\n", "GET /login2.srf?lc=1033 HTTP/1.1\r\nHost: LoginNet.passport.com:443\r\n"} {
		if got := w.askHTTPS(start + authorization); w.ticket(got) == "" {
			t.Errorf("%q: answered %q", start, got)
		}
	}
}

func TestOldHashIsMadeAnewAtSignIn(t *testing.T) {
	stronger := auth.NewHasher(2, 64, auth.Params{Memory: 16, Time: 1})
	w := newWorld(t, withHasher(stronger))
	if w.ticket(w.logIn("sign-in=alice@example.com,pwd=secret")) == "" {
		t.Fatal("refused")
	}
	user, err := w.store.UserByID(t.Context(), w.alice.ID)
	w.must(err)
	if stronger.Outdated(user.PasswordHash) || user.Credential != w.alice.Credential {
		t.Errorf("stored %q, credential %d", user.PasswordHash, user.Credential)
	}
	if w.ticket(w.logIn("sign-in=alice@example.com,pwd=secret")) == "" {
		t.Error("refused with the new hash")
	}
}

func rstRequest(name, password string) string {
	envelope := `<?xml version="1.0" encoding="UTF-8"?><Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/" ` +
		`xmlns:wsse="http://schemas.xmlsoap.org/ws/2003/06/secext"><Header><wsse:Security><wsse:UsernameToken Id="user">` +
		`<wsse:Username>` + name + `</wsse:Username><wsse:Password>` + password + `</wsse:Password>` +
		`</wsse:UsernameToken></wsse:Security></Header><Body/></Envelope>`
	return fmt.Sprintf("POST /RST.srf HTTP/1.0\r\nHost: loginnet.passport.com\r\nContent-Length: %d\r\n\r\n%s", len(envelope), envelope)
}

func TestSOAPLogin(t *testing.T) {
	w := newWorld(t, nil)
	w.addUser("xml@example.com", `<&>"'`)
	for name, request := range map[string]string{
		"plain":   rstRequest("alice@example.com", "secret"),
		"escaped": rstRequest("xml@example.com", "&lt;&amp;&gt;&quot;&apos;"),
	} {
		got := w.askHTTPS(request)
		_, rest, _ := strings.Cut(got, `<wst:RequestedSecurityToken><wsse:BinarySecurityToken Id="PPToken1">`)
		ticket, _, ok := strings.Cut(rest, "</wsse:BinarySecurityToken></wst:RequestedSecurityToken>")
		if !ok || !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: ") {
			t.Errorf("%s: answered %q", name, got)
			continue
		}
		w.opens(strings.ReplaceAll(ticket, "&amp;", "&"))
	}
	for name, request := range map[string]string{
		"wrong password": rstRequest("alice@example.com", "wrong"),
		"nobody":         rstRequest("nobody@example.com", "secret"),
		"nonsense":       "POST /RST.srf HTTP/1.1\r\nContent-Length: 5\r\n\r\n<a><b",
		"no body":        "POST /RST.srf HTTP/1.1\r\n\r\n",
		"an own entity":  rstRequest("alice@example.com", "&own;"),
		"a DTD":          strings.Replace(rstRequest("alice@example.com", "secret"), `<?xml version="1.0" encoding="UTF-8"?>`, `<!DOCTYPE a [<!ENTITY x "yyyyy">]>    `, 1),
	} {
		got := w.askHTTPS(request)
		if !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") ||
			!strings.Contains(got, "<S:Fault><faultcode>wsse:FailedAuthentication</faultcode><faultstring>Authentication Failure</faultstring></S:Fault></S:Envelope>") {
			t.Errorf("%s: answered %q", name, got)
		}
	}
}

func TestWebSignIn(t *testing.T) {
	w := newWorld(t, nil)
	token := w.signer.WebToken(auth.Ticket{User: int64(w.alice.ID), Credential: w.alice.Credential, Issued: w.clock.Now()})
	post := func(token, more string) string {
		form := "mode=ttl&login=alice&username=alice@example.com&sid=507&auth=" + url.QueryEscape(token) + "&creds=0123" + more
		return w.askHTTPS(fmt.Sprintf("POST /ppsecure/md5auth.srf?lc=1033 HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", len(form), form))
	}
	for form, target := range map[string]string{
		"&rru=/mail/inbox":                             "/mail/inbox",
		"&rru=%2Fmail%2Ffolders%3Fa%3Db":               "/mail/folders",
		"&ru=https://msn.example.com/profile":          "/profile",
		"&ru=https://evil.example.com/profile":         "/help",
		"&ru=https://msn.example.com.evil.org/profile": "/help",
		"&rru=//evil.example.com/profile":              "/help",
		"&rru=/nothing":                                "/help",
		"&rru=/profile%0d%0aX:y":                       "/help",
		"":                                             "/help",
	} {
		got := post(token, form)
		if want := "HTTP/1.1 302 Found\r\nLocation: https://msn.example.com" + target + "\r\n"; !strings.HasPrefix(got, want) {
			t.Errorf("%s: answered %q", form, got)
		}
	}
	refused := func(why, answer string) {
		if !strings.HasPrefix(answer, "HTTP/1.1 403 Forbidden\r\n") || !strings.Contains(answer, "sign in again") {
			t.Errorf("%s: answered %q", why, answer)
		}
	}
	ticket := w.ticket(w.logIn("sign-in=alice@example.com,pwd=secret"))
	refused("a ticket for a token", post(ticket, "&rru=/mail/inbox"))
	refused("no token", post("", "&rru=/mail/inbox"))
	refused("GET", w.askHTTPS("GET /ppsecure/md5auth.srf?lc=1033 HTTP/1.1\r\n\r\n"))
	w.must(w.store.SetDisabled(t.Context(), w.alice.ID, true))
	refused("locked account", post(token, "&rru=/mail/inbox"))
	w.must(w.store.SetDisabled(t.Context(), w.alice.ID, false))
	refused("lock-out since", post(token, "&rru=/mail/inbox"))
	w.clock.Advance(2 * time.Hour)
	refused("old token", post(token, "&rru=/mail/inbox"))
}

func TestEveryPageIsThere(t *testing.T) {
	w := newWorld(t, nil)
	paths := []string{"/help", "/register", "/privacy", "/redir"}
	for _, p := range im.Pages() {
		paths = append(paths, p.Path)
	}
	for _, path := range paths {
		if got := w.askHTTP("GET " + path + "?lc=1033 HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.Contains(got, "<h1>") {
			t.Errorf("%s: answered %.200q", path, got)
		}
		got := w.askHTTPS("GET " + path + " HTTP/1.1\r\nHost: im.example.com:443\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 302 ") || !strings.Contains(got, "\r\nLocation: http://im.example.com"+path+"\r\n") || strings.Contains(got, "<") {
			t.Errorf("%s where TLS of old is spoken: answered %.200q", path, got)
		}
	}
}
