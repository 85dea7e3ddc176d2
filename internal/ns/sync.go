package ns

import (
	"context"
	"slices"
	"strings"

	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// syn sends the lists, unless the client has them. docs/protocol/lists.md#syn
func (s *session) syn(f msnp.Frame) error {
	m, err := msnp.ParseSYN(f)
	if err != nil {
		return err
	}
	r, err := s.load(context.Background())
	if err != nil {
		return err
	}
	version := msnp.Uint(r.User.Version)
	var out []byte
	if m.Version == r.User.Version {
		out = msnp.AppendLine(nil, msnp.SYN, string(m.TrID), version)
	} else {
		out = msnp.AppendLine(nil, msnp.SYN, string(m.TrID), version, msnp.Uint(len(r.Contacts)), msnp.Uint(len(r.Groups)))
		out = s.dialect.appendRoster(out, r)
	}
	// Under the lock, so that nothing else comes between the lines of the block or before them.
	s.mu.Lock()
	defer s.mu.Unlock()
	s.synced = true
	s.conn.Send(out)
	return nil
}

// load reads the user's lists from the database and makes them the session's. Events that
// arrive meanwhile may or may not be in what was read: they are applied again.
func (s *session) load(ctx context.Context) (im.Roster, error) {
	s.mu.Lock()
	s.loading, s.missed = true, nil
	s.mu.Unlock()

	r, err := s.srv.Store.Roster(ctx, s.user)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.loading = false
	if err != nil {
		return r, err
	}
	s.links, s.linked = im.NewLinks(r), true
	for _, ev := range s.missed {
		s.relink(ev)
	}
	s.missed = nil
	return r, nil
}

// relink applies to the links what an event says about them. s.mu is held.
func (s *session) relink(ev hub.Event) {
	if s.loading {
		s.missed = append(s.missed, ev)
	}
	if s.links == nil {
		return
	}
	switch ev := ev.(type) {
	case hub.ListedBy:
		if ev.Listed {
			s.links.Set(ev.Who.ID, im.Reverse)
		} else {
			s.links.Clear(ev.Who.ID, im.Reverse)
		}
	case hub.PrivacyChanged:
		s.links.SetAdmits(ev.Who.ID, ev.Allowed)
	}
}

// appendRoster appends the block that follows the line SYN.
func (d *dialect) appendRoster(b []byte, r im.Roster) []byte {
	b = msnp.AppendLine(b, msnp.GTC, string(r.User.Prompt))
	b = msnp.AppendLine(b, msnp.BLP, string(r.User.Policy))
	for _, p := range r.Properties {
		if d.knows(p.Type) {
			b = msnp.AppendLine(b, msnp.PRP, p.Type, msnp.Escape(p.Value))
		}
	}
	for _, g := range r.Groups {
		b = msnp.AppendLine(b, msnp.LSG, msnp.Uint(g.Number), msnp.Escape(g.Name), "0")
	}
	for _, c := range r.Contacts {
		b = d.appendContact(b, c)
	}
	return b
}

// appendContact appends a person's LST with the BPR lines that belong to it. Groups are
// given for people on the forward list and for nobody else.
func (d *dialect) appendContact(b []byte, c im.Contact) []byte {
	bits := msnp.Uint(uint8(c.Lists))
	if c.Lists&im.Forward == 0 {
		return msnp.AppendLine(b, msnp.LST, c.Handle, msnp.Escape(c.Stored), bits)
	}
	groups := make([]string, len(c.Groups))
	for i, g := range c.Groups {
		groups[i] = msnp.Uint(g)
	}
	b = msnp.AppendLine(b, msnp.LST, c.Handle, msnp.Escape(c.Stored), bits, strings.Join(groups, ","))
	for _, p := range c.Properties {
		if d.knows(p.Type) {
			b = msnp.AppendLine(b, msnp.BPR, p.Type, msnp.Escape(p.Value))
		}
	}
	return b
}

func (d *dialect) knows(property string) bool { return slices.Contains(d.properties, property) }
