package msntest

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// MailServer is an SMTP server on the loopback that keeps every letter it takes. Its fields
// are set before [MailServer.Start].
type MailServer struct {
	NoStartTLS bool   // it does not offer STARTTLS
	TLS        bool   // it is encrypted from the beginning
	User       string // who may send, with Password; "" is everybody
	Password   string
	// Refuse answers RCPT TO in place of the server, unless it returns "".
	Refuse func(recipient string) string

	listener net.Listener
	letters  chan Letter
	sessions sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// Letter is one that a [MailServer] took.
type Letter struct {
	From, To  string // of the envelope
	Text      string // headers and body, with CR LF
	Encrypted bool   // whether it came over TLS
	User      string // who had signed in, or ""
}

// Start opens the server, which ends with the test.
func (m *MailServer) Start(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if m.TLS {
		l = tls.NewListener(l, m.config())
	}
	m.listener, m.letters, m.conns = l, make(chan Letter, 1000), make(map[net.Conn]struct{})
	m.sessions.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.conns[c] = struct{}{}
			m.mu.Unlock()
			m.sessions.Go(func() { m.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		m.mu.Lock()
		for c := range m.conns {
			_ = c.Close()
		}
		m.mu.Unlock()
		m.sessions.Wait()
	})
}

func (m *MailServer) config() *tls.Config {
	pair, err := tls.X509KeyPair(certificate().cert, certificate().key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

// Roots certifies the server as localhost.
func (m *MailServer) Roots() *x509.CertPool { return certificate().pool }

// Port is where it listens.
func (m *MailServer) Port() int { return m.listener.Addr().(*net.TCPAddr).Port }

// Next returns the next letter.
func (m *MailServer) Next(t testing.TB) Letter {
	t.Helper()
	select {
	case l := <-m.letters:
		return l
	case <-time.After(patience):
		t.Fatal("no letter came")
		return Letter{}
	}
}

// Taken returns how many letters came that [MailServer.Next] has not returned.
func (m *MailServer) Taken() int { return len(m.letters) }

// mailSession is one conversation of a client with the server.
type mailSession struct {
	server *MailServer
	conn   net.Conn
	text   *textproto.Conn
	letter Letter
}

func (m *MailServer) serve(c net.Conn) {
	s := &mailSession{server: m, conn: c, text: textproto.NewConn(c)}
	s.letter.Encrypted = m.TLS
	defer func() { _ = s.text.Close() }() // as the client does, too
	s.say("220 localhost SMTP")
	for {
		line, err := s.text.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		answer := s.command(strings.ToUpper(verb), rest)
		if answer != "" {
			s.say(answer)
		}
		if strings.HasPrefix(answer, "221") {
			return
		}
	}
}

func (s *mailSession) say(line string) {
	// A client that is gone shows when the next line is read.
	_ = s.text.PrintfLine("%s", line)
}

// command carries out one command and returns the answer, or "" if it has been given.
func (s *mailSession) command(verb, rest string) string {
	switch verb {
	case "EHLO":
		s.say("250-localhost")
		if !s.server.NoStartTLS && !s.letter.Encrypted {
			s.say("250-STARTTLS")
		}
		if s.server.User != "" {
			s.say("250-AUTH PLAIN")
		}
		return "250 8BITMIME"
	case "STARTTLS":
		s.say("220 go ahead")
		s.conn = tls.Server(s.conn, s.server.config())
		s.text = textproto.NewConn(s.conn)
		s.letter = Letter{Encrypted: true}
		return ""
	case "AUTH":
		return s.auth(rest)
	case "MAIL":
		if s.server.User != "" && s.letter.User == "" {
			return "530 5.7.0 sign in first"
		}
		s.letter.From = address(rest)
		return "250 fine"
	case "RCPT":
		s.letter.To = address(rest)
		if s.server.Refuse != nil {
			if answer := s.server.Refuse(s.letter.To); answer != "" {
				return answer
			}
		}
		return "250 fine"
	case "DATA":
		return s.data()
	case "QUIT":
		return "221 bye"
	case "NOOP", "RSET":
		return "250 fine"
	}
	return "500 what is " + strconv.Quote(verb)
}

func (s *mailSession) auth(rest string) string {
	text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
	if want := "\x00" + s.server.User + "\x00" + s.server.Password; err != nil || string(text) != want {
		return "535 5.7.8 not with " + rest // as tactless servers do
	}
	s.letter.User = s.server.User
	return "235 welcome"
}

func (s *mailSession) data() string {
	s.say("354 write")
	var text strings.Builder
	lines := bufio.NewScanner(s.text.DotReader())
	for lines.Scan() {
		fmt.Fprintf(&text, "%s\r\n", lines.Text())
	}
	s.letter.Text = text.String()
	s.server.letters <- s.letter
	return "250 taken"
}

// address returns what stands between angle brackets.
func address(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}
