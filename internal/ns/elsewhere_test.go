package ns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/metrics"
	"monarch/internal/store"
)

// twin is one of two nodes with one database.
type twin struct {
	*crowd
	listener net.Listener
	id       cluster.NodeID
}

func newTwins(t *testing.T) (a, b *twin, network *clustertest.Net) {
	t.Helper()
	path, network := populate(t, 4, 2), clustertest.NewNet()
	both := []*twin{{crowd: newCrowdAt(t, path, 0)}, {crowd: newCrowdAt(t, path, 0)}}
	for i, c := range both {
		var nodes *cluster.Cluster
		c.hub.Join(func(m cluster.Member) *cluster.Cluster {
			nodes = cluster.New(cluster.Config{
				Name: string(rune('a' + i)), Bus: network.Bus(), Member: m, Clock: c.srv.Clock, Metrics: metrics.New(),
				Status: func() cluster.Status { return cluster.Status{} }, Log: slog.New(slog.DiscardHandler),
			})
			return nodes
		})
		c.hub.OnLapse(c.srv.Lapsed)
		c.hub.GiveTurns(c.srv.Turn)
		c.hub.ShareDebts(hub.Debts{Give: c.srv.Debts, Take: c.srv.TakeDebts})
		if err := nodes.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.id = nodes.Self()
		var err error
		if c.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		go c.engine.Serve(c.listener, c.srv.Notification()) //nolint:errcheck // it ends with the listener
		t.Cleanup(func() {
			c.listener.Close()
			c.srv.Close()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			nodes.Leave(ctx)
		})
	}
	return both[0], both[1], network
}

// enter signs somebody in.
func (c *twin) enter(t *testing.T, i int) *caller {
	t.Helper()
	ticket := c.srv.Signer.Ticket(auth.Ticket{User: int64(i + 1), Credential: 1, Issued: c.srv.Clock.Now()})
	who := c.dial(t, c.listener)
	if got := who.signIn(handleOf(i), ticket); !strings.HasPrefix(got, "USR 4 OK ") {
		t.Fatalf("user %d hears %q", i, got)
	}
	return who
}

// online signs somebody in, on line.
func (c *twin) online(t *testing.T, i int) *caller {
	t.Helper()
	who := c.enter(t, i)
	who.tell("CHG 5 NLN 0")
	who.hears("CHG 5 ")
	return who
}

func (c *caller) tell(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c, line+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
}

// hears waits for a line, and returns those that came before it.
func (c *caller) hears(start string) (before []string) {
	c.t.Helper()
	for {
		line, err := c.r.ReadString('\n')
		switch {
		case err != nil:
			c.t.Fatalf("does not hear %q, but %q, %v", start, before, err)
		case strings.HasPrefix(line, start):
			return before
		}
		before = append(before, strings.TrimSpace(line))
	}
}

// Nodes are cut off from each other, and what happens meanwhile is known when they are not any more.
// docs/cluster.md
func TestWhatACutKeptFromPeopleTheyHearAfterIt(t *testing.T) {
	a, b, network := newTwins(t)
	watcher, contact := a.online(t, 0), b.online(t, 1)
	watcher.hears("NLN NLN " + handleOf(1))
	for i, step := range []struct{ says, answer, hears string }{
		{"CHG 6 BSY 0", "CHG 6 ", "NLN BSY " + handleOf(1)},
		{"REM 7 AL " + handleOf(0), "REM 7 ", ""},
		{"ADD 8 BL " + handleOf(0) + " x", "ADD 8 ", "FLN " + handleOf(1)},
		{"REM 9 BL " + handleOf(0), "REM 9 ", ""},
		{"ADD 10 AL " + handleOf(0) + " x", "ADD 10 ", "NLN BSY " + handleOf(1)},
	} {
		network.Cut(a.id, b.id)
		contact.tell(step.says)
		contact.hears(step.answer)
		network.Mend(a.id, b.id)
		if step.hears == "" {
			continue
		}
		if before := watcher.hears(step.hears); strings.Contains(fmt.Sprint(before), handleOf(1)) {
			t.Errorf("step %d: hears %q first", i, before)
		}
	}
}

func TestWhoWasLockedDuringACutIsSentAwayAfterIt(t *testing.T) {
	for name, happens := range map[string]func(*store.Store, im.UserID) error{
		"locked": func(s *store.Store, id im.UserID) error { return s.SetDisabled(t.Context(), id, true) },
		"locked and let in again": func(s *store.Store, id im.UserID) error {
			return errors.Join(s.SetDisabled(t.Context(), id, true), s.SetDisabled(t.Context(), id, false))
		},
		"another password": func(s *store.Store, id im.UserID) error { return s.SetPassword(t.Context(), id, "hash") },
		"gone":             func(s *store.Store, id im.UserID) error { return s.DeleteUser(t.Context(), id) },
	} {
		t.Run(name, func(t *testing.T) {
			a, b, network := newTwins(t)
			user, withoutLists, other := a.online(t, 0), a.enter(t, 1), a.online(t, 2)
			network.Cut(a.id, b.id)
			for id := im.UserID(1); id <= 2; id++ {
				if err := happens(b.store, id); err != nil {
					t.Fatal(err)
				}
				b.hub.Expel(id, hub.AccountChanged)
			}
			network.Mend(a.id, b.id)
			user.hears("OUT SSD")
			withoutLists.hears("OUT SSD")
			other.tell("CHG 6 BSY 0")
			other.hears("CHG 6 ")
		})
	}
}

// What is changed at the website of another node takes turns with the client's commands.
func TestChangesAtAnotherNodeTakeTurnsWithCommands(t *testing.T) {
	a, b, _ := newTwins(t)
	user := a.online(t, 0)
	err := b.srv.Change(t.Context(), 1, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if end, err := a.srv.Turn(ctx, 1); err == nil {
			end()
			t.Error("the turn is free")
		}
		user.tell("ADD 6 BL " + handleOf(2) + " x")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	user.hears("ADD 6 ") // after the change
}

// Who signs in at another node has done there what he did at the first.
func TestAnotherNodeIsNoWayAroundLimits(t *testing.T) {
	a, b, _ := newTwins(t)
	rates := Rates{
		SignIns: clock.Rate{Burst: 4, Per: time.Hour}, Statuses: clock.Rate{Burst: 5, Per: time.Hour}, Names: clock.Rate{Burst: 2, Per: time.Hour},
	}
	for _, node := range []*twin{a, b} {
		node.srv.SetRates(rates)
	}
	user := a.online(t, 0)
	for range 4 {
		user.tell("CHG 6 BSY 0")
		user.hears("CHG 6 ")
	}
	user.tell("REA 7 " + handleOf(0) + " One")
	user.hears("REA 7 ")
	user.Close()
	user = b.online(t, 0)
	user.tell("CHG 8 BSY 0")
	user.hears("CHG 8 ")
	user.tell("REA 9 " + handleOf(0) + " Two")
	user.hears("REA 9 ")
	for _, node := range []*twin{nil, a, b} {
		if node != nil {
			user.Close()
			user = node.online(t, 0)
		}
		user.tell("CHG 10 BSY 0")
		user.hears("800 10")
		user.tell("REA 11 " + handleOf(0) + " Three")
		user.hears("800 11")
	}
	user.Close()
	for _, node := range []*twin{a, b, a} {
		ticket := node.srv.Signer.Ticket(auth.Ticket{User: 1, Credential: 1, Issued: node.srv.Clock.Now()})
		if got := node.dial(t, node.listener).signIn(handleOf(0), ticket); !strings.HasPrefix(got, "910 4") {
			t.Errorf("one sign-in too many hears %q", got)
		}
	}
}

// Somebody may be put on a list at the moment when he changes at another node: what is known of him
// here is old then, and those whom that node tells of the change are not yet one more.
func TestWhoChangesWhileHeIsAddedIsSeenAsHeIs(t *testing.T) {
	a, b, network := newTwins(t)
	watcher, contact, adder := b.online(t, 1), a.online(t, 0), b.online(t, 2)
	watcher.hears("NLN NLN " + handleOf(0))
	for i, step := range []struct{ says, old, hears string }{
		{"CHG 6 BSY 0", "NLN", "NLN BSY " + handleOf(0)},
		{"REA 6 " + handleOf(0) + " Zero", "BSY", "NLN BSY " + handleOf(0) + " Zero"},
		{"CHG 6 HDN 0", "BSY", "FLN " + handleOf(0)},
	} {
		network.Delay(a.id, b.id, 200*time.Millisecond)
		contact.tell(step.says)
		contact.tell("PNG")
		contact.hears("QNG")
		adder.tell("ADD 7 FL " + handleOf(0) + " x 0")
		adder.hears("ILN 7 " + step.old + " " + handleOf(0))
		if before := adder.hears(step.hears); strings.Contains(fmt.Sprint(before), handleOf(0)) {
			t.Errorf("step %d: hears %q first", i, before)
		}
		network.Delay(a.id, b.id, 0)
		adder.tell("REM 8 FL " + handleOf(0))
		adder.hears("REM 8 ")
	}
	contact.tell("CHG 9 NLN 0")
	watcher.hears("NLN NLN " + handleOf(0))
	adder.tell("ADD 10 FL " + handleOf(0) + " x 0")
	adder.hears("ILN 10 NLN " + handleOf(0))
	contact.tell("CHG 11 AWY 0")
	if before := adder.hears("NLN AWY " + handleOf(0)); len(before) > 0 {
		t.Errorf("hears of no change: %q", before)
	}
}
