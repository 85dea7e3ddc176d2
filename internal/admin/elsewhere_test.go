package admin_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/admin"
	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/metrics"
	"monarch/internal/nodes"
)

// join makes a service that of a node, and returns its id.
func (b bench) join(t *testing.T, network *clustertest.Net, name string) cluster.NodeID {
	t.Helper()
	n := nodes.New(b.Clock, func() cluster.Status { return cluster.Status{} })
	var c *cluster.Cluster
	b.Hub.Join(func(m cluster.Member) *cluster.Cluster {
		c = cluster.New(cluster.Config{
			Name: name, Bus: network.Bus(), Member: n.Member(m), Clock: b.Clock, Metrics: metrics.New(),
			Status: func() cluster.Status { return cluster.Status{} }, Log: slog.New(slog.DiscardHandler),
		})
		return c
	})
	n.Join(c)
	b.Join(n)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c.Leave(ctx)
		n.Close()
		b.Hub.Close()
	})
	return c.Self()
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); !so(); <-tick.C {
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("it is not so that %s", what)
		}
	}
}

// meets waits until the node named a knows that b is there.
func (b bench) meets(t *testing.T) {
	t.Helper()
	eventually(t, "the nodes meet", func() bool {
		list, err := b.Nodes(t.Context())
		return err == nil && len(list) == 2 && list[1].State == "alive"
	})
}

// TestSessionsElsewhere lists people at another node whose names are as long as can be: more than one
// answer of that node holds.
func TestSessionsElsewhere(t *testing.T) {
	here, there, network := newBench(t), newBench(t), clustertest.NewNet()
	here.join(t, network, "a")
	there.join(t, network, "b")
	const people = 1200
	for i := range people {
		at, id := there, im.UserID(i+1)
		if i%100 == 0 {
			at = here
		}
		at.Hub.SignIn(hub.Login{
			Person: im.Person{ID: id, Handle: fmt.Sprintf("%04d@example.com", people-i), Name: strings.Repeat("<", 387)},
			Addr:   netip.MustParseAddrPort("192.0.2.7:1029"), Since: here.Clock.Now(),
		}, new(session))
	}
	eventually(t, "everybody is known here", func() bool { return here.Hub.CountAll() == people })
	got, err := here.Sessions(t.Context())
	if err != nil || len(got) != people {
		t.Fatalf("%d sessions, %v", len(got), err)
	}
	for i, s := range got {
		node := "b"
		if (people-1-i)%100 == 0 {
			node = "a"
		}
		if s.Email != fmt.Sprintf("%04d@example.com", i+1) || s.Address == "" || s.Node != node {
			t.Fatalf("session %d is %+v", i, s)
		}
	}
	listed, err := admin.Local(here.Service).Sessions(t.Context())
	if diff := cmp.Diff(got, listed); diff != "" || err != nil {
		t.Errorf("over the interface: %v\n%s", err, diff)
	}
	seen := map[string]bool{}
	for next, parts := "", 0; ; parts++ {
		asked := []bench{here, there}[parts%2] // either goes on with what the other began
		l, err := asked.SomeSessions(t.Context(), next, 250)
		if err != nil || len(l.Items) > 250 {
			t.Fatalf("%d at once, %v", len(l.Items), err)
		}
		for _, s := range l.Items {
			seen[s.Email] = true
		}
		if next = l.Next; next == "" {
			break
		}
	}
	if len(seen) != people {
		t.Errorf("%d people in parts", len(seen))
	}
	for _, wrong := range []string{"a x", "a -1", "a 4611686018427387904"} {
		_, err := here.SomeSessions(t.Context(), wrong, 10)
		refused(t, err, admin.CodeBadRequest)
	}
	for text, want := range map[string]int{"0007@": 1, "192.0.2.7": people, "nobody": 0} {
		if l, err := here.FindSessions(t.Context(), admin.SessionSearch{Text: text}); err != nil || len(l.Items) != min(want, 1000) {
			t.Errorf("%s: %d sessions, %v; want %d", text, len(l.Items), err, want)
		}
	}
	if l, err := here.FindSessions(t.Context(), admin.SessionSearch{Node: "a"}); err != nil || len(l.Items) != people/100 || l.Next != "" {
		t.Errorf("%d sessions at a, %v", len(l.Items), err)
	}
}
