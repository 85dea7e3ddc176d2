package msntest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ticket makes a ticket as the login service would: ticket A, or ticket A 30s old.
func (p *Player) ticket(words []string) error {
	u, err := p.user(words[0])
	if err != nil {
		return err
	}
	var age time.Duration
	if len(words) == 3 {
		if age, err = time.ParseDuration(words[1]); err != nil || words[2] != "old" {
			return fmt.Errorf("a ticket is so and so long old, not %q", words[1:])
		}
	}
	ticket, err := p.fix.ticket(u, age)
	if err != nil {
		return err
	}
	p.keepTicket(words[0], ticket)
	return nil
}

func (p *Player) keepTicket(whose, ticket string) {
	p.names.values["ticket"] = ticket
	p.names.values["ticket"+whose] = ticket
}

// challenge stands for what USR TWN S carries where a transcript does not capture it.
const challenge = "lc=1033,id=507,tw=40,fs=1,ru=http%3A%2F%2Fmessenger%2Emsn%2Ecom,ct=1700000000," +
	"kpp=1,kv=5,ver=2.1.0173.1,tpf=0123456789abcdef0123456789abcdef"

// login asks the nexus where the login is and signs in there, all over TLS.
// docs/protocol/passport.md#login
func (p *Player) login(words []string) error {
	who := person{handle: words[0]}
	if !strings.Contains(words[0], "@") {
		var err error
		if who, err = p.who(words[0]); err != nil {
			return err
		}
	}
	rest, refused := words[1:], false
	if n := len(rest); n > 0 && rest[n-1] == "refused" {
		rest, refused = rest[:n-1], true
	}
	if len(rest) == 2 && rest[0] == "password" {
		password, err := strconv.Unquote(rest[1])
		if err != nil {
			return fmt.Errorf("%s is no Go string", rest[1])
		}
		who.password = password
	} else if len(rest) > 0 {
		return fmt.Errorf("unknown words %q", rest)
	}
	path, err := p.askNexus()
	if err != nil {
		return err
	}
	ticket, err := p.askLogin(path, who, refused)
	if err == nil && !refused {
		p.keepTicket(words[0], ticket)
	}
	return err
}

var loginForm = regexp.MustCompile(`\r\nPassportURLs: \S*DALogin=[^,/]+(/[^,]+),\S*\r\n`)

// askNexus returns the path of the login.
func (p *Player) askNexus() (string, error) {
	answer, err := p.https("GET /rdr/pprdr.asp HTTP/1.1\r\nUser-Agent: MSMSGS\r\nHost: nexus.passport.com\r\n" +
		"Connection: Keep-Alive\r\nCache-Control: no-cache\r\n\r\n")
	if err != nil {
		return "", err
	}
	m := loginForm.FindStringSubmatch(answer)
	if !strings.HasPrefix(answer, "HTTP/1.1 200 OK\r\n") || m == nil {
		return "", fmt.Errorf("the nexus says %q", answer)
	}
	return m[1], nil
}

var (
	successForm = regexp.MustCompile(`\r\nAuthentication-Info: Passport1\.4 da-status=success,\S*,from-PP='(t=[A-Za-z0-9*!$]+&p=[A-Za-z0-9*!$]+)'[,\r]`)
	failureForm = regexp.MustCompile(`\r\nWWW-Authenticate: Passport1\.4 da-status=failed,\S*cbtxt=\S+\r\n`)
)

// askLogin signs in and returns the ticket, or checks that the login refuses.
func (p *Player) askLogin(path string, who person, refused bool) (string, error) {
	params, ok := p.names.values["params"]
	if !ok {
		params = challenge
	}
	answer, err := p.https("GET " + path + " HTTP/1.1\r\nAuthorization: Passport1.4 OrgVerb=GET," +
		"OrgURL=http%3A%2F%2Fmessenger%2Emsn%2Ecom,sign-in=" + url.QueryEscape(who.handle) +
		",pwd=" + url.QueryEscape(who.password) + "," + params +
		"\r\nUser-Agent: MSMSGS\r\nHost: login.passport.com\r\nConnection: Keep-Alive\r\nCache-Control: no-cache\r\n\r\n")
	if err != nil {
		return "", err
	}
	m := successForm.FindStringSubmatch(answer)
	switch {
	case refused && strings.HasPrefix(answer, "HTTP/1.1 401 Unauthorized\r\n") && failureForm.MatchString(answer):
		return "", nil
	case !refused && strings.HasPrefix(answer, "HTTP/1.1 200 OK\r\n") && m != nil:
		return m[1], nil
	}
	return "", fmt.Errorf("the login says %q", answer)
}

// https sends a request and returns everything that comes back until the server closes.
func (p *Player) https(request string) (string, error) {
	dialer := net.Dialer{Timeout: patience}
	c, err := tls.DialWithDialer(&dialer, "tcp", p.next().Server.Addr("https"), &tls.Config{
		RootCAs:    certificate().pool,
		ServerName: certificateName,
	})
	if err != nil {
		return "", fmt.Errorf("open https: %w", err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", fmt.Errorf("set deadline of https: %w", err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		return "", fmt.Errorf("send https request: %w", err)
	}
	answer, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", fmt.Errorf("read https answer: %w", err)
	}
	return string(answer), nil
}
