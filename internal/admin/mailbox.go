package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"monarch/internal/audit"
	"monarch/internal/hub"
	"monarch/internal/im"
)

const pathMail = Root + "/mail"

// The codes of problems with mail.
const (
	CodeNoMailbox = "no_mailbox"
	CodeBadMail   = "bad_mail"
)

// Mailbox is what there is to know of an account's mail, which is kept elsewhere.
type Mailbox struct {
	Unread        int    `json:"unread" doc:"Messages of the inbox that are unread." example:"3"`
	FoldersUnread int    `json:"folders_unread" doc:"Those of other folders." example:"0"`
	URL           string `json:"url" doc:"The page people are led to, or nothing." example:"https://mail.example.com/"`
}

// mailboxAt is the body that gives an account a mailbox.
type mailboxAt struct {
	URL string `json:"url,omitempty" doc:"The page where the mail is read. Without it, that of mail.url in the configuration." example:"https://mail.example.com/inbox"`
}

// The kinds of [MailNews].
const (
	MailNew    = "new"    // a message arrived
	MailChange = "change" // messages were read, moved or deleted
)

// MailNews is what a mail server tells about an account's mailbox.
type MailNews struct {
	To            string `json:"to" doc:"The account." example:"alice@example.com"`
	Unread        *int   `json:"unread" doc:"How many messages of the inbox are unread now: 0 to 1000000." example:"3"`
	FoldersUnread *int   `json:"folders_unread,omitempty" doc:"How many of other folders are. Without it, as many as before." example:"0"`
	Kind          string `json:"kind,omitempty" enum:"new change" doc:"Whether a message arrived (new), or some were read, moved or deleted (change). Without it, new if there is a sender." example:"new"`
	From          string `json:"from,omitempty" doc:"The address of the sender of a new message." example:"bob@example.net"`
	FromName      string `json:"from_name,omitempty" doc:"The sender's name." example:"Bob"`
	Subject       string `json:"subject,omitempty" doc:"The subject of the message." example:"The party"`
	MessageURL    string `json:"message_url,omitempty" doc:"The page of the message, on the site of the mailbox." example:"https://mail.example.com/inbox/1"`
}

// MailTold says what became of [MailNews].
type MailTold struct {
	Told bool `json:"told" doc:"Whether a client was told. If not, the next one to sign in is." example:"true"`
}

const (
	maxUnread  = 1_000_000
	maxSubject = 1000 // bytes, as of a sender's name; clients are told less
)

// SetMailbox gives an account a mailbox, which its owner reads at a web page; "" is that of the
// configuration. Clients that are signed in learn of it at their next sign-in.
func (s *Service) SetMailbox(ctx context.Context, email, page string) error {
	u, err := s.changeable(ctx, email)
	if err != nil {
		return err
	}
	if page != "" && !im.WebURL(page) {
		return problem(http.StatusBadRequest, CodeBadMail, "%q is not the address of a web page; write it like https://mail.example.com/inbox", page)
	}
	if err := s.Store.SetMailbox(ctx, u.ID, page); err != nil {
		return explain(err, u.Handle)
	}
	s.Log.InfoContext(ctx, "mailbox set", "user", u.Handle)
	s.Audit.Record(ctx, audit.Event{What: audit.MailboxSet, User: u.Handle})
	return nil
}

// RemoveMailbox takes the mailbox away, with its counts.
func (s *Service) RemoveMailbox(ctx context.Context, email string) error {
	u, err := s.changeable(ctx, email)
	if err != nil {
		return err
	}
	if err := s.Store.RemoveMailbox(ctx, u.ID); err != nil {
		return explainMail(err, u.Handle)
	}
	s.Log.InfoContext(ctx, "mailbox removed", "user", u.Handle)
	s.Audit.Record(ctx, audit.Event{What: audit.MailboxRemoved, User: u.Handle})
	return nil
}

// Mail keeps new counts of an account's mailbox and tells its owner, if he is signed in.
func (s *Service) Mail(ctx context.Context, news MailNews) (MailTold, error) {
	if err := news.check(); err != nil {
		return MailTold{}, err
	}
	u, err := s.user(ctx, news.To)
	if err != nil {
		return MailTold{}, err
	}
	if news.MessageURL != "" {
		if err := s.checkMessageURL(ctx, u, news.MessageURL); err != nil {
			return MailTold{}, err
		}
	}
	folders := -1
	if news.FoldersUnread != nil {
		folders = *news.FoldersUnread
	}
	before, after, err := s.Store.CountMail(ctx, u.ID, *news.Unread, folders)
	if err != nil {
		return MailTold{}, explainMail(err, u.Handle)
	}
	var ev hub.Event = hub.MailMoved{Delta: after.Inbox - before.Inbox, Box: after}
	if news.Kind == MailNew {
		ev = hub.MailArrived{From: news.From, Name: news.FromName, Subject: news.Subject, URL: news.MessageURL, Box: after}
	} else if after.Inbox == before.Inbox && after.Folders == before.Folders {
		return MailTold{}, nil
	}
	return MailTold{Told: s.Hub.Ask(ctx, u.ID, 0, ev)}, nil
}

// check refuses news that make no sense, and fills in the kind.
func (n *MailNews) check() error {
	refuse := func(format string, args ...any) error {
		return problem(http.StatusBadRequest, CodeBadMail, format, args...)
	}
	if n.Kind == "" {
		n.Kind = MailChange
		if n.From != "" {
			n.Kind = MailNew
		}
	}
	outOfRange := func(count *int) bool { return count != nil && (*count < 0 || *count > maxUnread) }
	switch {
	case n.To == "":
		return refuse("to is missing; name the account")
	case n.Unread == nil || outOfRange(n.Unread):
		return refuse("unread is missing or not a number from 0 to %d; it is how many messages of the inbox are unread now", maxUnread)
	case outOfRange(n.FoldersUnread):
		return refuse("folders_unread is not a number from 0 to %d", maxUnread)
	case n.Kind != MailNew && n.Kind != MailChange:
		return refuse("kind is %q; choose %q or %q", n.Kind, MailNew, MailChange)
	case n.Kind == MailNew && !im.MailAddress(n.From):
		return refuse("from is %q; a new message needs the bare address of its sender, like bob@example.com", n.From)
	case len(n.FromName) > maxSubject || len(n.Subject) > maxSubject || !utf8.ValidString(n.FromName+n.Subject):
		return refuse("from_name and subject are texts of at most %d bytes each, in UTF-8", maxSubject)
	}
	return nil
}

// checkMessageURL refuses a page that people would not be led to.
func (s *Service) checkMessageURL(ctx context.Context, u im.User, address string) error {
	box, err := s.Store.Mailbox(ctx, u.ID)
	if err != nil {
		return explainMail(err, u.Handle)
	}
	if page := box.Page(s.MailURL, u.Handle); !im.WebURL(address) || !im.SameSite(page, address) {
		return problem(http.StatusBadRequest, CodeBadMail,
			"message_url is not on the site of %s's mailbox; set that with mail.url in the configuration or `monarch user mailbox %s on --url URL`",
			u.Handle, u.Handle)
	}
	return nil
}

// mailbox returns what there is to know of an account's mail, or nil.
func (s *Service) mailbox(ctx context.Context, u im.User) (*Mailbox, error) {
	box, err := s.Store.Mailbox(ctx, u.ID)
	switch {
	case errors.Is(err, im.ErrNoMailbox):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("load mailbox of %s: %w", u.Handle, err)
	}
	return &Mailbox{Unread: box.Inbox, FoldersUnread: box.Folders, URL: box.Page(s.MailURL, u.Handle)}, nil
}

// explainMail is explain for operations on mailboxes.
func explainMail(err error, email string) error {
	if errors.Is(err, im.ErrNoMailbox) {
		return problem(http.StatusConflict, CodeNoMailbox,
			"%s has no mailbox; give it one with `monarch user mailbox %s on`", email, email)
	}
	return explain(err, email)
}

func (s *Service) mailRoutes() []route {
	return []route{
		{
			method: "PUT", path: pathAccounts + "/{email}/mailbox", scope: AccountsWrite, summary: "Give an account a mailbox",
			notes: "Clients learn of it at the next sign-in. Asked for twice, it is as if it had been asked for once." + whoHasARole,
			body:  mailboxAt{}, refuses: []int{404}, handle: s.setMailbox,
		},
		{
			method: "DELETE", path: pathAccounts + "/{email}/mailbox", scope: AccountsWrite, summary: "Take a mailbox away",
			notes: "With its counts. Clients learn of it at the next sign-in." + whoHasARole, refuses: []int{404, 409}, handle: s.removeMailbox,
		},
		{
			method: "POST", path: pathMail, scope: MessagesWrite, summary: "Tell of mail",
			notes: "Keeps new counts of a mailbox, and tells its owner if he is signed in: of a new message each time that it is asked for. " +
				"The hook for mail servers, " + HookPath + " at ops.listen, takes the same with a token of its own.",
			body: MailNews{}, answer: MailTold{}, refuses: []int{404, 409}, handle: s.countMail,
		},
	}
}

func (s *Service) setMailbox(r *http.Request) (any, error) {
	body, err := read[mailboxAt](r)
	if err != nil {
		return nil, err
	}
	return nil, s.SetMailbox(r.Context(), r.PathValue("email"), body.URL)
}

func (s *Service) removeMailbox(r *http.Request) (any, error) {
	return nil, s.RemoveMailbox(r.Context(), r.PathValue("email"))
}

func (s *Service) countMail(r *http.Request) (any, error) {
	body, err := read[MailNews](r)
	if err != nil {
		return nil, err
	}
	return s.Mail(r.Context(), body)
}

// SetMailbox is [Service.SetMailbox].
func (c *Client) SetMailbox(ctx context.Context, email, page string) error {
	return c.call(ctx, http.MethodPut, accountPath(email)+"/mailbox", mailboxAt{URL: page}, nil)
}

// RemoveMailbox is [Service.RemoveMailbox].
func (c *Client) RemoveMailbox(ctx context.Context, email string) error {
	return c.call(ctx, http.MethodDelete, accountPath(email)+"/mailbox", nil, nil)
}

// Mail is [Service.Mail].
func (c *Client) Mail(ctx context.Context, news MailNews) (MailTold, error) {
	return ask[MailTold](ctx, c, http.MethodPost, pathMail, news)
}
