package ns

import (
	"slices"

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

// mostAhead is how many versions are remembered whose turn has not come. With more, the client
// gets its lists anew at its next sign-in, and nothing else happens.
const mostAhead = 64

// reach notes that the client is being told what this version has changed, and returns the
// version up to which it has been told everything. s.mu is held, until that is sent.
func (s *session) reach(version uint32) uint32 {
	if !s.synced { // it has no lists that anything could be missing from
		return version
	}
	if version > s.told+1 {
		if a := s.beside(); len(a.ahead) < mostAhead {
			a.ahead = append(a.ahead, version)
		}
		return s.told
	}
	s.told = max(s.told, version)
	if s.aside == nil {
		return s.told
	}
	for {
		i := slices.Index(s.aside.ahead, s.told+1)
		if i < 0 {
			break
		}
		s.told++
		s.aside.ahead = slices.Delete(s.aside.ahead, i, i+1)
	}
	s.tidy()
	return s.told
}
