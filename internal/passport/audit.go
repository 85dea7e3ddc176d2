package passport

import (
	"context"
	"errors"
	"net/netip"

	"monarch/internal/audit"
	"monarch/internal/im"
)

// record writes down what became of a sign-in. A handle that cannot be one is "" here: what people
// type there by mistake is often a password.
func (s *Server) record(ctx context.Context, what audit.What, handle string, from netip.Addr, note string) {
	s.cfg.Audit.Record(ctx, audit.Event{What: what, User: handle, Addr: netip.AddrPortFrom(from, 0), Note: note})
}

// recordRefusal writes down why a password did not pass, which the client is not told. Those who
// are not looked at for their many failures are recorded once, as held back.
func (s *Server) recordRefusal(ctx context.Context, user im.User, c credentials, from netip.Addr, err error) {
	if !errors.Is(err, errRefused) {
		return
	}
	why := "wrong password"
	switch {
	case user.ID == 0:
		why = "no such account"
	case user.Disabled:
		why = "account disabled"
	}
	s.record(ctx, audit.SignInRefused, c.handle, from, why)
}
