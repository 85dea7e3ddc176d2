package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"monarch/internal/im"
	"monarch/internal/store"
)

func TestMailboxes(t *testing.T) {
	ctx := context.Background()
	url := store.NewDatabase(t)
	s := open(t, url)
	u, err := s.CreateUser(ctx, "alice@example.com", "Alice", "hash")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Mailbox(ctx, u.ID); !errors.Is(err, im.ErrNoMailbox) {
		t.Errorf("a mailbox nobody made: %v", err)
	}
	if _, _, err := s.CountMail(ctx, u.ID, 1, 1); !errors.Is(err, im.ErrNoMailbox) {
		t.Errorf("mail in it: %v", err)
	}
	if err := s.RemoveMailbox(ctx, u.ID); !errors.Is(err, im.ErrNoMailbox) {
		t.Errorf("taken away: %v", err)
	}
	if err := s.SetMailbox(ctx, u.ID+1, ""); !errors.Is(err, im.ErrNoUser) {
		t.Errorf("of nobody: %v", err)
	}
	if err := s.SetMailbox(ctx, u.ID, "https://a"); err != nil {
		t.Fatal(err)
	}
	before, after, err := s.CountMail(ctx, u.ID, 3, 2)
	if err != nil || before != (im.Mailbox{URL: "https://a", Version: 1}) || after != (im.Mailbox{Inbox: 3, Folders: 2, URL: "https://a", Version: 2}) {
		t.Errorf("%+v, %+v, %v", before, after, err)
	}
	if _, after, err = s.CountMail(ctx, u.ID, 4, -1); err != nil || after.Folders != 2 || after.Inbox != 4 {
		t.Errorf("folders unchanged: %+v, %v", after, err)
	}
	if err := s.SetMailbox(ctx, u.ID, ""); err != nil {
		t.Fatal(err)
	}
	again := open(t, url)
	if box, err := again.Mailbox(ctx, u.ID); err != nil || box != (im.Mailbox{Inbox: 4, Folders: 2, Version: 3}) {
		t.Errorf("after opening again: %+v, %v", box, err)
	}
	if now, err := s.UserByID(ctx, u.ID); err != nil || now.Version != u.Version {
		t.Errorf("mail moved the list version to %d, %v", now.Version, err)
	}
	if err := s.DeleteUser(ctx, u.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Mailbox(ctx, u.ID); !errors.Is(err, im.ErrNoMailbox) {
		t.Errorf("a mailbox outlived its owner: %v", err)
	}
}

func TestAnAccountComesWithItsMailbox(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, "alice")
	id := w.ids["alice"]
	want, err := w.s.UserByID(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if u, box, err := w.s.UserWithMailbox(ctx, id); err != nil || u != want || box != nil {
		t.Errorf("without one: %+v, %+v, %v", u, box, err)
	}
	if err := w.s.SetMailbox(ctx, id, "https://a"); err != nil {
		t.Fatal(err)
	}
	_, count, err := w.s.CountMail(ctx, id, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	if u, box, err := w.s.UserWithMailbox(ctx, id); err != nil || u != want || box == nil || *box != count {
		t.Errorf("with one: %+v, %+v, %v", u, box, err)
	}
	if _, _, err := w.s.UserWithMailbox(ctx, id+1); !errors.Is(err, im.ErrNoUser) {
		t.Errorf("of nobody: %v", err)
	}
}

func TestInvitationLimits(t *testing.T) {
	ctx := context.Background()
	url := store.NewDatabase(t)
	s := open(t, url)
	if _, err := s.CreateUser(ctx, "alice@example.com", "Alice", "hash"); err != nil {
		t.Fatal(err)
	}
	limits := store.InvitationLimits{PersonHour: 2, PersonDay: 3, ServiceHour: 4, Again: 7 * 24 * time.Hour}
	start := time.Unix(1_700_000_000, 0)
	for i, step := range []struct {
		after time.Duration
		who   im.UserID
		to    string
		want  error
	}{
		{0, 1, "Alice@example.com", im.ErrIsMember},
		{0, 1, "a@example.net", nil},
		{0, 2, "a@example.net", im.ErrInvitedOften},
		{0, 2, "A+b@Example.net", im.ErrInvitedOften},
		{0, 1, "b@example.net", nil},
		{time.Minute, 1, "c@example.net", im.ErrInvitedOften}, // two within the hour
		{time.Minute, 2, "c@example.net", nil},
		{time.Minute, 2, "d@example.net", nil},
		{time.Minute, 3, "e@example.net", im.ErrInvitedOften}, // four of all within the hour
		{61 * time.Minute, 1, "e@example.net", nil},
		{3 * time.Hour, 1, "f@example.net", im.ErrInvitedOften}, // three within the day
		{25 * time.Hour, 1, "f@example.net", nil},
		{7*24*time.Hour - time.Second, 2, "a@example.net", im.ErrInvitedOften},
		{7 * 24 * time.Hour, 2, "a@example.net", nil},
	} {
		if i == 10 {
			s = open(t, url) // as after a restart
		}
		if err := s.Invite(ctx, step.who, step.to, start.Add(step.after), limits); !errors.Is(err, step.want) {
			t.Errorf("step %d: %d invites %s after %v: %v, want %v", i, step.who, step.to, step.after, err, step.want)
		}
	}
}

func TestInvitationsOfManyAtOnceKeepTheLimit(t *testing.T) {
	ctx := context.Background()
	s := openNew(t)
	limits := store.InvitationLimits{PersonHour: 5, PersonDay: 20, ServiceHour: 200, Again: 7 * 24 * time.Hour}
	results := make(chan error)
	for i := range 20 {
		go func() { results <- s.Invite(ctx, 1, fmt.Sprintf("p%d@example.net", i), time.Now(), limits) }()
	}
	accepted := 0
	for range 20 {
		if err := <-results; err == nil {
			accepted++
		} else if !errors.Is(err, im.ErrInvitedOften) {
			t.Error(err)
		}
	}
	if accepted != 5 {
		t.Errorf("%d accepted", accepted)
	}
}
