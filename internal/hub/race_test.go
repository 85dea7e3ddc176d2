package hub_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// crowd is a hub with people who only watch.
type crowd struct {
	clock    *clock.Clock
	hub      *hub.Hub
	viewers  []*viewer
	watchers []im.UserID
}

func newCrowd(t *testing.T, size int) *crowd {
	t.Helper()
	c := &crowd{clock: clock.New()}
	t.Cleanup(c.clock.Close)
	c.hub = hub.New(c.clock, hold)
	for i := range size {
		id := im.UserID(100 + i)
		v := newViewer(c.hub, map[im.UserID]bool{alice.ID: true})
		v.here = true
		c.hub.SignIn(hub.Login{Person: im.Person{ID: id, Handle: fmt.Sprint(id, "@example.com")}}, v)
		c.viewers, c.watchers = append(c.viewers, v), append(c.watchers, id)
	}
	return c
}

// agree checks that every viewer sees what the directory says.
func (c *crowd) agree(t *testing.T) {
	t.Helper()
	var want sight
	if l, ok := c.hub.ByID(alice.ID); ok && l.Presence.Visible() {
		want = sight{l.Presence, l.Person.Name}
	}
	for i, v := range c.viewers {
		if got := v.sight(alice.ID); got != want {
			t.Fatalf("viewer %d sees %+v, the directory says %+v", i, got, want)
		}
	}
}

func TestConcurrentChangesReachAllInOneOrder(t *testing.T) {
	c := newCrowd(t, 4)
	e := c.hub.SignIn(hub.Login{Person: alice}, deaf{})
	var all sync.WaitGroup
	const changes = 300
	for g := range uint64(4) {
		all.Go(func() {
			for i := range uint64(changes) {
				switch i % 7 {
				case 3:
					c.hub.SetName(e, fmt.Sprint(g, i), these(c.watchers))
				case 5:
					c.hub.SetPrivacy(e, hub.Known{}, so(i%2 == 0, c.watchers))
				default:
					c.hub.SetPresence(e, im.Presence{Status: msnp.Online, Flags: g*changes + i}, these(c.watchers))
				}
			}
		})
	}
	all.Wait()
	c.hub.SetPrivacy(e, hub.Known{}, so(true, c.watchers))
	c.agree(t)
	for i, v := range c.viewers[1:] {
		if !slices.Equal(v.order[alice.ID], c.viewers[0].order[alice.ID]) {
			t.Errorf("viewer %d heard another order", i+1)
		}
	}
}

// Two devices of one account sign in, change and end as they like, over and over.
func TestConcurrentSignInsAndOutsEndInTheTruth(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 30
	}
	for range rounds {
		c := newCrowd(t, 3)
		var (
			all  sync.WaitGroup
			last [3]*hub.Entry
		)
		for g := range last {
			all.Go(func() { last[g] = c.device(uint64(g)) })
		}
		all.Go(func() { c.newcomers(20) })
		all.Wait()
		for _, e := range last {
			if l, _ := c.hub.ByID(alice.ID); l.Number != e.Number() {
				c.hub.SignOut(e, these(c.watchers), hub.Expelled)
			}
		}
		c.clock.Advance(2 * hold)
		c.agree(t)
	}
}

// A connection breaks, and the client is back while the watchers are still being told.
func TestComingBackWhileWatchersAreToldOfTheEnd(t *testing.T) {
	c := newCrowd(t, 3)
	var (
		first = c.hub.SignIn(hub.Login{Person: alice}, deaf{})
		back  sync.WaitGroup
	)
	c.hub.SetPresence(first, online, these(c.watchers))
	c.viewers[0].told = func(hub.Event) {
		c.viewers[0].told = nil
		back.Go(func() {
			second := c.hub.SignIn(hub.Login{Person: alice}, deaf{})
			c.hub.SetPresence(second, busy, these(c.watchers))
		})
		for range 1000 {
			runtime.Gosched() // as far as it gets
		}
	}
	c.hub.SignOut(first, these(c.watchers), hub.Left)
	back.Wait()
	c.agree(t)
}

// device signs in a few times and returns the last of its sessions, which stays.
func (c *crowd) device(g uint64) (e *hub.Entry) {
	for i := range uint64(5) {
		if e != nil {
			c.hub.SignOut(e, these(c.watchers), hub.Left)
		}
		e = c.hub.SignIn(hub.Login{Person: alice}, deaf{})
		if (g+i)%3 > 0 {
			c.hub.SetPresence(e, im.Presence{Status: msnp.Online, Flags: g}, these(c.watchers))
		}
		if (g+i)%4 == 1 {
			c.hub.SetPresence(e, hidden, these(c.watchers))
		}
		if i == 2 {
			c.hub.SetName(e, fmt.Sprint("Alice", g), these(c.watchers))
		}
	}
	return e
}

// newcomers sign in as another watcher, time and again, and take the place of an earlier one.
func (c *crowd) newcomers(n int) {
	for range n {
		v := newViewer(c.hub, map[im.UserID]bool{alice.ID: true})
		c.hub.SignIn(hub.Login{Person: im.Person{ID: c.watchers[0], Handle: "0@example.com"}}, v)
		v.come(alice.ID)
		c.viewers[0] = v
	}
}
