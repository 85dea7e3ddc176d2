package bot_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/bot"
	"monarch/internal/config"
	"monarch/internal/im"
	"monarch/internal/msntest"
	"monarch/internal/server"
	"monarch/internal/store"
	"monarch/msnclient"
	"monarch/msnp"
)

const (
	butterfly = "butterfly@example.com"
	alice     = "alice@example.com"
	bob       = "bob@example.com"

	patience = 20 * time.Second
)

// garden is a server where the bot is a friend of alice and bob, on real sockets.
type garden struct {
	srv *server.Server
	cfg config.Config
}

func newGarden(t *testing.T) *garden {
	t.Helper()
	cfg := config.Default()
	msntest.FreePorts(&cfg)
	cfg.Data.Dir = t.TempDir()
	srv := msntest.Serve(t, cfg)
	g := &garden{srv, cfg}
	for _, who := range []string{butterfly, alice, bob} {
		g.account(t, who)
	}
	for _, who := range []string{alice, bob} {
		g.list(t, who, butterfly)
		g.list(t, butterfly, who)
	}
	return g
}

// account makes an account; its password is "secret".
func (g *garden) account(t *testing.T, email string) {
	t.Helper()
	nick, _, _ := strings.Cut(email, "@")
	if _, err := g.srv.Admin().AddAccount(t.Context(), admin.NewAccount{Email: email, Nick: nick, Password: "secret"}); err != nil {
		t.Fatal(err)
	}
}

// list puts whom on two lists of owner.
func (g *garden) list(t *testing.T, owner, whom string) {
	t.Helper()
	u, err := g.srv.Store().User(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []im.List{im.Forward, im.Allow} {
		if _, err := g.srv.Store().Add(t.Context(), u.ID, store.Addition{List: l, Handle: whom, Name: whom}); err != nil {
			t.Fatal(err)
		}
	}
}

// client is the configuration of somebody who signs in here.
func (g *garden) client(t *testing.T, who string) msnclient.Config {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.cfg.Data.Dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return msnclient.Config{
		Handle: who, Password: "secret", Server: g.srv.Addr("dispatch"),
		TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if strings.HasSuffix(addr, ":443") {
				addr = g.srv.Addr("https")
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// fly lets the bot live until the test ends, or until the function is called.
func (g *garden) fly(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- bot.Run(ctx, bot.Config{Client: g.client(t, butterfly), Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the bot ended with %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// visitor is somebody who talks to the bot.
type visitor struct {
	*msnclient.Client
	t *testing.T
}

func (g *garden) visit(t *testing.T, who string, change func(*msnclient.Config)) *visitor {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cfg := g.client(t, who)
	if change != nil {
		change(&cfg)
	}
	c, err := msnclient.Dial(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{c, t}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

// await returns the first event from now on for which want is true.
func await[E msnclient.Event](v *visitor, what string, want func(E) bool) E {
	v.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case ev, ok := <-v.Events():
			if !ok {
				v.t.Fatalf("%s: the client ended", what)
			}
			if e, ok := ev.(E); ok && want(e) {
				return e
			}
		case <-timeout.C:
			v.t.Fatalf("%s: nothing", what)
		}
	}
}

// hears waits for a text of the bot's.
func (v *visitor) hears(words string) string {
	v.t.Helper()
	return await(v, "a text that says "+words, func(e msnclient.TextReceived) bool {
		return e.From == butterfly && strings.Contains(e.Text.Body, words)
	}).Text.Body
}

// sees waits until the bot is on line.
func (v *visitor) sees() {
	v.t.Helper()
	c, ok := v.Roster().Contact(butterfly)
	if ok && c.Status == msnp.Online {
		return
	}
	await(v, "the bot on line", func(e msnclient.PresenceChanged) bool { return e.Handle == butterfly && e.Status == msnp.Online })
}

func (v *visitor) opens() *msnclient.Chat {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	chat, err := v.Open(ctx, butterfly)
	if err != nil {
		v.t.Fatal(err)
	}
	return chat
}

func (v *visitor) says(chat *msnclient.Chat, text string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	if err := chat.Send(ctx, msnclient.Text{Body: text}); err != nil {
		v.t.Fatalf("say %q: %v", text, err)
	}
}

func TestItGreetsAndObeys(t *testing.T) {
	g := newGarden(t)
	g.fly(t)
	v := g.visit(t, alice, nil)
	v.sees()
	chat := v.opens()
	v.hears("Hello! I am butterfly")
	for _, c := range []struct{ say, hear string }{
		{"help", "roll - I roll dice"},
		{"who", "On line: alice."},
		{"echo  Grüße", "Grüße"},
		{"Butterfly, roll 3d6", "together."},
	} {
		v.says(chat, c.say)
		v.hears(c.hear)
	}
	v.says(chat, "nudge")
	await(v, "a nudge", func(e msnclient.NudgeReceived) bool { return e.From == butterfly })
	if err := chat.Nudge(); err != nil {
		t.Fatal(err)
	}
	await(v, "a nudge back", func(e msnclient.NudgeReceived) bool { return e.From == butterfly })
	v.hears("tickles")
}

func TestItShowsItsPicture(t *testing.T) {
	want, err := bot.Picture()
	if err != nil {
		t.Fatal(err)
	}
	g := newGarden(t)
	g.fly(t)
	v := g.visit(t, alice, nil)
	v.sees()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	shown, err := v.FetchPicture(ctx, butterfly)
	if err != nil || !bytes.Equal(shown, want) {
		t.Errorf("the display picture: %d bytes, %v", len(shown), err)
	}
	v.says(v.opens(), "picture")
	offer := await(v, "a file", func(e msnclient.FileOffered) bool { return e.From == butterfly })
	var got bytes.Buffer
	if err := offer.Accept(ctx, &got, nil); err != nil || !bytes.Equal(got.Bytes(), want) || offer.Name != "butterfly.png" {
		t.Errorf("file %q: %d bytes, %v", offer.Name, got.Len(), err)
	}
}

func TestItSaysSoToAClientWithoutTransfers(t *testing.T) {
	g := newGarden(t)
	g.fly(t)
	v := g.visit(t, alice, func(c *msnclient.Config) { c.Version, c.Flags = msnp.MSNP8, 0x20 })
	v.sees()
	v.says(v.opens(), "picture")
	v.hears("does not know how to take it")
}

func TestItDoesNotTakeFiles(t *testing.T) {
	g := newGarden(t)
	g.fly(t)
	v := g.visit(t, alice, nil)
	v.sees()
	chat := v.opens()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := chat.SendFile(ctx, butterfly, "flower.txt", strings.NewReader("(F)"), 3, nil); err == nil {
		t.Error("it took the file")
	}
	v.hears("no pockets")
}

func TestItJoinsGroupChatsAndMindsItsManners(t *testing.T) {
	g := newGarden(t)
	g.list(t, alice, bob)
	g.list(t, bob, alice)
	g.fly(t)
	a, b := g.visit(t, alice, nil), g.visit(t, bob, nil)
	a.sees()
	b.sees()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	chat, err := a.Open(ctx, bob)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Invite(ctx, butterfly); err != nil {
		t.Fatal(err)
	}
	a.hears("Hello, everybody!")
	a.says(chat, "butterflies are insects, help")
	a.says(chat, "butterfly: echo one")
	if got := a.hears(""); got != "one" {
		t.Errorf("in a group it answered %q first", got)
	}
	b.hears("one")
}

func TestItAcceptsWhoAddsIt(t *testing.T) {
	const erin = "erin@example.com"
	g := newGarden(t)
	g.account(t, erin)
	g.fly(t)
	v := g.visit(t, erin, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := v.Add(ctx, butterfly, "", msnp.NoGroup); err != nil {
		t.Fatal(err)
	}
	v.sees()
	await(v, "the bot's adding", func(e msnclient.AddedBy) bool { return e.Handle == butterfly })
	v.says(v.opens(), "echo accepted")
	v.hears("accepted")
}

func TestItDoesNotLetItselfBeFlooded(t *testing.T) {
	g := newGarden(t)
	g.fly(t)
	v := g.visit(t, alice, nil)
	v.sees()
	chat := v.opens()
	v.hears("Hello")
	for range 12 {
		v.says(chat, "echo again")
	}
	v.hears("Not so fast")
}

func TestItDoesNotLetFilesFloodIt(t *testing.T) {
	g := newGarden(t)
	g.fly(t)
	v := g.visit(t, alice, nil)
	v.sees()
	chat := v.opens()
	v.hears("Hello")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 12 {
		if err := chat.SendFile(ctx, butterfly, "flower.txt", strings.NewReader("(F)"), 3, nil); !errors.Is(err, msnclient.ErrDeclined) {
			t.Fatalf("it does not decline: %v", err)
		}
	}
	v.hears("Not so fast")
}

func TestItComesBackAndLeavesInPeace(t *testing.T) {
	g := newGarden(t)
	stop := g.fly(t)
	v := g.visit(t, alice, nil)
	v.sees()
	if err := g.srv.Admin().Kick(t.Context(), butterfly); err != nil {
		t.Fatal(err)
	}
	await(v, "the bot gone", func(e msnclient.PresenceChanged) bool { return e.Handle == butterfly && e.Status == msnp.Offline })
	await(v, "the bot back", func(e msnclient.PresenceChanged) bool { return e.Handle == butterfly && e.Status == msnp.Online })
	stop()
	await(v, "the bot gone for good", func(e msnclient.PresenceChanged) bool { return e.Handle == butterfly && e.Status == msnp.Offline })
}

func TestItGivesUpOnAWrongPassword(t *testing.T) {
	g := newGarden(t)
	cfg := g.client(t, butterfly)
	cfg.Password = "wrong"
	if err := bot.Run(t.Context(), bot.Config{Client: cfg, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}); err == nil {
		t.Error("it signed in")
	}
}
