package cli_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
)

var inviteCode = regexp.MustCompile(`[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}`)

func TestInviteCommands(t *testing.T) {
	alone := newPlace(t)
	alone.add(t, "alice@example.com")
	served, _ := running(t)
	hide := func(text string) string {
		return inviteCode.ReplaceAllString(moments.ReplaceAllString(text, "TIME"), "CODE")
	}
	for name, p := range map[string]place{"without a server": alone, "with one": served} {
		t.Run(name, func(t *testing.T) {
			if got := p.ok(t, "", "invite", "list"); !strings.HasPrefix(got, "There are no codes.") {
				t.Errorf("at first:\n%s", got)
			}
			first := p.ok(t, "", "invite", "create")
			if hide(first) != "CODE\n\nGood for 1 person, until TIME.\n" {
				t.Errorf("create:\n%s", first)
			}
			if got := hide(p.ok(t, "", "invite", "create", "--uses", "30", "--expires", "never")); got != "CODE\n\nGood for 30 people, for ever.\n" {
				t.Errorf("create for many:\n%s", got)
			}
			list := hide(p.ok(t, "", "invite", "list"))
			for _, want := range []string{"USES LEFT", "CODE  1          until TIME", "CODE  30         for ever"} {
				if !strings.Contains(list, want) {
					t.Errorf("list without %q:\n%s", want, list)
				}
			}
			p.ok(t, "", "invite", "revoke", inviteCode.FindString(first))
			var left []admin.Invite
			decode(t, p.ok(t, "", "invite", "list", "--json"), &left)
			if len(left) != 1 || left[0].Uses != 30 || left[0].Expires != nil {
				t.Errorf("left %+v", left)
			}
			var made admin.Invite
			decode(t, p.ok(t, "", "invite", "create", "--expires", "36h", "--json"), &made)
			if made.Expires == nil || made.Expires.Sub(made.Created) != 36*time.Hour {
				t.Errorf("made %+v", made)
			}
			if r := p.run("", "invite", "revoke", inviteCode.FindString(first)); r.code != 1 || !strings.Contains(r.errout, "monarch invite list") {
				t.Errorf("revoked again: %+v", r)
			}
			for _, wrong := range []string{"7", "0d", "d", "soon", "-1h", "99999d"} {
				if r := p.run("", "invite", "create", "--expires="+wrong); r.code != 2 || !strings.Contains(r.errout, "7d or never") {
					t.Errorf("--expires %s: %+v", wrong, r)
				}
			}
		})
	}
}
