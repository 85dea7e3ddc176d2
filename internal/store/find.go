package store

import (
	"context"
	"strings"

	"monarch/internal/im"
	"monarch/msnp"
)

// Search says which accounts are looked for. Empty fields leave everybody in; but for Begins, each
// account is looked at until there are enough.
type Search struct {
	Begins string // what their handles begin with, in any letter case
	Name   string // a part of their names, in any letter case of ASCII
	Roles  bool   // those with a role
	Locked bool   // those who are locked out
	After  string // those behind this handle
	AtMost int
}

// FindUsers returns the accounts that are looked for, in the order of their handles.
func (s *Store) FindUsers(ctx context.Context, q Search) ([]im.User, error) {
	begins, name := strings.ToLower(q.Begins), ""
	if q.Name != "" {
		name = "%" + likeItself.Replace(strings.ToLower(msnp.Escape(q.Name))) + "%"
	}
	return view(ctx, s, "find accounts", func(tx *transaction) ([]im.User, error) {
		return collect(ctx, tx, scanUser, findUsers, q.After, begins, begins+"\x7f", name, q.Roles, q.Locked, q.AtMost)
	})
}

// findUsers takes whom to begin behind, the first and the last handle that may be, a pattern of
// names or "", whether roles and locks matter, and how many are wanted.
const findUsers = `SELECT ` + userColumns + ` FROM account
	WHERE handle > $1 AND handle >= $2 AND handle < $3 AND ($4 = '' OR lower(name) LIKE $4 ESCAPE '!')
		AND (NOT $5 OR role <> '') AND (NOT $6 OR disabled)
	ORDER BY handle LIMIT $7`

// likeItself has what means something in a pattern stand for itself.
var likeItself = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")
