package admin_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/auth"
)

// events returns what the audit log holds: who did what to whom.
func (b bench) events(t *testing.T) []string {
	t.Helper()
	all := []string{}
	err := audit.Read(b.trail, time.Time{}, func(e audit.Entry) error {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s: %s %s %s", e.By, e.Event, e.User, e.Note)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// me is how the acts of this process are recorded when they come over the socket.
func me() string {
	if runtime.GOOS != "linux" {
		return ""
	}
	return audit.UID(os.Getuid())
}

func TestWhatOperatorsDoIsRecorded(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		c, ctx := b.client, t.Context()
		if !c.Running() {
			ctx = audit.WithActor(ctx, me())
		}
		u := b.add(t, "alice")
		b.signIn(u)
		copied := filepath.Join(t.TempDir(), "copy.db")
		for _, do := range []func() error{
			func() error { return c.Rename(ctx, u.Handle, "Al") },
			func() error { return c.SetPassword(ctx, u.Handle, "another secret") },
			func() error { return c.SetDisabled(ctx, u.Handle, true) },
			func() error { return c.SetDisabled(ctx, u.Handle, false) },
			func() error { return c.SetMailbox(ctx, u.Handle, "") },
			func() error { return c.RemoveMailbox(ctx, u.Handle) },
			func() error { return c.Kick(ctx, u.Handle) },
			func() error { _, err := c.Notify(ctx, 5); return err },
			func() error { return c.CancelNotice(ctx) },
			func() error { return c.Backup(ctx, copied) },
			func() error { _, err := c.RotateKey(ctx, admin.Overlap); return err },
			func() error { return c.DeleteAccount(ctx, u.Handle) },
		} {
			if err := do(); err != nil {
				t.Error(err)
			}
		}
		if err := c.Kick(ctx, "nobody@example.com"); err == nil { // what is refused has not been done
			t.Error("nobody was kicked")
		}
		want := []string{me() + ": account added alice@example.com"}
		if !c.Running() {
			want[0] = ": account added alice@example.com" // the helper says nothing of who it is
		}
		for _, line := range []string{
			"account renamed alice@example.com Al",
			"password changed alice@example.com",
			"account disabled alice@example.com",
			"account enabled alice@example.com",
			"mailbox set alice@example.com",
			"mailbox removed alice@example.com",
			"session ended alice@example.com",
			"shutdown announced  in 5 minutes",
			"shutdown cancelled",
			"backup written  " + copied,
			"key rotated  key 1 signs, the others accept what they signed",
			"account deleted alice@example.com",
		} {
			want = append(want, me()+": "+line)
		}
		if diff := cmp.Diff(want, b.events(t)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		text, err := os.ReadFile(b.trail)
		if err != nil || strings.Contains(string(text), "secret") || strings.Contains(string(text), "alicepw") {
			t.Errorf("%v, in the audit log:\n%s", err, text)
		}
	})
}

func TestKeysAreReplacedInTheRunningServer(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		keys, err := b.Store.Keys(ctx)
		if err != nil {
			t.Fatal(err)
		}
		b.Signer.SetKeys(keys)
		issued := func() string {
			return b.Signer.WebToken(auth.Ticket{User: 7, Issued: b.Clock.Now()})
		}
		accepts := func(token string) bool {
			_, err := b.Signer.OpenWebToken(token, b.Clock.Now(), auth.MaxLife)
			return err == nil
		}
		first := issued()
		shown, err := b.client.RotateKey(ctx, admin.Overlap)
		if err != nil || len(shown) != 2 || shown[0].ID != 2 || shown[0].Retires != nil || shown[1].ID != 1 || shown[1].Retires == nil {
			t.Fatalf("keys %+v, %v", shown, err)
		}
		if left := time.Until(*shown[1].Retires); left < 24*time.Hour || left > 24*time.Hour+time.Minute {
			t.Errorf("the old key retires in %v", left)
		}
		second := issued()
		if !accepts(first) || !accepts(second) {
			t.Errorf("accepted: %t, %t", accepts(first), accepts(second))
		}
		if listed, err := b.client.Keys(ctx); err != nil || !cmp.Equal(listed, shown) {
			t.Errorf("listed %+v, %v", listed, err)
		}
		b.Clock.Advance(24*time.Hour - time.Minute)
		late := issued()
		if err := b.RetireKeys(ctx); err != nil || !accepts(second) {
			t.Errorf("before the old key retires: %v", err)
		}
		b.Clock.Advance(3 * time.Minute)
		if listed, err := b.client.Keys(ctx); err != nil || len(listed) != 1 {
			t.Errorf("a retired key is listed: %+v, %v", listed, err)
		}
		if err := b.RetireKeys(ctx); err != nil {
			t.Fatal(err)
		}
		if keys, err := b.Store.Keys(ctx); err != nil || len(keys) != 1 || keys[0].ID != 2 {
			t.Errorf("kept %v, %v", keys, err)
		}
		if !accepts(late) {
			t.Error("a token of the key that signs was refused")
		}
		if shown, err := b.client.RotateKey(ctx, admin.AtOnce); err != nil || len(shown) != 1 || shown[0].ID != 3 {
			t.Errorf("at once: %+v, %v", shown, err)
		}
		if accepts(late) || !accepts(issued()) {
			t.Error("the replaced key is still accepted, or the new one is not")
		}
		if _, err := b.client.RotateKey(ctx, "someday"); code(err) != admin.CodeBadRequest {
			t.Errorf("an unknown rotation: %v", err)
		}
		all, err := b.Store.Keys(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range append(keys, all...) {
			if strings.Contains(b.log.String(), hex.EncodeToString(k.Secret)) {
				t.Errorf("a secret is in the log:\n%s", b.log)
			}
		}
	})
}

func TestManyWhoReplaceKeysAtOnceLeaveOneThatSigns(t *testing.T) {
	b := newBench(t)
	b.client = admin.Local(b.Service)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := b.client.RotateKey(context.Background(), admin.Overlap); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	keys, err := b.Store.Keys(t.Context())
	if err != nil || len(keys) != 8 {
		t.Fatalf("keys %v, %v", keys, err)
	}
	// What the signer signs, the key of the database that signs accepts.
	token := b.Signer.WebToken(auth.Ticket{User: 7, Issued: b.Clock.Now()})
	if _, err := auth.NewSigner(keys[:1]).OpenWebToken(token, b.Clock.Now(), time.Minute); err != nil {
		t.Error(err)
	}
}

func TestTooManyKeysSayWhatToDo(t *testing.T) {
	b := newBench(t)
	b.client = admin.Local(b.Service)
	var err error
	for range 17 {
		if _, err = b.client.RotateKey(t.Context(), admin.Overlap); err != nil {
			break
		}
	}
	var p *admin.Problem
	if !errors.As(err, &p) || p.Code != admin.CodeTooManyKeys || !strings.Contains(p.Detail, "monarch key rotate --now") {
		t.Error(err)
	}
}
