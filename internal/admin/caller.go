package admin

import (
	"context"
	"net/http"
	"slices"

	"monarch/internal/audit"
	"monarch/internal/im"
)

// CodeForbidden is of what needs a scope that the caller has not.
const CodeForbidden = "forbidden"

// Caller is who asks for an operation.
type Caller struct {
	Name   string // as the audit log has it; "": as the context has it already
	Scopes []Scope
}

type callerKey struct{}

// WithCaller returns a context in which somebody asks for operations, who is recorded as their
// actor. Without one, nobody does, who may do nothing that needs a scope.
func WithCaller(ctx context.Context, c Caller) context.Context {
	if c.Name == "" {
		c.Name = audit.Actor(ctx)
	} else {
		ctx = audit.WithActor(ctx, c.Name)
	}
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns who asks.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// everything returns a context in which everything may be asked for: by those who may open the
// management socket, and by another node, which has looked who asks it.
func everything(ctx context.Context) context.Context {
	return WithCaller(ctx, Caller{Scopes: AllScopes()})
}

// Require refuses what is in a scope that the caller of a context has not.
func Require(ctx context.Context, scope Scope) error {
	if slices.Contains(CallerOf(ctx).Scopes, scope) {
		return nil
	}
	return problem(http.StatusForbidden, CodeForbidden, "this needs the scope %s, which you have not", scope)
}

// mayChange refuses changes to people who have a role, unless the caller decides about roles.
func mayChange(ctx context.Context, u im.User) error {
	if u.Role == "" || Require(ctx, RolesWrite) == nil {
		return nil
	}
	return problem(http.StatusForbidden, CodeForbidden,
		"%s is %s of this service: to change that account needs the scope %s, which you have not", u.Handle, u.Role, RolesWrite)
}

// changeable finds an account that the caller may change.
func (s *Service) changeable(ctx context.Context, email string) (im.User, error) {
	u, err := s.user(ctx, email)
	if err != nil {
		return u, err
	}
	return u, mayChange(ctx, u)
}
