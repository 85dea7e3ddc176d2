package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"strconv"
	"strings"
	"time"

	"monarch/internal/config"
)

// mail tries the mail server that takes invitations, up to the sign-in: no letter is sent.
func (e *examination) mail(ctx context.Context) {
	const check = "mail server"
	s := e.Config.SMTP
	if s.Host == "" {
		e.ok(check, "None is set (smtp.host): invitations by mail are accepted and dropped.")
		return
	}
	if s.PasswordFile != "" {
		e.private(check, s.PasswordFile)
	}
	at := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	said, err := e.greet(ctx, s, at)
	if err != nil {
		e.complain(Problem, check, fmt.Sprintf("%s does not take invitations: %v.", at, err),
			"Correct the section smtp of the configuration; "+e.Command("config print")+" explains its keys.")
		return
	}
	e.ok(check, "%s %s.", at, said)
}

// greeting is how long a conversation with a mail server may take: some let strangers wait
// before they say a word.
const greeting = 15 * time.Second

// greet has the beginning of a conversation with a mail server.
func (e *examination) greet(ctx context.Context, s config.SMTP, at string) (said string, err error) {
	certs := &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
	conn, err := e.dial(ctx, at)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(greeting))
	if s.TLS == config.SMTPTLS {
		conn = tls.Client(conn, certs)
	}
	c, err := smtp.NewClient(conn, s.Host)
	if err != nil {
		return "", fmt.Errorf("no greeting: %w", err)
	}
	defer func() { _ = c.Quit() }() // what it says to that tells nothing new
	said = "answers, without encryption (smtp.tls)"
	if s.TLS == config.SMTPTLS {
		said = "answers, encrypted"
	}
	if s.TLS == config.SMTPStartTLS {
		if err := c.StartTLS(certs); err != nil {
			return "", fmt.Errorf("STARTTLS: %w", err)
		}
		said = "answers, encrypted after STARTTLS"
	}
	if s.User == "" {
		return said, nil
	}
	return signIn(c, s, said)
}

// signIn tries user and password, if the server knows a way that we can try, too.
func signIn(c *smtp.Client, s config.SMTP, said string) (string, error) {
	password, err := s.Secret()
	if err != nil {
		return "", err
	}
	ok, ways := c.Extension("AUTH")
	switch {
	case !ok:
		return "", errors.New("it lets nobody sign in, and smtp.user is set")
	case !strings.Contains(" "+ways+" ", " PLAIN "):
		return said + "; whether it takes the password was not tried", nil
	}
	if err := c.Auth(smtp.PlainAuth("", s.User, password, s.Host)); err != nil {
		return "", fmt.Errorf("sign in as smtp.user: %w", err)
	}
	return said + ", and takes the password", nil
}
