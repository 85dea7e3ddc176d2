package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/msntest"
)

// readiness is what a balancer is told of a node.
func readiness(t *testing.T, f *msntest.Fixture) string {
	t.Helper()
	status, body := ask(t, f, "/readyz")
	if (status == http.StatusOK) != (body == "ready\n") || status != http.StatusOK && status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: status %d, %q", status, body)
	}
	return strings.TrimSpace(body)
}

// TestTheBalancerHearsWhoTakesPeople asks two nodes, of which one drains and comes back, and a third that
// signs nobody in, before and after the others have stopped.
func TestTheBalancerHearsWhoTakesPeople(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil, nil, map[string]string{"cluster.roles": "dispatch, passport"})
	hear := func(want ...string) {
		t.Helper()
		for i, f := range nodes {
			if got := readiness(t, f); got != want[i] {
				t.Errorf("node-%d says %q, want %q", i+1, got, want[i])
			}
		}
	}
	hear("ready", "ready", "ready")
	if err := nodes[2].Server.Admin().Drain(t.Context(), "node-1", 0); err != nil {
		t.Fatal(err)
	}
	hear("draining", "ready", "ready")
	sees(t, nodes[0], "monarch_draining 1")
	sees(t, nodes[1], "monarch_draining 0")
	if err := nodes[2].Server.Admin().Undrain(t.Context(), "node-1"); err != nil {
		t.Fatal(err)
	}
	hear("ready", "ready", "ready")
	nodes[0].Stop(t)
	nodes[1].Stop(t)
	await(t, "a node sends people where nobody is", func() bool { return strings.Contains(readiness(t, nodes[2]), "role notification") })
}

// TestMetricsCarryTheNode has two nodes tell which they are, and one that is alone that it is none.
func TestMetricsCarryTheNode(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil, map[string]string{"cluster.roles": "switchboard, web"})
	sees(t, nodes[0], `monarch_node_info{node="node-1",roles="dispatch,notification,switchboard,passport,web"} 1`)
	sees(t, nodes[1], `monarch_node_info{node="node-2",roles="switchboard,web"} 1`)
	sees(t, nodes[1], "monarch_cluster_nodes 2")
	if _, text := ask(t, msntest.Start(t, nil), "/metrics"); strings.Contains(text, "monarch_node_info") || !strings.Contains(text, "monarch_build_info{") {
		t.Error("the metrics of a node that is alone name a node, or not the release")
	}
}

// TestPeopleAreMovedAtAPace drains a node with four people, one a second. Nobody follows, so each is sent away ten
// seconds later, and comes back to the other node; a friend there sees nothing of it.
func TestPeopleAreMovedAtAPace(t *testing.T) {
	t.Parallel()
	nodes := msntest.StartNodes(t, nil, nil)
	p := msntest.NewPlayer(t, nodes[0])
	people := []string{"A", "B", "C", "D"}
	p.At(nodes[1], "E", "A2", "B2", "C2", "D2")
	p.Set("second", nodes[1].Server.Addr("notification"))
	for _, who := range people {
		p.Play("mutual erin " + map[string]string{"A": "alice", "B": "bob", "C": "carol", "D": "dave"}[who] + "\nsignin9 " + who)
	}
	agree(t, nodes...)
	p.Play("signin9 E, loud")
	each := func(line string) {
		t.Helper()
		block := ""
		for _, name := range []string{"Alice", "Bob", "Carol", "Dave"} {
			block += strings.NewReplacer("WHO", name[:1], "HANDLE", strings.ToLower(name)+"@example.com", "NAME", name).Replace(line) + "\n"
		}
		p.Play("any {\n" + block + "}")
	}
	each("E.ns< ILN 6 NLN HANDLE NAME 268435492")
	each("WHO.ns< NLN NLN erin@example.com Erin 268435492")
	began := nodes[0].Clock.Elapsed()
	if err := nodes[1].Server.Admin().Drain(t.Context(), "node-1", 1); err != nil {
		t.Fatal(err)
	}
	if err := nodes[0].Server.Admin().Drain(t.Context(), "node-2", 0); err == nil || !strings.Contains(err.Error(), "no other node takes people") {
		t.Errorf("the last node that takes people drains: %v", err)
	}
	for i := range people {
		await(t, "nobody more is moved", func() bool { return gauge(t, nodes[0], "monarch_sessions_moved_total") > float64(i) })
		if now := nodes[0].Clock.Elapsed() - began; now < time.Duration(i)*time.Second {
			t.Errorf("person %d is moved after %v", i+1, now)
		}
		nodes[0].Clock.Advance(900 * time.Millisecond)
	}
	each("WHO.ns< XFR 0 NS {second} 0 {addrDS}")
	nodes[0].Clock.Advance(10 * time.Second)
	each("WHO.ns< OUT SSD\nWHO.ns x")
	agree(t, nodes...)
	for _, who := range people {
		p.Play("signin9 " + who + "2, loud")
	}
	p.Play("E.ns -")
	if n := gauge(t, nodes[0], "monarch_sessions"); n != 0 {
		t.Errorf("%v people are left", n)
	}
}

// TestOperatorsReachPeopleAtOtherNodes has each of two nodes asked about people at the other.
func TestOperatorsReachPeopleAtOtherNodes(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"protocol.alerts": "on"}
	nodes := msntest.StartNodes(t, settings, settings)
	p := msntest.NewPlayer(t, nodes[0])
	p.At(nodes[1], "B")
	p.Play(`signin9 A
signin9 B`)
	agree(t, nodes...)
	first, second := nodes[0].Server.Admin(), nodes[1].Server.Admin()
	for i, f := range nodes {
		sessions, err := f.Server.Admin().Sessions(t.Context())
		places := []string{}
		for _, s := range sessions.Items {
			places = append(places, s.Email+" at "+s.Node+" from "+strings.Split(s.Address, ":")[0])
		}
		if want := []string{"alice@example.com at node-1 from 127.0.0.1", "bob@example.com at node-2 from 127.0.0.1"}; err != nil || !slices.Equal(places, want) {
			t.Errorf("node-%d: %q, %v", i+1, places, err)
		}
		if page, _ := browse(t, "http://"+f.Server.Addr("web")+"/"); !strings.Contains(page, "2 people are on line") {
			t.Errorf("the first page of node-%d does not count the people of both", i+1)
		}
	}
	d, err := first.Account(t.Context(), "bob@example.com")
	if err != nil || !d.SignedIn || d.Session == nil || d.Session.Node != "node-2" || d.Session.Client == "" || d.Session.Since.IsZero() {
		t.Errorf("bob is %+v, %v", d, err)
	}
	if err := second.Alert(t.Context(), "alice@example.com", admin.NewAlert{Text: "Hello"}); err != nil {
		t.Error(err)
	}
	p.Set("pid", "0x00000000:0x00000001")
	p.Play("A.ns< NOT {n} + \"<NOTIFICATION ver=\\\"1\\\" id=\\\"1\\\" siteid=\\\"2\\\" siteurl=\\\"https://127.0.0.1/\\\">\\r\\n" +
		"\\t<TO pid=\\\"{pid}\\\" name=\\\"alice@example.com\\\" />\\r\\n\\t<MSG id=\\\"1\\\">\\r\\n\\t\\t<ACTION url=\\\"help\\\" />\\r\\n\\t\\t<SUBSCR url=\\\"help\\\" />\\r\\n" +
		"\\t\\t<BODY lang=\\\"1033\\\" icon=\\\"\\\">\\r\\n\\t\\t\\t<TEXT>Hello</TEXT>\\r\\n\\t\\t</BODY>\\r\\n\\t</MSG>\\r\\n</NOTIFICATION>\"")
	if err := first.Kick(t.Context(), "bob@example.com"); err != nil {
		t.Error(err)
	}
	p.Play(`B.ns< OUT SSD
B.ns x`)
	agree(t, nodes...)
	if err := second.Kick(t.Context(), "bob@example.com"); err == nil || !strings.Contains(err.Error(), "is not signed in") {
		t.Errorf("bob is kicked once more: %v", err)
	}
}
