package admin_test

import (
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/audit"
)

// refused checks the code of a problem.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	if code(err) != want {
		t.Errorf("%v; want %s", err, want)
	}
}

func TestInviteCodes(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		c, ctx := b.client, t.Context()
		if !c.Running() {
			ctx = audit.WithActor(ctx, me())
		}
		if all, err := c.Invites(ctx); err != nil || len(all) != 0 {
			t.Errorf("at first %v, %v", all, err)
		}
		brief, err := c.CreateInvite(ctx, admin.NewInvite{Uses: 3, ExpiresIn: 3600})
		if err != nil || brief.Uses != 3 || brief.Expires == nil || brief.Expires.Sub(brief.Created) != time.Hour || brief.MadeBy != me() {
			t.Errorf("made %+v, %v", brief, err)
		}
		lasting, err := c.CreateInvite(ctx, admin.NewInvite{Uses: 1})
		if err != nil || lasting.Expires != nil || lasting.Code == brief.Code {
			t.Errorf("made %+v, %v", lasting, err)
		}
		if err := c.RevokeInvite(ctx, strings.ToLower(brief.Code)); err != nil {
			t.Error(err)
		}
		if all, err := c.Invites(ctx); err != nil || len(all) != 1 || all[0] != lasting {
			t.Errorf("left %+v, %v", all, err)
		}
		refused(t, c.RevokeInvite(ctx, brief.Code), admin.CodeNoInvite)
		refused(t, c.RevokeInvite(ctx, "a/b"), admin.CodeNoInvite)
		for _, wrong := range []admin.NewInvite{{}, {Uses: -1}, {Uses: 10_001}, {Uses: 1, ExpiresIn: -1}, {Uses: 1, ExpiresIn: 59}, {Uses: 1, ExpiresIn: 1 << 30}} {
			_, err := c.CreateInvite(ctx, wrong)
			refused(t, err, admin.CodeBadRequest)
		}
		trail := strings.Join(b.events(t), "\n")
		if want := me() + ": invite code made  for 1, without an end\n" + me() + ": invite code revoked"; !strings.HasSuffix(trail, want) {
			t.Errorf("recorded:\n%s", trail)
		}
		for _, text := range []string{trail, b.log.String()} {
			if strings.Contains(text, brief.Code) || strings.Contains(text, lasting.Code) {
				t.Errorf("a code is in a log:\n%s", text)
			}
		}
	})
}
