package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"monarch/internal/admin"
	"monarch/internal/im"
)

// tokenCmds are the commands about the tokens of programs.
type tokenCmds struct {
	Create tokenCreate `cmd:"" help:"Make a token, which is shown once."`
	List   tokenList   `cmd:"" help:"List the tokens there are."`
	Revoke tokenRevoke `cmd:"" help:"Make a token worthless, at once and at all nodes."`
}

type tokenCreate struct {
	Name    string   `arg:"" help:"What to call it; the audit log has what is done with it under this name."`
	Scope   []string `help:"What it may do, such as accounts:read; once for each. docs/api.md lists them." placeholder:"SCOPE" sep:","`
	Role    string   `help:"What it may do, as those who have a role: moderator or administrator." placeholder:"ROLE"`
	Expires lifetime `help:"For how long it is good, like 12h or 90d. Without it, or with never: for ever." default:"never" placeholder:"90d"`
	JSON    bool     `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*tokenCreate) Help() string {
	return "monarch token create deploy --scope accounts:read --scope accounts:write --expires 90d\n" +
		"monarch token create helper --role moderator"
}

// Run makes the token.
func (c *tokenCreate) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	n := admin.NewToken{Name: c.Name, Role: im.Role(c.Role), ExpiresIn: int(time.Duration(c.Expires) / time.Second)}
	for _, scope := range c.Scope {
		n.Scopes = append(n.Scopes, admin.Scope(scope))
	}
	made, err := service.CreateToken(ctx, n)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, made)
	}
	fmt.Fprintf(a.stdout, "%s\n\nThis is the token %s, which is not shown again. It is good %s, and may %s.\n",
		made.Secret, made.Name, lasting(made.Expires), scopeWords(made.Scopes))
	return nil
}

type tokenList struct {
	JSON bool `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*tokenList) Help() string { return "monarch token list" }

// Run lists the tokens.
func (c *tokenList) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	tokens, err := service.Tokens(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, tokens)
	}
	if len(tokens) == 0 {
		fmt.Fprintf(a.stdout, "There are no tokens. Make one:\n  %s\n", a.command("token create NAME --role moderator"))
		return nil
	}
	rows := make([][]string, len(tokens))
	for i, t := range tokens {
		used := "never"
		if t.Used != nil {
			used = when(*t.Used)
		}
		good := lasting(t.Expires)
		if t.Expires != nil && t.Expires.Before(time.Now()) {
			good = "no more"
		}
		rows[i] = []string{t.ID, t.Name, scopeWords(t.Scopes), good, used, when(t.Created), t.MadeBy}
	}
	return table(a.stdout, []string{"ID", "NAME", "MAY", "GOOD", "USED", "CREATED", "BY"}, rows)
}

// lasting says until when something is good.
func lasting(expires *time.Time) string {
	if expires == nil {
		return "for ever"
	}
	return "until " + when(*expires)
}

// scopeWords says in few words what a token may do.
func scopeWords(scopes []admin.Scope) string {
	if role := admin.RoleOf(scopes); role != im.NoRole {
		return "do what " + string(role) + "s do"
	}
	return strings.Join(names(scopes), " ")
}

func names(scopes []admin.Scope) []string {
	all := make([]string, len(scopes))
	for i, s := range scopes {
		all[i] = string(s)
	}
	return all
}

type tokenRevoke struct {
	Name string `arg:"" help:"The token's name, or its id."`
}

// Help gives the example.
func (*tokenRevoke) Help() string { return "monarch token revoke deploy" }

// Run deletes the token.
func (c *tokenRevoke) Run(ctx context.Context, a *app) error {
	return a.change(ctx, "The token "+c.Name+" is good for nothing any more.", func(s *admin.Client) error {
		return s.RevokeToken(ctx, c.Name)
	})
}
