package ns

import (
	"context"
	"slices"
	"strings"

	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/msnp"
)

// add puts somebody on a list. docs/protocol/lists.md#add
func (s *session) add(ctx context.Context, f msnp.Frame) error {
	m, err := msnp.ParseADD(f)
	if err != nil {
		return err
	}
	list, group, err := s.mayChange(m)
	if err != nil {
		return err
	}
	handle, err := im.ParseHandle(m.Handle)
	if err != nil {
		return err
	}
	s.setBusy(adding)
	defer s.setBusy(nothing)
	shown, err := s.shows(ctx, list)
	if err != nil {
		return err
	}
	a, err := s.srv.Store.Add(ctx, s.entry.User(), store.Addition{
		List: list, Handle: handle, Name: m.Name, Group: group, Limit: s.srv.Limits().MaxContacts,
	})
	if err != nil {
		return err
	}
	reply := func() []byte {
		params := []string{string(m.TrID), m.List, msnp.Uint(s.reach(a.Version)), handle, msnp.Escape(m.Name)}
		if group != msnp.NoGroup {
			params = append(params, msnp.Uint(group))
		}
		return msnp.AppendLine(nil, msnp.ADD, params...)
	}
	s.enlist(list, m.TrID, reply, a, shown)
	return nil
}

// shows returns what the user shows to those on a list of his.
func (s *session) shows(ctx context.Context, list im.List) ([]im.Property, error) {
	if list != im.Forward {
		return nil, nil
	}
	return s.srv.Store.Shown(ctx, s.entry.User())
}

// enlist makes the session follow somebody's coming on a list, and tells those concerned: the
// client with a line, which is made under s.mu, and him, if the list is the forward one, with what
// the user shows.
func (s *session) enlist(list im.List, t msnp.TrID, line func() []byte, a store.Added, shown []im.Property) {
	if list == im.Forward {
		s.added(t, line, a, shown)
	} else {
		s.relist(line, a.Contact.ID, func(l *im.Links) { l.Set(a.Contact.ID, list) })
	}
}

// setBusy begins or ends waiting for the database. What was kept meanwhile, and has not followed a
// reply, is told now.
func (s *session) setBusy(b busy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = b
	s.conn.Send(s.appendMissed(nil))
}

// added finishes an ADD to the forward list. The contact hears of it first: from then on his
// changes are sent here, where they count for nothing before he is on the list, with the
// line. So what the directory says at that moment is neither missed nor told twice. Who adds
// himself has nobody to race with, and gets his line first.
func (s *session) added(t msnp.TrID, line func() []byte, a store.Added, shown []im.Property) {
	c := a.Contact
	self := c.ID == s.entry.User()
	if a.First {
		s.mu.Lock()
		s.links.Set(c.ID, 0)
		s.links.SetAdmits(c.ID, c.AllowsUser)
		s.mu.Unlock()
		if !self {
			s.srv.moves.added(lister{s.person(), shown}, c.ID, a.PeerVersion)
		}
	}
	s.mu.Lock()
	s.links.Set(c.ID, im.Forward)
	s.busy = nothing
	out := line()
	if a.First {
		out = s.dialect.appendPhones(out, s.reach(a.Version), c)
		s.noteAdded(c.ID, a.Version)
	}
	if a.First && s.online {
		out = s.appendSeen(out, c.ID, t)
	}
	s.conn.Send(s.appendMissed(out))
	s.mu.Unlock()
	if a.First && self { // what he shows is in his line
		s.srv.moves.added(lister{Person: s.person()}, c.ID, a.PeerVersion)
	}
}

// appendMissed appends what was kept while the user was adding somebody. s.mu is held.
func (s *session) appendMissed(b []byte) []byte {
	if s.aside == nil {
		return b
	}
	missed := s.aside.missed
	s.aside.missed = nil
	for _, ev := range missed {
		b = s.appendSince(b, ev)
	}
	s.tidy()
	return b
}

// phones are the properties that follow a first ADD to the forward list, always all four.
var phones = []string{"PHH", "PHW", "PHM", "MOB"}

// appendPhones appends a contact's phone values, blank where nothing is set or to be seen.
func (d *dialect) appendPhones(b []byte, version uint32, c im.Contact) []byte {
	for _, typ := range phones {
		value := ""
		for _, p := range c.Properties {
			if p.Type == typ {
				value = p.Value
			}
		}
		b = appendBPR(b, version, c.Handle, typ, value)
	}
	return b
}

// appendBPR appends a change of a contact's property. A cleared value is a missing word,
// but for MOB, which is told as N.
func appendBPR(b []byte, version uint32, handle, typ, value string) []byte {
	if typ == "MOB" && value == "" {
		value = "N"
	}
	if value == "" {
		return msnp.AppendLine(b, msnp.BPR, msnp.Uint(version), handle, typ)
	}
	return msnp.AppendLine(b, msnp.BPR, msnp.Uint(version), handle, typ, msnp.Escape(value))
}

// rem takes somebody off a list, or out of one group. docs/protocol/lists.md#rem
func (s *session) rem(ctx context.Context, f msnp.Frame) error {
	m, err := msnp.ParseREM(f)
	if err != nil {
		return err
	}
	list, group, err := s.mayChange(m)
	if err != nil {
		return err
	}
	handle := strings.ToLower(m.Handle)
	shown, err := s.shows(ctx, list)
	if err != nil {
		return err
	}
	r, err := s.srv.Store.Remove(ctx, s.entry.User(), store.Removal{List: list, Handle: handle, Group: group})
	if err != nil {
		return err
	}
	reply := func() []byte {
		params := []string{string(m.TrID), m.List, msnp.Uint(s.reach(r.Version)), handle}
		if group != msnp.NoGroup {
			params = append(params, msnp.Uint(group))
		}
		return msnp.AppendLine(nil, msnp.REM, params...)
	}
	if list == im.Forward && r.Left && group != msnp.NoGroup {
		s.unlink(reply, r)
		s.srv.moves.leftGroup(lister{s.person(), shown}, r.Peer, r.PeerVersion)
		return nil
	}
	s.delist(list, reply, r, shown)
	return nil
}

// delist makes the session follow somebody's going off a list, and tells those concerned, as enlist
// does.
func (s *session) delist(list im.List, line func() []byte, r store.Removed, shown []im.Property) {
	if list != im.Forward {
		s.relist(line, r.Peer, func(l *im.Links) { l.Clear(r.Peer, list) })
		return
	}
	s.unlink(line, r)
	if r.Left {
		s.srv.moves.removed(lister{s.person(), shown}, r.Peer, r.PeerVersion)
	}
}

// unlink is what there is of that for the forward list here.
func (s *session) unlink(line func() []byte, r store.Removed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Left {
		s.links.Clear(r.Peer, im.Forward)
	}
	s.conn.Send(line())
}

// mayChange returns the list that a change is about, and the group of the forward list if one
// is named; unless clients may not change that list, or this one does so too fast.
func (s *session) mayChange(m msnp.ListChange) (list im.List, group int, err error) {
	list, ok := im.ParseList([]byte(m.List))
	if !ok || list == im.Reverse {
		return 0, 0, outOfPlace
	}
	if list != im.Forward {
		m.Group = msnp.NoGroup
	}
	return list, m.Group, s.allow(lists)
}

// relist changes the allow or block list in memory and sends the line, which is made under
// s.mu; v hears of it when the change made the user come into his sight or go out of it.
func (s *session) relist(line func() []byte, v im.UserID, change func(*im.Links)) {
	s.mu.Lock()
	before := s.links.Allows(v)
	change(&s.links)
	after := s.links.Allows(v)
	s.conn.Send(line())
	s.mu.Unlock()
	if before != after {
		s.tellAllowed(v, hub.Known{})
	}
}

// tellAllowed tells v, whose node knew the user as seen, whether he may see him.
func (s *session) tellAllowed(v im.UserID, seen hub.Known) {
	s.srv.Hub.SetPrivacy(&s.entry, seen, func() ([]im.UserID, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return []im.UserID{v}, s.links.Allows(v)
	})
}

// person returns what others may know of the user.
func (s *session) person() im.Person {
	return s.srv.Hub.Person(&s.entry)
}

// listedBy tells the client that somebody added or removed the user. Before SYN there is
// nothing to say: it will be in the answer. Who added him hears in turn whether he may see
// the user, which may have changed since the database was asked, and how the user is, if his node
// did not know yet.
func (s *session) listedBy(ev hub.ListedBy) bool {
	s.mu.Lock()
	s.relink(ev)
	linked := s.linked
	if s.synced && s.busy != loading {
		s.conn.Send(s.appendSince(nil, ev))
	}
	s.mu.Unlock()
	if ev.How.On() && linked {
		s.tellAllowed(ev.Who.ID, ev.Seen)
	}
	return true
}

// appendListing appends what the client is to hear. What it was not told of a contact on the
// move it need not hear the end of, unless it has asked for its lists in between.
// docs/protocol/lists.md#moves
func (s *session) appendListing(b []byte, ev hub.ListedBy) []byte {
	late := s.outdated(ev.Who.ID, ev.Version)
	if ev.How == hub.Gone && !s.leaves(ev.Who.ID, ev.Version) {
		return b
	}
	l, left := s.stayed(ev.Who.ID)
	if ev.How == hub.Leaving {
		a := s.beside()
		if a.leaving == nil {
			a.leaving = make(map[im.UserID]leaving)
		}
		a.leaving[ev.Who.ID] = leaving{version: ev.Version, anew: late, shown: ev.Before}
		return b
	}
	version := s.reach(ev.Version)
	if ev.How.On() {
		ev.Before = l.shown
	}
	switch {
	case late:
		ev.Before, ev.Now = nil, nil
	case l.anew:
		ev.Before = nil // the client knows of none of them
	}
	if ev.How.On() && left { // perhaps at another node than he left
		return s.appendShown(b, ev)
	}
	params := []string{string(msnp.Async), im.Reverse.String(), msnp.Uint(version), ev.Who.Handle}
	if !ev.How.On() {
		return s.appendShown(msnp.AppendLine(b, msnp.REM, params...), ev)
	}
	return s.appendShown(msnp.AppendLine(b, msnp.ADD, append(params, msnp.Escape(ev.Who.Name))...), ev)
}

// appendShown appends the properties that a contact shows, or hides, since he added or removed
// the user. docs/protocol/lists.md#bpr
func (s *session) appendShown(b []byte, ev hub.ListedBy) []byte {
	tell := func(p im.Property) {
		b = s.appendProperty(b, hub.PropertyChanged{Who: ev.Who, Type: p.Type, Value: p.Value, Version: ev.Version})
	}
	for _, p := range ev.Before {
		if !slices.ContainsFunc(ev.Now, func(now im.Property) bool { return now.Type == p.Type }) {
			tell(im.Property{Type: p.Type})
		}
	}
	for _, p := range ev.Now {
		if !slices.Contains(ev.Before, p) {
			tell(p)
		}
	}
	return b
}

// leaves reports whether the client has not heard that somebody left with this version. If it has, he
// may be back: at another node, which has not heard that he was leaving. s.mu is held.
func (s *session) leaves(id im.UserID, version uint32) bool {
	if s.aside == nil {
		return false
	}
	l, ok := s.aside.leaving[id]
	return ok && l.version == version
}

// stayed forgets that somebody is leaving, of which the client hears now or never, and returns
// what was kept of that, if he was. s.mu is held.
func (s *session) stayed(id im.UserID) (l leaving, left bool) {
	if s.aside == nil {
		return l, false
	}
	l, left = s.aside.leaving[id]
	if left {
		delete(s.aside.leaving, id)
		s.reach(l.version)
	}
	s.tidy()
	return l, left
}
