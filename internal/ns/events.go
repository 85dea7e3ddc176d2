package ns

import (
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/msnp"
)

// Deliver takes an event from the hub.
func (s *session) Deliver(ev hub.Event) bool {
	switch ev := ev.(type) {
	case *hub.PresenceChanged:
		return s.presenceChanged(ev)
	case hub.PrivacyChanged:
		return s.privacyChanged(ev)
	case hub.ListedBy:
		return s.listedBy(ev)
	case hub.PropertyChanged:
		return s.propertyChanged(ev)
	case hub.Invited:
		return s.invited(ev)
	case hub.Kicked:
		return s.kicked(ev)
	case hub.Notice:
		return s.noticed(ev)
	case hub.Renamed:
		s.rename(ev.Name)
		return true
	case hub.Missed:
		return s.missed(ev)
	case hub.Changing:
		s.changing(ev)
		return true
	case hub.Enlisted:
		return s.enlisted(ev)
	case hub.Delisted:
		return s.delisted(ev)
	case hub.PolicySet:
		return s.policySet(ev)
	}
	return s.deliverMail(ev)
}

// invited rings, unless the user is not to be called by this caller: for the caller that is
// as if he were not there. docs/protocol/switchboard.md#privacy
func (s *session) invited(ev hub.Invited) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.online || !s.visible || s.refusing || !s.links.Allows(ev.Caller.ID) {
		return false
	}
	return s.conn.Send(msnp.AppendLine(nil, msnp.RNG, msnp.Uint(ev.Session), ev.Addr, "CKI", ev.Cookie,
		ev.Caller.Handle, msnp.Escape(ev.Caller.Name)))
}

// kicked ends the session. Only a sign-in elsewhere is told as such: clients do not come
// back after it. docs/protocol/signin.md#elsewhere
func (s *session) kicked(ev hub.Kicked) bool {
	word, why := "SSD", conn.Kicked
	switch ev.Why {
	case hub.Elsewhere:
		word, why = "OTH", conn.Displaced
	case hub.AccountChanged:
		why = conn.Revoked
	case hub.ServerStops:
		why = conn.Unavailable
	}
	s.mu.Lock()
	if s.greeted {
		s.conn.Send(msnp.AppendLine(nil, msnp.OUT, word))
	}
	s.mu.Unlock()
	s.conn.Close(why)
	return true
}

// noticed announces the end of the service to a client that is on line; others hear when
// they come on line.
func (s *session) noticed(ev hub.Notice) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.online && s.conn.Send(appendNotice(nil, ev.Minutes))
}
