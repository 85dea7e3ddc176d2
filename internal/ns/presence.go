package ns

import (
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// chg changes the user's status and tells everybody entitled to know; the first one of a
// session also tells him who is there. docs/protocol/presence.md#chg
func (s *session) chg(f msnp.Frame) error {
	m, err := msnp.ParseCHG(f)
	if err != nil {
		return err
	}
	if m.Status == msnp.Offline {
		return msnp.CodeInvalidParameter
	}
	s.mu.Lock()
	first := !s.online
	s.mu.Unlock()
	if !first {
		if err := s.allow(statuses); err != nil {
			return err
		}
	}
	p := im.Presence{Status: m.Status, Flags: m.Flags, Object: m.Object}
	if !s.dialect.pictures {
		p.Object = ""
	}
	out := f.AppendEcho(nil)

	s.mu.Lock()
	s.online, s.visible = true, p.Visible()
	if first {
		out = s.appendInitial(out, m.TrID)
		out = s.appendInitialMail(out)
	}
	s.conn.Send(out)
	s.mu.Unlock()

	s.srv.Hub.SetPresence(&s.entry, p, s.watchers)
	if first {
		s.challengeNow()
		if minutes, ok := s.srv.Hub.Announced(); ok {
			s.conn.Send(appendNotice(nil, minutes))
		}
	}
	return nil
}

// appendInitial appends the presence of every contact the user may see. s.mu is held: a
// contact's change is either in the directory by now or delivered after this is sent.
// docs/protocol/presence.md#initial
func (s *session) appendInitial(b []byte, t msnp.TrID) []byte {
	for _, id := range s.links.Contacts(nil) {
		b = s.appendSeen(b, id, t)
	}
	return b
}

// appendSeen appends the ILN of one contact, or the NLN if nothing is answered by it, if the user
// may see him. s.mu is held.
func (s *session) appendSeen(b []byte, id im.UserID, t msnp.TrID) []byte {
	l, ok := s.srv.Hub.ByID(id)
	if !ok || !l.Presence.Visible() || !s.links.Admits(id) {
		return b
	}
	s.links.Show(id, true)
	seen := wire(l.Person, l.Presence)
	if t == "" {
		return seen.AppendNLN(b, s.dialect.version)
	}
	return seen.AppendILN(b, s.dialect.version, t)
}

// wire puts a presence into the words of the protocol.
func wire(who im.Person, p im.Presence) msnp.Presence {
	return msnp.Presence{Status: p.Status, Handle: who.Handle, Name: who.Name, Flags: p.Flags, Object: p.Object}
}

// presenceChanged tells the client of a contact's change, if it would see one. Nothing is
// ever said of somebody who is not on the forward list: clients look him up without
// checking. docs/protocol/presence.md#lines
func (s *session) presenceChanged(ev *hub.PresenceChanged) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.online || !s.linked {
		return false
	}
	who, there := s.links.Of(ev.Who.ID), ev.Now.Visible()
	switch {
	case !who.On(im.Forward) || there && !who.Admits():
		return false
	case !there && !who.Shown():
		return true
	case there && who.Shown() && !ev.Renamed && s.dialect.same(ev.Before, ev.Now):
		return true
	}
	who.Show(there)
	return s.conn.Send(ev.Line(s.dialect.version, func() []byte {
		return appendChange(nil, s.dialect.version, ev.Who, ev.Now)
	}))
}

// missed tells the client what is different about those of whose changes nobody here knew in time.
// s.mu is held: a change after this is delivered after it.
func (s *session) missed(ev hub.Missed) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.online || !s.linked {
		return false
	}
	var out []byte
	for _, id := range s.links.Contacts(nil) {
		before, ok := ev.People[id]
		if !ok {
			continue
		}
		l, _ := s.srv.Hub.ByID(id)
		if !s.links.Shown(id) || l.Person.Name != before.Who.Name || !s.dialect.same(before.Presence, l.Presence) {
			out = s.appendNow(out, before.Who, l)
		}
	}
	return s.conn.Send(out)
}

// appendNow appends how a contact is now, as the directory says it, for a client that may have been
// told something else. s.mu is held.
func (s *session) appendNow(b []byte, who im.Person, l hub.Login) []byte {
	there := l.Presence.Visible() && s.links.Admits(who.ID)
	switch {
	case there:
		who = l.Person
	case !s.links.Shown(who.ID):
		return b
	}
	s.links.Show(who.ID, there)
	if !there {
		l.Presence = im.Presence{Status: msnp.Offline}
	}
	return appendChange(b, s.dialect.version, who, l.Presence)
}

// privacyChanged tells the client that somebody came into sight or went out of it.
func (s *session) privacyChanged(ev hub.PrivacyChanged) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.relink(ev)
	id := ev.Who.ID
	if !s.sees(id) || ev.Allowed && ev.Now == (im.Presence{}) {
		return true
	}
	there := ev.Allowed && ev.Now.Visible()
	if there == s.links.Shown(id) && (!there || !s.misses(ev)) {
		return true
	}
	p := ev.Now
	if !there {
		p = im.Presence{Status: msnp.Offline}
	}
	s.links.Show(id, there)
	return s.conn.Send(appendChange(nil, s.dialect.version, ev.Who, p))
}

// misses reports whether the client may have been told of somebody, when the user put him on his list,
// what his node has changed since.
func (s *session) misses(ev hub.PrivacyChanged) bool {
	seen := ev.Seen
	return seen.Presence.Visible() && (seen.Who.Name != ev.Who.Name || !s.dialect.same(seen.Presence, ev.Now))
}

// sees reports whether the client is to hear of somebody's presence at all. s.mu is held.
func (s *session) sees(id im.UserID) bool {
	return s.online && s.linked && s.links.On(id, im.Forward)
}

// appendChange appends NLN or FLN.
func appendChange(b []byte, v msnp.Version, who im.Person, p im.Presence) []byte {
	if !p.Visible() {
		return msnp.AppendLine(b, msnp.FLN, who.Handle)
	}
	return wire(who, p).AppendNLN(b, v)
}

// png answers a ping. docs/protocol/presence.md#ping
func (s *session) png(msnp.Frame) error {
	s.conn.Send(s.dialect.pong(nil, s.srv.Limits().PingInterval))
	return nil
}

// ims turns calls to and from the user off or on. docs/protocol/presence.md#ims
func (s *session) ims(f msnp.Frame) error {
	m, err := msnp.ParseIMS(f)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.refusing = !m.On
	s.mu.Unlock()
	return s.reply(msnp.IMS, string(m.TrID), "0", f.Arg(1))
}
