package admin_test

import (
	"slices"
	"testing"

	"monarch/internal/admin"
	"monarch/internal/im"
)

func TestRolesAndScopes(t *testing.T) {
	all := admin.AllScopes()
	for i, s := range all {
		if slices.Contains(all[i+1:], s) {
			t.Errorf("%s is there twice", s)
		}
		if !admin.Allows(im.Administrator, s) {
			t.Errorf("administrators may not %s", s)
		}
		if admin.Allows(im.NoRole, s) || admin.Allows("emperor", s) {
			t.Errorf("somebody without a role may %s", s)
		}
	}
	for _, s := range []admin.Scope{admin.RolesWrite, admin.ServiceWrite, admin.TokensWrite, admin.WebhooksRead} {
		if admin.Allows(im.Moderator, s) {
			t.Errorf("moderators may %s", s)
		}
	}
	slices.Reverse(all)
	for role, scopes := range map[im.Role][]admin.Scope{
		im.Administrator: all, im.Moderator: admin.Scopes(im.Moderator), im.NoRole: all[1:],
	} {
		if got := admin.RoleOf(scopes); got != role {
			t.Errorf("the role of %v is %q, want %q", scopes, got, role)
		}
	}
	if !admin.Allows(im.Moderator, admin.AccountsWrite) {
		t.Error("moderators may not change accounts")
	}
}
