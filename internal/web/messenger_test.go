package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"monarch/internal/admin"
	"monarch/internal/auth"
	"monarch/internal/fleet"
	"monarch/internal/loopback"
	"monarch/internal/msntest"
	"monarch/internal/web"
)

// signing gives the site the keys of its database to sign tickets with.
func signing(t *testing.T) func(*web.Config) {
	return func(c *web.Config) {
		keys, err := c.Store.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Signer = auth.NewSigner(keys)
	}
}

// joined returns a browser in which somebody has signed in.
func (s *site) joined(handle string) *browser {
	s.t.Helper()
	s.add(handle, "a password")
	b := s.browse()
	b.signIn(handle, "a password").leadsTo(s.t, "/messenger")
	return b
}

func TestMessengerIsForWhoHasSignedIn(t *testing.T) {
	s := open(t, signing(t))
	s.browse().get("/messenger").leadsTo(t, "/signin?next=%2Fmessenger")
	b := s.joined("alice@example.com")
	b.get("/messenger").wants(t, http.StatusOK, `data-handle="alice@example.com"`, "/js/messenger/main.js", "/messages/en.json", "<noscript>")
	b.header.Set("Accept-Language", "de")
	b.get("/messenger").wants(t, http.StatusOK, "/messages/de.json", "Kontakte")
}

// formToken matches what the script of the page sends with its requests.
var formToken = regexp.MustCompile(`data-token="([^"]+)"`)

func TestTicketOfTheMessenger(t *testing.T) {
	var signer *auth.Signer
	s := open(t, signing(t), func(c *web.Config) { signer = c.Signer })
	b := s.joined("alice@example.com")
	page := b.get("/messenger")
	b.post("/messenger/ticket", nil).wants(t, http.StatusForbidden)

	b.header.Set("X-Csrf-Token", formToken.FindStringSubmatch(page.text)[1])
	a := b.post("/messenger/ticket", nil)
	a.wants(t, http.StatusOK)
	var got struct{ Handle, Name, Ticket string }
	if err := json.Unmarshal([]byte(a.text), &got); err != nil {
		t.Fatal(err)
	}
	u, err := s.store.User(t.Context(), "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := signer.OpenTicket(got.Ticket, s.clock.Steady(), time.Minute)
	if err != nil || ticket.User != int64(u.ID) || ticket.Credential != u.Credential {
		t.Errorf("the ticket is %+v, %v, of user %d", ticket, err, u.ID)
	}
	if got.Handle != u.Handle || got.Name != "Alice" {
		t.Errorf("it is for %q, %q", got.Handle, got.Name)
	}

	b.header.Set("Sec-Fetch-Site", "cross-site")
	b.post("/messenger/ticket", nil).wants(t, http.StatusForbidden)
}

func TestNoTicketAfterSigningOut(t *testing.T) {
	s := open(t, signing(t))
	b := s.joined("alice@example.com")
	b.submit(b.get("/messenger"), "/signout").leadsTo(t, "/signin?note=out")
	page := b.get("/")
	b.header.Set("X-Csrf-Token", hidden.FindStringSubmatch(page.text)[2])
	b.post("/messenger/ticket", nil).wants(t, http.StatusUnauthorized)
}

// What people type must not become markup, and nothing in a page may be a style or a script.
func TestScriptsMakeNoMarkup(t *testing.T) {
	scripts := 0
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|srcdoc|cssText|\beval\(|new Function|["']style["']`)
	eachFile(t, func(file, content string) {
		if !strings.HasPrefix(file, "static/js/") || strings.Contains(file, "htmx") {
			return
		}
		scripts++
		if found := forbidden.FindString(content); found != "" {
			t.Errorf("%s has %q", file, found)
		}
	})
	if scripts == 0 {
		t.Error("there are no scripts")
	}
}

// line is a socket of the messenger, over which somebody has signed in.
type line struct {
	t     *testing.T
	ws    *websocket.Conn
	heard string // and not waited for
}

// socket opens one in a browser, as the scripts of the page do.
func (p *place) socket(b *browser, query string) *line {
	p.t.Helper()
	header := http.Header{"Origin": {b.base}, "Cookie": {"session=" + b.session()}}
	ws, _, err := websocket.Dial(p.t.Context(), "ws://"+b.address().Host+"/messenger/socket?"+query, &websocket.DialOptions{HTTPHeader: header}) //nolint:bodyclose // the library does
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = ws.CloseNow() })
	return &line{t: p.t, ws: ws}
}

// messenger opens one to the notification server, and signs in.
func (p *place) messenger(b *browser, name string) *line {
	p.t.Helper()
	l := p.socket(b, "server=notification")
	ticket, err := p.Ticket(p.User(name))
	if err != nil {
		p.t.Fatal(err)
	}
	handle := name + "@example.com"
	l.says("VER 1 MSNP9 CVR0\r\n", "VER 1")
	l.says("USR 2 TWN I "+handle+"\r\n", "USR 2 TWN S")
	l.says("USR 3 TWN S "+ticket+"\r\n", "USR 3 OK")
	return l
}

// says sends something, and waits for what begins an answer.
func (l *line) says(text, answer string) string {
	l.t.Helper()
	if err := l.ws.Write(l.t.Context(), websocket.MessageBinary, []byte(text)); err != nil {
		l.t.Fatal(err)
	}
	return l.hears(answer)
}

// hears waits for something, and returns the rest of its line.
func (l *line) hears(want string) string {
	l.t.Helper()
	for {
		if _, after, found := strings.Cut(l.heard, want); found {
			if rest, after, whole := strings.Cut(after, "\r\n"); whole {
				l.heard = after
				return rest
			}
		}
		_, b, err := l.ws.Read(l.t.Context())
		if err != nil {
			l.t.Fatalf("heard %q and then %v; want %q", l.heard, err, want)
		}
		l.heard += string(b)
	}
}

// ends waits for the end of the socket.
func (l *line) ends() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Minute)
	defer cancel()
	for {
		if _, _, err := l.ws.Read(ctx); err != nil {
			if ctx.Err() != nil {
				l.t.Error("the socket goes on")
			}
			return
		}
	}
}

// Whoever is no longer signed in at the website, in whatever way that came, is not in the messenger.
func TestTheMessengerEndsWithItsSession(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(p *place, b, other *browser){
		"signed out":           func(_ *place, b, _ *browser) { b.press("/account", "/signout").leadsTo(t, "/signin?note=out") },
		"ended from elsewhere": func(_ *place, _, other *browser) { other.does("/account/places", "/account/places/others") },
		"another password": func(_ *place, _, other *browser) {
			other.does("/account", "/account/password", "present", "secret-alice", "password", "another-secret", "again", "another-secret")
		},
		"the account deleted": func(_ *place, _, other *browser) {
			other.press("/account/delete", "/account/delete", "password", "secret-alice").leadsTo(t, "/account/gone")
		},
		"the account locked": func(p *place, _, _ *browser) {
			if err := p.Server.Users().SetDisabled(t.Context(), p.User("alice"), true); err != nil {
				t.Error(err)
			}
		},
		"somebody else signs in there": func(p *place, b, _ *browser) {
			p.User("bob")
			page := b.get("/account")
			b.post("/signin", url.Values{"_csrf": {page.field("_csrf")}, "handle": {bobAt}, "password": {"secret-bob"}}).leadsTo(t, "/messenger")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := settle(t, nil)
			p.User("alice")
			b, other := p.browser("alice"), p.browser("alice")
			l := p.messenger(b, "alice")
			session := b.session()
			end(p, b, other)
			l.ends()
			thief := p.browser("bob")
			thief.become(session)
			thief.get("/account").leadsTo(t, "/signin?next=%2Faccount")
		})
	}
}

// session returns the token of the browser's session.
func (b *browser) session() string {
	b.t.Helper()
	for _, c := range b.client.Jar.Cookies(b.address()) {
		if c.Name == "session" {
			return c.Value
		}
	}
	b.t.Fatal("nobody is signed in")
	return ""
}

// become puts a token in the place of that of the browser.
func (b *browser) become(token string) {
	b.client.Jar.SetCookies(b.address(), []*http.Cookie{{Name: "session", Value: token}})
}

func (b *browser) address() *url.URL {
	b.t.Helper()
	address, err := url.Parse(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	return address
}

// TestTheMessengerReachesOtherNodes opens it at a node that has the website and nothing else: what
// people do there happens at another, and both websites know where they are.
func TestTheMessengerReachesOtherNodes(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, map[string]string{"web.listen": "127.0.0.1:0"}, map[string]string{"cluster.roles": "web"})
	p := &place{nodes[1], msntest.NewPlayer(t, nodes[1]), t}
	b := p.browser("alice")
	l := p.messenger(b, "alice")
	settled := func() {
		t.Helper()
		if err := nodes[0].Server.Cluster().Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	settled()
	b.get("/").wants(t, http.StatusOK, `class="dot online"`)
	b.get("/account/places").wants(t, http.StatusOK, "127.0.0.1", "MSNP9")
	l.says("CHG 4 NLN 0\r\n", "CHG 4 NLN 0")
	b.does("/account/places", "/account/places/messenger")
	l.ends()
}

// TestTheMessengerTalksAtOtherNodes has somebody whose conversation is at a third node, which fails.
func TestTheMessengerTalksAtOtherNodes(t *testing.T) {
	t.Parallel()
	board := loopback.Address(t)
	cable, err := fleet.NewSlow("127.0.0.1:0", board, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cable.Close() }) // which it is by then
	nodes := msntest.StartNodes(t, map[string]string{"cluster.roles": "dispatch, notification"},
		map[string]string{"cluster.roles": "switchboard", "switchboard.listen": board, "switchboard.advertise": cable.Addr()},
		map[string]string{"cluster.roles": "web"})
	p := &place{nodes[2], msntest.NewPlayer(t, nodes[0]), t}
	p.At(nodes[1], "B.sb")
	p.Play(`mutual alice bob
signin9 B`)
	b := p.browser("alice")
	l := p.messenger(b, "alice")
	l.says("CHG 4 NLN 0\r\n", "CHG 4 NLN 0")
	words := strings.Fields(l.says("XFR 5 SB\r\n", "XFR 5 SB "))
	sb := p.socket(b, "server=switchboard&address="+url.QueryEscape(words[0]))
	sb.says("USR 1 alice@example.com "+words[2]+"\r\n", "USR 1 OK")
	sb.says("CAL 2 bob@example.com\r\n", "CAL 2 RINGING")
	p.Play(`B.ns< NLN NLN alice@example.com Alice 0
B.ns< RNG {session} {board} CKI {call} alice@example.com Alice
B.sb> ANS 1 bob@example.com {call} {session}
B.sb< IRO 1 1 1 alice@example.com Alice
B.sb< ANS 1 OK`)
	sb.hears("JOI bob@example.com")
	hello, _ := msntest.Payload("P-HELLO")
	sb.says(fmt.Sprintf("MSG 3 A %d\r\n%s", len(hello), hello), "ACK 3")
	p.Play(`B.sb< MSG alice@example.com Alice {n} + P-HELLO
B.sb> MSG 2 A {n} + P-HELLO
B.sb< ACK 2`)
	sb.hears("MSG bob@example.com Bob")
	p.Play(`B.sb> OUT
B.sb x`)
	sb.hears("BYE bob@example.com")

	_ = cable.Close() // the other end of some connections on it has closed them
	sb.ends()
	l.says("PNG\r\n", "QNG")
}

// Whoever's network is shut out is in the messenger no more, and sees no page.
func TestTheMessengerEndsWithABan(t *testing.T) {
	t.Parallel()
	p := settle(t, nil)
	p.User("alice")
	b := p.browser("alice")
	l := p.messenger(b, "alice")
	_, err := p.Server.Admin().AddNetwork(t.Context(), admin.NetworkRule{Network: "127.0.0.1", Rule: admin.RuleDeny})
	if err != nil {
		t.Fatal(err)
	}
	l.ends()
	if res, err := b.client.Get(b.base + "/"); err == nil { //nolint:noctx // it is refused at once
		res.Body.Close()
		t.Errorf("a page: status %d", res.StatusCode)
	}
	if err := p.Server.Admin().RemoveNetwork(t.Context(), "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	b.get("/messenger").wants(t, http.StatusOK, `data-handle="alice@example.com"`)
}
