package swarm

import (
	"context"
	"fmt"
	"strings"
	"time"

	"monarch/msnp"
)

// product is the client that everybody pretends to use.
var product = msnp.Products[0]

// greet takes a connection to the notification server through the sign-in, up to USR OK.
func (l *link) greet(c crowd, i int) error {
	to, err := l.introduce(handle(i))
	if err == nil && to != "" {
		err = fmt.Errorf("sent to %s", to)
	}
	if err == nil {
		_, err = l.prove(c, i)
	}
	return err
}

// introduce says who somebody is, and returns where he is sent, or "" if he may go on here.
func (l *link) introduce(who string) (to string, err error) {
	if _, err := l.ask(msnp.VER, "1", msnp.MSNP9.String(), msnp.CVR0); err != nil {
		return "", err
	}
	if _, err := l.ask(msnp.CVR, "2", "0x0409", "winnt", "5.1", "i386", "MSNMSGR", "6.0.0602", "MSMSGS", who); err != nil {
		return "", err
	}
	if err := l.say(msnp.USR, "3", "TWN", "I", who); err != nil {
		return "", err
	}
	f, err := l.await(msnp.USR, msnp.XFR)
	if err != nil || f.Verb == msnp.USR {
		return "", err
	}
	r, err := msnp.ParseXFRReply(f)
	return r.Addr, err
}

// prove proves it, and returns the name that he has.
func (l *link) prove(c crowd, i int) (name string, err error) {
	f, err := l.ask(msnp.USR, "4", "TWN", "S", c.ticket(i, time.Now()))
	if err != nil {
		return "", err
	}
	r, err := msnp.ParseUSRReply(f)
	if err != nil || r.Handle != handle(i) {
		return "", fmt.Errorf("signed in as %q: %w", r.Handle, err)
	}
	return r.Name, nil
}

// appear asks for the lists, comes on line and answers the challenge.
func (l *link) appear(status msnp.Status) error {
	if _, err := l.ask(msnp.SYN, "5", "0"); err != nil {
		return err
	}
	if _, err := l.ask(msnp.CHG, "6", string(status), "0"); err != nil {
		return err
	}
	f, err := l.await(msnp.CHL)
	if err != nil {
		return err
	}
	if err := l.answer(f, "7"); err != nil {
		return err
	}
	_, err = l.await(msnp.QRY)
	return err
}

// answer answers a challenge.
func (l *link) answer(f msnp.Frame, trid string) error {
	challenge, err := msnp.ParseCHL(f)
	if err != nil {
		return err
	}
	_, err = l.Write(msnp.AppendPayload(nil, msnp.QRY, []byte(product.Answer(challenge)), trid, product.ID))
	return err
}

// signIn connects somebody and brings him on line.
func signIn(ctx context.Context, addr string, c crowd, i int) (*link, error) {
	l, err := dial(ctx, addr, msnp.ServerGrammar)
	if err != nil {
		return nil, err
	}
	l.SetDeadline(time.Now().Add(patience))
	if err = l.greet(c, i); err == nil {
		err = l.appear(msnp.Online)
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("sign %s in: %w", handle(i), err)
	}
	l.SetDeadline(time.Time{})
	return l, nil
}

// enter connects somebody to the switchboard that XFR named and opens a conversation. It
// returns its number, too.
func enter(ctx context.Context, who string, xfr msnp.Frame) (*link, string, error) {
	r, err := msnp.ParseXFRReply(xfr)
	if err != nil {
		return nil, "", err
	}
	l, err := dial(ctx, r.Addr, msnp.SwitchboardServerGrammar)
	if err != nil {
		return nil, "", err
	}
	l.SetDeadline(time.Now().Add(patience))
	if _, err := l.ask(msnp.USR, "1", who, r.Cookie); err != nil {
		l.Close()
		return nil, "", err
	}
	id, _, _ := strings.Cut(r.Cookie, ".") // docs/protocol/switchboard.md#cookies
	return l, id, nil
}

// join connects somebody to the switchboard that RNG named, as far as his own ANS.
func join(ctx context.Context, who string, r msnp.Ring) (*link, error) {
	l, err := dial(ctx, r.Addr, msnp.SwitchboardServerGrammar)
	if err != nil {
		return nil, err
	}
	l.SetDeadline(time.Now().Add(patience))
	if err := l.say(msnp.ANS, "1", who, r.Cookie, r.Session); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// meet brings two people who are signed in into a conversation of their own.
func meet(ctx context.Context, caller, callee *link, from, to string) (a, b *link, err error) {
	defer func() {
		if err != nil {
			closeAll([]*link{a, b})
			err = fmt.Errorf("bring %s and %s together: %w", from, to, err)
		}
	}()
	caller.SetDeadline(time.Now().Add(patience))
	callee.SetDeadline(time.Now().Add(patience))
	f, err := caller.ask(msnp.XFR, "8", "SB")
	if err != nil {
		return nil, nil, err
	}
	if a, _, err = enter(ctx, from, f); err != nil {
		return nil, nil, err
	}
	if _, err = a.ask(msnp.CAL, "2", to); err != nil {
		return a, nil, err
	}
	if f, err = callee.await(msnp.RNG); err != nil {
		return a, nil, err
	}
	r, err := msnp.ParseRNG(f)
	if err != nil {
		return a, nil, err
	}
	if b, err = join(ctx, to, r); err != nil {
		return a, nil, err
	}
	if _, err = b.await(msnp.ANS); err != nil {
		return a, b, err
	}
	if _, err = a.await(msnp.JOI); err != nil {
		return a, b, err
	}
	for _, l := range []*link{caller, callee, a, b} {
		l.SetDeadline(time.Time{})
	}
	return a, b, nil
}
