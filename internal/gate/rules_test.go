package gate

import (
	"net/netip"
	"testing"
)

func TestTheConfigurationHasTheLastWord(t *testing.T) {
	d := newDoor(t, Networks{Allow: prefixes("192.0.2.7/32"), Deny: prefixes("198.51.100.0/24")}, Limits{PerAddress: 1})
	d.SetRules(Rules{
		Deny:  prefixes("192.0.2.0/24", "2001:db8::/32", "203.0.113.9/32"),
		Allow: prefixes("192.0.2.8/32", "198.51.100.7/32", "2001:db8:1::/48"),
	})
	for from, want := range map[string]Cause{
		"192.0.2.7":          "", // the file lets it in
		"192.0.2.8":          "", // an exemption from a ban
		"192.0.2.9":          Banned,
		"::ffff:192.0.2.9":   Banned,
		"198.51.100.7":       Denied, // the file shuts it out
		"::ffff:203.0.113.9": Banned,
		"203.0.113.8":        "",
		"2001:db8::1":        Banned,
		"2001:db8:1::1":      "",
		"2001:db9::1":        "",
	} {
		if got := d.denied(addr(from)); got != want {
			t.Errorf("%s: %q, want %q", from, got, want)
		}
	}
	d.enter(2, "192.0.2.8", Stranger) // it has no limit either
	d.enter(1, "192.0.2.9", Refused)  // accepted before the rule, and not yet inside
	d.counts(Banned, "1")
	d.SetRules(Rules{})
	d.enter(1, "192.0.2.9", Stranger)
}

func TestBannedNetworksAreClosed(t *testing.T) {
	d := newDoor(t, Networks{Proxies: loopback}, Limits{})
	l := d.listen()
	d.SetRules(Rules{Deny: prefixes("203.0.113.0/24")})
	d.knock(l, "PROXY TCP4 203.0.113.9 10.0.0.1 4321 1863\r\nVER 1 MSNP9\r\n")
	d.counts(Banned, "1")
	d.knock(l, "PROXY TCP6 ::ffff:203.0.113.9 ::1 4321 1863\r\nVER 1 MSNP9\r\n")
	d.counts(Banned, "2")
	d.SetRules(Rules{})
	d.dial(l, "PROXY TCP4 203.0.113.9 10.0.0.1 4321 1863\r\nVER 1 MSNP9\r\n")
	if got := d.take(l); got.RemoteAddr().String() != "203.0.113.9:4321" {
		t.Errorf("%v", got.RemoteAddr())
	}
	d.SetNetworks(Networks{})
	d.SetRules(Rules{Deny: prefixes("127.0.0.1/32")})
	d.knock(l, "")
	d.counts(Banned, "3")
}

func BenchmarkManyRules(b *testing.B) {
	var many Rules
	for i := range 4096 {
		many.Deny = append(many.Deny, prefixes("10.0.0.0/24")[0])
		a := many.Deny[i].Addr().As4()
		a[1], a[2] = byte(i>>8), byte(i)
		many.Deny[i] = netip.PrefixFrom(netip.AddrFrom4(a), 16+i%17).Masked()
	}
	g := newDoor(nil, Networks{}, Limits{})
	g.SetRules(many)
	from := addr("192.0.2.7")
	b.ReportAllocs()
	for b.Loop() {
		if g.Denied(from) {
			b.Fatal("denied")
		}
	}
}
