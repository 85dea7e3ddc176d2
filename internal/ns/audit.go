package ns

import (
	"context"
	"errors"

	"monarch/internal/audit"
	"monarch/internal/im"
	"monarch/msnp"
)

// recordSignIn writes down who came in, from where and with what.
func (s *session) recordSignIn(ctx context.Context, user im.User, client string) {
	note := s.dialect.version.String()
	if client != "" {
		note = client + ", " + note
	}
	s.srv.Audit.Record(ctx, audit.Event{What: audit.SignedIn, User: user.Handle, Addr: s.conn.Peer(), Note: note})
}

// recordRefusal writes down that somebody's ticket did not pass. What is the server's own trouble
// is none of that.
func (s *session) recordRefusal(ctx context.Context, err error) {
	var refused fatal
	if errors.As(err, &refused) && refused.code == msnp.CodeAuthFailed {
		s.srv.Audit.Record(ctx, audit.Event{What: audit.SignInRefused, User: s.handle(), Addr: s.conn.Peer(), Note: "ticket not valid"})
	}
}
