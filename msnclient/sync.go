package msnclient

import (
	"maps"
	"slices"
	"strings"

	"monarch/msnp"
)

// syn begins the answer to SYN, or is all of it. docs/protocol/lists.md#syn
func (s *session) syn(f msnp.Frame) error {
	m, err := msnp.ParseSYNReply(f)
	if err != nil {
		return err
	}
	if m.Current {
		return nil
	}
	s.sync = &synchronisation{answer: f.Clone(), book: newBook(), contacts: m.Contacts, groups: m.Groups}
	s.sync.book.version = m.Version
	s.settle()
	return nil
}

// settle puts the new roster in the place of the old one when all of it is there. Properties
// of the last contact may still follow.
func (s *session) settle() {
	if s.sync.contacts > 0 || s.sync.groups > 0 {
		return
	}
	c, now := s.c, s.sync.book
	c.mu.Lock()
	before := c.book
	c.book = now
	changes := compare(before, now)
	for i, ev := range changes {
		switch ev := ev.(type) {
		case AddedBy:
			if c.asked[ev.Handle] {
				changes[i] = nil
			}
		case RemovedBy:
			delete(c.asked, ev.Handle)
		}
	}
	c.mu.Unlock()
	for _, ev := range changes {
		if ev != nil {
			c.events.push(ev)
		}
	}
	answer := s.sync.answer
	s.sync = nil
	s.link.deliver(answer)
}

// compare returns who took us off his list while we were away, and who put us on it. Those
// of a first sign-in count only while they are pending, and they are told by chg.
func compare(before, now *book) []Event {
	if before.version == 0 {
		return nil
	}
	var changes []Event
	for _, h := range slices.Sorted(maps.Keys(before.contacts)) {
		if c := now.contacts[h]; before.contacts[h].Lists.Has(Reverse) && (c == nil || !c.Lists.Has(Reverse)) {
			changes = append(changes, RemovedBy{Handle: h})
		}
	}
	for _, h := range slices.Sorted(maps.Keys(now.contacts)) {
		c, old := now.contacts[h], before.contacts[h]
		if c.Lists.Has(Reverse) && !c.Pending() && (old == nil || !old.Lists.Has(Reverse)) {
			changes = append(changes, AddedBy{Handle: h, Name: c.Name})
		}
	}
	return changes
}

// setting is GTC or BLP, in answer to SYN or to the command of the same name.
func (s *session) setting(f msnp.Frame) error {
	m, err := msnp.ParseSettingReply(f)
	if err != nil {
		return err
	}
	return s.write(m.Version, func(b *book) {
		if f.Verb == msnp.GTC {
			b.prompt = Prompt(m.Value)
		} else {
			b.privacy = Privacy(m.Value)
		}
	})
}

// write changes the book: the new one while the answer to SYN comes in, else the client's.
// version is 0 for lines that do not tell it.
func (s *session) write(version uint32, change func(*book)) error {
	if s.sync != nil {
		change(s.sync.book)
		return nil
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if version != 0 {
		s.c.book.version = version
	}
	change(s.c.book)
	return nil
}

func (s *session) prp(f msnp.Frame) error {
	m, err := msnp.ParsePRPReply(f)
	if err != nil {
		return err
	}
	return s.write(m.Version, func(b *book) { set(b.properties, m.Type, m.Value) })
}

func (s *session) lsg(f msnp.Frame) error {
	m, err := msnp.ParseLSG(f)
	if err != nil || s.sync == nil {
		return err
	}
	s.sync.book.groups[m.Number] = m.Name
	s.sync.groups--
	s.settle()
	return nil
}

func (s *session) lst(f msnp.Frame) error {
	m, err := msnp.ParseLST(f)
	if err != nil || s.sync == nil {
		return err
	}
	s.latest = s.sync.book.list(m)
	s.sync.contacts--
	s.settle()
	return nil
}

// bpr is a property of somebody: of the last LST when it names nobody.
// docs/protocol/lists.md#bpr
func (s *session) bpr(f msnp.Frame) error {
	m, err := msnp.ParseBPR(f)
	if err != nil {
		return err
	}
	if m.Handle == "" {
		if s.latest == nil {
			return nil
		}
		return s.write(0, func(b *book) { b.property(s.latest.Handle, m.Type, m.Value) })
	}
	var who *Contact
	var ev ContactChanged
	err = s.write(m.Version, func(b *book) {
		if who = b.property(m.Handle, m.Type, m.Value); who != nil {
			ev.Contact = who.clone()
		}
	})
	if who != nil {
		s.c.events.push(ev)
	}
	return err
}

// add is ADD: our own, or somebody put us on his list.
func (s *session) add(f msnp.Frame) error {
	m, err := msnp.ParseADDReply(f)
	if err != nil {
		return err
	}
	if err := s.write(m.Version, func(b *book) { b.add(m) }); err != nil {
		return err
	}
	if listOf[m.List] == Reverse {
		s.c.mu.Lock()
		s.c.asked[strings.ToLower(m.Handle)] = true
		s.c.mu.Unlock()
		s.c.events.push(AddedBy{Handle: strings.ToLower(m.Handle), Name: m.Name})
	}
	return nil
}

// rem is REM: our own, or somebody took us off his list.
func (s *session) rem(f msnp.Frame) error {
	m, err := msnp.ParseREMReply(f)
	if err != nil {
		return err
	}
	if err := s.write(m.Version, func(b *book) { b.remove(m) }); err != nil {
		return err
	}
	if listOf[m.List] == Reverse {
		s.c.mu.Lock()
		delete(s.c.asked, strings.ToLower(m.Handle))
		s.c.mu.Unlock()
		s.c.events.push(RemovedBy{Handle: strings.ToLower(m.Handle)})
	}
	return nil
}

// rea is a new name: our own, or the one we keep for somebody.
func (s *session) rea(f msnp.Frame) error {
	m, err := msnp.ParseREAReply(f)
	if err != nil {
		return err
	}
	if strings.EqualFold(m.Handle, s.c.cfg.Handle) {
		s.c.mu.Lock()
		s.c.self.Name = m.Name
		s.c.mu.Unlock()
	}
	return s.write(m.Version, func(b *book) {
		if c := b.contacts[strings.ToLower(m.Handle)]; c != nil {
			c.Stored = m.Name
		}
	})
}

// group is ADG, REG or RMG.
func (s *session) group(f msnp.Frame) error {
	m, err := msnp.ParseGroupReply(f)
	if err != nil {
		return err
	}
	return s.write(m.Version, func(b *book) {
		if f.Verb == msnp.RMG {
			b.removeGroup(m)
		} else {
			b.groups[m.Number] = m.Name
		}
	})
}

// chg is our status, as the server took it. The first one makes the session the client's.
func (s *session) chg(f msnp.Frame) error {
	status, ok := msnp.ParseStatus([]byte(f.Arg(1)))
	if !ok {
		return nil
	}
	c := s.c
	c.mu.Lock()
	c.self.Status, c.self.Picture, c.self.PictureText = status, nil, ""
	if len(f.Args) > 3 {
		text := msnp.Unescape(f.Arg(3))
		if o, err := msnp.ParseObject(text); err == nil {
			c.self.Picture, c.self.PictureText = &o, text
		}
	}
	first := !s.arrived
	s.arrived = true
	back := first && s.returning
	var pending []Event
	if first {
		s.speaks = c.version
		if !c.closing {
			c.session = s
		}
		for _, h := range slices.Sorted(maps.Keys(c.book.contacts)) {
			if who := c.book.contacts[h]; who.Pending() && !c.asked[h] {
				c.asked[h] = true
				pending = append(pending, AddedBy{Handle: h, Name: who.Name})
			}
		}
	}
	c.mu.Unlock()
	if back {
		c.events.push(Reconnected{})
	}
	for _, ev := range pending {
		c.events.push(ev)
	}
	return nil
}

func (s *session) presence(f msnp.Frame) error {
	m, err := msnp.ParsePresence(f)
	if err != nil {
		return err
	}
	s.c.mu.Lock()
	ev, ok := s.c.book.presence(m)
	s.c.mu.Unlock()
	if ok {
		s.c.events.push(ev)
	}
	return nil
}

func (s *session) fln(f msnp.Frame) error {
	handle, err := msnp.ParseFLN(f)
	if err != nil {
		return err
	}
	s.c.mu.Lock()
	ev, ok := s.c.book.gone(handle)
	s.c.mu.Unlock()
	if ok {
		s.c.events.push(ev)
	}
	return nil
}
