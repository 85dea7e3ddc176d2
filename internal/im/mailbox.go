package im

import (
	"errors"
	"net/mail"
	"net/url"
	"strings"
)

// Mailbox is what the service knows of an account's mail: that there is some, and where. The
// mail itself is kept elsewhere. docs/protocol/signin.md#mail
type Mailbox struct {
	Inbox   int    // unread messages in the inbox
	Folders int    // and in all other folders
	URL     string // the page of this mailbox, or "" for the service's
	Version uint32 // grows with every change of the counts
}

// Page returns the web page where the owner of a mailbox reads his mail. Where the mailbox
// has none of its own it is the template, in which {email}, {user} and {domain} stand for
// the owner's handle and its two parts. It is "" if there is neither.
func (m Mailbox) Page(template, handle string) string {
	if m.URL != "" {
		return m.URL
	}
	user, domain, _ := strings.Cut(handle, "@")
	return strings.NewReplacer("{email}", url.QueryEscape(handle), "{user}", url.QueryEscape(user),
		"{domain}", url.QueryEscape(domain)).Replace(template)
}

// SameSite reports whether a web address is on the same site as a page: people are sent there
// only. Neither may be relative.
func SameSite(page, address string) bool {
	a, err := url.Parse(page)
	b, err2 := url.Parse(address)
	return err == nil && err2 == nil && WebURL(page) && WebURL(address) && a.Scheme == b.Scheme && a.Host == b.Host
}

// WebURL reports whether a text is the address of a web page that fits into a line of the
// protocol: absolute, of http or https, in plain ASCII without blanks.
func WebURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(text) > 500 {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7F || strings.ContainsRune("\"<>\\", r) })
}

// MailAddress reports whether a text is the bare address of somebody who may get mail. A handle
// need not be one.
func MailAddress(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text && len(text) <= 254 && OneLine(text, len(text)+1) == text
}

// ParseInvitee reads the address of somebody to be invited by mail: it has the form of a handle
// and is one that mail goes to, at a name rather than a number or this machine.
func ParseInvitee(text string) (string, bool) {
	h, err := ParseHandle(text)
	return h, err == nil && MailAddress(h) && !strings.ContainsAny(h, "[]")
}

// Invitation asks somebody who has no account to join, by mail.
// docs/protocol/presence.md#invitations
type Invitation struct {
	From Person
	To   string // an address in the form of a handle
	Text string // of the inviter's own, as his client sent it
}

// The refusals that have to do with mail. None of them is told to a client.
var (
	ErrNoMailbox    = errors.New("the account has no mailbox")
	ErrInvitedOften = errors.New("too many invitations")
	ErrIsMember     = errors.New("the invited person has an account")
)
