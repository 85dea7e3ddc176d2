package store

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

func TestThereAreOnlySoManyRulesOfNetworks(t *testing.T) {
	s := open(t, NewDatabase(t))
	ctx, now := t.Context(), time.Unix(1_100_000_000, 0)
	add := func(network string, expires time.Time) error {
		return s.AddNetworkRule(ctx, NetworkRule{Network: netip.MustParsePrefix(network), Expires: expires.Unix()}, now)
	}
	if err := add("192.0.2.0/24", now); err != nil { // it counts for nothing
		t.Fatal(err)
	}
	_, err := raw(s).ExecContext(ctx, `
		INSERT INTO network_rule (network, rule, reason, made_by, created, expires, keep)
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		SELECT '10.0.' || (i / 256) || '.' || (i % 256) || '/32', 'deny', '', '', 0, 0, FALSE FROM n`, MaxNetworkRules-1)
	if err != nil {
		t.Fatal(err)
	}
	later := now.Add(time.Hour)
	if err := add("10.1.0.0/24", later); !errors.Is(err, ErrTooManyRules) {
		t.Errorf("one too many: %v", err)
	}
	if err := add("10.0.0.7/32", later); err != nil {
		t.Errorf("in place of another: %v", err)
	}
}
