package ns

import (
	"context"
	"slices"
	"strconv"
	"time"

	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// syn sends the lists, unless the client has them. The version alone does not tell that a
// client has heard of everything before: one that changes something first learns a number
// that counts what it was not told, and so does one that was there at the beginning of a move.
// docs/protocol/lists.md#syn
func (s *session) syn(ctx context.Context, f msnp.Frame) error {
	m, err := msnp.ParseSYN(f)
	if err != nil {
		return err
	}
	unsure := !s.synced && (s.early || s.srv.moves.about(s.entry.User()))
	began := s.tracing().Now()
	r, err := s.read(ctx)
	if err != nil {
		return err
	}
	s.tracing().Step(metrics.RosterStep.String(), began, s.tracing().Now())
	version := msnp.Uint(r.User.Version)
	var out []byte
	whole := unsure || m.Version != r.User.Version
	if !whole {
		out = msnp.AppendLine(nil, msnp.SYN, string(m.TrID), version)
	} else {
		out = msnp.AppendLine(nil, msnp.SYN, string(m.TrID), version, msnp.Uint(len(r.Contacts)), msnp.Uint(len(r.Groups)))
		out = s.dialect.appendRoster(out, r)
	}
	// Under the lock, so that nothing comes between the lines of the block, and what happened
	// since it was read comes right behind.
	s.mu.Lock()
	defer s.mu.Unlock()
	missed := s.adopt(r)
	s.synced, s.told = true, r.User.Version
	if whole {
		s.block = r.User.Version
	}
	if s.aside != nil {
		s.aside.leaving, s.aside.ahead = nil, nil
	}
	for _, ev := range missed {
		out = s.appendSince(out, ev)
	}
	s.tidy()
	s.conn.Send(out)
	return nil
}

// appendSince appends the line of an event, if it is not in the block that the client got.
// An event may come late: its change is in the database before it is told. One of somebody who may
// be being added is kept until the reply is there. s.mu is held.
func (s *session) appendSince(b []byte, ev hub.Event) []byte {
	switch ev := ev.(type) {
	case hub.ListedBy:
		if ev.Version > s.block && !s.keeps(ev, ev.Who.ID) {
			return s.appendListing(b, ev)
		}
	case hub.PropertyChanged:
		if ev.Version > s.block && !s.keeps(ev, ev.Who.ID) {
			return s.appendProperty(b, ev)
		}
	}
	return b
}

// keeps keeps an event if its sender may be being added, and reports whether it did. s.mu is held.
func (s *session) keeps(ev hub.Event, sender im.UserID) bool {
	if s.busy != adding || s.links.On(sender, im.Forward) {
		return false
	}
	a := s.beside()
	a.missed = append(a.missed, ev)
	return true
}

// load makes the user's lists, as the database has them, the session's.
func (s *session) load(ctx context.Context) error {
	r, err := s.read(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.adopt(r)
	return nil
}

// read reads the user's lists, when it is its turn. Events that arrive from now on may or may
// not be in what is read; they are kept until adopt.
func (s *session) read(ctx context.Context) (im.Roster, error) {
	s.mu.Lock()
	s.busy = loading
	s.mu.Unlock()
	r, err := s.roster(ctx)
	if err != nil {
		s.mu.Lock()
		s.loaded()
		s.mu.Unlock()
	}
	return r, err
}

func (s *session) roster(ctx context.Context) (im.Roster, error) {
	began := time.Now()
	if err := s.srv.Turns.Await(ctx); err != nil {
		return im.Roster{}, err
	}
	defer s.srv.Turns.Done()
	defer func() { s.srv.Metrics.Step(metrics.RosterStep, time.Since(began)) }()
	return s.srv.Store.Roster(ctx, s.entry.User())
}

// adopt makes what was read the session's lists and returns the events that arrived since.
// s.mu is held.
func (s *session) adopt(r im.Roster) []hub.Event {
	links := im.NewLinks(r)
	if s.linked {
		links.Keep(&s.links)
	} else { // by the running handler; who reads lists again must not write it
		s.linked = true
	}
	s.links = *links
	missed := s.loaded()
	for _, ev := range missed {
		s.relink(ev)
	}
	return missed
}

// loaded ends the time in which events are kept, and returns them. s.mu is held.
func (s *session) loaded() (missed []hub.Event) {
	s.busy = nothing
	if s.aside != nil {
		missed, s.aside.missed = s.aside.missed, nil
		s.tidy()
	}
	return missed
}

// relink applies to the links what an event says about them. s.mu is held.
func (s *session) relink(ev hub.Event) {
	if s.busy == loading {
		a := s.beside()
		a.missed = append(a.missed, ev)
	}
	if !s.linked {
		return
	}
	switch ev := ev.(type) {
	case hub.ListedBy:
		switch {
		case ev.How.On():
			s.links.Set(ev.Who.ID, im.Reverse)
		case ev.How != hub.Gone: // which tells the client of something that took effect before
			s.links.Clear(ev.Who.ID, im.Reverse)
		}
	case hub.PrivacyChanged:
		s.links.SetAdmits(ev.Who.ID, ev.Allowed)
	}
}

// contactLine is somewhat more than most lines of appendContact take.
const contactLine = 80

// appendRoster appends the block that follows the line SYN.
func (d *dialect) appendRoster(b []byte, r im.Roster) []byte {
	b = slices.Grow(b, contactLine*(4+len(r.Groups)+len(r.Contacts)))
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
	b = append(b, msnp.LST...)
	b = append(b, ' ')
	b = append(b, c.Handle...)
	b = append(b, ' ')
	b = msnp.AppendEscaped(b, c.Stored)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(c.Lists), 10)
	if c.Lists&im.Forward == 0 {
		return append(b, '\r', '\n')
	}
	separator := byte(' ')
	for _, g := range c.Groups {
		b = append(b, separator)
		b = strconv.AppendInt(b, int64(g), 10)
		separator = ','
	}
	b = append(b, '\r', '\n')
	for _, p := range c.Properties {
		if d.knows(p.Type) {
			b = msnp.AppendLine(b, msnp.BPR, p.Type, msnp.Escape(p.Value))
		}
	}
	return b
}

func (d *dialect) knows(property string) bool { return slices.Contains(d.properties, property) }
