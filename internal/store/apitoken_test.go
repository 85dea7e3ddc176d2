package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/auth"
	"monarch/internal/store"
)

func TestTokensOfPrograms(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	hour := webTime.Add(time.Hour)
	lasting := store.APIToken{ID: "1", Name: "deploy", Scopes: []string{"accounts:read", "audit:read"}, Created: webTime.Unix(), MadeBy: "uid 0 (root)"}
	brief := store.APIToken{ID: "2", Name: "1", Scopes: []string{}, Created: webTime.Unix(), Expires: hour.Unix()}
	w.mustAll(w.s.AddAPIToken(ctx, lasting, "monarch_a"), w.s.AddAPIToken(ctx, brief, "monarch_b"))
	if err := w.s.AddAPIToken(ctx, store.APIToken{ID: "3", Name: "deploy"}, "monarch_c"); !errors.Is(err, store.ErrTokenName) {
		t.Errorf("another of that name: %v", err)
	}
	all, err := w.s.APITokens(ctx)
	if diff := cmp.Diff([]store.APIToken{brief, lasting}, all); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, c := range []struct {
		token string
		at    time.Time
		want  error
	}{
		{"monarch_a", hour.Add(1e6 * time.Hour), nil}, {"monarch_b", hour.Add(-time.Second), nil}, {"monarch_b", hour, store.ErrNoToken}, {"monarch_c", webTime, store.ErrNoToken},
	} {
		if _, err := w.s.APIToken(ctx, c.token, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s at %v: %v", c.token, c.at, err)
		}
	}
	for at, want := range map[time.Time][]string{
		hour.Add(-time.Second): {auth.TokenHash("monarch_a"), auth.TokenHash("monarch_b")}, hour: {auth.TokenHash("monarch_a")},
	} {
		got, err := w.s.APITokenHashes(ctx, at)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("at %v: %v\n%s", at, err, diff)
		}
	}
	w.mustAll(w.s.UseAPIToken(ctx, "1", hour), w.s.UseAPIToken(ctx, "1", webTime))
	if got, err := w.s.APIToken(ctx, "monarch_a", hour); got.Used != hour.Unix() || err != nil {
		t.Errorf("used %d, %v", got.Used, err)
	}
	for _, name := range []string{"1", "1"} { // the id of one, the name of the other
		if _, err := w.s.RevokeAPIToken(ctx, name); err != nil {
			t.Errorf("revoke %s: %v", name, err)
		}
	}
	if _, err := w.s.RevokeAPIToken(ctx, "1"); !errors.Is(err, store.ErrNoToken) {
		t.Errorf("revoke what is revoked: %v", err)
	}
	if _, err := w.s.APIToken(ctx, "monarch_a", webTime); !errors.Is(err, store.ErrNoToken) {
		t.Errorf("one that is revoked: %v", err)
	}
	for i := range store.MaxAPITokens {
		w.mustAll(w.s.AddAPIToken(ctx, store.APIToken{ID: fmt.Sprint(i), Name: fmt.Sprint("t", i)}, fmt.Sprint(i)))
	}
	if err := w.s.AddAPIToken(ctx, store.APIToken{ID: "x", Name: "x"}, "x"); !errors.Is(err, store.ErrTooManyTokens) {
		t.Errorf("one too many: %v", err)
	}
}
