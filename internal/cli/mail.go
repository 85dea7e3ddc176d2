package cli

import (
	"context"
	"fmt"

	"monarch/internal/admin"
	"monarch/internal/command"
)

type userMailbox struct {
	Email string `arg:"" help:"The account's address."`
	State string `arg:"" enum:"on,off" help:"Whether the account has a mailbox: on or off."`
	URL   string `name:"url" help:"The web page where its mail is read. Without it, that of mail.url in the configuration." placeholder:"URL"`
}

// Help gives the example.
func (*userMailbox) Help() string {
	return "monarch user mailbox alice@example.com on\n" +
		"monarch user mailbox bob@example.com on --url https://mail.example.com/"
}

// Run changes the account.
func (c *userMailbox) Run(ctx context.Context, a *app) error {
	if c.State == "off" {
		if c.URL != "" {
			return command.UsageError("an account without a mailbox has no web page for it: leave --url out")
		}
		return a.change(ctx, c.Email+" has no mailbox any more. Clients learn of it at the next sign-in.", func(s *admin.Client) error {
			return s.RemoveMailbox(ctx, c.Email)
		})
	}
	return a.change(ctx, c.Email+" has a mailbox. Clients learn of it at the next sign-in.", func(s *admin.Client) error {
		return s.SetMailbox(ctx, c.Email, c.URL)
	})
}

type mailCmd struct {
	Email   string `arg:"" help:"The account's address."`
	Unread  int    `required:"" help:"How many messages of the inbox are unread now." placeholder:"N"`
	Folders *int   `help:"How many are unread in other folders. Without it, as many as before." placeholder:"N"`
	From    string `help:"Address of who wrote the new message. Without it, there is no new one: some were read or deleted." placeholder:"ADDR"`
	Name    string `help:"Name of who wrote it." placeholder:"NAME"`
	Subject string `help:"Its subject." placeholder:"TEXT"`
}

// Help gives the example.
func (*mailCmd) Help() string {
	return "monarch mail alice@example.com --unread 3 --from bob@example.net --name Bob --subject \"The party\"\n" +
		"monarch mail alice@example.com --unread 0"
}

// Run keeps the counts and tells the client, if one is signed in.
func (c *mailCmd) Run(ctx context.Context, a *app) error {
	if c.From == "" && c.Name+c.Subject != "" {
		return command.UsageError("a new message needs the address of who wrote it: --from")
	}
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	told, err := service.Mail(ctx, admin.MailNews{
		To: c.Email, Unread: &c.Unread, FoldersUnread: c.Folders, From: c.From, FromName: c.Name, Subject: c.Subject,
	})
	if err != nil {
		return err
	}
	if told.Told {
		fmt.Fprintf(a.stdout, "Told %s.\n", clean(c.Email))
	} else {
		fmt.Fprintln(a.stdout, "Noted. Clients that sign in from now on are told.")
	}
	return nil
}

// mailboxState puts a mailbox in words.
func mailboxState(m admin.Mailbox) string {
	text := fmt.Sprintf("%d unread, %d in other folders", m.Unread, m.FoldersUnread)
	if m.URL != "" {
		text += ", " + m.URL
	}
	return text
}
