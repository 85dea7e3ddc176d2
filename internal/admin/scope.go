package admin

import (
	"slices"

	"monarch/internal/im"
)

// Scope is a part of management that somebody may be given or not.
type Scope string

// The scopes.
const (
	ServiceRead   Scope = "service:read"  // how the service is doing, its nodes and keys
	ServiceWrite  Scope = "service:write" // notices, draining, reloads, backups, keys
	AccountsRead  Scope = "accounts:read"
	AccountsWrite Scope = "accounts:write"
	RolesWrite    Scope = "roles:write" // roles, and everything that changes people who have one
	SessionsRead  Scope = "sessions:read"
	SessionsWrite Scope = "sessions:write"
	MessagesWrite Scope = "messages:write" // alerts, and what is new in mailboxes
	InvitesRead   Scope = "invites:read"
	InvitesWrite  Scope = "invites:write"
	NetworksRead  Scope = "networks:read"
	NetworksWrite Scope = "networks:write"
	AuditRead     Scope = "audit:read"
	WebhooksRead  Scope = "webhooks:read"
	WebhooksWrite Scope = "webhooks:write"
	TokensRead    Scope = "tokens:read"
	TokensWrite   Scope = "tokens:write"
)

// moderators are the scopes of those who look after people.
var moderators = []Scope{
	ServiceRead, AccountsRead, AccountsWrite, SessionsRead, SessionsWrite, MessagesWrite,
	InvitesRead, InvitesWrite, NetworksRead, NetworksWrite, AuditRead,
}

// AllScopes returns every scope there is.
func AllScopes() []Scope {
	return append(slices.Clone(moderators), ServiceWrite, RolesWrite, WebhooksRead, WebhooksWrite, TokensRead, TokensWrite)
}

// Scopes returns what somebody with a role may do.
func Scopes(role im.Role) []Scope {
	switch role {
	case im.Administrator:
		return AllScopes()
	case im.Moderator:
		return slices.Clone(moderators)
	}
	return nil
}

// RoleOf returns the role that may do just what is in some scopes, in any order; im.NoRole if there is none.
func RoleOf(scopes []Scope) im.Role {
	has := slices.Sorted(slices.Values(scopes))
	for _, role := range []im.Role{im.Moderator, im.Administrator} {
		if slices.Equal(has, slices.Sorted(slices.Values(Scopes(role)))) {
			return role
		}
	}
	return im.NoRole
}

// Allows reports whether somebody with a role may do what is in a scope.
func Allows(role im.Role, scope Scope) bool {
	return slices.Contains(Scopes(role), scope)
}
