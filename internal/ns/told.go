package ns

import (
	"slices"

	"monarch/internal/im"
	"monarch/msnp"
)

// The version that a client is told with a change is the one that it will offer with its next
// SYN, and it gets nothing if that is still the newest. So it must never count a change that the
// client has not been told of: one of somebody else that is on its way here, or is kept back.
// Were the connection lost then, the client would not learn of it any more.
// docs/protocol/lists.md#version

// confirm sends the reply to a change of the user's own, which has the version in front of more.
func (s *session) confirm(v msnp.Verb, t msnp.TrID, version uint32, more ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn.Send(msnp.AppendLine(nil, v, append([]string{string(t), msnp.Uint(s.reach(version))}, more...)...))
	return nil
}

// repeat returns the version for a reply to a command that was no step: what the lists have come
// to may count a change that the client has not been told of.
func (s *session) repeat(version uint32) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.synced {
		version = min(version, s.told)
	}
	return version
}

// ahead is a version above the next of which the client was told.
type ahead struct {
	version uint32
	rough   bool      // the client was not told quite what is so, and never catches up with it
	added   im.UserID // whom the user has put on his forward list with it, or 0
}

// mostAhead is how many versions are remembered whose turn has not come. With more, the client
// gets its lists anew at its next sign-in, and nothing else happens.
const mostAhead = 64

// reach notes that the client is being told what this version has changed, and returns the
// version up to which it has been told everything. s.mu is held, until that is sent.
func (s *session) reach(version uint32) uint32 {
	if !s.synced { // it has no lists that anything could be missing from
		return version
	}
	if version > s.told+1 || s.rough(version) {
		if a := s.beside(); len(a.ahead) < mostAhead && a.find(version) < 0 {
			a.ahead = append(a.ahead, ahead{version: version})
		}
		return s.told
	}
	s.told = max(s.told, version)
	if s.aside == nil {
		return s.told
	}
	for {
		i := s.aside.find(s.told + 1)
		if i < 0 || s.aside.ahead[i].rough {
			break
		}
		s.told++
		s.aside.ahead = slices.Delete(s.aside.ahead, i, i+1)
	}
	s.tidy()
	return s.told
}

// find returns where a version is among those ahead, or -1.
func (a *aside) find(version uint32) int {
	return slices.IndexFunc(a.ahead, func(v ahead) bool { return v.version == version })
}

// noteRough notes that the client, which has not reached this version, was not told quite what it
// has changed, and is to get its lists anew. s.mu is held.
func (s *session) noteRough(version uint32) {
	if i := s.beside().find(version); i >= 0 {
		s.aside.ahead[i].rough = true
	}
}

// rough reports whether that was noted. s.mu is held.
func (s *session) rough(version uint32) bool {
	if s.aside == nil {
		return false
	}
	i := s.aside.find(version)
	return i >= 0 && s.aside.ahead[i].rough
}

// noteAdded notes that the reply with this version tells what somebody shows, whom the user has put
// on his forward list. s.mu is held.
func (s *session) noteAdded(id im.UserID, version uint32) {
	if s.aside == nil {
		return
	}
	if i := s.aside.find(version); i >= 0 {
		s.aside.ahead[i].added = id
	}
	if l, ok := s.aside.leaving[id]; ok {
		l.anew = true
		s.aside.leaving[id] = l
	}
}

// outdated reports whether what somebody showed with this version is older than what the client
// was told when the user added him. s.mu is held.
func (s *session) outdated(id im.UserID, version uint32) bool {
	return s.aside != nil && slices.ContainsFunc(s.aside.ahead, func(v ahead) bool {
		return v.added == id && v.version > version
	})
}
