package msnclient

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"monarch/msnp"
)

const (
	maxRedirects = 4
	maxResponse  = 64 << 10
)

// ticket proves the password to the login server and returns what proves it to the
// notification server. docs/protocol/passport.md#login
func (c *Client) ticket(ctx context.Context, challenge string) (string, error) {
	at := c.cfg.Login
	if at == "" {
		var err error
		if at, err = c.askNexus(ctx); err != nil {
			if c.cfg.Nexus != "" || ctx.Err() != nil {
				return "", err
			}
			c.log.Info("the nexus does not help, going to the login straight away", "err", err)
			at = defaultLogin
		}
	}
	authorization := "Passport1.4 OrgVerb=GET,OrgURL=http%3A%2F%2Fmessenger%2Emsn%2Ecom,sign-in=" +
		form(c.cfg.Handle) + ",pwd=" + form(c.cfg.Password) + "," + challenge
	for range maxRedirects + 1 {
		r, err := c.get(ctx, at, "Authorization: "+authorization+"\r\n")
		if err != nil {
			return "", fmt.Errorf("ask login: %w", err)
		}
		switch {
		case r.status == 200:
			return r.ticket()
		case r.status == 401:
			return "", r.refusal()
		case r.status >= 300 && r.status < 400 && r.header.Get("Location") != "":
			if at, err = follow(at, r.header.Get("Location")); err != nil {
				return "", err
			}
		default:
			return "", fmt.Errorf("%w: the login answers %d", ErrUnavailable, r.status)
		}
	}
	return "", fmt.Errorf("%w: the login sends us round in circles", ErrUnavailable)
}

// askNexus returns the URL of the login. docs/protocol/passport.md#nexus
func (c *Client) askNexus(ctx context.Context) (string, error) {
	r, err := c.get(ctx, cmp.Or(c.cfg.Nexus, defaultNexus), "")
	if err != nil {
		return "", fmt.Errorf("ask nexus: %w", err)
	}
	for field := range strings.SplitSeq(r.header.Get("PassportURLs"), ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if strings.EqualFold(key, "DALogin") && value != "" {
			if !strings.Contains(value, "://") {
				value = "https://" + value
			}
			return value, nil
		}
	}
	return "", fmt.Errorf("%w: the nexus answers %d and names no login", ErrUnavailable, r.status)
}

// form encodes a value so that neither a comma nor anything else of it is taken for syntax.
func form(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// follow resolves a redirection, which must not leave https.
func follow(from, to string) (string, error) {
	base, err := url.Parse(from)
	if err != nil {
		return "", fmt.Errorf("follow redirection: %w", err)
	}
	next, err := base.Parse(to)
	if err != nil {
		return "", fmt.Errorf("follow redirection: %w", err)
	}
	return next.String(), nil
}

// response is what an HTTPS server said.
type response struct {
	status int
	header msnp.Header
}

// ticket cuts the ticket out of a success.
func (r response) ticket() (string, error) {
	info := r.header.Get("Authentication-Info")
	if _, rest, ok := strings.Cut(info, "from-PP='"); ok {
		if t, _, ok := strings.Cut(rest, "'"); ok && t != "" && !strings.ContainsAny(t, " \t\r\n") {
			return t, nil
		}
	}
	return "", fmt.Errorf("%w: the login gives no ticket", ErrUnavailable)
}

// refusal turns a 401 into an error with the text meant for the user.
func (r response) refusal() error {
	if _, text, ok := strings.Cut(r.header.Get("WWW-Authenticate"), "cbtxt="); ok && text != "" {
		return fmt.Errorf("%w: %s", ErrPassword, msnp.Unescape(text))
	}
	return ErrPassword
}

// get asks an https URL for its header. The servers of old and their successors answer in
// all sorts of HTTP, of which this needs a status number and lines up to an empty one.
// docs/protocol/passport.md#http
func (c *Client) get(ctx context.Context, at, more string) (response, error) {
	u, err := url.Parse(at)
	if err != nil {
		return response{}, err
	}
	if u.Scheme != "https" || u.Hostname() == "" {
		return response{}, errors.New(at + " is no https URL")
	}
	conn, err := c.cfg.Dialer(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")))
	if err != nil {
		return response{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	cfg := c.cfg.TLS.Clone()
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if cfg.ServerName == "" {
		cfg.ServerName = u.Hostname()
	}
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		return response{}, cmp.Or(ctx.Err(), err)
	}
	request := "GET " + u.RequestURI() + " HTTP/1.1\r\n" + more + "User-Agent: MSMSGS\r\nHost: " + u.Host +
		"\r\nConnection: close\r\nCache-Control: no-cache\r\n\r\n"
	if _, err := io.WriteString(secure, request); err != nil {
		return response{}, cmp.Or(ctx.Err(), err)
	}
	r, err := readResponse(secure)
	if err != nil {
		return response{}, cmp.Or(ctx.Err(), err)
	}
	return r, nil
}

// readResponse reads up to the empty line, or to the end when there is none.
func readResponse(from io.Reader) (response, error) {
	var text []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(text, []byte("\r\n\r\n")) && !bytes.Contains(text, []byte("\n\n")) {
		n, err := from.Read(buf)
		text = append(text, buf[:n]...)
		if err != nil && len(text) == 0 {
			return response{}, fmt.Errorf("read answer: %w", err)
		}
		if err != nil {
			break
		}
		if len(text) > maxResponse {
			return response{}, errors.New("answer without end")
		}
	}
	first, rest, _ := bytes.Cut(text, []byte{'\n'})
	var status int
	if _, err := fmt.Sscanf(string(first), "HTTP/%s %d", new(string), &status); err != nil {
		return response{}, errors.New("not an HTTP answer")
	}
	header, _ := msnp.ParseHeader(rest)
	return response{status: status, header: header}, nil
}
