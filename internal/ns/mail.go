package ns

import (
	"context"
	"errors"
	"mime"
	"strconv"
	"time"

	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/store"
	"monarch/msnp"
)

// Mail is what the server does with mail.
type Mail struct {
	// Invite takes an invitation that is within the limits. It must not wait. Where no mail can
	// be sent it is nil, and invitations are dropped.
	Invite func(im.Invitation)
}

// invitationLimits hold for everybody and have no setting: a server that writes to strangers
// for anybody who asks does not stay in good standing for long.
// docs/protocol/limits.md#invitations-by-mail
var invitationLimits = store.InvitationLimits{PersonHour: 5, PersonDay: 20, ServiceHour: 200, Again: 7 * 24 * time.Hour}

// mailbox is what a session knows of its user's mail; guarded by the session's mu. Most people
// have none.
type mailbox struct {
	enabled bool // the profile says so; fixed after it
	version uint32
	inbox   int // unread
	folders int
}

// openMailbox notes that the user has one, unless it is nil. It was read after the hub knew the
// session: whatever is counted since is delivered to it.
func (s *session) openMailbox(box *im.Mailbox) {
	if box == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countMail(*box).enabled = true
}

// countMail takes over counts that are newer than those the session has, and returns what it
// then has. s.mu is held.
func (s *session) countMail(box im.Mailbox) *mailbox {
	a := s.beside()
	if a.mailbox == nil {
		a.mailbox = new(mailbox)
	}
	if m := a.mailbox; box.Version > m.version {
		m.version, m.inbox, m.folders = box.Version, box.Inbox, box.Folders
	}
	return a.mailbox
}

// mail returns the mailbox, or nil when the user has none. s.mu is held.
func (s *session) mail() *mailbox {
	if s.aside == nil || s.aside.mailbox == nil || !s.aside.mailbox.enabled {
		return nil
	}
	return s.aside.mailbox
}

// emailEnabled is the profile's word for having a mailbox.
func (s *session) emailEnabled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mail() != nil {
		return 1
	}
	return 0
}

// signInForm is where clients post a form that signs their user in to a page.
func (s *Server) signInForm() string { return s.WebURL + "/ppsecure/md5auth.srf?lc=1033" }

// mailPage returns the path of a page about mail.
func mailPage(kind string) im.Page {
	page, _ := im.PageOf(kind)
	return page
}

// appendInitialMail appends how much mail there is, once, after the first CHG. s.mu is held.
// docs/protocol/signin.md#mail
func (s *session) appendInitialMail(b []byte) []byte {
	m := s.mail()
	if m == nil {
		return b
	}
	return appendMessage(b, "MIME-Version: 1.0\r\n"+
		"Content-Type: text/x-msmsgsinitialemailnotification; charset=UTF-8\r\n"+
		"\r\n"+
		"Inbox-Unread: "+strconv.Itoa(m.inbox)+"\r\n"+
		"Folders-Unread: "+strconv.Itoa(m.folders)+"\r\n"+
		"Inbox-URL: "+mailPage("INBOX").Path+"\r\n"+
		"Folders-URL: "+mailPage("FOLDERS").Path+"\r\n"+
		"Post-URL: "+s.srv.signInForm()+"\r\n"+
		"\r\n")
}

// deliverMail takes the events of the hub that concern mail, and alerts.
func (s *session) deliverMail(ev hub.Event) bool {
	switch ev := ev.(type) {
	case hub.MailArrived:
		return s.mailChanged(ev.Box, func(b []byte) []byte { return s.appendNewMail(b, ev) })
	case hub.MailMoved:
		return s.mailChanged(ev.Box, func(b []byte) []byte {
			if ev.Delta == 0 { // in the folders alone, of which there is no notice
				return nil
			}
			return appendMovedMail(b, ev.Delta)
		})
	case hub.Alerted:
		return s.alerted(ev)
	}
	return false
}

// mailChanged notes new counts and tells them. Before the first CHG the client is told
// nothing: it hears all of it then.
func (s *session) mailChanged(box im.Mailbox, line func(b []byte) []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countMail(box)
	if s.mail() == nil || !s.online {
		return false
	}
	out := line(nil)
	return len(out) > 0 && s.conn.Send(out)
}

// appendNewMail appends the notice of a new message. Clients want a sender and a subject.
// docs/protocol/signin.md#mail
func (s *session) appendNewMail(b []byte, ev hub.MailArrived) []byte {
	page := mailPage("MESSAGE")
	name, subject, address := ev.Name, ev.Subject, ev.URL
	if name == "" {
		name = ev.From
	}
	if subject == "" {
		subject = "(no subject)"
	}
	if address == "" {
		address = page.Path
	}
	return appendMessage(b, "MIME-Version: 1.0\r\n"+
		"Content-Type: text/x-msmsgsemailnotification; charset=UTF-8\r\n"+
		"\r\n"+
		"From: "+encodedWords(name)+"\r\n"+
		"Message-URL: "+address+"\r\n"+
		"Post-URL: "+s.srv.signInForm()+"\r\n"+
		"Subject: "+encodedWords(subject)+"\r\n"+
		"Dest-Folder: ACTIVE\r\n"+
		"From-Addr: "+ev.From+"\r\n"+
		"id: "+strconv.Itoa(page.Site)+"\r\n"+
		"\r\n")
}

// encodedWords writes a text of people's as the value of a header: RFC 2047.
func encodedWords(text string) string {
	return mime.QEncoding.Encode("utf-8", im.OneLine(text, maxMailText))
}

// maxMailText is how many characters of a subject or a sender's name are told.
const maxMailText = 200

// appendMovedMail appends the notice that unread messages left the inbox, as if to the trash,
// or came back. docs/protocol/signin.md#mail
func appendMovedMail(b []byte, delta int) []byte {
	const inbox, trash = "ACTIVE", "trAsH"
	from, to, n := trash, inbox, delta
	if delta < 0 {
		from, to, n = inbox, trash, -delta
	}
	return appendMessage(b, "MIME-Version: 1.0\r\n"+
		"Content-Type: text/x-msmsgsactivemailnotification; charset=UTF-8\r\n"+
		"\r\n"+
		"Src-Folder: "+from+"\r\n"+
		"Dest-Folder: "+to+"\r\n"+
		"Message-Delta: "+strconv.Itoa(n)+"\r\n"+
		"\r\n")
}

// mayInvite keeps a flood from the database and the log.
func (s *session) mayInvite() bool {
	return s.allow(invitations) == nil
}

// inviteByMail hands an invitation on, unless it is refused. The inviter does not learn that:
// it would tell him who has an account, and clients have no words for it.
// docs/protocol/presence.md#invitations
func (s *session) inviteByMail(ctx context.Context, f msnp.Frame) error {
	invite := s.srv.Mail.Invite
	to, ok := im.ParseInvitee(f.Arg(1))
	if invite == nil || !ok {
		return nil
	}
	if !s.mayInvite() {
		return nil
	}
	switch err := s.srv.Store.Invite(ctx, s.entry.User(), to, s.srv.Clock.Now(), invitationLimits); {
	case errors.Is(err, im.ErrIsMember), errors.Is(err, im.ErrInvitedOften):
		s.srv.Log.Debug("an invitation was not sent", "conn", s.conn.ID(), "user", s.handle(), "reason", err)
		return nil
	case err != nil:
		return err
	}
	invite(im.Invitation{From: s.person(), To: to, Text: string(f.Payload)})
	return nil
}
