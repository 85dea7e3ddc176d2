package login

import (
	"context"
	"errors"
	"net/netip"

	"monarch/internal/audit"
	"monarch/internal/im"
)

// record writes down what became of a sign-in. A handle that cannot be one is "" here: what people
// type there by mistake is often a password.
func (d *Desk) record(ctx context.Context, what audit.What, handle string, from netip.Addr, note string) {
	d.cfg.Audit.Record(ctx, audit.Event{What: what, User: handle, Addr: netip.AddrPortFrom(from, 0), Note: note})
}

// recordRefusal writes down why a password did not pass, which the client is not told. Those who
// are not looked at for their many failures are recorded once, as held back.
func (d *Desk) recordRefusal(ctx context.Context, user im.User, c credentials, err error) {
	if !errors.Is(err, ErrRefused) {
		return
	}
	why := "wrong password"
	switch {
	case user.ID == 0:
		why = "no such account"
	case user.Locked(d.cfg.Clock.Now()):
		why = "account disabled"
	}
	d.record(ctx, audit.SignInRefused, c.handle, c.from, why)
}
