package mail_test

import (
	"context"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/clock"
	"monarch/internal/im"
	"monarch/internal/mail"
	"monarch/internal/msntest"
)

// post is a sender that runs, with the mail server it uses.
type post struct {
	*mail.Sender
	clock *clock.Clock
	log   *journal
	stop  func()
}

// journal is a log that can be waited on.
type journal struct {
	mu    sync.Mutex
	text  strings.Builder
	lines chan string
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	j.text.Write(p)
	j.mu.Unlock()
	j.lines <- string(p)
	return len(p), nil
}

// await returns the first line that has a text in it.
func (j *journal) await(t *testing.T, text string) string {
	t.Helper()
	for {
		select {
		case line := <-j.lines:
			if strings.Contains(line, text) {
				return line
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("the log does not say %q:\n%s", text, j.text.String())
		}
	}
}

func open(t *testing.T, server *msntest.MailServer, cfg mail.Config) *post {
	t.Helper()
	server.Start(t)
	cfg.Host, cfg.Port, cfg.Roots = "localhost", server.Port(), server.Roots()
	cfg.From = "Monarch <robot@example.com>"
	cfg.Service, cfg.Join, cfg.Server = "Monarch", "https://msn.example.com/register", "msn.example.com:1863"
	p := &post{clock: clock.New(), log: &journal{lines: make(chan string, 1000)}}
	var err error
	if p.Sender, err = mail.New(cfg, p.clock, slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	p.stop = func() { cancel(); running.Wait() }
	t.Cleanup(func() { p.stop(); p.clock.Close() })
	return p
}

func invitation(to string) im.Invitation {
	return im.Invitation{From: im.Person{ID: 1, Handle: "alice@example.com", Name: "Alice ♥"}, To: to, Text: "Join me\r\nhere"}
}

func TestALetterArrives(t *testing.T) {
	for _, c := range []struct {
		name   string
		server *msntest.MailServer
		cfg    mail.Config
	}{
		{"with STARTTLS and a password", &msntest.MailServer{User: "monarch", Password: "open sesame"}, mail.Config{Security: mail.StartTLS, User: "monarch", Password: "open sesame"}},
		{"over TLS with a password", &msntest.MailServer{TLS: true, User: "monarch", Password: "x"}, mail.Config{Security: mail.TLS, User: "monarch", Password: "x"}},
		{"in the clear", &msntest.MailServer{}, mail.Config{Security: mail.None}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := open(t, c.server, c.cfg)
			p.Invite(invitation("dan@example.net"))
			l := c.server.Next(t)
			if l.From != "robot@example.com" || l.To != "dan@example.net" || l.User != c.cfg.User || l.Encrypted == (c.cfg.Security == mail.None) {
				t.Errorf("envelope %+v", l)
			}
			head, body := read(t, l.Text)
			for name, want := range map[string]string{
				"From": `"Monarch" <robot@example.com>`, "To": "<dan@example.net>", "Subject": "Alice ♥ invites you to Monarch",
				"Auto-Submitted": "auto-generated", "Content-Type": "text/plain; charset=UTF-8",
			} {
				if got := head[name]; got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			for _, want := range []string{
				"Alice ♥ asks you to join Monarch,", "> Join me\n> here\n", "https://msn.example.com/register", "msn.example.com:1863",
			} {
				if !strings.Contains(body, want) {
					t.Errorf("no %q in\n%s", want, body)
				}
			}
			p.log.await(t, "was sent")
			if p.Sent() != 1 || p.Lost() != 0 {
				t.Errorf("%d sent, %d lost", p.Sent(), p.Lost())
			}
		})
	}
}

func TestAPasswordThatIsRefusedIsNotLogged(t *testing.T) {
	server := &msntest.MailServer{User: "monarch", Password: "another"}
	p := open(t, server, mail.Config{Security: mail.StartTLS, User: "monarch", Password: "open sesame"})
	p.Invite(invitation("dan@example.net"))
	line := p.log.await(t, "tried again later")
	for _, secret := range []string{"open sesame", "b3BlbiBzZXNhbW", "9wZW4gc2VzYW1l", "vcGVuIHNlc2Ft"} { // base64, however it is cut
		if strings.Contains(line, secret) {
			t.Errorf("the password is in the log: %s", line)
		}
	}
	if !strings.Contains(line, "535") {
		t.Errorf("nobody learns what is wrong: %s", line)
	}
}

// read returns the headers of a letter, decoded, and its body with bare line feeds.
func read(t *testing.T, text string) (map[string]string, string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	head := make(map[string]string)
	for name := range m.Header {
		if head[name], err = new(mime.WordDecoder).DecodeHeader(m.Header.Get(name)); err != nil {
			t.Fatal(err)
		}
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return head, strings.ReplaceAll(string(body), "\r\n", "\n")
}

func TestAnInviterCannotWriteHeadersOrMuchElse(t *testing.T) {
	server := &msntest.MailServer{}
	p := open(t, server, mail.Config{Security: mail.None})
	inv := invitation("dan@example.net")
	inv.From.Name = "Mallory\r\nBcc: everybody@example.net\r\n\r\n" + strings.Repeat("buy ", 100)
	inv.Text = "\xff hello\u2028\u202e\r\n\r\n.\r\nQUIT\r\n" + strings.Repeat("spam spam\r\n", 200)
	p.Invite(inv)
	head, body := read(t, server.Next(t).Text)
	if head["Bcc"] != "" || len([]rune(head["Subject"])) > 100 || !strings.HasPrefix(head["Subject"], "Mallory  Bcc: everybody@example.net") {
		t.Errorf("headers %q", head)
	}
	if n := strings.Count(body, "spam"); n > 20 || !strings.Contains(body, "> ? hello\n>\n> .\n> QUIT\n> spam spam\n") || !strings.Contains(body, "> …\n") {
		t.Errorf("%d times spam in\n%s", n, body)
	}
	inv.To = "a>,<b@example.net"
	p.Invite(inv)
	p.log.await(t, "could not be written")
}

func TestALetterThatCannotBeTakenNowIsTriedAgain(t *testing.T) {
	var mu sync.Mutex
	tries := 0
	server := &msntest.MailServer{Refuse: func(string) string {
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries <= 3 {
			return "451 4.7.1 try again later"
		}
		return ""
	}}
	p := open(t, server, mail.Config{Security: mail.StartTLS})
	p.Invite(invitation("dan@example.net"))
	for _, pause := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour} {
		line := p.log.await(t, "tried again later")
		if strings.Contains(line, "dan@") || !strings.Contains(line, "451") {
			t.Errorf("logged: %s", line)
		}
		if server.Taken() != 0 {
			t.Error("it was taken")
		}
		p.clock.Advance(pause)
	}
	if l := server.Next(t); l.To != "dan@example.net" {
		t.Errorf("%+v", l)
	}
}

func TestALetterThatIsNotTakenIsGivenUp(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		retries      int
	}{
		{"at once when it is refused", "550 5.1.1 nobody here", 0},
		{"after some time when the server stays busy", "421 4.3.2 busy", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &msntest.MailServer{Refuse: func(string) string { return c.answer }}
			p := open(t, server, mail.Config{Security: mail.StartTLS})
			p.Invite(invitation("dan@example.net"))
			for range c.retries {
				p.log.await(t, "tried again later")
				p.clock.Advance(time.Hour)
			}
			p.log.await(t, "could not be sent")
			if p.Lost() != 1 || p.Sent() != 0 {
				t.Errorf("%d lost, %d sent", p.Lost(), p.Sent())
			}
		})
	}
}

func TestNothingIsSentInTheClearAgainstTheSetting(t *testing.T) {
	server := &msntest.MailServer{NoStartTLS: true}
	p := open(t, server, mail.Config{Security: mail.StartTLS})
	p.Invite(invitation("dan@example.net"))
	if line := p.log.await(t, "tried again later"); !strings.Contains(line, "STARTTLS") {
		t.Errorf("logged: %s", line)
	}
	if server.Taken() != 0 {
		t.Error("the letter was sent")
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	server := &msntest.MailServer{}
	server.Start(t)
	log := &journal{lines: make(chan string, 1000)}
	clk := clock.New()
	defer clk.Close()
	s, err := mail.New(mail.Config{Host: "localhost", Port: server.Port(), Security: mail.None, From: "robot@example.com", Service: "M", Join: "j", Server: "s"},
		clk, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		s.Invite(invitation("dan@example.net"))
	}
	if s.Lost() != 300-256 {
		t.Errorf("%d lost", s.Lost())
	}
}

func TestTheEndInterruptsALetterAndTellsWhatIsLost(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it takes the connection and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	log := &journal{lines: make(chan string, 1000)}
	clk := clock.New()
	defer clk.Close()
	s, err := mail.New(mail.Config{
		Host: "127.0.0.1", Port: silent.Addr().(*net.TCPAddr).Port, Security: mail.None,
		From: "robot@example.com", Service: "M", Join: "j", Server: "s",
	}, clk, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	s.Invite(invitation("dan@example.net"))
	s.Invite(invitation("dora@example.net"))
	c, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	running.Wait()
	if line := log.await(t, "not sent before the end"); !strings.Contains(line, "letters=2") || s.Lost() != 2 {
		t.Errorf("%d lost: %s", s.Lost(), line)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("the connection: %v", err)
	}
}

func TestANewSenderWantsAnAddress(t *testing.T) {
	clk := clock.New()
	defer clk.Close()
	if _, err := mail.New(mail.Config{Host: "localhost", Port: 25, From: "nobody"}, clk, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("it did without")
	}
}

func TestOtherLetters(t *testing.T) {
	server := &msntest.MailServer{}
	p := open(t, server, mail.Config{Security: mail.StartTLS})
	p.Send(mail.Letter{To: "dan@example.net", Subject: "Grüße\r\nBcc: eve@example.net", Text: "Schöne Grüße\n"})
	got := server.Next(t)
	if got.To != "dan@example.net" || strings.Contains(got.Text, "\nBcc:") {
		t.Errorf("to %q:\n%s", got.To, got.Text)
	}
	p.log.await(t, "a letter was sent")
	if p.LettersSent() != 1 || p.Sent() != 0 {
		t.Errorf("%d letters and %d invitations were sent", p.LettersSent(), p.Sent())
	}
	p.Send(mail.Letter{To: "nobody", Subject: "x", Text: "x"})
	p.log.await(t, "a letter could not be written")
	if p.LettersLost() != 1 || p.Lost() != 0 {
		t.Errorf("%d letters and %d invitations were lost", p.LettersLost(), p.Lost())
	}
}
