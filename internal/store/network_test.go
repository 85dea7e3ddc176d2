package store_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"monarch/internal/store"
)

func network(text string) netip.Prefix { return netip.MustParsePrefix(text) }

func TestRulesOfNetworks(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	at := func(minutes int) time.Time { return webTime.Add(time.Duration(minutes) * time.Minute) }
	sees := func(minutes int, want ...store.NetworkRule) {
		t.Helper()
		got, err := w.s.NetworkRules(ctx, at(minutes))
		same := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
		if diff := cmp.Diff(want, got, same, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("after %d minutes: %v, %s", minutes, err, diff)
		}
	}
	sees(0)
	office := store.NetworkRule{Network: network("2001:db8::/32"), Allow: true, Reason: "the office \u4f60", MadeBy: "carol", Created: 1}
	ban := store.NetworkRule{Network: network("192.0.2.0/24"), Reason: "spam", Created: 2, Expires: at(10).Unix(), Keep: true}
	w.mustAll(w.s.AddNetworkRule(ctx, office, at(0)), w.s.AddNetworkRule(ctx, ban, at(0)))
	sees(9, ban, office)
	sees(10, office)
	ban.Expires, ban.Keep = at(20).Unix(), false
	w.mustAll(w.s.AddNetworkRule(ctx, ban, at(1))) // in place of the other
	sees(19, ban, office)
	if err := w.s.RemoveNetworkRule(ctx, ban.Network, at(20)); !errors.Is(err, store.ErrNoNetworkRule) {
		t.Errorf("removing one that has expired: %v", err)
	}
	w.mustAll(w.s.RemoveNetworkRule(ctx, ban.Network, at(19)))
	if err := w.s.RemoveNetworkRule(ctx, network("192.0.0.0/16"), at(0)); !errors.Is(err, store.ErrNoNetworkRule) {
		t.Errorf("removing one that never was: %v", err)
	}
	sees(0, office)
}
