package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/im"
	"monarch/internal/store"
)

const inviteCode = "K7MQ-2XFP-9D3H"

// invites makes inviteCode good for an hour from webTime, or, for hours 0, for ever.
func (w *world) invites(uses, hours int) {
	w.t.Helper()
	c := store.InviteCode{Code: inviteCode, Uses: uses, Created: webTime.Unix(), MadeBy: "uid 1000 (carol)"}
	if hours != 0 {
		c.Expires = webTime.Add(time.Duration(hours) * time.Hour).Unix()
	}
	w.mustAll(w.s.AddInvite(w.t.Context(), c))
}

// uses returns how many uses of each code are left.
func (w *world) uses(at time.Time) []int {
	w.t.Helper()
	codes, err := w.s.Invites(w.t.Context(), at)
	w.mustAll(err)
	var left []int
	for _, c := range codes {
		left = append(left, c.Uses)
	}
	return left
}

func dave(invite string) store.SignUp {
	return store.SignUp{Handle: "Dave@example.com", Name: "Dave \u4f60", PasswordHash: "hash", Invite: invite}
}

func TestSigningUpByInvitation(t *testing.T) {
	for name, c := range map[string]struct {
		uses, hours int
		in          store.SignUp
		after       time.Duration
		want        error
		left        []int
	}{
		"one of many uses":          {3, 0, dave(inviteCode), 0, nil, []int{2}},
		"the only use":              {1, 0, dave(inviteCode), 0, nil, nil},
		"in small letters":          {2, 1, dave(" k7mq2xfp 9d3h"), time.Hour - time.Second, nil, []int{1}},
		"too late":                  {1, 1, dave(inviteCode), time.Hour, store.ErrNoInvite, nil},
		"too late for one of many":  {2, 1, dave(inviteCode), time.Hour, store.ErrNoInvite, nil},
		"another code":              {1, 0, dave("K7MQ-2XFP-9D3J"), 0, store.ErrNoInvite, []int{1}},
		"something else":            {1, 0, dave("please"), 0, store.ErrNoInvite, []int{1}},
		"without a code":            {1, 0, dave(""), 0, nil, []int{1}},
		"an address that is taken":  {1, 0, store.SignUp{Handle: "alice@example.com", Invite: inviteCode}, 0, im.ErrHandleTaken, []int{1}},
		"an address that is no one": {1, 0, store.SignUp{Handle: "dave", Invite: inviteCode}, 0, im.ErrBadHandle, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "alice")
			w.invites(c.uses, c.hours)
			at := webTime.Add(c.after)
			if c.in.Invite != "" && c.in.Handle == "Dave@example.com" {
				if err := w.s.CheckInvite(t.Context(), c.in.Invite, at); !errors.Is(err, c.want) {
					t.Errorf("checked: %v", err)
				}
			}
			u, err := w.s.SignUp(t.Context(), c.in, at)
			if !errors.Is(err, c.want) || err == nil && (u.Handle != "dave@example.com" || u.Name != "Dave \u4f60" || u.PasswordHash != "hash") {
				t.Errorf("%+v, %v", u, err)
			}
			if diff := cmp.Diff(c.left, w.uses(at)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInviteCodes(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.invites(2, 1)
	want := store.InviteCode{
		Code: inviteCode, Uses: 2, Created: webTime.Unix(), Expires: webTime.Add(time.Hour).Unix(), MadeBy: "uid 1000 (carol)",
	}
	if got, err := w.s.Invites(ctx, webTime); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v, %v", got, err)
	}
	w.mustAll(w.s.SweepWeb(ctx, webTime.Add(time.Hour)))
	if err := w.s.RevokeInvite(ctx, inviteCode); !errors.Is(err, store.ErrNoInvite) {
		t.Errorf("an expired code is still there: %v", err)
	}
	w.invites(2, 0)
	w.mustAll(w.s.SweepWeb(ctx, webTime.Add(1e6*time.Hour)), w.s.RevokeInvite(ctx, "k7mq2xfp9d3h"))
	if _, err := w.s.SignUp(ctx, dave(inviteCode), webTime); !errors.Is(err, store.ErrNoInvite) {
		t.Errorf("a revoked code: %v", err)
	}
}

func TestAnInvitationIsUsedNoOftenerThanItMayBe(t *testing.T) {
	w := newWorld(t)
	w.invites(5, 0)
	var people sync.WaitGroup
	var in atomic.Int32
	for i := range 20 {
		people.Go(func() {
			_, err := w.s.SignUp(t.Context(), store.SignUp{Handle: handleOf(string(rune('a' + i))), PasswordHash: "h", Invite: inviteCode}, webTime)
			switch {
			case err == nil:
				in.Add(1)
			case !errors.Is(err, store.ErrNoInvite):
				t.Error(err)
			}
		})
	}
	people.Wait()
	if in.Load() != 5 || w.uses(webTime) != nil {
		t.Errorf("%d signed up, left %v", in.Load(), w.uses(webTime))
	}
}

func TestAnAddressIsConfirmed(t *testing.T) {
	w, ctx := newWorld(t, "alice"), t.Context()
	w.invites(1, 0)
	expires := webTime.Add(time.Hour)
	in := dave(" k7mq2xfp9d3h")
	w.mustAll(
		w.s.AddSignUpLetter(ctx, "one", in, webTime, expires),
		w.s.AddSignUpLetter(ctx, "two", dave(""), webTime, expires),
	)
	in.Handle, in.Invite, in.PasswordHash = "dave@example.com", inviteCode, "" // who asks for a letter chooses none
	if got, err := w.s.SignUpLetter(ctx, "one", webTime); got != in || err != nil {
		t.Errorf("kept %+v, %v", got, err)
	}
	for name, c := range map[string]struct {
		token string
		at    time.Time
	}{"too late": {"one", expires}, "another": {"three", webTime}} {
		if _, err := w.s.ConfirmSignUp(ctx, c.token, "chosen", c.at); !errors.Is(err, store.ErrNoLetter) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.s.SignUpLetter(ctx, c.token, c.at); !errors.Is(err, store.ErrNoLetter) {
			t.Errorf("looking at one, %s: %v", name, err)
		}
		if _, err := w.s.ResetPassword(ctx, c.token, "h", c.at); !errors.Is(err, store.ErrNoLetter) {
			t.Errorf("as one to reset, %s: %v", name, err)
		}
	}
	if _, err := w.s.User(ctx, in.Handle); !errors.Is(err, im.ErrNoUser) {
		t.Errorf("there is an account already: %v", err)
	}
	if u, err := w.s.ConfirmSignUp(ctx, "one", "chosen", expires.Add(-time.Second)); err != nil || u.Handle != in.Handle || u.Name != in.Name || u.PasswordHash != "chosen" {
		t.Errorf("%+v, %v", u, err)
	}
	for _, token := range []string{"one", "two"} {
		if _, err := w.s.ConfirmSignUp(ctx, token, "chosen", webTime); !errors.Is(err, store.ErrNoLetter) {
			t.Errorf("%s again: %v", token, err)
		}
	}
	if left := w.uses(webTime); left != nil {
		t.Errorf("uses left: %v", left)
	}
}

func TestAConfirmationThatCannotBe(t *testing.T) {
	w, ctx := newWorld(t, "alice"), t.Context()
	expires := webTime.Add(time.Hour)
	taken := store.SignUp{Handle: "alice@example.com"}
	w.mustAll(
		w.s.AddSignUpLetter(ctx, "taken", taken, webTime, expires),
		w.s.AddSignUpLetter(ctx, "uninvited", dave("nonsense \x00"), webTime, expires),
	)
	for token, want := range map[string]error{"taken": im.ErrHandleTaken, "uninvited": store.ErrNoInvite} {
		for range 2 {
			if _, err := w.s.ConfirmSignUp(ctx, token, "chosen", webTime); !errors.Is(err, want) {
				t.Errorf("%s: %v", token, err)
			}
		}
	}
	if u := w.user("alice"); u.PasswordHash != "hash of alice" {
		t.Error("a confirmation changes the password of an account")
	}
	if err := w.s.AddSignUpLetter(ctx, "x", store.SignUp{Handle: "nobody"}, webTime, expires); !errors.Is(err, im.ErrBadHandle) {
		t.Errorf("no address: %v", err)
	}
}

func TestLettersToOneMailboxAreFew(t *testing.T) {
	w, ctx := newWorld(t, "alice"), t.Context()
	hour := webTime.Add(time.Hour)
	add := func(token, handle string, at time.Time) error {
		return w.s.AddSignUpLetter(ctx, token, store.SignUp{Handle: handle}, at, at.Add(time.Hour))
	}
	w.mustAll(add("1", "dave@example.com", webTime), add("2", "dave+a@example.com", webTime), add("3", "DAVE+b@example.com", webTime))
	if err := add("4", "dave@example.com", hour.Add(-time.Second)); !errors.Is(err, store.ErrTooManyLetters) {
		t.Errorf("the fourth: %v", err)
	}
	w.mustAll(add("5", "erin@example.com", webTime), add("6", "dave@example.com", hour))
	for _, token := range []string{"a", "b", "c"} {
		w.mustAll(w.s.AddResetLetter(ctx, token, w.user("alice"), webTime, hour))
	}
	if err := w.s.AddResetLetter(ctx, "d", w.user("alice"), webTime, hour); !errors.Is(err, store.ErrTooManyLetters) {
		t.Errorf("the fourth: %v", err)
	}
}

func TestAPasswordIsReset(t *testing.T) {
	w, ctx := newWorld(t, "alice"), t.Context()
	expires := webTime.Add(time.Hour)
	before := w.user("alice")
	w.mustAll(w.s.AddResetLetter(ctx, "one", before, webTime, expires), w.s.AddResetLetter(ctx, "two", before, webTime, expires))
	w.begins("session", 0)
	if u, err := w.s.ResetLetter(ctx, "one", webTime); u != before || err != nil {
		t.Errorf("of %+v, %v", u, err)
	}
	if _, err := w.s.ResetPassword(ctx, "one", "new", expires); !errors.Is(err, store.ErrNoLetter) {
		t.Errorf("too late: %v", err)
	}
	if _, err := w.s.ConfirmSignUp(ctx, "one", "chosen", webTime); !errors.Is(err, store.ErrNoLetter) {
		t.Errorf("as a confirmation: %v", err)
	}
	u, err := w.s.ResetPassword(ctx, "one", "new", webTime)
	if err != nil || u.PasswordHash != "new" || u.Credential == before.Credential || u != w.user("alice") {
		t.Errorf("%+v, %v", u, err)
	}
	for _, token := range []string{"one", "two"} {
		if _, err := w.s.ResetPassword(ctx, token, "newer", webTime); !errors.Is(err, store.ErrNoLetter) {
			t.Errorf("%s again: %v", token, err)
		}
	}
	if w.isIn("session", webTime) {
		t.Error("who had the old password is still signed in")
	}
}

func TestALetterIsGoodOnceHoweverManyUseIt(t *testing.T) {
	w := newWorld(t, "alice")
	expires := webTime.Add(time.Hour)
	w.mustAll(
		w.s.AddResetLetter(t.Context(), "reset", w.user("alice"), webTime, expires),
		w.s.AddSignUpLetter(t.Context(), "confirm", store.SignUp{Handle: handleOf("bob")}, webTime, expires),
	)
	var people sync.WaitGroup
	var reset, confirmed atomic.Int32
	for i := range 20 {
		people.Go(func() {
			if _, err := w.s.ResetPassword(t.Context(), "reset", fmt.Sprint("hash ", i), webTime); err == nil {
				reset.Add(1)
			}
			if _, err := w.s.ConfirmSignUp(t.Context(), "confirm", "chosen", webTime); err == nil {
				confirmed.Add(1)
			}
		})
	}
	people.Wait()
	if reset.Load() != 1 || confirmed.Load() != 1 {
		t.Errorf("%d resets and %d confirmations", reset.Load(), confirmed.Load())
	}
}

func TestALetterOfAnotherTimeResetsNothing(t *testing.T) {
	for name, change := range map[string]func(w *world) error{
		"another password": func(w *world) error { return w.s.SetPassword(t.Context(), w.ids["alice"], "own") },
		"locked":           func(w *world) error { return w.s.SetDisabled(t.Context(), w.ids["alice"], true) },
		"deleted":          func(w *world) error { return w.s.DeleteUser(t.Context(), w.ids["alice"]) },
		"swept":            func(w *world) error { return w.s.SweepWeb(t.Context(), webTime.Add(time.Hour)) },
	} {
		w := newWorld(t, "alice")
		w.mustAll(w.s.AddResetLetter(t.Context(), "token", w.user("alice"), webTime, webTime.Add(time.Hour)), change(w))
		if _, err := w.s.ResetPassword(t.Context(), "token", "new", webTime); !errors.Is(err, store.ErrNoLetter) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
