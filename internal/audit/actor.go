package audit

import (
	"context"
	"fmt"
	"os/user"
	"strconv"
)

type actorKey struct{}

// WithActor returns a context whose events are the doing of actor.
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// Actor returns who acts in a context, or "".
func Actor(ctx context.Context) string {
	name, _ := ctx.Value(actorKey{}).(string)
	return name
}

// UID names the user of the operating system with an id, as an actor. Systems without such ids
// have -1, who is nobody.
func UID(id int) string {
	if id < 0 {
		return ""
	}
	if u, err := user.LookupId(strconv.Itoa(id)); err == nil && u.Username != "" {
		return fmt.Sprintf("uid %d (%s)", id, u.Username)
	}
	return fmt.Sprintf("uid %d", id)
}
