package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/internal/store"
)

const pathTokens = Root + "/tokens"

// The codes of problems with tokens.
const (
	CodeNoToken       = "no_token"
	CodeTokenName     = "token_name_taken"
	CodeTooManyTokens = "too_many_tokens"
)

// TokenPrefix is what every token begins with, so that whoever looks for secrets knows one.
const TokenPrefix = "monarch_"

// maxLife is how long a token or a rule of a network holds at most, unless for ever.
const maxLife = 10 * 366 * 24 * time.Hour

// Token is what is known of a token that programs manage the service with.
type Token struct {
	ID      string     `json:"id" doc:"What names it for ever." example:"3f9a1c04"`
	Name    string     `json:"name" doc:"What it is called." example:"deploy"`
	Scopes  []Scope    `json:"scopes" enum:"scopes" doc:"What it may do." example:"[\"accounts:read\"]"`
	Created time.Time  `json:"created" doc:"When it was made." example:"2026-03-01T12:00:00Z"`
	MadeBy  string     `json:"made_by" doc:"Who made it." example:"uid 0 (root)"`
	Expires *time.Time `json:"expires,omitempty" doc:"When it is good no more. Absent: it stays good." example:"2026-05-30T12:00:00Z"`
	Used    *time.Time `json:"used,omitempty" doc:"When it was last used, to five minutes. Absent: never." example:"2026-03-02T09:30:00Z"`
}

// NewToken is a token to be made.
type NewToken struct {
	Name      string  `json:"name" doc:"What to call it: up to 64 letters, digits, dots, hyphens and underscores." example:"deploy"`
	Scopes    []Scope `json:"scopes,omitempty" enum:"scopes" doc:"What it may do, which whoever makes it may do himself." example:"[\"accounts:read\"]"`
	Role      im.Role `json:"role,omitempty" enum:"moderator administrator" doc:"Besides the scopes, those of a role." example:"moderator"`
	ExpiresIn int     `json:"expires_in,omitempty" doc:"For how many seconds it is good, a minute or more. Without it, or 0, for ever." example:"7776000"`
}

// MadeToken is a token that was made.
type MadeToken struct {
	Token
	Secret string `json:"token" doc:"The token itself. Nothing shows it again." example:"monarch_0123456789abcdef0123456789abcdef"`
}

// tokenName is what a token may be called.
var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CreateToken makes a token, which may do no more than the caller.
func (s *Service) CreateToken(ctx context.Context, n NewToken) (MadeToken, error) {
	life := time.Duration(n.ExpiresIn) * time.Second
	scopes := slices.Concat(n.Scopes, Scopes(n.Role))
	slices.Sort(scopes)
	scopes = slices.Compact(scopes)
	switch {
	case !tokenName.MatchString(n.Name):
		return MadeToken{}, wrong("name", "a token has a name of up to 64 letters, digits, dots, hyphens and underscores")
	case n.Role != im.NoRole && Scopes(n.Role) == nil:
		return MadeToken{}, wrong("role", "role is %q; choose %s or %s", n.Role, im.Administrator, im.Moderator)
	case len(scopes) == 0:
		return MadeToken{}, wrong("scopes", "a token needs a scope, or a role; the scopes are %s", words(AllScopes()))
	case n.ExpiresIn != 0 && (n.ExpiresIn < 60 || n.ExpiresIn > int(maxLife/time.Second)):
		return MadeToken{}, wrong("expires_in", "a token is good for a minute to ten years, or for ever")
	}
	for _, scope := range scopes {
		if !slices.Contains(AllScopes(), scope) {
			return MadeToken{}, wrong("scopes", "there is no scope %q; choose of %s", scope, words(AllScopes()))
		}
		if err := Require(ctx, scope); err != nil {
			return MadeToken{}, problem(http.StatusForbidden, CodeForbidden, "a token may do no more than whoever makes it: you have not the scope %s", scope)
		}
	}
	now, secret := s.Clock.Now(), TokenPrefix+auth.Token()
	t := store.APIToken{ID: auth.Token()[:8], Name: n.Name, Created: now.Unix(), MadeBy: audit.Actor(ctx)}
	for _, scope := range scopes {
		t.Scopes = append(t.Scopes, string(scope))
	}
	if life != 0 {
		t.Expires = now.Add(life).Unix()
	}
	if err := s.Store.AddAPIToken(ctx, t, secret); err != nil {
		return MadeToken{}, explainToken(err, n.Name)
	}
	s.changedTokens()
	s.Log.InfoContext(ctx, "token made", "token", t.Name)
	s.Audit.Record(ctx, audit.Event{What: audit.TokenMade, Note: t.Name + ": " + words(scopes)})
	return MadeToken{Token: token(t), Secret: secret}, nil
}

// Tokens returns the tokens there are, those that have expired too, in the order of their names.
func (s *Service) Tokens(ctx context.Context) ([]Token, error) {
	kept, err := s.Store.APITokens(ctx)
	tokens := make([]Token, len(kept))
	for i, t := range kept {
		tokens[i] = token(t)
	}
	return tokens, err
}

// RevokeToken makes a token worthless, at all nodes, by its id or its name.
func (s *Service) RevokeToken(ctx context.Context, idOrName string) error {
	t, err := s.Store.RevokeAPIToken(ctx, idOrName)
	if err != nil {
		return explainToken(err, idOrName)
	}
	s.changedTokens()
	s.Log.InfoContext(ctx, "token revoked", "token", t.Name)
	s.Audit.Record(ctx, audit.Event{What: audit.TokenRevoked, Note: t.Name})
	return nil
}

// changedTokens has all nodes look at the tokens again.
func (s *Service) changedTokens() {
	s.forgetTokens()
	if s.nodes != nil {
		s.nodes.Tell(topicTokens, nil)
	}
}

func (s *Service) forgetTokens() {
	s.tokens.forget()
	s.goodTokens.forget()
}

// explainToken is explain for operations on tokens.
func explainToken(err error, name string) error {
	switch {
	case errors.Is(err, store.ErrNoToken):
		return problem(http.StatusNotFound, CodeNoToken, "there is no token %q; `monarch token list` shows those there are", name)
	case errors.Is(err, store.ErrTokenName):
		return problem(http.StatusConflict, CodeTokenName, "there is a token %q already; choose another name, or revoke that one first", name).about("name")
	case errors.Is(err, store.ErrTooManyTokens):
		return problem(http.StatusConflict, CodeTooManyTokens, "there are %d tokens, which is as many as there may be; revoke one first", store.MaxAPITokens)
	}
	return err
}

func token(t store.APIToken) Token {
	shown := Token{
		ID: t.ID, Name: t.Name, Scopes: []Scope{}, Created: time.Unix(t.Created, 0).UTC(), MadeBy: t.MadeBy,
		Expires: moment(t.Expires), Used: moment(t.Used),
	}
	for _, scope := range t.Scopes {
		shown.Scopes = append(shown.Scopes, Scope(scope))
	}
	return shown
}

// words are scopes with spaces between them.
func words(scopes []Scope) string {
	all := make([]string, len(scopes))
	for i, scope := range scopes {
		all[i] = string(scope)
	}
	return strings.Join(all, " ")
}

// Me is who asks.
type Me struct {
	Name   string  `json:"name" doc:"As the audit log has it." example:"token deploy"`
	Scopes []Scope `json:"scopes" enum:"scopes" doc:"What you may do." example:"[\"accounts:read\"]"`
}

func (s *Service) tokenRoutes() []route {
	return []route{
		{
			method: "GET", path: Root + "/me", scope: somebody, summary: "Tell who I am",
			notes: "What the token is called that the request has, and what it may do.", answer: Me{}, handle: s.me,
		},
		{
			method: "GET", path: pathTokens, scope: TokensRead, summary: "List the tokens",
			notes: "In the order of their names, those that have expired too; never the tokens themselves.", query: pages, answer: List[Token]{}, handle: s.listTokens,
		},
		{
			method: "POST", path: pathTokens, scope: TokensWrite, summary: "Make a token",
			notes: "The answer has the token, which nothing shows again. Asked for twice, it is refused the second time, with token_name_taken. " +
				"A token with scopes that the caller has not is refused, with forbidden.",
			body: NewToken{}, answer: MadeToken{}, status: http.StatusCreated, refuses: []int{409}, handle: s.createToken,
		},
		{
			method: "DELETE", path: pathTokens + "/{token}", scope: TokensWrite, summary: "Revoke a token",
			notes: "By its id or its name. It is worthless at once, at all nodes.", refuses: []int{404}, handle: s.revokeToken,
		},
	}
}

func (s *Service) me(r *http.Request) (any, error) {
	c := CallerOf(r.Context())
	return Me{Name: c.Name, Scopes: append([]Scope{}, c.Scopes...)}, nil
}

func (s *Service) listTokens(r *http.Request) (any, error) {
	tokens, err := s.Tokens(r.Context())
	if err != nil {
		return nil, err
	}
	return listed(r, tokens, func(t Token) string { return t.Name })
}

func (s *Service) createToken(r *http.Request) (any, error) {
	body, err := read[NewToken](r)
	if err != nil {
		return nil, err
	}
	return s.CreateToken(r.Context(), body)
}

func (s *Service) revokeToken(r *http.Request) (any, error) {
	return nil, s.RevokeToken(r.Context(), r.PathValue("token"))
}

// Me returns who asks, with what the service lets him do.
func (c *Client) Me(ctx context.Context) (Me, error) {
	return ask[Me](ctx, c, http.MethodGet, Root+"/me", nil)
}

// CreateToken is [Service.CreateToken].
func (c *Client) CreateToken(ctx context.Context, n NewToken) (MadeToken, error) {
	return ask[MadeToken](ctx, c, http.MethodPost, pathTokens, n)
}

// Tokens is [Service.Tokens].
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	return each[Token](ctx, c, pathTokens)
}

// RevokeToken is [Service.RevokeToken].
func (c *Client) RevokeToken(ctx context.Context, idOrName string) error {
	return c.call(ctx, http.MethodDelete, pathTokens+"/"+url.PathEscape(idOrName), nil, nil)
}
