package ns

import (
	"context"

	"monarch/internal/im"
	"monarch/msnp"
)

// adg makes a group. One of that name that exists already is the answer, not an error:
// clients make a group once for each person they put into it.
// docs/protocol/lists.md#groups
func (s *session) adg(ctx context.Context, f msnp.Frame) error {
	m, err := msnp.ParseADG(f)
	if err != nil {
		return err
	}
	g, err := s.srv.Store.AddGroup(ctx, s.entry.User(), m.Name)
	if err != nil {
		return err
	}
	version := g.Version
	if g.Existed {
		version = s.repeat(version)
	}
	return s.confirm(msnp.ADG, m.TrID, version, msnp.Escape(g.Group.Name), msnp.Uint(g.Group.Number), "0")
}

// reg renames a group.
func (s *session) reg(ctx context.Context, f msnp.Frame) error {
	m, err := msnp.ParseREG(f)
	if err != nil {
		return err
	}
	version, err := s.srv.Store.RenameGroup(ctx, s.entry.User(), m.Number, m.Name)
	if err != nil {
		return err
	}
	return s.confirm(msnp.REG, m.TrID, version, msnp.Uint(m.Number), msnp.Escape(m.Name), "0")
}

// rmg removes a group. People who were in no other leave the forward list with it.
func (s *session) rmg(ctx context.Context, f msnp.Frame) error {
	m, err := msnp.ParseRMG(f)
	if err != nil {
		return err
	}
	shown, err := s.srv.Store.Shown(ctx, s.entry.User())
	if err != nil {
		return err
	}
	version, left, err := s.srv.Store.RemoveGroup(ctx, s.entry.User(), m.Number)
	if err != nil {
		return err
	}
	s.mu.Lock()
	for _, l := range left {
		s.links.Clear(l.Peer, im.Forward)
	}
	s.conn.Send(msnp.AppendLine(nil, msnp.RMG, string(m.TrID), msnp.Uint(s.reach(version)), msnp.Uint(m.Number)))
	s.mu.Unlock()
	for _, l := range left {
		s.srv.moves.leftGroup(lister{s.person(), shown}, l.Peer, l.PeerVersion)
	}
	return nil
}
