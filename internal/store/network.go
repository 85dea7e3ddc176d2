package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// NetworkRule says whether people may come from a network.
type NetworkRule struct {
	Network netip.Prefix // masked, and never of IPv4 addresses in IPv6
	Allow   bool         // else they may not
	Reason  string       // for operators
	MadeBy  string       // for operators
	Created int64        // Unix seconds
	Expires int64        // Unix seconds; 0: never
	Keep    bool         // connections that there were when it was made go on
}

// MaxNetworkRules is how many rules there may be: every node has them in memory.
const MaxNetworkRules = 4096

var (
	// ErrNoNetworkRule says that there is no rule for a network, or that it has expired.
	ErrNoNetworkRule = errors.New("no such rule")
	// ErrTooManyRules says that there are as many as there may be.
	ErrTooManyRules = errors.New("too many rules")
)

const ruleColumns = `network, rule, reason, made_by, created, expires, keep`

// NetworkRules returns the rules that hold, in the order of their networks as texts.
func (s *Store) NetworkRules(ctx context.Context, now time.Time) ([]NetworkRule, error) {
	return view(ctx, s, "list networks", func(tx *transaction) ([]NetworkRule, error) {
		return collect(ctx, tx, scanRule,
			`SELECT `+ruleColumns+` FROM network_rule WHERE expires = 0 OR expires > $1 ORDER BY network`, now.Unix())
	})
}

// AddNetworkRule makes a rule, in place of one for the same network. It refuses with ErrTooManyRules.
func (s *Store) AddNetworkRule(ctx context.Context, r NetworkRule, now time.Time) error {
	return act(ctx, s, "make a rule for "+r.Network.String(), func(tx *transaction) error {
		if err := tx.holdTables(ctx, "network_rule"); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sweepRules, now.Unix()); err != nil {
			return err
		}
		var others int
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM network_rule WHERE network <> $1`, r.Network.String()).Scan(&others)
		if err != nil {
			return err
		}
		if others >= MaxNetworkRules {
			return ErrTooManyRules
		}
		rule := "deny"
		if r.Allow {
			rule = "allow"
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO network_rule (`+ruleColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (network) DO UPDATE SET rule = $2, reason = $3, made_by = $4, created = $5, expires = $6, keep = $7`,
			r.Network.String(), rule, r.Reason, r.MadeBy, r.Created, r.Expires, r.Keep)
		return err
	})
}

const sweepRules = `DELETE FROM network_rule WHERE expires <> 0 AND expires <= $1`

// RemoveNetworkRule takes a rule back, or refuses with ErrNoNetworkRule.
func (s *Store) RemoveNetworkRule(ctx context.Context, network netip.Prefix, now time.Time) error {
	return act(ctx, s, "remove the rule for "+network.String(), func(tx *transaction) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM network_rule WHERE network = $1 AND (expires = 0 OR expires > $2)`, network.String(), now.Unix())
		return changedOne(res, err, ErrNoNetworkRule)
	})
}

func scanRule(r row) (NetworkRule, error) {
	var n NetworkRule
	var network, rule string
	if err := r.Scan(&network, &rule, &n.Reason, &n.MadeBy, &n.Created, &n.Expires, &n.Keep); err != nil {
		return n, err
	}
	n.Allow = rule == "allow"
	var err error
	if n.Network, err = netip.ParsePrefix(network); err != nil {
		return n, fmt.Errorf("read a rule: %w", err)
	}
	return n, nil
}
