package ns

import (
	"context"
	"strings"

	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/msnp"
)

// This file is about changes of a user's lists that he makes at the website while his client is
// signed in. What there is for account is a [Server]'s.

// Change runs do, which changes somebody's lists and tells his session, while nothing else changes
// them.
func (s *Server) Change(ctx context.Context, owner im.UserID, do func() error) error {
	end, err := s.changes.begin(ctx, owner)
	if err != nil {
		return err
	}
	defer end()
	defer s.Hub.Turn(ctx, owner)()
	s.Hub.Deliver(owner, hub.Changing{})
	defer s.Hub.Deliver(owner, hub.Changing{Over: true})
	return do()
}

// Added tells a contact that somebody who is not signed in put him on his forward list.
func (s *Server) Added(owner im.Person, ev hub.Enlisted) {
	s.moves.added(lister{owner, ev.Shown}, ev.Contact.ID, ev.PeerVersion)
}

// Removed tells a contact that somebody who is not signed in took him off his forward list.
func (s *Server) Removed(owner im.Person, ev hub.Delisted) {
	s.moves.removed(lister{owner, ev.Shown}, ev.Peer, ev.PeerVersion)
}

// MaxContacts returns how many people there may be on a forward list.
func (s *Server) MaxContacts() int { return s.Limits().MaxContacts }

// Forbids reports whether nobody may call himself that.
func (s *Server) Forbids(name string) bool {
	lower := strings.ToLower(name)
	for _, word := range s.Limits().ForbiddenNames {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return false
}

// changing prepares for a change, as a command does that changes lists, or goes on after it.
func (s *session) changing(ev hub.Changing) {
	if ev.Over {
		s.setBusy(nothing)
	} else {
		s.setBusy(adding)
	}
}

// enlisted follows somebody's coming on a list. Clients that have their lists are told as of one
// who came on RL; those that have not are not, and nothing is said of somebody whom they do not
// know. It reports false if whoever is allowed or blocked is still to be told.
// docs/protocol/lists.md#elsewhere
func (s *session) enlisted(ev hub.Enlisted) bool {
	a := store.Added{Version: ev.Version, Contact: ev.Contact, First: ev.First, PeerVersion: ev.PeerVersion}
	line := func() []byte {
		if !s.synced {
			return nil
		}
		group, told := ev.Group, s.reach(ev.Version)
		if group > 0 && told < ev.Version { // it may be one that the client does not know
			group = 0
			s.noteRough(ev.Version)
		}
		params := []string{string(msnp.Async), ev.List.String(), msnp.Uint(told), ev.Contact.Handle, msnp.Escape(ev.Contact.Stored)}
		if ev.List == im.Forward {
			params = append(params, msnp.Uint(group))
		}
		return msnp.AppendLine(nil, msnp.ADD, params...)
	}
	linked, synced := s.knows()
	switch {
	case ev.List != im.Forward && !linked:
		return false
	case ev.List == im.Forward && !ev.First:
	case ev.List == im.Forward && !synced:
		s.srv.Added(s.person(), ev)
	default:
		s.enlist(ev.List, "", line, a, ev.Shown)
	}
	return true
}

// delisted follows somebody's going off a list, off the forward list as a whole. It reports what
// enlisted does.
func (s *session) delisted(ev hub.Delisted) bool {
	r := store.Removed{Version: ev.Version, Peer: ev.Peer, Left: ev.List == im.Forward, PeerVersion: ev.PeerVersion}
	line := func() []byte {
		if !s.synced {
			return nil
		}
		return msnp.AppendLine(nil, msnp.REM, string(msnp.Async), ev.List.String(), msnp.Uint(s.reach(ev.Version)), ev.Handle)
	}
	linked, _ := s.knows()
	if linked || ev.List == im.Forward {
		s.delist(ev.List, line, r, ev.Shown)
		return true
	}
	return false
}

// policySet follows a change of the policy, which no client is told unasked. It reports what
// enlisted does.
func (s *session) policySet(ev hub.PolicySet) bool {
	linked, _ := s.knows()
	if linked {
		s.setPolicy(ev.Policy, func() []byte { return nil })
	}
	return linked
}

// knows reports whether the session has the user's lists, and whether his client has. Neither
// begins or ends while his lists are being changed.
func (s *session) knows() (linked, synced bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.linked, s.synced
}
