package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"monarch/internal/admin"
)

// inviteCmds are the commands about the codes that let people sign up.
type inviteCmds struct {
	Create inviteCreate `cmd:"" help:"Make a code."`
	List   inviteList   `cmd:"" help:"List the codes that are good."`
	Revoke inviteRevoke `cmd:"" help:"Make a code worthless. Whoever signed up with it stays."`
}

type inviteCreate struct {
	Uses    int      `help:"For how many people it is good. Without it, for one." default:"1" placeholder:"N"`
	Expires lifetime `help:"For how long it is good, like 90m, 12h or 30d, or never. Without it, 7d." default:"7d" placeholder:"7d"`
	JSON    bool     `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*inviteCreate) Help() string {
	return "monarch invite create\nmonarch invite create --uses 30 --expires 12h"
}

// Run makes the code.
func (c *inviteCreate) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	made, err := service.CreateInvite(ctx, admin.NewInvite{Uses: c.Uses, ExpiresIn: int(time.Duration(c.Expires) / time.Second)})
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, made)
	}
	fmt.Fprintf(a.stdout, "%s\n\nGood for %s, %s.\n", made.Code, plural(made.Uses, "person", "people"), until(made))
	return nil
}

type inviteList struct {
	JSON bool `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*inviteList) Help() string { return "monarch invite list" }

// Run lists the codes.
func (c *inviteList) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	invites, err := service.Invites(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, invites)
	}
	if len(invites) == 0 {
		fmt.Fprintf(a.stdout, "There are no codes. Make one:\n  %s\n", a.command("invite create"))
		return nil
	}
	rows := make([][]string, len(invites))
	for i, each := range invites {
		rows[i] = []string{each.Code, strconv.Itoa(each.Uses), until(each), when(each.Created), each.MadeBy}
	}
	return table(a.stdout, []string{"CODE", "USES LEFT", "GOOD", "CREATED", "BY"}, rows)
}

// until says how long a code is good.
func until(i admin.Invite) string {
	if i.Expires == nil {
		return "for ever"
	}
	return "until " + when(*i.Expires)
}

type inviteRevoke struct {
	Code string `arg:"" help:"The code."`
}

// Help gives the example.
func (*inviteRevoke) Help() string { return "monarch invite revoke K7MQ-2XFP-9D3H" }

// Run deletes the code.
func (c *inviteRevoke) Run(ctx context.Context, a *app) error {
	return a.change(ctx, "That code is good for nobody any more.", func(s *admin.Client) error {
		return s.RevokeInvite(ctx, c.Code)
	})
}

// lifetime is a length of time that may be given in days; 0 has no end.
type lifetime time.Duration

// UnmarshalText reads one.
func (l *lifetime) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "never" {
		*l = 0
		return nil
	}
	if d, ok := length(s); ok && d >= time.Second {
		*l = lifetime(d)
		return nil
	}
	return fmt.Errorf("%q is no length of time; write it like 90m, 12h, 7d or never", s)
}

// ago is how long ago something was, which may be said in days.
type ago time.Duration

// UnmarshalText reads one.
func (a *ago) UnmarshalText(text []byte) error {
	d, ok := length(string(text))
	if !ok || d < 0 {
		return fmt.Errorf("%q does not say how long ago; write it like 90m, 12h or 7d", text)
	}
	*a = ago(d)
	return nil
}

// length reads a length of time that may be in days.
func length(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n > 0 && n < 10_000
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}
