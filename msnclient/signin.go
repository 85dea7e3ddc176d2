package msnclient

import (
	"context"
	"errors"
	"fmt"

	"monarch/msnp"
)

// maxHops is how often servers may send us on during one sign-in.
const maxHops = 5

// signIn signs in, beginning at the given server, and returns when the roster is there and
// the status set. status is "" for the one of before.
func (c *Client) signIn(ctx context.Context, addr string, status msnp.Status) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, oneSignIn)
	defer cancel()
	for range maxHops {
		s, err := c.connect(ctx, addr)
		if err != nil {
			return nil, err
		}
		next, err := s.authenticate(ctx)
		if err == nil && next == "" {
			err = s.arrive(ctx, status)
		}
		if err == nil && next == "" {
			return s, nil
		}
		s.link.fail(ErrMoved)
		<-s.done
		c.mu.Lock()
		c.session = nil
		c.mu.Unlock()
		if err != nil {
			return nil, err
		}
		addr = withPort(next, defaultPort)
	}
	return nil, fmt.Errorf("%w: servers send us round in circles", ErrUnavailable)
}

// connect opens a session with a server; nothing is said yet.
func (c *Client) connect(ctx context.Context, addr string) (*session, error) {
	conn, err := c.cfg.Dialer(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	s := &session{
		c: c, link: newLink(conn, msnp.ServerGrammar, c.events, c.log), done: make(chan struct{}),
		rhythm: make(chan int, 1),
	}
	if !c.spawn(s.read) {
		conn.Close()
		return nil, ErrClosed
	}
	return s, nil
}

// authenticate goes through VER, CVR and USR. It returns where to go on, if not here.
// docs/protocol/signin.md
func (s *session) authenticate(ctx context.Context) (next string, err error) {
	c := s.c
	f, err := s.link.ask(ctx, msnp.VER, append(offer(c.cfg.Version), msnp.CVR0)...)
	if err != nil {
		return "", fmt.Errorf("agree on a version: %w", refused(err))
	}
	agreed, err := msnp.ParseVERReply(f)
	if err != nil {
		return "", err
	}
	if !offered(agreed.Version, c.cfg.Version) {
		return "", ErrVersion
	}
	s.version = agreed.Version
	handle := c.cfg.Handle
	if _, err := s.link.ask(ctx, msnp.CVR, "0x0409", "winnt", "5.1", "i386", "MSNMSGR", "6.0.0602", "MSMSGS", handle); err != nil {
		return "", fmt.Errorf("introduce the client: %w", refused(err))
	}
	f, err = s.link.ask(ctx, msnp.USR, "TWN", "I", handle)
	if err != nil {
		return "", fmt.Errorf("begin to authenticate: %w", refused(err))
	}
	if f.Verb == msnp.XFR {
		m, err := msnp.ParseXFRReply(f)
		return m.Addr, err
	}
	m, err := msnp.ParseUSRReply(f)
	if err != nil {
		return "", err
	}
	if m.Challenge == "" {
		return "", fmt.Errorf("%w: the server wants no password", ErrUnavailable)
	}
	ticket, err := c.ticket(ctx, m.Challenge)
	if err != nil {
		return "", err
	}
	f, err = s.link.ask(ctx, msnp.USR, "TWN", "S", ticket)
	if err != nil {
		return "", fmt.Errorf("authenticate: %w", refused(err))
	}
	if m, err = msnp.ParseUSRReply(f); err != nil {
		return "", err
	}
	if m.Handle == "" {
		return "", fmt.Errorf("%w: the server asks again", ErrUnavailable)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.self.Name, c.version = m.Name, s.version
	return "", nil
}

// arrive fetches the roster and sets the status, after which the session is the client's.
func (s *session) arrive(ctx context.Context, status msnp.Status) error {
	c := s.c
	c.mu.Lock()
	version := c.book.version
	s.returning = status == ""
	if s.returning {
		status = c.status
	}
	picture := c.picture
	c.mu.Unlock()
	if _, err := s.link.ask(ctx, msnp.SYN, msnp.Uint(version)); err != nil {
		return fmt.Errorf("fetch roster: %w", refused(err))
	}
	if _, err := s.link.ask(ctx, msnp.CHG, c.chg(status, picture, s.version)...); err != nil {
		return fmt.Errorf("set status: %w", refused(err))
	}
	if !c.spawn(s.keepAlive) {
		return ErrClosed
	}
	return nil
}

// chg returns the parameters of CHG. docs/protocol/presence.md#chg
func (c *Client) chg(status msnp.Status, p *Picture, v msnp.Version) []string {
	params := []string{string(status), msnp.Uint(c.cfg.Flags)}
	if p != nil && hasObjects(v) {
		params = append(params, msnp.Escape(c.own(p, msnp.ObjectPicture).String()))
	}
	return params
}

// errSilent is the end of a connection whose server does not answer PNG.
var errSilent = errors.New("the server does not answer")
