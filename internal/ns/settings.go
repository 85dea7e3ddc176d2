package ns

import (
	"context"
	"slices"
	"strings"

	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// gtc stores whether the client asks its user about people who add him.
// docs/protocol/lists.md#settings
func (s *session) gtc(ctx context.Context, f msnp.Frame) error {
	m, err := msnp.ParseGTC(f)
	if err != nil {
		return err
	}
	version, err := s.srv.Store.SetPrompt(ctx, s.entry.User(), im.Prompt(m.Value))
	if err != nil {
		return err
	}
	return s.confirm(msnp.GTC, m.TrID, version, m.Value)
}

// blp sets what holds for people on neither list, who then see the user come or go.
// docs/protocol/lists.md#settings
func (s *session) blp(ctx context.Context, f msnp.Frame) error {
	m, err := msnp.ParseBLP(f)
	if err != nil {
		return err
	}
	policy := im.Policy(m.Value)
	version, err := s.srv.Store.SetPolicy(ctx, s.entry.User(), policy)
	if err != nil {
		return err
	}
	s.setPolicy(policy, func() []byte {
		return msnp.AppendLine(nil, msnp.BLP, string(m.TrID), msnp.Uint(s.reach(version)), m.Value)
	})
	return nil
}

// setPolicy makes the session follow a change of the policy, and tells those concerned, the
// client with a line, which is made under s.mu.
func (s *session) setPolicy(policy im.Policy, line func() []byte) {
	s.mu.Lock()
	s.links.SetPolicy(policy)
	s.conn.Send(line())
	s.mu.Unlock()
	s.srv.Hub.SetPrivacy(&s.entry, hub.Known{}, func() ([]im.UserID, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.links.Undecided(nil), s.links.Policy() == im.AllowOthers
	})
}

// prp sets or clears a phone number or the mobile switch.
// docs/protocol/lists.md#properties
func (s *session) prp(ctx context.Context, f msnp.Frame) error {
	m, err := msnp.ParsePRP(f)
	if err != nil {
		return err
	}
	if !slices.Contains(phones, m.Type) {
		return im.ErrUnknownSetting
	}
	if m.Type == "MOB" && m.Value != "" && m.Value != "Y" && m.Value != "N" {
		return &msnp.SyntaxError{Verb: msnp.PRP, Reason: "MOB is neither Y nor N"}
	}
	version, told, err := s.srv.Store.SetProperty(ctx, s.entry.User(), m.Type, m.Value)
	if err != nil {
		return err
	}
	params := []string{m.Type}
	if m.Value != "" {
		params = append(params, msnp.Escape(m.Value))
	}
	if err := s.confirm(msnp.PRP, m.TrID, version, params...); err != nil {
		return err
	}
	who := s.person()
	for _, t := range told {
		s.srv.Hub.Deliver(t.User, hub.PropertyChanged{Who: who, Type: m.Type, Value: m.Value, Version: t.Version})
	}
	return nil
}

// propertyChanged tells the client a contact's new phone value.
func (s *session) propertyChanged(ev hub.PropertyChanged) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.relink(ev)
	return s.synced && s.busy != loading && s.conn.Send(s.appendSince(nil, ev))
}

// appendProperty appends what the client is to hear of a contact's phone value.
func (s *session) appendProperty(b []byte, ev hub.PropertyChanged) []byte {
	late := s.outdated(ev.Who.ID, ev.Version)
	version := s.reach(ev.Version)
	if late || !s.links.On(ev.Who.ID, im.Forward) || !s.dialect.knows(ev.Type) {
		return b
	}
	return appendBPR(b, version, ev.Who.Handle, ev.Type, ev.Value)
}

// rea changes the user's own friendly name, or the name he keeps for a contact.
// docs/protocol/lists.md#rea
func (s *session) rea(ctx context.Context, f msnp.Frame) error {
	m, err := msnp.ParseREA(f)
	if err != nil {
		return err
	}
	if m.Name == "" {
		return im.ErrNameRefused
	}
	if s.isOwn(m.Handle) {
		return s.renameSelf(ctx, m)
	}
	handle := strings.ToLower(m.Handle)
	version, err := s.srv.Store.NameContact(ctx, s.entry.User(), handle, m.Name)
	if err != nil {
		return err
	}
	return s.confirm(msnp.REA, m.TrID, version, handle, msnp.Escape(m.Name))
}

func (s *session) renameSelf(ctx context.Context, m msnp.Renaming) error {
	if s.srv.Forbids(m.Name) {
		return im.ErrNameRefused
	}
	if err := s.allowName(); err != nil {
		return err
	}
	version, err := s.srv.Store.Rename(ctx, s.entry.User(), m.Name)
	if err != nil {
		return err
	}
	err = s.confirm(msnp.REA, m.TrID, version, s.entry.Handle(), msnp.Escape(m.Name))
	s.rename(m.Name)
	return err
}

// rename makes the name that the database has the session's, and tells watchers.
func (s *session) rename(name string) {
	s.srv.Hub.SetName(&s.entry, name, s.watchers)
}
