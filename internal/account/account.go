// Package account is what may be done with accounts, by their owners and by operators: each
// operation is durable first, then told to the sessions concerned, then recorded. Who may ask for
// one, and in which words the outcome is told, belongs to its callers.
package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/msnp"
)

// MaxPassword is the most bytes of a password. Old clients want at most 16.
const MaxPassword = 256

// What is wrong with what somebody wants. Besides these there are the errors of im, of the store,
// and auth.ErrBusy.
var (
	ErrBadEmail    = errors.New("not an address an account can have")
	ErrBadName     = errors.New("not a name clients can show")
	ErrBadPassword = errors.New("not a password an account can have")
	ErrBadReason   = fmt.Errorf("not a reason that can be shown: it has at most %d characters, and none that control a terminal", MaxReason)
	ErrBadEnd      = errors.New("not a time until which an account can be locked: it is over, or too far away")

	// Two kinds of ErrBadPassword.
	ErrPasswordLength  = fmt.Errorf("%w: it has 1 to %d bytes", ErrBadPassword, MaxPassword)
	ErrPasswordControl = fmt.Errorf("%w: it has control characters", ErrBadPassword)
)

// Service carries out operations at once. All pointers but Audit are required; where no server
// runs, Hub is an empty one and Messenger nil.
type Service struct {
	Store  *store.Store
	Hub    *hub.Hub
	Hasher *auth.Hasher
	Clock  *clock.Clock
	Log    *slog.Logger
	Audit  *audit.Log // nil: nothing is recorded

	Messenger Messenger
}

// New is an account to be made.
type New struct {
	Email    string
	Name     string // empty: the part of Email before the at sign
	Password string
}

// Create makes an account. It refuses with ErrBadEmail, ErrBadName, ErrBadPassword or
// im.ErrHandleTaken.
func (s *Service) Create(ctx context.Context, n New) (im.User, error) {
	email, err := im.ParseHandle(n.Email)
	if err != nil {
		return im.User{}, fmt.Errorf("%w: %q", ErrBadEmail, n.Email)
	}
	if n.Name == "" {
		n.Name, _, _ = strings.Cut(email, "@")
	}
	if err := CheckName(n.Name); err != nil {
		return im.User{}, err
	}
	hash, err := s.Hash(ctx, n.Password)
	if err != nil {
		return im.User{}, err
	}
	u, err := s.Store.CreateUser(ctx, email, n.Name, hash)
	return s.made(ctx, u, err)
}

// made tells of a new account, if there is one.
func (s *Service) made(ctx context.Context, u im.User, err error) (im.User, error) {
	if err == nil {
		s.Log.InfoContext(ctx, "account added", "user", u.Handle)
		s.Audit.Record(ctx, audit.Event{What: audit.AccountAdded, User: u.Handle})
	}
	return u, err
}

// SetPassword replaces the password and ends the account's session: whoever knows the
// new one signs in again. It refuses with ErrBadPassword.
func (s *Service) SetPassword(ctx context.Context, u im.User, password string) error {
	hash, err := s.Hash(ctx, password)
	if err != nil {
		return err
	}
	if err := s.Store.SetPassword(ctx, u.ID, hash); err != nil {
		return err
	}
	s.changedPassword(ctx, u, "")
	return nil
}

// changedPassword ends what the old password has begun.
func (s *Service) changedPassword(ctx context.Context, u im.User, note string) {
	s.Hub.Expel(u.ID, hub.AccountChanged)
	s.Log.InfoContext(ctx, "password changed", "user", u.Handle)
	s.Audit.Record(ctx, audit.Event{What: audit.PasswordChanged, User: u.Handle, Note: note})
}

// PasswordIs reports whether the account has this password. Nothing slows guessing down, which
// is for login.
func (s *Service) PasswordIs(ctx context.Context, u im.User, password string) (bool, error) {
	return s.Hasher.Check(ctx, netip.Addr{}, u.PasswordHash, password)
}

// SetDisabled locks an account for good and ends its session, or unlocks it.
func (s *Service) SetDisabled(ctx context.Context, u im.User, disabled bool) error {
	if err := s.Store.SetDisabled(ctx, u.ID, disabled); err != nil {
		return err
	}
	what := audit.AccountEnabled
	if disabled {
		s.Hub.Expel(u.ID, hub.AccountChanged)
		what = audit.AccountDisabled
	}
	s.Log.InfoContext(ctx, "account locked or unlocked", "user", u.Handle, "disabled", disabled)
	s.Audit.Record(ctx, audit.Event{What: what, User: u.Handle})
	return nil
}

// Lock is how an account is locked.
type Lock struct {
	Reason string    // for operators; may be empty
	Until  time.Time // zero: for good
}

// Bounds of a lock.
const (
	MaxReason = 200                       // characters
	maxLock   = 10 * 366 * 24 * time.Hour // longer than this is for good
)

// Lock locks an account, for a reason or until a time, in place of how it was locked before, and ends its
// session. When the time has come its owner can sign in again. It refuses with ErrBadReason or ErrBadEnd.
func (s *Service) Lock(ctx context.Context, u im.User, l Lock) error {
	l.Reason = strings.TrimSpace(l.Reason)
	if !PlainReason(l.Reason) {
		return ErrBadReason
	}
	until, note := int64(0), ""
	if !l.Until.IsZero() {
		if left := l.Until.Sub(s.Clock.Now()); left <= 0 || left > maxLock {
			return ErrBadEnd
		}
		until, note = l.Until.Unix(), "until "+l.Until.UTC().Format("2006-01-02 15:04 UTC")
	}
	if err := s.Store.Lock(ctx, u.ID, l.Reason, until); err != nil {
		return err
	}
	s.Hub.Expel(u.ID, hub.AccountChanged)
	if l.Reason != "" {
		note = strings.TrimPrefix(note+": "+l.Reason, ": ")
	}
	s.Log.InfoContext(ctx, "account locked or unlocked", "user", u.Handle, "disabled", true)
	s.Audit.Record(ctx, audit.Event{What: audit.AccountDisabled, User: u.Handle, Note: note})
	return nil
}

// PlainReason reports whether a text can be shown everywhere, and is no longer than a reason may be.
func PlainReason(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= MaxReason &&
		!strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7F && r < 0xA0 })
}

// SetRole says what somebody may do for the service.
func (s *Service) SetRole(ctx context.Context, u im.User, role im.Role) error {
	if err := s.Store.SetRole(ctx, u.ID, role); err != nil {
		return err
	}
	note := string(cmp.Or(role, "none"))
	s.Log.InfoContext(ctx, "role changed", "user", u.Handle, "role", note)
	s.Audit.Record(ctx, audit.Event{What: audit.RoleChanged, User: u.Handle, Note: note})
	return nil
}

// Rename changes what an account's owner is called, here and to those who watch him. It refuses
// with ErrBadName.
func (s *Service) Rename(ctx context.Context, u im.User, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	err := s.change(ctx, u, func() error {
		_, err := s.Store.Rename(ctx, u.ID, name)
		if err == nil {
			s.Hub.Deliver(u.ID, hub.Renamed{Name: name})
		}
		return err
	})
	if err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "account renamed", "user", u.Handle)
	s.Audit.Record(ctx, audit.Event{What: audit.AccountRenamed, User: u.Handle, Note: name})
	return nil
}

// Delete ends the account's session and removes it for good, from everybody's lists too.
func (s *Service) Delete(ctx context.Context, u im.User) error {
	s.Hub.Expel(u.ID, hub.AccountChanged)
	if err := s.Store.DeleteUser(ctx, u.ID); err != nil {
		return err
	}
	// Again, for a client that came back at once.
	s.Hub.Expel(u.ID, hub.AccountChanged)
	s.Log.InfoContext(ctx, "account deleted", "user", u.Handle)
	s.Audit.Record(ctx, audit.Event{What: audit.AccountDeleted, User: u.Handle})
	return nil
}

// EndSession ends the session that somebody has with a client, which may sign in again. It reports
// false when there is none.
func (s *Service) EndSession(ctx context.Context, u im.User) bool {
	if !s.Hub.Expel(u.ID, hub.ByOperator) {
		return false
	}
	s.Log.InfoContext(ctx, "session ended", "user", u.Handle)
	s.Audit.Record(ctx, audit.Event{What: audit.SessionEnded, User: u.Handle})
	return true
}

// Hash checks the form of a new password and hashes it. Errors never hold the password.
func (s *Service) Hash(ctx context.Context, password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	return s.Hasher.Hash(ctx, password)
}

// HashFor is Hash for a stranger at an address, who takes his turn with those who sign in. The
// error may be [auth.ErrBusy] too.
func (s *Service) HashFor(ctx context.Context, from netip.Addr, password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	return s.Hasher.HashFor(ctx, from, password)
}

// CheckPassword refuses what no account can have as its password.
func CheckPassword(password string) error {
	if password == "" || len(password) > MaxPassword {
		return ErrPasswordLength
	}
	if strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return ErrPasswordControl
	}
	return nil
}

// CheckName refuses a name that clients could not show. docs/protocol/limits.md#sizes
func CheckName(name string) error {
	if name == "" || len(msnp.Escape(name)) > msnp.MaxName {
		return ErrBadName
	}
	return nil
}
