package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"monarch/internal/admin"
	"monarch/internal/im"
)

// userCmds are the commands about accounts.
type userCmds struct {
	Add     userAdd     `cmd:"" help:"Make an account."`
	List    userList    `cmd:"" help:"List the accounts."`
	Show    userShow    `cmd:"" help:"Show everything about one account."`
	Passwd  userPasswd  `cmd:"" help:"Change a password. A client that is signed in is disconnected."`
	Rename  userRename  `cmd:"" help:"Change the friendly name. Contacts see it at once."`
	Role    userRole    `cmd:"" help:"Say what somebody may do for the service: nothing, look after people, or everything."`
	Reset   userReset   `cmd:"" help:"Give an account a random password, which is shown once. A client that is signed in is disconnected."`
	Disable userDisable `cmd:"" help:"Lock an account. A client that is signed in is disconnected."`
	Enable  userEnable  `cmd:"" help:"Unlock an account."`
	Mailbox userMailbox `cmd:"" help:"Say whether an account has a mailbox, and where."`
	Delete  userDelete  `cmd:"" help:"Remove an account for good, from everybody's lists too."`
}

// page is how many accounts are fetched at a time.
const page = 1000

type userAdd struct {
	Email         string `arg:"" help:"The address the account signs in with; it need not receive mail."`
	Nick          string `help:"Friendly name. Without it, the part of the address before the at sign." placeholder:"NAME"`
	PasswordStdin bool   `help:"Read the password from standard input instead of asking for it."`
}

// Help gives the example.
func (*userAdd) Help() string {
	return "monarch user add alice@example.com --nick Alice\n" +
		"echo 'open sesame' | monarch user add bob@example.com --password-stdin"
}

// Run makes the account.
func (c *userAdd) Run(ctx context.Context, a *app) error {
	if _, err := im.ParseHandle(c.Email); err != nil { // before a password is typed in vain
		return fmt.Errorf("%q is not an address an account can have; use one like alice@example.com", c.Email)
	}
	password, err := a.newPassword(ctx, c.PasswordStdin)
	if err != nil {
		return err
	}
	service, done, err := a.service(ctx, mayMake)
	if err != nil {
		return err
	}
	defer done()
	made, err := service.AddAccount(ctx, admin.NewAccount{Email: c.Email, Nick: c.Nick, Password: password})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Added %s, called %s.\n", made.Email, clean(made.Nick))
	if !service.Running() {
		fmt.Fprintf(a.stdout, "It can sign in as soon as the server runs: %s\n", a.command("serve"))
	}
	return nil
}

type userList struct {
	JSON bool `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*userList) Help() string { return "monarch user list" }

// Run lists all accounts.
func (c *userList) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	accounts := []admin.Account{}
	for after := ""; ; {
		next, err := service.Accounts(ctx, after, page)
		if err != nil {
			return err
		}
		accounts = append(accounts, next...)
		if len(next) < page {
			break
		}
		after = next[len(next)-1].Email
	}
	if c.JSON {
		return encode(a.stdout, accounts)
	}
	if len(accounts) == 0 {
		fmt.Fprintf(a.stdout, "There are no accounts yet. Make one: %s\n", a.command("user add alice@example.com"))
		return nil
	}
	rows := make([][]string, len(accounts))
	for i, u := range accounts {
		rows[i] = []string{u.Email, u.Nick, accountState(u), when(u.Created)}
	}
	return table(a.stdout, []string{"EMAIL", "NICK", "STATE", "CREATED"}, rows)
}

func accountState(u admin.Account) string {
	var words []string
	if u.Disabled {
		words = append(words, "disabled")
	} else if u.SignedIn {
		words = append(words, "signed in")
	}
	if u.Role != im.NoRole {
		words = append(words, string(u.Role))
	}
	return cmp.Or(strings.Join(words, ", "), "-")
}

type userShow struct {
	Email string `arg:"" help:"The account's address."`
	JSON  bool   `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*userShow) Help() string { return "monarch user show alice@example.com" }

// Run shows one account.
func (c *userShow) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	d, err := service.Account(ctx, c.Email)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, d)
	}
	lines := [][2]string{
		{"Email", d.Email},
		{"Nick", d.Nick},
		{"Created", when(d.Created)},
		{"Disabled", locked(d.Account)},
		{"Role", cmp.Or(string(d.Role), "none")},
		{"Contact list", fmt.Sprintf("%s, version %d", plural(d.Listed["FL"], "person", "people"), d.ListVersion)},
		{"Listed by", plural(d.Listed["RL"], "person", "people")},
		{"Allowed, blocked", fmt.Sprintf("%d, %d", d.Listed["AL"], d.Listed["BL"])},
		{"Groups", strings.Join(d.Groups, ", ")},
		{"Asks when added", yesNo(d.AsksWhenAdded)},
		{"Others may write", yesNo(d.AllowsOthers)},
	}
	for _, p := range d.Properties {
		lines = append(lines, [2]string{"Property " + p.Type, p.Value})
	}
	if m := d.Mailbox; m != nil {
		lines = append(lines, [2]string{"Mailbox", mailboxState(*m)})
	}
	if s := d.Session; s != nil {
		lines = append(lines, [2]string{"Signed in", fmt.Sprintf("%s, since %s, with %s (%s) from %s",
			status(s.Status), when(s.Since), s.Client, s.Version, s.Address)})
	} else {
		lines = append(lines, [2]string{"Signed in", "no"})
	}
	return pairs(a.stdout, lines)
}

// locked says whether an account is locked, and how.
func locked(u admin.Account) string {
	text := yesNo(u.Disabled)
	if u.Lock == nil {
		return text
	}
	if !u.Lock.Until.IsZero() {
		text += ", until " + when(u.Lock.Until)
	}
	if u.Lock.Reason != "" {
		text += ": " + u.Lock.Reason
	}
	return text
}

type userPasswd struct {
	Email         string `arg:"" help:"The account's address."`
	PasswordStdin bool   `help:"Read the password from standard input instead of asking for it."`
}

// Help gives the example.
func (*userPasswd) Help() string { return "monarch user passwd alice@example.com" }

// Run changes the password.
func (c *userPasswd) Run(ctx context.Context, a *app) error {
	return a.change(ctx, "The password of "+c.Email+" is changed.", func(s *admin.Client) error {
		var p *admin.Problem
		if _, err := s.Account(ctx, c.Email); errors.As(err, &p) && p.Code == admin.CodeNoAccount {
			return err // before a password is typed in vain; who may not look finds out later
		}
		password, err := a.newPassword(ctx, c.PasswordStdin)
		if err != nil {
			return err
		}
		return s.SetPassword(ctx, c.Email, password)
	})
}

type userRename struct {
	Email string `arg:"" help:"The account's address."`
	Nick  string `arg:"" help:"The new friendly name."`
}

// Help gives the example.
func (*userRename) Help() string {
	return `monarch user rename alice@example.com "Alice in Wonderland"`
}

// Run changes the name.
func (c *userRename) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Email+" is called "+c.Nick+" now.", func(s *admin.Client) error {
		return s.Rename(ctx, c.Email, c.Nick)
	})
}

type userRole struct {
	Email string `arg:"" help:"The account's address."`
	Role  string `arg:"" enum:"administrator,moderator,none" help:"administrator: may do everything. moderator: looks after people. none: like everybody."`
}

// Help gives the example.
func (*userRole) Help() string { return "monarch user role alice@example.com moderator" }

// Run changes the role.
func (c *userRole) Run(ctx context.Context, a *app) error {
	role, done := im.Role(c.Role), c.Email+" is "+c.Role+" now."
	if c.Role == "none" {
		role, done = im.NoRole, c.Email+" has no role now."
	}
	return a.change(ctx, done, func(s *admin.Client) error { return s.SetRole(ctx, c.Email, role) })
}

type userReset struct {
	Email string `arg:"" help:"The account's address."`
}

// Help gives the example.
func (*userReset) Help() string { return "monarch user reset alice@example.com" }

// Run changes the password.
func (c *userReset) Run(ctx context.Context, a *app) error {
	service, release, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer release()
	password, err := service.ResetPassword(ctx, c.Email)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s\n\nThis is the password of %s now. It is not shown again.\n", password, clean(c.Email))
	return nil
}

type userDisable struct {
	Email  string   `arg:"" help:"The account's address."`
	Reason string   `help:"Why, for other operators. Its owner is not told." placeholder:"TEXT"`
	For    lifetime `help:"For how long, like 90m, 12h or 7d. Without it, or with never: for good." default:"never" placeholder:"7d"`
}

// Help gives the example.
func (*userDisable) Help() string {
	return "monarch user disable alice@example.com\nmonarch user disable bob@example.com --reason 'sent spam' --for 7d"
}

// Run locks the account.
func (c *userDisable) Run(ctx context.Context, a *app) error {
	lock, done := admin.Lock{Reason: c.Reason}, c.Email+" cannot sign in any more."
	if c.For != 0 {
		lock.Until = time.Now().Add(time.Duration(c.For))
		done = c.Email + " cannot sign in until " + when(lock.Until) + "."
	}
	return a.change(ctx, done, func(s *admin.Client) error { return s.Lock(ctx, c.Email, lock) })
}

type userEnable struct {
	Email string `arg:"" help:"The account's address."`
}

// Help gives the example.
func (*userEnable) Help() string { return "monarch user enable alice@example.com" }

// Run unlocks the account.
func (c *userEnable) Run(ctx context.Context, a *app) error {
	return a.change(ctx, c.Email+" can sign in again.", func(s *admin.Client) error {
		return s.SetDisabled(ctx, c.Email, false)
	})
}

type userDelete struct {
	Email string `arg:"" help:"The account's address."`
	Yes   bool   `help:"Do not ask on a terminal whether you are sure."`
}

// Help gives the example.
func (*userDelete) Help() string { return "monarch user delete alice@example.com" }

// Run removes the account.
func (c *userDelete) Run(ctx context.Context, a *app) error {
	if !c.Yes {
		if err := a.confirm(ctx, "Remove "+clean(c.Email)+" for good, from everybody's lists too?"); err != nil {
			return err
		}
	}
	return a.change(ctx, c.Email+" is removed.", func(s *admin.Client) error {
		return s.DeleteAccount(ctx, c.Email)
	})
}

// change does something to an existing account and says that it is done.
func (a *app) change(ctx context.Context, done string, do func(*admin.Client) error) error {
	service, release, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer release()
	if err := do(service); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, clean(done))
	return nil
}
