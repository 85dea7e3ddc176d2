package server_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/msntest"
	"monarch/internal/pgtest"
	"monarch/internal/store"
)

// deny has operators shut a network out, and returns how many connections that has ended.
func deny(t *testing.T, f *msntest.Fixture, n admin.NetworkRule) int {
	t.Helper()
	n.Rule = admin.RuleDeny
	made, err := f.Server.Admin().AddNetwork(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return made.Ended
}

// ends waits until the other side has closed a connection.
func ends(t *testing.T, what string, nc net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, nc)
	var e net.Error
	if errors.As(err, &e) && e.Timeout() {
		t.Errorf("%s goes on", what)
	}
}

// resting returns a connection that has had the answer to a request, and may bring another.
func resting(t *testing.T, f *msntest.Fixture, port, request string) net.Conn {
	t.Helper()
	nc := connect(t, f, port, request)
	res, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return nc
}

func TestABanEndsWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"auto", "portable"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			f := msntest.Start(t, map[string]string{"conn.engine": engine})
			p := msntest.NewPlayer(t, f)
			p.Play("mutual alice bob\nsignin9 A\nsignin9 B\nchat A B")
			site := resting(t, f, "web", "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			half := connect(t, f, "http", "GET /")
			h := newOverHTTP(t, f)
			h.open("NS", "messenger.hotmail.com", "VER 1 MSNP9 CVR0\r\n")
			if n := deny(t, f, admin.NetworkRule{Network: "127.0.0.0/8", Reason: "a test"}); n != 5 {
				t.Errorf("%d connections were ended; the two have two each, and one is over HTTP", n)
			}
			p.Play("A.ns x\nB.ns x")
			ends(t, "a connection of the website", site)
			ends(t, "half a request", half)
			ends(t, "a connection to the gateway", h.nc)
			for _, port := range ports {
				if got := knock(t, f, port, ""); got != "" {
					t.Errorf("%s says %q to one who is banned", port, got)
				}
				sees(t, f, `monarch_connections_refused_total{cause="banned",listener="`+port+`"} 1`)
			}
			sees(t, f, "monarch_network_rules 1")
			sees(t, f, "monarch_sessions 0")
			await(t, "conversations go on", func() bool {
				return strings.Contains(string(scrape(t, f)), `monarch_connections_closed_total{reason="banned",role="switchboard"} 2`)
			})
			if err := f.Server.Admin().RemoveNetwork(t.Context(), "127.0.0.0/8"); err != nil {
				t.Fatal(err)
			}
			q := msntest.NewPlayer(t, f)
			q.Play("signin9 A")
			q.Finish()
		})
	}
}

func TestABanMayLeaveWhatThereIs(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	p := msntest.NewPlayer(t, f)
	p.Play("signin9 A")
	if n := deny(t, f, admin.NetworkRule{Network: "127.0.0.1", Keep: true}); n != 0 {
		t.Errorf("%d connections were ended", n)
	}
	// Another ban, of somebody else, is none of his business either.
	deny(t, f, admin.NetworkRule{Network: "192.0.2.0/24"})
	p.Play("A.ns> PNG\nA.ns< QNG 60")
	if got := knock(t, f, "notification", ""); got != "" {
		t.Errorf("another is told %q", got)
	}
	// Whoever is exempt stays although his network is denied.
	if _, err := f.Server.Admin().AddNetwork(t.Context(), admin.NetworkRule{Network: "::ffff:127.0.0.1", Rule: admin.RuleAllow}); err != nil {
		t.Fatal(err)
	}
	if n := deny(t, f, admin.NetworkRule{Network: "127.0.0.0/8"}); n != 0 {
		t.Errorf("%d connections were ended", n)
	}
	p.Play("A.ns> PNG\nA.ns< QNG 60\nsignin9 B")
	p.Finish()
}

// TestABanIsOverInTime moves the clock to the last second of a ban, and over it; and over a restart.
func TestABanIsOverInTime(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	until := f.Clock.Now().Add(2 * time.Hour).Truncate(time.Second)
	deny(t, f, admin.NetworkRule{Network: "127.0.0.1", Expires: until})
	f.Clock.Advance(until.Sub(f.Clock.Now()) - time.Minute)
	if got := knock(t, f, "notification", "VER 1 MSNP9\r\n"); got != "" {
		t.Errorf("before the end: %q", got)
	}
	f.Clock.Advance(until.Sub(f.Clock.Now()))
	await(t, "the ban goes on", func() bool { return knock(t, f, "notification", "VER 1 MSNP9\r\nOUT\r\n") != "" })
	sees(t, f, "monarch_network_rules 0")
	if rules, err := f.Server.Admin().Networks(t.Context()); err != nil || len(rules) != 0 {
		t.Errorf("%v, %v", rules, err)
	}
	deny(t, f, admin.NetworkRule{Network: "127.0.0.1"})
	p := msntest.NewPlayer(t, f)
	f.Stop(t)
	p.Play("restart")
	if got := knock(t, f, "notification", "VER 1 MSNP9\r\n"); got != "" {
		t.Errorf("after a restart: %q", got)
	}
}

// TestABanHoldsAtEveryNode bans somebody who comes to another node through a proxy, at once where that node is asked, and
// soon where it was not.
func TestABanHoldsAtEveryNode(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil, map[string]string{"networks.proxies": "127.0.0.1"})
	inside := func(who string) net.Conn {
		t.Helper()
		nc := connect(t, nodes[1], "notification", "PROXY TCP4 "+who+" 127.0.0.1 4321 1863\r\nVER 1 MSNP9 CVR0\r\n")
		if line, err := bufio.NewReader(nc).ReadString('\n'); err != nil || !strings.HasPrefix(line, "VER 1") {
			t.Fatalf("%s is told %q, %v", who, line, err)
		}
		return nc
	}
	banned, other := inside("192.0.2.7"), inside("198.51.100.7")
	deny(t, nodes[0], admin.NetworkRule{Network: "192.0.2.0/24"})
	ends(t, "who is banned", banned)
	if got := knock(t, nodes[1], "http", "PROXY TCP4 192.0.2.9 127.0.0.1 4321 1863\r\nGET / HTTP/1.1\r\n\r\n"); got != "" {
		t.Errorf("a neighbour is told %q", got)
	}
	sees(t, nodes[1], `monarch_connections_refused_total{cause="banned",listener="http"} 1`)
	inside("198.51.100.7").Close()

	// What was written into the database by a node that could tell nobody.
	rule := store.NetworkRule{Network: netip.MustParsePrefix("198.51.100.0/24"), Created: 1}
	if err := nodes[0].Server.Store().AddNetworkRule(t.Context(), rule, nodes[0].Clock.Now()); err != nil {
		t.Fatal(err)
	}
	nodes[1].Clock.Advance(15 * time.Second)
	ends(t, "who is banned without a word", other)

	if err := nodes[0].Server.Admin().RemoveNetwork(t.Context(), "192.0.2.0/24"); err != nil {
		t.Fatal(err)
	}
	inside("192.0.2.7")
	third := nodes[0].Join(t, map[string]string{"cluster.node": "node-3", "networks.proxies": "127.0.0.1"})
	if got := knock(t, third, "notification", "PROXY TCP4 198.51.100.7 127.0.0.1 4321 1863\r\nVER 1 MSNP9\r\n"); got != "" {
		t.Errorf("a node that has just come says %q", got)
	}
}

func TestRulesOfNetworksThatNobodyMeans(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, map[string]string{"networks.deny": "203.0.113.0/24"})
	ctx := admin.WithFrom(t.Context(), netip.MustParseAddr("::ffff:192.0.2.7"))
	for name, c := range map[string]struct {
		rule admin.NetworkRule
		code string
	}{
		"everybody":              {admin.NetworkRule{Network: "0.0.0.0/0", Rule: "deny"}, admin.CodeLocksOut},
		"everybody of IPv6":      {admin.NetworkRule{Network: "::/0", Rule: "deny"}, admin.CodeLocksOut},
		"everybody of IPv4 in 6": {admin.NetworkRule{Network: "::ffff:0.0.0.0/96", Rule: "deny"}, admin.CodeLocksOut},
		"himself":                {admin.NetworkRule{Network: "192.0.2.0/24", Rule: "deny"}, admin.CodeLocksOut},
		"himself, by force":      {admin.NetworkRule{Network: "192.0.2.0/24", Rule: "deny", Force: true}, ""},
		"exempting everybody":    {admin.NetworkRule{Network: "0.0.0.0/0", Rule: "allow"}, admin.CodeLocksOut},
		"exempting himself":      {admin.NetworkRule{Network: "192.0.2.7", Rule: "allow"}, ""},
		"no network":             {admin.NetworkRule{Network: "the moon", Rule: "deny"}, admin.CodeBadNetwork},
		"bits too many":          {admin.NetworkRule{Network: "198.51.100.7/24", Rule: "deny"}, admin.CodeBadNetwork},
		"a zone":                 {admin.NetworkRule{Network: "fe80::1%eth0", Rule: "deny"}, admin.CodeBadNetwork},
		"no rule":                {admin.NetworkRule{Network: "198.51.100.7", Rule: "perhaps"}, admin.CodeBadRequest},
		"an end in the past":     {admin.NetworkRule{Network: "198.51.100.7", Rule: "deny", Expires: time.Unix(1, 0)}, admin.CodeBadRequest},
		"a long reason":          {admin.NetworkRule{Network: "198.51.100.7", Rule: "deny", Reason: strings.Repeat("x", 201)}, admin.CodeBadRequest},
		"a reason that commands": {admin.NetworkRule{Network: "198.51.100.7", Rule: "deny", Reason: "\x1b[2J"}, admin.CodeBadRequest},
	} {
		_, err := f.Server.Admin().AddNetwork(ctx, c.rule)
		var p *admin.Problem
		if errors.As(err, &p); (err == nil) != (c.code == "") || p != nil && p.Code != c.code {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
	}
	var p *admin.Problem
	if err := f.Server.Admin().RemoveNetwork(ctx, "203.0.113.0/24"); !errors.As(err, &p) || p.Code != admin.CodeConfigured {
		t.Errorf("removing what the configuration says: %v", err)
	}
	if err := f.Server.Admin().RemoveNetwork(ctx, "203.0.113.7"); !errors.As(err, &p) || p.Code != admin.CodeNoNetwork {
		t.Errorf("removing what nobody says: %v", err)
	}
	rules, err := f.Server.Admin().Networks(ctx)
	if err != nil || len(rules) != 3 || !rules[0].Configured || rules[0].Network != "203.0.113.0/24" || rules[1].Network != "192.0.2.0/24" || rules[2].Rule != "allow" {
		t.Errorf("%+v, %v", rules, err)
	}
}

// TestBansHoldWhilePostgresIsAway takes the database away: what was known holds, and ends in its time.
func TestBansHoldWhilePostgresIsAway(t *testing.T) {
	t.Parallel()
	db := pgtest.Start(t)
	name, err := db.Create("")
	if err != nil {
		t.Fatal(err)
	}
	f := msntest.Start(t, map[string]string{"database.url": db.URL(name), "networks.proxies": "127.0.0.1"})
	deny(t, f, admin.NetworkRule{Network: "192.0.2.0/24"})
	deny(t, f, admin.NetworkRule{Network: "198.51.100.0/24", Expires: f.Clock.Now().Add(time.Hour)})
	if err := db.Stop(); err != nil {
		t.Fatal(err)
	}
	from := func(who string) string {
		return knock(t, f, "notification", "PROXY TCP4 "+who+" 127.0.0.1 4321 1863\r\nVER 1 MSNP9 CVR0\r\nOUT\r\n")
	}
	f.Clock.Advance(2 * time.Hour)
	await(t, "a ban that is over goes on", func() bool { return from("198.51.100.7") != "" })
	if got := from("192.0.2.7"); got != "" {
		t.Errorf("who is banned is told %q", got)
	}
	if err := db.Start(); err != nil { // for the end of the test
		t.Fatal(err)
	}
}
