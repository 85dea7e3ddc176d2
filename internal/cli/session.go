package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"monarch/internal/admin"
)

type contactsCmd struct {
	Email string `arg:"" help:"The account's address."`
	JSON  bool   `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*contactsCmd) Help() string { return "monarch contacts alice@example.com" }

// Run shows the lists.
func (c *contactsCmd) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	contacts, err := service.Contacts(ctx, c.Email)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, contacts)
	}
	if len(contacts) == 0 {
		fmt.Fprintf(a.stdout, "%s has nobody on any list, and is on nobody's.\n", clean(c.Email))
		return nil
	}
	rows := make([][]string, len(contacts))
	for i, p := range contacts {
		rows[i] = []string{p.Email, p.Stored, strings.Join(p.Lists, " "), strings.Join(p.Groups, ", "), yesNo(p.SignedIn)}
	}
	return table(a.stdout, []string{"EMAIL", "NAME", "LISTS", "GROUPS", "SIGNED IN"}, rows)
}

// sessionCmds are the commands about who is signed in.
type sessionCmds struct {
	List sessionList `cmd:"" help:"List who is signed in."`
	Kick sessionKick `cmd:"" help:"Disconnect somebody, who may sign in again."`
}

type sessionList struct {
	JSON bool `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*sessionList) Help() string { return "monarch session list" }

// Run lists the sessions.
func (c *sessionList) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	all, err := service.Sessions(ctx)
	if err != nil {
		return err
	}
	defer a.unheard(all.Unheard, "who is signed in there")
	sessions := all.Items
	switch {
	case c.JSON:
		return encode(a.stdout, sessions)
	case !service.Running():
		fmt.Fprintf(a.stdout, "Nobody is signed in: the server does not run. Start it: %s\n", a.command("serve"))
		return nil
	case len(sessions) == 0:
		fmt.Fprintln(a.stdout, "Nobody is signed in.")
		return nil
	}
	heads := []string{"EMAIL", "NICK", "STATUS", "CLIENT", "PROTOCOL", "ADDRESS", "SINCE"}
	several := slices.ContainsFunc(sessions, func(s admin.Session) bool { return s.Node != "" })
	if several {
		heads = append(heads, "NODE")
	}
	rows := make([][]string, len(sessions))
	for i, s := range sessions {
		rows[i] = []string{s.Email, s.Nick, status(s.Status), s.Client, s.Version, s.Address, when(s.Since)}
		if several {
			rows[i] = append(rows[i], s.Node)
		}
	}
	return table(a.stdout, heads, rows)
}

type sessionKick struct {
	Email string `arg:"" help:"The account's address."`
}

// Help gives the example.
func (*sessionKick) Help() string { return "monarch session kick alice@example.com" }

// Run ends the session.
func (c *sessionKick) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Email+" is disconnected and may sign in again. To keep the account out: "+
		a.command("user disable "+c.Email), func(s *admin.Client) error {
		return s.Kick(ctx, c.Email)
	})
}
