package passport

import (
	"context"

	"monarch/internal/im"
)

// destination returns where a form leads that a valid token came with: to the page it names
// or, for one about mail, to the mailbox of the user. Nobody is sent to any other site.
// docs/protocol/presence.md#url
func (s *Server) destination(ctx context.Context, form map[string]string) string {
	path := s.target(form)
	here := s.cfg.URL + path
	page := s.mailPage(ctx, form["auth"])
	if page == "" {
		return here
	}
	for _, key := range []string{"rru", "ru"} { // clients confuse the two
		if im.SameSite(page, form[key]) {
			return form[key]
		}
	}
	for _, kind := range []string{"INBOX", "FOLDERS", "MESSAGE", "COMPOSE"} {
		if p, ok := im.PageOf(kind); ok && p.Path == path {
			return page
		}
	}
	return here
}

// mailPage returns the page of the mailbox of the user a web token is of, or "".
func (s *Server) mailPage(ctx context.Context, token string) string {
	t, err := s.cfg.Signer.OpenWebToken(token, s.cfg.Clock.Steady(), s.cfg.WebLife)
	if err != nil {
		return ""
	}
	id := im.UserID(t.User)
	box, err := s.cfg.Store.Mailbox(ctx, id)
	if err != nil {
		return "" // as a rule because there is none
	}
	user, err := s.cfg.Store.UserByID(ctx, id)
	if err != nil {
		return ""
	}
	return box.Page(s.cfg.MailURL, user.Handle)
}
