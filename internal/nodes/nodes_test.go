package nodes

import (
	"testing"
	"time"

	"monarch/internal/clock"
	"monarch/internal/cluster"
)

// TestWhoeverComesGoesWhereThereIsRoom sends people to servers of nodes as they tell of themselves.
func TestWhoeverComesGoesWhereThereIsRoom(t *testing.T) {
	clk := clock.New()
	defer clk.Close()
	n := New(clk, func() cluster.Status { return cluster.Status{} })
	here := Server{Node: "a/1", Here: true, Addr: "a:1864", load: 10, capacity: 100}
	large := Server{Node: "b/1", Addr: "b:1864", load: 15, capacity: 200}
	go1 := func(servers ...Server) string {
		t.Helper()
		best, ok := n.choose(servers, least)
		if !ok {
			t.Fatal("nowhere to go")
		}
		return best.Addr
	}
	// 10 of 100 here and 15 of 200 there: five go there, and with the same share in use, here.
	for i, want := range []string{"b:1864", "b:1864", "b:1864", "b:1864", "b:1864", "a:1864", "b:1864"} {
		if got := go1(here, large); got != want {
			t.Errorf("person %d goes to %s, not %s", i+1, got, want)
		}
	}
	// By then the nodes tell of them themselves.
	clk.Advance(3 * period)
	large.load = 21
	if got := go1(here, large); got != "a:1864" {
		t.Errorf("later somebody goes to %s", got)
	}
	if _, ok := n.choose(nil, least); ok {
		t.Error("there is a server among none")
	}
	if len(n.handed) != 1 {
		t.Errorf("%d servers are remembered", len(n.handed))
	}
}

// TestOneNodeAlone has all its servers, until it is to have nobody any more.
func TestOneNodeAlone(t *testing.T) {
	clk := clock.New()
	defer clk.Close()
	status := cluster.Status{Notification: "a:1864", Switchboards: []cluster.Board{{Addr: "a:1865", Seated: 3}, {Addr: "a:1866", Seated: 2}}}
	n := New(clk, func() cluster.Status { return status })
	if s, ok := n.Notification(n.Self()); !ok || s.Addr != "a:1864" || !s.Here {
		t.Errorf("the notification server is %+v, %v", s, ok)
	}
	if s, ok := n.Switchboard(); !ok || s.Addr != "a:1866" {
		t.Errorf("the switchboard is %+v, %v", s, ok)
	}
	if _, ok := n.Board("a:1865"); ok {
		t.Error("this node's own switchboard is that of another")
	}
	if err := n.Each(func(cluster.Node) error { t.Error("somebody is asked"); return nil }); err != nil {
		t.Error(err)
	}
	n.Tell("nobody", time.Second)
	if !n.Open() {
		t.Error("nobody takes people")
	}
	status.Draining = true
	if n.Open() {
		t.Error("somebody takes people")
	}
	if s, ok := n.Notification(""); ok {
		t.Errorf("%+v takes people", s)
	}
	if s, ok := n.Switchboard(); ok {
		t.Errorf("%+v takes conversations", s)
	}
}

// TestConversationsStayNear has this node's switchboards and those of another be used more or less.
func TestConversationsStayNear(t *testing.T) {
	server := func(here bool, load int) Server { return Server{Here: here, load: load, capacity: 10_000} }
	for name, tc := range map[string]struct {
		all  []Server
		near bool
		load int
	}{
		"equals":                           {[]Server{server(false, 500), server(true, 500)}, true, 500},
		"the other less":                   {[]Server{server(false, 300), server(true, 500)}, true, 500},
		"the other much less":              {[]Server{server(false, 200), server(true, 500)}, false, 200},
		"the other empty, and this nearly": {[]Server{server(false, 0), server(true, 100)}, true, 100},
		"two here":                         {[]Server{server(true, 900), server(false, 300), server(true, 600)}, true, 600},
		"none here":                        {[]Server{server(false, 900), server(false, 800)}, false, 800},
		"a large one elsewhere":            {[]Server{server(true, 500), {load: 500, capacity: 40_000}}, false, 500},
	} {
		if got := nearest(tc.all); got.Here != tc.near || got.load != tc.load {
			t.Errorf("%s: here %v, with %d", name, got.Here, got.load)
		}
	}
}
