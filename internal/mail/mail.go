// Package mail sends letters by SMTP: it writes invitations, takes other letters as they are, and
// keeps them in a bounded queue until a mail server has taken them. Who may write to whom, and how
// often, is decided before they come here.
package mail

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"

	gomail "github.com/wneessen/go-mail"

	"monarch/internal/clock"
	"monarch/internal/im"
)

// Security says how the conversation with the mail server is encrypted.
type Security string

// The kinds of encryption. Neither of the first two falls back to the third.
const (
	StartTLS Security = "starttls" // from the STARTTLS command on
	TLS      Security = "tls"      // from the beginning
	None     Security = "none"
)

// Config says which mail server to use and what the letters tell. Only Name, User, Password
// and Roots may be empty.
type Config struct {
	Host     string
	Port     int
	Security Security
	Roots    *x509.CertPool // who may certify the mail server; nil: whom the system trusts
	From     string         // an address, perhaps with a name
	User     string         // "" does not sign in
	Password string

	Service string // name of the service
	Join    string // web page that tells how to get an account
	Server  string // what a client connects to
}

// maxLetters is how many letters may wait, to be sent at all or again.
const maxLetters = 256

// timeout bounds each step of a conversation with the mail server.
const timeout = 30 * time.Second

// pauses go by before a letter is tried again; after the last one it is given up.
var pauses = []time.Duration{time.Minute, 10 * time.Minute, time.Hour}

// Sender sends letters, one after the other. It must be made by [New].
type Sender struct {
	cfg   Config
	from  *netmail.Address
	clock *clock.Clock
	log   *slog.Logger
	queue chan *letter // has room for every letter there is

	invitations, letters tally
	dropped              atomic.Uint64

	mu      sync.Mutex // leaf
	waiting map[*letter]struct{}
}

// letter is one on its way.
type letter struct {
	kind    string // invitation, or what else it is
	user    string // who caused it
	tally   *tally
	message *gomail.Msg
	tries   int         // that failed
	timer   clock.Timer // until the next one
}

// tally is what became of letters of a kind.
type tally struct{ sent, lost atomic.Uint64 }

// New returns a sender, which does nothing before [Sender.Run].
func New(cfg Config, clk *clock.Clock, log *slog.Logger) (*Sender, error) {
	from, err := netmail.ParseAddress(cfg.From)
	if err != nil {
		return nil, fmt.Errorf("read the sender's address: %w", err)
	}
	if from.Name == "" {
		from.Name = cfg.Service
	}
	s := &Sender{
		cfg: cfg, from: from, clock: clk, log: log,
		queue: make(chan *letter, maxLetters), waiting: make(map[*letter]struct{}),
	}
	if _, err := s.client(context.Background()); err != nil {
		return nil, err
	}
	return s, nil
}

// Invite writes a letter and puts it in the queue. It does not wait; if the queue is full the
// letter is dropped.
func (s *Sender) Invite(inv im.Invitation) {
	l := &letter{kind: "invitation", user: inv.From.Handle, tally: &s.invitations}
	var err error
	l.message, err = s.write(inv)
	s.queueUp(l, err)
}

// Letter is one of the service to somebody who has, or wants, an account.
type Letter struct {
	To, Subject, Text string
}

// Send does the same with a letter that is written.
func (s *Sender) Send(out Letter) {
	l := &letter{kind: "letter", user: out.To, tally: &s.letters}
	var err error
	l.message, err = s.message(out)
	s.queueUp(l, err)
}

// queueUp puts a letter in the queue, unless writing it failed.
func (s *Sender) queueUp(l *letter, err error) {
	if err != nil {
		l.tally.lost.Add(1)
		s.log.Info("a letter could not be written", "kind", l.kind, "user", l.user, "err", err)
		return
	}
	s.mu.Lock()
	full := len(s.waiting) >= maxLetters
	if !full {
		s.waiting[l] = struct{}{}
	}
	s.mu.Unlock()
	if full {
		l.tally.lost.Add(1)
		s.dropped.Add(1)
		s.log.Warn("a letter was dropped, too many are waiting", "kind", l.kind, "user", l.user)
		return
	}
	s.queue <- l
}

// Sent returns how many invitations the mail server has taken.
func (s *Sender) Sent() uint64 { return s.invitations.sent.Load() }

// Lost returns how many invitations were refused or given up.
func (s *Sender) Lost() uint64 { return s.invitations.lost.Load() }

// LettersSent returns how many other letters the mail server has taken.
func (s *Sender) LettersSent() uint64 { return s.letters.sent.Load() }

// LettersLost returns how many other letters were refused or given up.
func (s *Sender) LettersLost() uint64 { return s.letters.lost.Load() }

// Waiting returns how many letters wait, to be sent at all or again.
func (s *Sender) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// MaxWaiting returns how many may.
func (s *Sender) MaxWaiting() int { return maxLetters }

// Dropped returns how many letters of all kinds found the queue full.
func (s *Sender) Dropped() uint64 { return s.dropped.Load() }

// Run sends letters until ctx ends, which interrupts the one under way. Those that are left
// are lost.
func (s *Sender) Run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case l := <-s.queue:
			s.try(ctx, l)
		}
	}
	s.mu.Lock()
	left := len(s.waiting)
	for l := range s.waiting {
		s.clock.Stop(&l.timer)
		l.tally.lost.Add(1)
	}
	clear(s.waiting)
	s.mu.Unlock()
	if left > 0 {
		s.log.Warn("letters were not sent before the end", "letters", left)
	}
}

// try sends a letter, or puts it aside until its next try.
func (s *Sender) try(ctx context.Context, l *letter) {
	err := s.send(ctx, l.message)
	if err != nil && ctx.Err() != nil {
		return // Run counts it
	}
	if err != nil && !final(err) && l.tries < len(pauses) {
		pause := pauses[l.tries]
		l.tries++
		s.clock.Set(&l.timer, pause, func() { s.queue <- l })
		s.log.Info("a letter is tried again later", "kind", l.kind, "user", l.user, "pause", pause, "err", discreet(err))
		return
	}
	s.mu.Lock()
	delete(s.waiting, l)
	s.mu.Unlock()
	if err != nil {
		l.tally.lost.Add(1)
		s.log.Warn("a letter could not be sent", "kind", l.kind, "user", l.user, "tries", l.tries+1, "err", discreet(err))
		return
	}
	l.tally.sent.Add(1)
	s.log.Debug("a letter was sent", "kind", l.kind, "user", l.user)
}

// final reports whether a later try would fail as well: the mail server has refused this very
// letter.
func final(err error) bool {
	var refused *gomail.SendError
	return errors.As(err, &refused) && refused.ErrorCode() >= 500
}

// discreet leaves out what a mail server says in its own words: they may hold the recipient, and
// some repeat what they refuse, which may be the password.
func discreet(err error) error {
	var refused *gomail.SendError
	var answer *textproto.Error
	switch {
	case errors.As(err, &answer) && answer.Code/10 == 53:
		return fmt.Errorf("the mail server answered %d to smtp.user and the password", answer.Code)
	case errors.As(err, &answer):
		return fmt.Errorf("the mail server answered %d", answer.Code)
	case !errors.As(err, &refused):
		return err
	case refused.ErrorCode() == 0:
		return errors.New("the conversation with the mail server broke off")
	}
	return fmt.Errorf("the mail server answered %d %s", refused.ErrorCode(), refused.EnhancedStatusCode())
}

// send has one conversation with the mail server.
func (s *Sender) send(ctx context.Context, m *gomail.Msg) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // whatever happened, the connection is closed then
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	conn, err := c.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	// What goes wrong once the server has the letter, as it does where it hangs up at once, is
	// no reason to send it again.
	if err := c.SendWithSMTPClient(conn, m); err != nil && !m.IsDelivered() {
		return fmt.Errorf("hand over a letter: %w", err)
	}
	// The letter is the server's now, however they part.
	_ = c.CloseWithSMTPClient(conn)
	return nil
}

// client returns a client for one conversation, whose connection closes when ctx ends.
func (s *Sender) client(ctx context.Context) (*gomail.Client, error) {
	certs := &tls.Config{ServerName: s.cfg.Host, MinVersion: tls.VersionTLS12, RootCAs: s.cfg.Roots}
	dial := func(dialing context.Context, network, addr string) (net.Conn, error) {
		return s.dial(ctx, dialing, network, addr, certs)
	}
	// For TLS the connection comes encrypted, and a server does not offer it again.
	policy := map[Security]gomail.TLSPolicy{StartTLS: gomail.TLSMandatory, TLS: gomail.TLSOpportunistic, None: gomail.NoTLS}
	options := []gomail.Option{
		gomail.WithPort(s.cfg.Port), gomail.WithTimeout(timeout), gomail.WithTLSConfig(certs),
		gomail.WithTLSPolicy(policy[s.cfg.Security]), gomail.WithDialContextFunc(dial),
	}
	if s.cfg.User != "" {
		options = append(options, gomail.WithUsername(s.cfg.User), gomail.WithPassword(s.cfg.Password),
			gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover))
	}
	c, err := gomail.NewClient(s.cfg.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("prepare to send mail: %w", err)
	}
	return c, nil
}

// dial connects to the mail server, within dialing, for as long as ctx lasts.
func (s *Sender) dial(ctx, dialing context.Context, network, addr string, certs *tls.Config) (net.Conn, error) {
	var d interface {
		DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	} = new(net.Dialer)
	if s.cfg.Security == TLS {
		d = &tls.Dialer{Config: certs}
	}
	c, err := d.DialContext(dialing, network, addr)
	if err == nil {
		context.AfterFunc(ctx, func() { _ = c.Close() }) // it may be closed already
	}
	return c, err
}

// messageID makes the identity of a letter, in the sender's domain.
func (s *Sender) messageID() string {
	_, domain := splitAddress(s.from.Address)
	return rand.Text() + "@" + domain
}
