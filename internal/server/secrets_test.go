package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/config"
	"monarch/internal/msntest"
	"monarch/internal/server"
	"monarch/msnclient"
	"monarch/msnp"
)

// What nobody may find in what a server writes.
const (
	password   = "correct-horse+1"
	password2  = "battery-staple/2"
	mistyped   = "mistyped%secret3"
	hookToken  = "hook-token-0123456789"
	guessed    = "guessed-token-0123456789"
	smtpSecret = "smtp-password-4"
	chatted    = "the message is nobody's business"
	invitation = "come to the party on Friday"
)

// written is everything that a server wrote. Many write to it.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// tapped hears what clients and servers say in the clear: the tickets and cookies of the test.
type tapped struct {
	net.Conn
	heard *written
}

func (w tapped) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	_, _ = w.heard.Write(b[:n]) // memory does not fail
	return n, err
}

func (w tapped) Write(b []byte) (int, error) {
	_, _ = w.heard.Write(b) // as above
	return w.Conn.Write(b)
}

// guarded is a service in which everything is a secret.
type guarded struct {
	t       *testing.T
	srv     *server.Server
	clock   *clock.Clock
	cfg     config.Config
	log     *written
	heard   *written
	traces  *collector
	trusted *tls.Config
	stop    func()

	token, reset string // for the management interface; a password it has made
}

func startGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{t: t, log: new(written), heard: new(written), traces: newCollector(t), cfg: freePorts(t)}
	g.cfg.Ops.TraceEndpoint = g.traces.URL
	g.cfg.Mail.HookToken, g.cfg.Log.Level = hookToken, config.LogDebug
	g.cfg.SMTP = config.SMTP{
		Host: "127.0.0.1", Port: 1, TLS: config.SMTPStartTLS, From: "robot@example.com", User: "robot", Password: smtpSecret,
	}
	clk := clock.New()
	g.clock = clk
	var err error
	g.srv, err = server.New(g.cfg, slog.New(slog.NewTextHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug})), clk)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.srv.Run(ctx) }()
	g.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		clk.Close()
	})
	t.Cleanup(g.stop)
	<-g.srv.Ready()
	ca, err := os.ReadFile(filepath.Join(g.cfg.Data.Dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	g.trusted = &tls.Config{RootCAs: pool, ServerName: "login.passport.com", MinVersion: tls.VersionTLS12}
	for _, name := range []string{"alice", "bob"} {
		g.must(g.manage("POST", "/api/v1/accounts", `{"email":"`+name+`@example.com","password":"`+password+`"}`))
	}
	return g
}

func (g *guarded) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// manage asks the management socket.
func (g *guarded) manage(method, path, body string) error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", filepath.Join(g.cfg.Data.Dir, "monarch.sock"))
	}}}
	r, err := http.NewRequestWithContext(g.t.Context(), method, "http://monarch"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 400 {
		err = errors.New(string(text))
	}
	return err
}

// dial signs in with a password, and notes what is said.
func (g *guarded) dial(name, password string) (*msnclient.Client, error) {
	return msnclient.Dial(g.t.Context(), msnclient.Config{
		Handle: name + "@example.com", Password: password,
		Server: g.srv.Addr("dispatch"), Login: "https://" + g.srv.Addr("https") + "/login2.srf", TLS: g.trusted,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			var d net.Dialer
			c, err := d.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return tapped{c, g.heard}, nil
		},
		Log: slog.New(slog.NewTextHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
}

// say writes something to a listener and waits until that has hung up or fallen silent.
func (g *guarded) say(listener, text string) {
	g.t.Helper()
	c, err := net.Dial("tcp", g.srv.Addr(listener))
	g.must(err)
	if listener == "https" {
		c = tls.Client(c, g.trusted)
	}
	defer c.Close()
	g.must(c.SetDeadline(time.Now().Add(20 * time.Second)))
	_, err = io.WriteString(c, text) // which is also the handshake
	g.must(err)
	g.must(c.SetDeadline(time.Now().Add(500 * time.Millisecond)))
	_, _ = io.Copy(io.Discard, c) // the deadline ends it where the server does not
}

// hook tells of mail with a token.
func (g *guarded) hook(token string) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, "http://"+g.srv.Addr("ops")+admin.HookPath,
		strings.NewReader(`{"to":"alice@example.com","unread":1,"from":"bob@example.com","subject":"`+invitation+`"}`))
	g.must(err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	g.must(err)
	answer.Body.Close()
}

// live makes everything happen that has to do with secrets.
func (g *guarded) live() {
	g.t.Helper()
	p := msntest.NewPlayer(g.t, &msntest.Fixture{Server: g.srv, Store: g.srv.Store(), Clock: g.clock})
	p.Play(`signin9 A
		A.ns> SDC 20 dan@example.net 0x0409 MSMSGS MSMSGS X X Mallory {n} + "` + invitation + `"
		A.ns< SDC 20 OK
		A.ns> OUT
		A.ns x`)
	p.Finish()
	alice, err := g.dial("alice", password)
	g.must(err)
	defer alice.Close()
	bob, err := g.dial("bob", password)
	g.must(err)
	defer bob.Close()
	go drain(alice)
	for _, c := range []struct {
		who   *msnclient.Client
		other string
	}{{alice, "bob@example.com"}, {bob, "alice@example.com"}} {
		g.must(c.who.Add(g.t.Context(), c.other, "", msnp.NoGroup))
		g.must(c.who.Allow(g.t.Context(), c.other))
	}
	go drain(bob)
	_, err = alice.Send(g.t.Context(), "bob@example.com", msnclient.Text{Body: chatted})
	g.must(err)
	_, err = alice.Page(g.t.Context(), "INBOX", "")
	g.must(err)

	g.must(g.manage("POST", "/api/v1/keys", `{"rotation":"overlap"}`))
	again, err := g.dial("alice", password) // signed with the new key
	g.must(err)
	go drain(again)
	g.must(again.Close())

	for _, wrong := range []string{mistyped, chatted, mistyped, mistyped, mistyped, mistyped} {
		if _, err := g.dial("bob", wrong); !errors.Is(err, msnclient.ErrPassword) || strings.Contains(err.Error(), wrong) {
			g.t.Errorf("a wrong password: %v", err)
		}
	}
	for _, body := range []string{`{"password":"` + password2 + `"}`, `{"pasword":"` + mistyped + `"}`, `{"password":"` + mistyped + "\\n" + `"}`} {
		if err := g.manage("PATCH", "/api/v1/accounts/bob@example.com", body); err != nil && strings.Contains(err.Error(), mistyped) {
			g.t.Error(err)
		}
	}
	g.hook(hookToken)
	g.hook(guessed)
	g.operate()
	g.malformed()
}

// operate manages the service with a token, and has a password made.
func (g *guarded) operate() {
	local, err := admin.Dial(g.t.Context(), g.cfg.Data.Dir)
	g.must(err)
	defer local.Close()
	made, err := local.CreateToken(g.t.Context(), admin.NewToken{Name: "secret", Role: "administrator"})
	g.must(err)
	g.token = made.Secret
	for _, listener := range []string{"ops", "web"} {
		remote, err := admin.Remote("http://"+g.srv.Addr(listener), made.Secret)
		g.must(err)
		g.reset, err = remote.ResetPassword(g.t.Context(), "bob@example.com")
		g.must(err)
		remote.Close()
	}
	g.must(local.RevokeToken(g.t.Context(), "secret"))
}

// malformed says what makes no sense, with secrets in it.
func (g *guarded) malformed() {
	const hello = "VER 1 MSNP9 CVR0\r\nCVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS bob@example.com\r\n"
	g.say("notification", hello+"USR 3 TWN I bob@example.com\r\nUSR 4 TWN S t="+mistyped+"&p=0\r\n")
	g.say("notification", hello+"USR 3 TWN I bob@example.com "+mistyped+"\r\n")
	g.say("notification", hello+"USR "+mistyped+"\r\n")
	g.say("switchboard", "USR 1 bob@example.com "+mistyped+"\r\n")
	g.say("switchboard", "ANS 1 bob@example.com 12.34.56 1\r\nMSG 1 N 99999 "+mistyped+"\r\n")
	login := "GET /login2.srf HTTP/1.1\r\nAuthorization: Passport1.4 sign-in=bob%40example.com,pwd=" + url.QueryEscape(mistyped)
	g.say("https", login+"\r\n\r\n")
	g.say("https", login+strings.Repeat("x", 100_000)+"\r\n\r\n")
	g.say("https", "GET /login2.srf HTTP/1.1\r\nAuthorization: Passport1.4 sign-in="+url.QueryEscape(mistyped)+",pwd=x\r\n\r\n")
	g.say("https", "POST /RST.srf HTTP/1.1\r\nContent-Length: 200\r\n\r\n<Username>bob@example.com</Username><Password>"+mistyped)
	g.say("http", login+"\r\n\r\n")
	g.say("http", "POST /gateway/gateway.dll?Action=open&Server=NS&IP=x HTTP/1.1\r\nContent-Length: 33\r\n\r\nUSR 1 TWN S t="+mistyped+"\r\n")
}

func drain(c *msnclient.Client) {
	for range c.Events() {
	}
}

// secrets returns what was one in the life of the service, with a name for each.
func (g *guarded) secrets() map[string]string {
	g.t.Helper()
	secrets := map[string]string{
		"the password": password, "the new password": password2, "a wrong password": mistyped,
		"the hook's token": hookToken, "a wrong token": guessed, "the mail server's password": smtpSecret,
		"a message": chatted, "the text of an invitation, or a subject": invitation,
		"a token": g.token, "a password that was reset": g.reset,
	}
	heard := g.heard.String()
	for name, form := range map[string]string{
		"ticket": `TWN S t=(\S+)&p=`, "web token": `MSPAuth: (\S+)`, "cookie": `CKI (\S+)`, "challenge": `CHL 0 (\S+)`,
	} {
		found := regexp.MustCompile(form).FindAllStringSubmatch(heard, -1)
		if len(found) == 0 && name != "challenge" {
			g.t.Errorf("no %s was heard", name)
		}
		for i, m := range found {
			secrets[fmt.Sprintf("%s %d", name, i)] = m[1]
		}
	}
	keys, err := g.srv.Store().Keys(g.t.Context())
	g.must(err)
	if len(keys) < 2 {
		g.t.Errorf("%d keys", len(keys))
	}
	for _, k := range keys {
		secrets[fmt.Sprintf("%v in hex", k)] = hex.EncodeToString(k.Secret)
		secrets[fmt.Sprintf("%v in numbers", k)] = strings.Trim(fmt.Sprintf("%d", k.Secret), "[]")
		secrets[fmt.Sprintf("%v as it is", k)] = string(k.Secret)
		secrets[fmt.Sprintf("%v in base64", k)] = base64.StdEncoding.EncodeToString(k.Secret)
	}
	for _, name := range []string{"alice", "bob"} {
		u, err := g.srv.Store().User(g.t.Context(), name+"@example.com")
		g.must(err)
		secrets["the hash of "+name] = u.PasswordHash
	}
	return secrets
}

// stored is all that the server keeps, file after file.
func (g *guarded) stored() string {
	var all strings.Builder
	g.must(filepath.WalkDir(g.cfg.Data.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		all.Write(content)
		return err
	}))
	if !strings.Contains(all.String(), "alice@example.com") {
		g.t.Error("nobody is kept")
	}
	return all.String()
}

// TestNothingSecretIsWritten lives through a full day of a service that logs all it can.
func TestNothingSecretIsWritten(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	g.live()
	secrets := g.secrets()
	answer, err := http.Get("http://" + g.srv.Addr("ops") + "/metrics")
	g.must(err)
	metrics, err := io.ReadAll(answer.Body)
	g.must(err)
	answer.Body.Close()
	g.stop()
	trail, err := os.ReadFile(g.cfg.AuditFile())
	g.must(err)
	for where, text := range map[string]string{
		"log": g.log.String(), "audit log": string(trail), "metrics": string(metrics), "data directory": g.stored(), "traces": g.traces.String(),
	} {
		for name, secret := range secrets {
			if where == "data directory" && (strings.HasPrefix(name, "key ") || strings.HasPrefix(name, "the hash ")) {
				continue // this is where they are kept
			}
			for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret))} {
				if strings.Contains(text, form) {
					t.Errorf("%s is in the %s: %s", name, where, form)
				}
			}
		}
	}
	for where, lines := range map[string][]string{
		g.log.String(): {"level=DEBUG", "sign-in refused", "account added", "key rotated", "a letter is tried again later"},
		string(trail): {
			`"event":"server started"`, `"event":"server stopped"`, `"event":"account added","user":"alice@example.com","by":"uid `,
			`"event":"password accepted","user":"alice@example.com","addr":"127.0.0.1"`,
			`"event":"signed in","user":"alice@example.com","addr":"127.0.0.1:`,
			`"event":"sign-in refused","user":"bob@example.com","addr":"127.0.0.1","note":"wrong password"`,
			`"event":"sign-in refused","user":"bob@example.com","addr":"127.0.0.1:`,
			`"event":"sign-ins held back","user":"bob@example.com"`, `"event":"key rotated"`, `"event":"password changed"`,
		},
	} {
		for _, line := range lines {
			if !strings.Contains(where, line) {
				t.Errorf("no %s in:\n%s", line, where)
			}
		}
	}
}

// TestNothingSignedOutlivesItsKey compares the longest lives that can be set with how long a
// replaced key goes on accepting.
func TestNothingSignedOutlivesItsKey(t *testing.T) {
	for _, key := range []string{"LIMITS_TICKET_LIFE", "LIMITS_COOKIE_LIFE"} {
		longer := auth.MaxLife + time.Second
		if _, err := config.Load("", []string{"MONARCH_" + key + "=" + longer.String()}); err == nil {
			t.Errorf("%s may be longer than a replaced key is kept", key)
		}
	}
}
