package admin_test

import (
	"context"
	"errors"
	"testing"

	"monarch/internal/admin"
	"monarch/internal/im"
)

// TestPeopleWithARoleAreChangedByAdministratorsOnly tries everything that changes an account, as a
// moderator and as an administrator, on somebody without a role and on a moderator.
func TestPeopleWithARoleAreChangedByAdministratorsOnly(t *testing.T) {
	b := newBench(t)
	b.client = admin.Local(b.Service)
	as := func(role im.Role) context.Context {
		return admin.WithCaller(t.Context(), admin.Caller{Name: string(role), Scopes: admin.Scopes(role)})
	}
	const email = "alice@example.com"
	for name, change := range map[string]func(context.Context) error{
		"password": func(ctx context.Context) error { return b.SetPassword(ctx, email, "secret") },
		"reset": func(ctx context.Context) error {
			_, err := b.ResetPassword(ctx, email)
			return err
		},
		"name":    func(ctx context.Context) error { return b.Rename(ctx, email, "Alice") },
		"lock":    func(ctx context.Context) error { return b.SetDisabled(ctx, email, true) },
		"mailbox": func(ctx context.Context) error { return b.SetMailbox(ctx, email, "https://mail.example.net/") },
		"mailbox taken away": func(ctx context.Context) error {
			u, err := b.Store.User(ctx, email)
			if err := errors.Join(err, b.Store.SetMailbox(ctx, u.ID, "")); err != nil {
				t.Fatal(err)
			}
			return b.RemoveMailbox(ctx, email)
		},
		"delete": func(ctx context.Context) error { return b.DeleteAccount(ctx, email) },
	} {
		t.Run(name, func(t *testing.T) {
			u := b.add(t, "alice")
			if name != "delete" { // who is gone cannot be tried on again
				if err := change(as(im.Moderator)); err != nil {
					t.Errorf("a moderator, somebody without a role: %v", err)
				}
			}
			refused(t, b.SetRole(as(im.Moderator), email, im.Moderator), admin.CodeForbidden)
			if err := b.SetRole(as(im.Administrator), email, im.Moderator); err != nil {
				t.Fatal(err)
			}
			b.signIn(u)
			refused(t, change(as(im.Moderator)), admin.CodeForbidden)
			refused(t, change(t.Context()), admin.CodeForbidden)
			refused(t, b.Kick(as(im.Moderator), email), admin.CodeForbidden)
			if err := b.Kick(as(im.Administrator), email); err != nil {
				t.Errorf("an administrator: %v", err)
			}
			if err := change(as(im.Administrator)); err != nil {
				t.Errorf("an administrator: %v", err)
			}
			if name != "delete" {
				if err := b.DeleteAccount(as(im.Administrator), email); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestRolesAndResets(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx, c := t.Context(), b.client
		u := b.add(t, "alice")
		if err := c.SetRole(ctx, "alice@example.com", im.Moderator); err != nil {
			t.Fatal(err)
		}
		if list, err := c.Accounts(ctx, "", 0); err != nil || len(list) != 1 || list[0].Role != im.Moderator {
			t.Errorf("%+v, %v", list, err)
		}
		refused(t, c.SetRole(ctx, "alice@example.com", "king"), admin.CodeBadRequest)
		refused(t, c.SetRole(ctx, "bob@example.com", im.Moderator), admin.CodeNoAccount)
		if err := c.SetRole(ctx, "alice@example.com", im.NoRole); err != nil {
			t.Fatal(err)
		}
		password, err := c.ResetPassword(ctx, "alice@example.com")
		if err != nil || len(password) > 16 {
			t.Fatalf("%q, %v", password, err)
		}
		if right, err := b.PasswordIs(ctx, u.Handle, password); !right || err != nil {
			t.Errorf("the password that was told: %t, %v", right, err)
		}
		_, err = c.ResetPassword(ctx, "bob@example.com")
		refused(t, err, admin.CodeNoAccount)
	})
}
