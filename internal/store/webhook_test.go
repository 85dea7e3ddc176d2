package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/store"
)

func TestWebhooks(t *testing.T) {
	s, ctx, now := openNew(t), t.Context(), webTime
	hook := store.Webhook{ID: "wh_1", URL: "https://example.com", Secret: "secret", Events: []string{"account.*", "session.ended"}, Created: 7, MadeBy: "carol"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	is := func(want store.Webhook) {
		t.Helper()
		got, err := s.Webhooks(ctx)
		must(err)
		if diff := cmp.Diff([]store.Webhook{want}, got); diff != "" {
			t.Error(diff)
		}
	}
	must(s.AddWebhook(ctx, hook))
	is(hook)

	d := func(n int) store.Delivery {
		return store.Delivery{ID: fmt.Sprint("msg_", n), Webhook: hook.ID, Made: int64(n), Body: "{}"}
	}
	nobodys := d(4)
	nobodys.Webhook = "wh_0"
	must(s.AddDeliveries(ctx, []store.Delivery{d(3), d(1), d(2), nobodys}))
	hook.Waiting = 3
	is(hook)
	next, err := s.Deliveries(ctx, hook.ID, 2)
	must(err)
	if diff := cmp.Diff([]store.Delivery{d(1), d(2)}, next); diff != "" {
		t.Error(diff)
	}

	must(s.NotTaken(ctx, d(1), "no", true, now))
	must(s.NotTaken(ctx, d(1), "still no", false, now))
	hook.Failures, hook.LastError, hook.Retry = 2, "still no", now.Unix()
	is(hook)
	if next, err = s.Deliveries(ctx, hook.ID, 1); err != nil || next[0].Refused != 1 {
		t.Errorf("the delivery is %+v, %v", next, err)
	}
	must(s.Taken(ctx, d(1), now))
	must(s.Taken(ctx, d(1), now)) // another node did the same
	hook.Failures, hook.LastError, hook.Retry, hook.Waiting, hook.Delivered, hook.Told = 0, "", 0, 2, 1, now.Unix()
	is(hook)
	must(s.GivenUp(ctx, d(2), "never"))
	hook.LastError, hook.Waiting, hook.Lost = "never", 1, 1
	is(hook)

	must(s.RemoveWebhook(ctx, hook.ID))
	if err := s.RemoveWebhook(ctx, hook.ID); !errors.Is(err, store.ErrNoWebhook) {
		t.Errorf("removed twice: %v", err)
	}
	if next, err = s.Deliveries(ctx, hook.ID, 2); err != nil || len(next) != 0 {
		t.Errorf("what waited is %v, %v", next, err)
	}
}

func TestLeasesOfWebhooks(t *testing.T) {
	s, now := openNew(t), webTime
	if err := s.AddWebhook(t.Context(), store.Webhook{ID: "wh_1"}); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		holder string
		after  time.Duration
		want   bool
	}{
		{"a", 0, true},
		{"b", time.Second, false},
		{"a", 50 * time.Second, true},
		{"b", 100 * time.Second, false},
		{"b", 110 * time.Second, true},
		{"a", 111 * time.Second, false},
	} {
		at := now.Add(c.after)
		if got, err := s.LeaseWebhook(t.Context(), "wh_1", c.holder, at, at.Add(time.Minute)); err != nil || got != c.want {
			t.Errorf("%d: %s has it: %v, %v", i, c.holder, got, err)
		}
	}
	if got, err := s.LeaseWebhook(t.Context(), "wh_0", "a", now, now); err != nil || got {
		t.Errorf("one that is not there: %v, %v", got, err)
	}
}

func TestAnOutboxIsBounded(t *testing.T) {
	s := openNew(t)
	if err := s.AddWebhook(t.Context(), store.Webhook{ID: "wh_1"}); err != nil {
		t.Fatal(err)
	}
	all := make([]store.Delivery, store.MaxWaiting)
	for i := range all {
		all[i] = store.Delivery{ID: fmt.Sprint(i), Webhook: "wh_1", Made: int64(i)}
	}
	if err := s.AddDeliveries(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := s.AddDeliveries(t.Context(), []store.Delivery{{ID: "x", Webhook: "wh_1"}, {ID: "y", Webhook: "wh_1"}}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Webhooks(t.Context())
	if err != nil || got[0].Waiting != store.MaxWaiting || got[0].Lost != 2 {
		t.Errorf("the webhook is %+v, %v", got, err)
	}
}
