package ns

import (
	"context"
	"net/url"

	"monarch/internal/auth"
	"monarch/internal/conn"
	"monarch/internal/im"
	"monarch/msnp"
)

// xfr gives the client a switchboard and a cookie for it.
// docs/protocol/switchboard.md#xfr
func (s *session) xfr(f msnp.Frame) error {
	m, err := msnp.ParseXFR(f)
	if err != nil {
		return err
	}
	if m.Kind != "SB" {
		return msnp.CodeInvalidParameter
	}
	s.mu.Lock()
	may := s.online && s.visible && !s.refusing
	s.mu.Unlock()
	if !may {
		return msnp.CodeNotWhileHidden
	}
	if err := s.allowBoard(); err != nil {
		return err
	}
	board, ok := s.srv.Switchboard()
	if !ok || s.srv.draining.Load() {
		return msnp.CodeTransferFailed
	}
	cookie := s.srv.Signer.Cookie(auth.Admission{
		Board: board.Addr, Session: auth.SessionID(), User: int64(s.entry.User()), Login: s.entry.Number(),
	}, s.srv.Clock.Steady().Add(board.Ahead))
	return s.reply(msnp.XFR, string(m.TrID), "SB", board.Addr, "CKI", cookie)
}

// url names a page: what to open, the form that signs the person in there, and the site id
// for it. docs/protocol/presence.md#url
func (s *session) url(f msnp.Frame) error {
	m, err := msnp.ParseURL(f)
	if err != nil {
		return err
	}
	page, ok := im.PageOf(m.Kind)
	if !ok {
		return msnp.CodeInvalidParameter
	}
	path := page.Path
	if m.Arg != "" {
		path += "?for=" + url.QueryEscape(m.Arg)
	}
	return s.reply(msnp.URL, string(m.TrID), path, s.srv.signInForm(), msnp.Uint(page.Site))
}

// sdc and snd ask for an invitation by mail. The answer does not tell whether one is sent.
// docs/protocol/presence.md#invitations
func (s *session) sdc(ctx context.Context, f msnp.Frame) error { return s.invite(ctx, f, 9) }

func (s *session) snd(ctx context.Context, f msnp.Frame) error { return s.invite(ctx, f, 2) }

func (s *session) invite(ctx context.Context, f msnp.Frame, need int) error {
	t, err := f.TrID()
	if err != nil {
		return err
	}
	if len(f.Args) < need {
		return fatal{msnp.CodeUnspecified, conn.Malformed}
	}
	if err := s.inviteByMail(ctx, f); err != nil {
		return err
	}
	return s.reply(f.Verb, string(t), "OK")
}

// pgd and pag send a page to a telephone, which nobody here can.
// docs/protocol/presence.md#retired
func (s *session) pgd(f msnp.Frame) error {
	m, err := msnp.ParsePGD(f)
	if err != nil {
		return err
	}
	if m.Device != 1 && m.Device != 2 {
		return msnp.CodeInvalidParameter
	}
	return msnp.CodeTooFast
}

func (s *session) pag(f msnp.Frame) error {
	if len(f.Args) < 3 {
		return outOfPlace
	}
	return msnp.CodeTooFast
}

// notExpected refuses a command that the version has lost.
func (s *session) notExpected(msnp.Frame) error { return msnp.CodeNotExpected }

// disabled refuses a command that the service retired in 2003.
func (s *session) disabled(msnp.Frame) error { return msnp.CodeDisabled }
