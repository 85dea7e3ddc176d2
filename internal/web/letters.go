package web

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/store"
)

// Letter is one to somebody who has, or wants, an account.
type Letter struct {
	To, Subject, Text string
}

// How long the links in letters are good.
const (
	confirmLife = 24 * time.Hour
	resetLife   = 2 * time.Hour
)

// maxErrands is how many may wait.
const maxErrands = 64

// errands are what is done after an answer was given, one after the other: looking an account
// up and writing to its owner. So the answer says nothing by the time it takes.
type errands struct {
	waiting chan func(context.Context)
	once    sync.Once
	stop    context.CancelFunc
	running sync.WaitGroup
}

// start begins to run them. It may be called more than once.
func (e *errands) start() {
	e.once.Do(func() {
		ctx, stop := context.WithCancel(context.Background())
		e.stop = stop
		e.running.Go(func() {
			for {
				select {
				case fn := <-e.waiting:
					fn(ctx)
				case <-ctx.Done():
					return
				}
			}
		})
	})
}

// end waits for the one under way; those that wait are dropped.
func (e *errands) end() {
	e.start() // so that there is something to end
	e.stop()
	e.running.Wait()
}

// Errands returns how many things wait to be done after an answer, and how many may.
func (s *Server) Errands() (waiting, most int) { return len(s.errands.waiting), maxErrands }

// later runs an errand after the answer. The error is that too many wait.
func (s *Server) later(fn func(context.Context) error) error {
	errand := func(ctx context.Context) {
		if err := fn(ctx); err != nil {
			s.cfg.Log.Error("a letter could not be prepared", "err", err)
		}
	}
	select {
	case s.errands.waiting <- errand:
		return nil
	default:
		return errBusy
	}
}

// recipient is whom a letter is for.
type recipient struct {
	handle string
	from   netip.Addr // where it was asked for
	text   *catalogue // in which language
}

// recipientOf is the visitor who sent a request, at an address he gave.
func recipientOf(v *visitor, handle string) recipient {
	return recipient{handle, v.Address, v.text}
}

// confirm asks whoever reads the letters to an address whether he wants an account. One who has
// an account is told so, in a letter too.
func (s *Server) confirm(ctx context.Context, to recipient, in store.SignUp) error {
	user, err := s.cfg.Store.User(ctx, in.Handle)
	if err == nil {
		return s.resetBy(ctx, "join.letter_taken", to, user)
	}
	if !errors.Is(err, im.ErrNoUser) {
		return err
	}
	token, now := auth.Token(), s.cfg.Clock.Now()
	err = s.cfg.Store.AddSignUpLetter(ctx, token, in, now, now.Add(confirmLife))
	if err != nil {
		return enough(err)
	}
	s.write(ctx, "join.letter_confirm", to, s.link("/join/confirm", token), confirmLife)
	return nil
}

// reset lets the owner of an address choose another password, if he has an account.
func (s *Server) reset(ctx context.Context, to recipient) error {
	user, err := s.cfg.Store.User(ctx, to.handle)
	if errors.Is(err, im.ErrNoUser) || err == nil && user.Locked(s.cfg.Clock.Now()) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.resetBy(ctx, "join.letter_reset", to, user)
}

func (s *Server) resetBy(ctx context.Context, text string, to recipient, user im.User) error {
	token, now := auth.Token(), s.cfg.Clock.Now()
	if err := s.cfg.Store.AddResetLetter(ctx, token, user, now, now.Add(resetLife)); err != nil {
		return enough(err)
	}
	s.write(ctx, text, to, s.link("/reset/new", token), resetLife)
	return nil
}

// enough takes it well when somebody has enough letters.
func enough(err error) error {
	if errors.Is(err, store.ErrTooManyLetters) {
		return nil
	}
	return err
}

// write sends a letter that has a text and, under the same key with _subject, a subject.
func (s *Server) write(ctx context.Context, key string, to recipient, link string, life time.Duration) {
	values := []any{"service", s.cfg.Name, "handle", to.handle, "link", link, "n", int(life / time.Hour)}
	s.cfg.Post(Letter{To: to.handle, Subject: to.text.text(key+"_subject", values...), Text: to.text.text(key, values...)})
	s.record(ctx, audit.LetterSent, to.handle, to.from, fmt.Sprintf("%s, with a link", key[len("join.letter_"):]))
}

func (s *Server) link(path, token string) string {
	return s.cfg.URL + path + "?token=" + url.QueryEscape(token)
}
