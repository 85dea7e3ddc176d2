package admin_test

import (
	"errors"
	"strings"
	"testing"

	"monarch/internal/admin"
	"monarch/internal/audit"
)

// TestOneAddressIsWrittenAsOne looks at what is recorded and told of rules for single addresses.
func TestOneAddressIsWrittenAsOne(t *testing.T) {
	b := newBench(t)
	b.client = admin.Local(b.Service)
	for _, network := range []string{"192.0.2.7", "2001:db8::7", "203.0.113.0/24"} {
		if _, err := b.client.AddNetwork(t.Context(), admin.NetworkRule{Network: network, Rule: admin.RuleDeny, Reason: "spam"}); err != nil {
			t.Fatal(err)
		}
		if err := b.client.RemoveNetwork(t.Context(), network); err != nil {
			t.Fatal(err)
		}
		err := b.client.RemoveNetwork(t.Context(), network)
		refused(t, err, admin.CodeNoNetwork)
		if !strings.Contains(err.Error(), "for "+network+";") {
			t.Errorf("%s: %v", network, err)
		}
		for event, want := range map[audit.What]string{audit.NetworkDenied: network + ", for good: spam", audit.NetworkRemoved: network} {
			l, err := b.client.AuditEntries(t.Context(), admin.AuditQuery{Event: string(event), Limit: 1})
			if err != nil || len(l.Items) != 1 || l.Items[0].Note != want {
				t.Errorf("%s: %+v, %v, want %q", event, l.Items, err, want)
			}
		}
	}
}

// TestARuleThatIsRefusedSaysWhy names the field, and what makes it nevertheless.
func TestARuleThatIsRefusedSaysWhy(t *testing.T) {
	b := newBench(t)
	b.client = admin.Local(b.Service)
	for _, tc := range []struct {
		rule        admin.NetworkRule
		field, says string
	}{
		{admin.NetworkRule{Network: "192.0.2.7", Rule: "ban"}, "rule", "deny or allow"},
		{admin.NetworkRule{Network: "192.0.2.7", Rule: "deny", Reason: "\x1b[2J"}, "reason", "200 characters"},
		{admin.NetworkRule{Network: "192.0.2.7", Rule: "deny", Expires: b.Clock.Now()}, "expires", "ten years"},
		{admin.NetworkRule{Network: "everywhere", Rule: "deny"}, "network", "no network"},
		{admin.NetworkRule{Network: "192.0.2.7/24", Rule: "deny"}, "network", "only 192.0.2.7?"},
		{admin.NetworkRule{Network: "0.0.0.0/0", Rule: "deny"}, "", "--force"},
		{admin.NetworkRule{Network: "::/0", Rule: "allow"}, "", "--force"},
	} {
		_, err := b.client.AddNetwork(t.Context(), tc.rule)
		var p *admin.Problem
		if !errors.As(err, &p) || p.Field != tc.field || !strings.Contains(p.Detail, tc.says) {
			t.Errorf("%+v: %+v", tc.rule, err)
		}
	}
}
