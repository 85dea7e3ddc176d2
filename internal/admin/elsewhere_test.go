package admin_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/admin"
	"monarch/internal/audit"
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
	return b.joinOver(t, network.Bus(), name)
}

func (b bench) joinOver(t *testing.T, bus *clustertest.Bus, name string) cluster.NodeID {
	t.Helper()
	n := nodes.New(b.Clock, func() cluster.Status { return cluster.Status{} })
	var c *cluster.Cluster
	b.Hub.Join(func(m cluster.Member) *cluster.Cluster {
		c = cluster.New(cluster.Config{
			Name: name, Bus: bus, Member: n.Member(m), Clock: b.Clock, Metrics: metrics.New(),
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
	if err != nil || len(got.Items) != people || got.Unheard != nil {
		t.Fatalf("%d sessions without %v, %v", len(got.Items), got.Unheard, err)
	}
	for i, s := range got.Items {
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

// TestNodesThatDoNotAnswerAreNamed cuts one of three nodes off: what the others have is there, at once and when
// it has not been heard of for a while. One without an audit log is not missed there.
func TestNodesThatDoNotAnswerAreNamed(t *testing.T) {
	here, there, silent, network := newBench(t), newBench(t), newBench(t), clustertest.NewNet()
	there.Audit = nil
	here.join(t, network, "a")
	there.join(t, network, "b")
	cut := silent.join(t, network, "c")
	for i, b := range []bench{here, there, silent} {
		b.Hub.SignIn(hub.Login{Person: im.Person{ID: im.UserID(i + 1), Handle: fmt.Sprintf("%d@example.com", i)}}, new(session))
		b.Audit.Record(t.Context(), audit.Event{What: audit.BackupWritten})
	}
	eventually(t, "everybody answers", func() bool {
		all, err := here.Sessions(t.Context())
		return err == nil && len(all.Items) == 3 && all.Unheard == nil
	})
	client := admin.Local(here.Service)
	lists := func(state string, want ...string) {
		t.Helper()
		var (
			all, listed, found admin.Roundup[admin.Session]
			trail              admin.Roundup[admin.AuditEntry]
			errs               [4]error
			asking             sync.WaitGroup // each waits for an answer
		)
		asking.Go(func() { all, errs[0] = here.Sessions(t.Context()) })
		asking.Go(func() { listed, errs[1] = client.Sessions(t.Context()) })
		asking.Go(func() { found, errs[2] = here.FindSessions(t.Context(), admin.SessionSearch{Node: "c"}) })
		asking.Go(func() {
			trail, errs[3] = client.AuditEntries(t.Context(), admin.AuditQuery{Event: string(audit.BackupWritten)})
		})
		asking.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		people, entries := 3-len(want), 2-len(want) // b has no audit log
		if len(all.Items) != people || len(listed.Items) != people || len(found.Items) != 1-len(want) || len(trail.Items) != entries {
			t.Errorf("%s: %d, %d and %d sessions, %d entries", state, len(all.Items), len(listed.Items), len(found.Items), len(trail.Items))
		}
		for _, unheard := range [][]string{all.Unheard, listed.Unheard, found.Unheard, trail.Unheard} {
			if diff := cmp.Diff(want, unheard); diff != "" {
				t.Errorf("%s: %s", state, diff)
			}
		}
	}
	lists("all are there")
	network.CutOff(cut)
	lists("cut off", "c")
	for range 15 {
		here.Clock.Advance(time.Second)
	}
	eventually(t, "it is seen to be silent", func() bool {
		list, err := here.Nodes(t.Context())
		return err == nil && list[1].State == "alive" && list[2].State == "silent"
	})
	lists("silent", "c")
	if l, err := here.FindSessions(t.Context(), admin.SessionSearch{Node: "a"}); err != nil || l.Unheard != nil {
		t.Errorf("at another node: without %v, %v", l.Unheard, err)
	}
}

// TestANodeThatDiedTwiceIsNamedOnce has a node vanish, come back, and vanish again before anybody forgets its first run.
func TestANodeThatDiedTwiceIsNamedOnce(t *testing.T) {
	here, network := newBench(t), clustertest.NewNet()
	here.join(t, network, "a")
	states := func(want ...string) func() bool {
		return func() bool {
			list, err := here.Nodes(t.Context())
			var got []string
			for _, n := range list {
				got = append(got, n.State)
			}
			slices.Sort(got)
			return err == nil && slices.Equal(got, want)
		}
	}
	for run, seen := range [][2][]string{{{"alive", "here"}, {"here", "silent"}}, {{"alive", "here", "silent"}, {"here", "silent", "silent"}}} {
		bus := network.Bus()
		newBench(t).joinOver(t, bus, "b")
		eventually(t, fmt.Sprintf("run %d is there", run), states(seen[0]...))
		if err := bus.Close(); err != nil {
			t.Fatal(err)
		}
		silent := states(seen[1]...)
		eventually(t, fmt.Sprintf("run %d is silent", run), func() bool {
			here.Clock.Advance(time.Second)
			return silent()
		})
	}
	all, err1 := here.Sessions(t.Context())
	some, err2 := here.SomeSessions(t.Context(), "", 10)
	trail, err3 := here.AuditEntries(t.Context(), admin.AuditQuery{})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	for _, unheard := range [][]string{all.Unheard, some.Unheard, trail.Unheard} {
		if diff := cmp.Diff([]string{"b"}, unheard); diff != "" {
			t.Error(diff)
		}
	}
}
