package sb

import (
	"context"
	"maps"
	"slices"

	"monarch/internal/auth"
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// caller is what the switchboards of one sign-in share. srv.mu guards it.
type caller struct {
	login   uint64 // the number of the sign-in, or of the one that has succeeded it
	members map[*member]struct{}
}

// seat counts a participant for his sign-in, and reports whether that still lasts.
func (s *Server) seat(m *member) bool {
	s.mu.Lock()
	c := s.caller(m.who.ID, m.login)
	if c == nil {
		c = &caller{login: m.login, members: make(map[*member]struct{})}
		s.callers[m.who.ID] = append(s.callers[m.who.ID], c)
	}
	c.members[m] = struct{}{}
	m.caller = c
	s.seated++
	s.mu.Unlock()
	m.talker = s.Paces.join(m.who.ID)
	s.Hub.AddBoards(m.who.ID, m.login, 1)
	return s.current(m)
}

// unseat ends that, if it was.
func (s *Server) unseat(m *member) {
	if m.caller == nil {
		return
	}
	s.mu.Lock()
	delete(m.caller.members, m)
	login := m.caller.login
	s.seated--
	s.mu.Unlock()
	s.Paces.part(m.who.ID)
	s.Hub.AddBoards(m.who.ID, login, -1)
	if !s.current(m) {
		s.release(m.who.ID, login)
	}
}

// moved is told by the hub that somebody whom his node sent away, or let go of, has come back: his
// conversations go on as those of the new sign-in. docs/protocol/switchboard.md#ns-and-sb
func (s *Server) moved(user im.UserID, from, to uint64) {
	n := 0
	s.mu.Lock()
	for _, c := range s.callers[user] {
		if c.login == from {
			c.login = to
			n += len(c.members)
		}
	}
	s.mu.Unlock()
	if n > 0 {
		s.Hub.AddBoards(user, to, n)
	}
}

// caller finds what the switchboards of a sign-in share, or nil. s.mu is held.
func (s *Server) caller(user im.UserID, login uint64) *caller {
	for _, c := range s.callers[user] {
		if c.login == login {
			return c
		}
	}
	return nil
}

// release forgets an ended sign-in once its last participant has gone.
func (s *Server) release(user im.UserID, login uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := slices.DeleteFunc(s.callers[user], func(c *caller) bool { return c.login == login && len(c.members) == 0 })
	if s.callers[user] = left; len(left) == 0 {
		delete(s.callers, user)
	}
}

// rings remembers whose sign-in an invitation rings at, for signedOut.
func (s *Server) rings(inv *invitation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ringing[inv.login] == nil {
		s.ringing[inv.login] = make(map[*invitation]struct{})
	}
	s.ringing[inv.login][inv] = struct{}{}
}

// silent ends that.
func (s *Server) silent(inv *invitation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ringing[inv.login], inv)
	if len(s.ringing[inv.login]) == 0 {
		delete(s.ringing, inv.login)
	}
}

// signedOut is told by the hub that a sign-in ended. What rang at it has no one to answer. Its
// conversations go on unless the server itself ended it: a stolen session must not go on
// talking, nor what is left of those before it. Of one whose account may not sign in any more,
// or not with that password, they end whatever the settings say.
// docs/protocol/switchboard.md#ns-and-sb
func (s *Server) signedOut(user im.UserID, login uint64, how hub.Ending) {
	ends, why := how == hub.Expelled && s.CloseOnExpel, conn.Displaced
	if how == hub.Revoked {
		ends, why = true, conn.Revoked
	}
	s.mu.Lock()
	var expelled []*member
	for _, c := range s.callers[user] {
		if c.login <= login && ends {
			expelled = slices.AppendSeq(expelled, maps.Keys(c.members))
		}
	}
	unheard := slices.Collect(maps.Keys(s.ringing[login]))
	s.mu.Unlock()
	for _, inv := range unheard {
		inv.room.withdraw(inv)
	}
	for _, m := range expelled {
		m.conn.Close(why)
	}
	s.release(user, login)
}

// current reports whether the sign-in that the participant came from still lasts, or one that has
// succeeded it.
func (s *Server) current(m *member) bool {
	l, ok := s.Hub.ByID(m.who.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok && l.Number == m.caller.login
}

// cal calls somebody into the room. docs/protocol/switchboard.md#cal
func (m *member) cal(f msnp.Frame) error {
	c, err := msnp.ParseCAL(f)
	if err != nil {
		return err
	}
	var next attempt
	if err = m.mayCall(); err == nil {
		next, err = m.call(c)
	}
	if err == nil && next.waits() {
		f = f.Clone()
		m.conn.Go(func(ctx context.Context) {
			err := m.try(ctx, c, next)
			m.called(err)
			if err != nil {
				m.fail(f, err)
			}
		})
		return nil
	}
	if err == nil {
		err = m.rings(next.inv, m.srv.Hub.DeliverTo(next.callee.Person.ID, next.callee.Number, m.invited(next.inv)))
	}
	m.called(err)
	return err
}

// attempt is a call on its way.
type attempt struct {
	callee hub.Login
	inv    *invitation
	before <-chan struct{} // closed when it is known what came of an earlier call, if one is in the way
}

// waits reports whether the answer takes time.
func (a *attempt) waits() bool { return a.before != nil || a.callee.Node != "" }

// try asks another node whether its user rings, after what was in the way.
func (m *member) try(ctx context.Context, c msnp.Call, next attempt) error {
	for next.before != nil {
		select {
		case <-next.before:
		case <-ctx.Done():
			return msnp.CodeNotOnline
		}
		var err error
		if next, err = m.call(c); err != nil {
			return err
		}
	}
	return m.rings(next.inv, m.srv.Hub.Ask(ctx, next.callee.Person.ID, next.callee.Number, m.invited(next.inv)))
}

// call finds the callee and reserves his place, if that is not in doubt. Whatever keeps him from
// being called, the caller hears the same.
func (m *member) call(c msnp.Call) (attempt, error) {
	if !m.srv.current(m) {
		return attempt{}, msnp.CodeNotWhileHidden
	}
	handle, err := im.ParseCallee(c.Handle)
	if err != nil {
		return attempt{}, msnp.CodeInvalidHandle
	}
	callee, _ := m.srv.Hub.ByHandle(handle) // nobody, when he is not signed in
	id := msnp.Uint(m.room.id)
	inv := &invitation{
		cookie: id + "." + auth.Nonce() + "." + auth.Nonce(),
		caller: m, called: m.srv.Clock.Elapsed(), reply: msnp.AppendLine(nil, msnp.CAL, string(c.TrID), "RINGING", id),
	}
	before, err := m.room.invite(callee, handle, inv)
	return attempt{callee, inv, before}, err
}

// invited is what the callee is told.
func (m *member) invited(inv *invitation) hub.Invited {
	return hub.Invited{Session: m.room.id, Addr: m.srv.Addr, Cookie: inv.cookie, Caller: m.who}
}

// rings ends the call: his client has rung or it will not.
func (m *member) rings(inv *invitation, taken bool) error {
	if !taken {
		m.room.withdraw(inv)
		return msnp.CodeNotOnline
	}
	m.room.ring(inv)
	return nil
}
