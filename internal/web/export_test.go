package web

import "monarch/internal/admin"

// AdminRoutes returns every route for operators with its scope: a test tries them all, and whoever
// adds one has it tried.
func AdminRoutes() map[string]admin.Scope {
	all := make(map[string]admin.Scope)
	for _, each := range new(Server).adminTable() {
		all[each.pattern] = each.scope
	}
	return all
}
