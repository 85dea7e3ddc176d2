package gate

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"monarch/internal/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func prefixes(list ...string) (all []netip.Prefix) {
	for _, s := range list {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// door is a gate with its metrics.
type door struct {
	*Gate
	t       *testing.T
	metrics *metrics.Metrics
}

func newDoor(t *testing.T, n Networks, l Limits) *door {
	m := metrics.New()
	return &door{Gate: New(m, slog.New(slog.DiscardHandler), n, l), t: t, metrics: m}
}

// enter enters a number of times and checks that all have one standing.
func (d *door) enter(n int, from string, want Standing) {
	d.t.Helper()
	for range n {
		if got := d.Enter("dispatch", addr(from)); got != want {
			d.t.Fatalf("%s has standing %d, want %d", from, got, want)
		}
	}
}

// counts checks how many refusals of a cause are counted.
func (d *door) counts(cause Cause, want string) {
	d.t.Helper()
	r := httptest.NewRecorder()
	d.metrics.Handler().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/", nil))
	line := `monarch_connections_refused_total{cause="` + string(cause) + `",listener="dispatch"} ` + want + "\n"
	if !strings.Contains(r.Body.String(), line) {
		d.t.Errorf("the metrics lack %s", line)
	}
}

func TestConnectionsOfOneAddressAreLimited(t *testing.T) {
	d := newDoor(t, Networks{}, Limits{PerAddress: 3, StrangersPerAddress: 2})
	d.enter(2, "192.0.2.7", Stranger)
	d.enter(1, "192.0.2.7", Turned)
	d.enter(2, "192.0.2.8", Stranger)
	d.SignedIn(addr("192.0.2.7"))
	d.SignedIn(addr("192.0.2.7"))
	d.enter(1, "192.0.2.7", Stranger)
	d.enter(maxTurnedFrom-1, "192.0.2.7", Turned)
	d.enter(5, "192.0.2.7", Refused)
	d.counts(TooStrange, "1")
	d.counts(TooManyFrom, "8")
	if n := d.Strangers(); n != 3 {
		t.Errorf("%d strangers, want 3", n)
	}

	d.Leave(addr("192.0.2.7"), SignedIn)
	d.enter(1, "192.0.2.7", Stranger)
	for range maxTurnedFrom {
		d.Leave(addr("192.0.2.7"), Turned)
	}
	for _, as := range []Standing{Stranger, Stranger, SignedIn} {
		d.Leave(addr("192.0.2.7"), as)
	}
	d.Leave(addr("192.0.2.8"), Stranger)
	d.Leave(addr("192.0.2.8"), Stranger)
	if len(d.from) != 0 || len(d.turned) != 0 || d.Strangers() != 0 || d.turning != 0 {
		t.Errorf("something stays: %v, %v, %d, %d", d.from, d.turned, d.strangers, d.turning)
	}
}

func TestASubscriberOfIPv6IsOneAddress(t *testing.T) {
	d := newDoor(t, Networks{}, Limits{PerAddress: 2})
	d.enter(1, "2001:db8:1:2::1", Stranger)
	d.enter(1, "2001:db8:1:2:3::9", Stranger)
	d.enter(1, "2001:db8:1:2:ffff::", Turned)
	d.enter(1, "2001:db8:1:3::1", Stranger)
	d.enter(1, "192.0.2.7", Stranger)
	d.enter(1, "::ffff:192.0.2.7", Stranger) // is the same as the one before
	d.enter(1, "192.0.2.7", Turned)
}

func TestStrangersAreLimitedTogether(t *testing.T) {
	d := newDoor(t, Networks{Allow: prefixes("192.0.2.0/24")}, Limits{StrangersPerAddress: 1, Strangers: 4})
	d.enter(3, "192.0.2.7", Stranger) // exempt from the limit per address
	d.enter(1, "198.51.100.1", Stranger)
	d.enter(1, "198.51.100.2", Turned)
	d.enter(1, "192.0.2.7", Turned)
	d.counts(TooManyStrangers, "2")
	d.SignedIn(addr("192.0.2.7"))
	d.enter(1, "198.51.100.3", Stranger)
}

func TestTheTurnedAreBounded(t *testing.T) {
	d := newDoor(t, Networks{}, Limits{Strangers: 1})
	d.enter(1, "10.0.0.0", Stranger)
	from := netip.MustParseAddr("10.1.0.0")
	for range maxTurned {
		from = from.Next()
		d.enter(1, from.String(), Turned)
	}
	d.enter(1, "10.2.0.0", Refused)
	d.Leave(from, Turned)
	d.enter(1, "10.2.0.0", Turned)
}

func TestLimitsChangeWhileItRuns(t *testing.T) {
	d := newDoor(t, Networks{}, Limits{})
	d.enter(50, "192.0.2.7", Stranger)
	d.SetLimits(Limits{PerAddress: 10})
	d.enter(1, "192.0.2.7", Turned)
	d.SetNetworks(Networks{Allow: prefixes("192.0.2.7/32")})
	d.enter(1, "192.0.2.7", Stranger)
	d.SetNetworks(Networks{})
	d.SetLimits(Limits{})
	d.enter(1, "192.0.2.7", Stranger)
	for range 52 {
		d.Leave(addr("192.0.2.7"), Stranger)
	}
	if len(d.from) != 0 {
		t.Errorf("something stays: %v", d.from)
	}
}

func TestConnectionsWithoutAddressHaveNoLimitOfTheirOwn(t *testing.T) {
	d := newDoor(t, Networks{}, Limits{PerAddress: 1})
	for range 3 {
		if got := d.Enter("dispatch", netip.Addr{}); got != Stranger {
			t.Errorf("standing %d", got)
		}
	}
}

func TestStrangersHoldOnlySoMuch(t *testing.T) {
	d := newDoor(t, Networks{}, Limits{Memory: 1000})
	p := d.Admit("dispatch", addr("192.0.2.7"), 600)
	if p == nil || p.Add(401) || !p.Add(400) {
		t.Fatal("600 and 400 of 1000 bytes are not what can be had")
	}
	if d.Admit("dispatch", addr("192.0.2.8"), 1) != nil {
		t.Error("somebody else gets more than there is")
	}
	d.counts(TooMuchForMemory, "2")
	p.Add(-400)
	if n := d.Held(); n != 600 {
		t.Errorf("%d bytes, want 600", n)
	}
	p.SignedIn()
	if !p.Add(5000) || d.Held() != 0 || d.Strangers() != 0 {
		t.Errorf("one who has signed in counts as a stranger: %d bytes, %d strangers", d.Held(), d.Strangers())
	}
	p.Leave()
	d.SetLimits(Limits{PerAddress: 1})
	first := d.Admit("dispatch", addr("192.0.2.7"), 1<<30)
	turned := d.Admit("dispatch", addr("192.0.2.7"), 1)
	if first == nil || first.Turned() || turned == nil || !turned.Turned() {
		t.Fatalf("%+v, %+v", first, turned)
	}
	turned.SignedIn() // changes nothing
	turned.Leave()
	first.Leave()
	if d.Held() != 0 || len(d.from) != 0 || d.turning != 0 {
		t.Errorf("something stays: %d bytes, %v, %d", d.Held(), d.from, d.turning)
	}
}

func TestSets(t *testing.T) {
	s := newSet(prefixes("192.0.2.0/24", "10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "203.0.113.9/32", "fd00::1/128"))
	for text, want := range map[string]bool{
		"192.0.2.255": true, "192.0.3.0": false, "10.255.0.1": true, "11.0.0.0": false, "203.0.113.9": true, "203.0.113.8": false,
		"::ffff:192.0.2.1": true, "2001:db8:ffff::1": true, "2001:db9::": false, "fd00::1": true, "fd00::2": false, "fe80::1%eth0": false,
	} {
		if got := s.has(addr(text)); got != want {
			t.Errorf("%s is in it: %v, want %v", text, got, want)
		}
	}
	all := newSet(prefixes("0.0.0.0/0"))
	if !all.has(addr("8.8.8.8")) || all.has(addr("2001:db8::")) || all.has(netip.Addr{}) {
		t.Error("0.0.0.0/0 is not all of IPv4 and nothing else")
	}
	var none set
	if none.has(addr("8.8.8.8")) {
		t.Error("an empty set has somebody")
	}
}

// Denying many networks costs a newcomer next to nothing.
func BenchmarkDenied(b *testing.B) {
	var n Networks
	a := addr("10.0.0.0")
	for range 10_000 {
		n.Deny = append(n.Deny, netip.PrefixFrom(a, 32), netip.PrefixFrom(a, 24).Masked())
		a = a.Next()
	}
	compiled, from := newNetworks(n), addr("192.0.2.7")
	for b.Loop() {
		if compiled.denied(from) {
			b.Fatal("denied")
		}
	}
}

func BenchmarkEnter(b *testing.B) {
	g := New(metrics.New(), slog.New(slog.DiscardHandler), Networks{}, Limits{PerAddress: 100})
	from := addr("192.0.2.7")
	for b.Loop() {
		g.Leave(from, g.Enter("dispatch", from))
	}
}
