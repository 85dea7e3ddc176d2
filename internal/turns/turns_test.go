package turns_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/turns"
)

var (
	home  = netip.MustParseAddr("192.0.2.1")
	away  = netip.MustParseAddr("192.0.2.2")
	third = netip.MustParseAddr("192.0.2.3")
)

// crowd is callers that note when their turn comes and keep it until told.
type crowd struct {
	t *testing.T
	q *turns.Queue

	mu     sync.Mutex
	served []string
	busy   int
}

// call lets one come, who keeps the turn for a while.
func (c *crowd) call(who netip.Addr, name string, keep time.Duration) {
	go func() {
		err := c.q.Take(c.t.Context(), who)
		c.mu.Lock()
		switch {
		case err == nil:
			c.served = append(c.served, name)
		case errors.Is(err, turns.ErrBusy):
			c.busy++
		default:
			c.t.Error(err)
		}
		c.mu.Unlock()
		if err == nil {
			<-time.After(keep)
			c.q.Done()
		}
	}()
	synctest.Wait()
}

func (c *crowd) order() (s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.served {
		s += name
	}
	return s
}

func TestOneAddressAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t: t, q: turns.New(turns.Limits{Parallel: 1, Queue: 100})}
		for range 6 {
			c.call(home, "h", time.Second)
		}
		c.call(away, "a", time.Second)
		c.call(third, "t", time.Second)
		c.call(away, "a", time.Second)
		if n := c.q.Waiting(); n != 8 {
			t.Errorf("%d wait", n)
		}
		<-time.After(time.Minute)
		if got := c.order(); got != "hhathahhh" {
			t.Errorf("served in the order %s", got)
		}
		if n, all := c.q.Waits(); n != 8 || all != 36*time.Second || c.q.Waiting() != 0 || c.q.Busy() != 0 {
			t.Errorf("%d have waited for %s, %d wait, %d were turned away", n, all, c.q.Waiting(), c.q.Busy())
		}
	})
}

func TestACrowdFromOneAddressLeavesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t: t, q: turns.New(turns.Limits{Parallel: 2, Queue: 64})}
		for range 1000 {
			c.call(home, "h", time.Second)
		}
		if n := c.q.Waiting(); n < 50 || n > 60 {
			t.Errorf("one address has %d of 64 places", n)
		}
		c.call(away, "a", time.Second)
		<-time.After(3 * time.Second)
		if got := c.order(); got[2:4] != "ha" && got[2:4] != "ah" {
			t.Errorf("somebody from elsewhere is served in the order %s", got)
		}
		<-time.After(time.Minute)
		if c.busy+len(c.order()) != 1001 || c.q.Busy() != uint64(c.busy) {
			t.Errorf("%d were served, %d turned away, %d counted", len(c.order()), c.busy, c.q.Busy())
		}
	})
}

func TestWhoIsInsideComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t: t, q: turns.New(turns.Limits{Parallel: 1, Queue: 2, Wait: 10 * time.Second})}
		await := func(ctx context.Context) {
			go func() {
				if c.q.Await(ctx) == nil {
					c.mu.Lock()
					c.served = append(c.served, "i")
					c.mu.Unlock()
					<-time.After(time.Second)
					c.q.Done()
				}
			}()
			synctest.Wait()
		}
		await(t.Context())
		c.call(home, "h", time.Second)
		c.call(away, "a", time.Second)
		brief, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		await(brief)
		for range 3 {
			await(t.Context())
		}
		if n := c.q.Waiting(); n != 6 {
			t.Errorf("%d wait", n)
		}
		<-time.After(time.Minute)
		if got := c.order(); got != "iiiiha" || c.busy != 0 || c.q.Waiting() != 0 {
			t.Errorf("served in the order %s", got)
		}
	})
}

func TestTheWaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t: t, q: turns.New(turns.Limits{Parallel: 1, Queue: 10, Wait: 5 * time.Second})}
		c.call(home, "1", 7*time.Second)
		c.call(home, "2", time.Second)
		<-time.After(4 * time.Second)
		c.call(home, "3", time.Second)
		<-time.After(time.Minute)
		if got := c.order(); got != "13" || c.busy != 1 || c.q.Busy() != 1 || c.q.Waiting() != 0 {
			t.Errorf("served %s, %d turned away", got, c.busy)
		}
	})
}

func TestWhoGivesUpLeavesTheTurnToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t: t, q: turns.New(turns.Limits{Parallel: 1, Queue: 10})}
		c.call(home, "1", time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		go func() { err = c.q.Take(ctx, home) }()
		synctest.Wait()
		c.call(home, "2", time.Minute)
		cancel()
		synctest.Wait()
		if !errors.Is(err, context.Canceled) || c.q.Waiting() != 1 {
			t.Errorf("%v, %d wait", err, c.q.Waiting())
		}
		<-time.After(time.Hour)
		if got := c.order(); got != "12" {
			t.Errorf("served %s", got)
		}
	})
}

func TestNewLimitsHoldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t: t, q: turns.New(turns.Limits{})}
		c.call(home, "0", 0)
		c.q.SetLimits(turns.Limits{Queue: 3})
		for _, name := range []string{"1", "2", "3", "4"} {
			c.call(home, name, time.Minute)
		}
		c.q.SetLimits(turns.Limits{Parallel: 2, Queue: 3})
		synctest.Wait()
		if got := c.order(); got != "12" && got != "21" || c.busy != 2 || c.q.Waiting() != 1 {
			t.Errorf("served %s, %d turned away, %d wait", got, c.busy, c.q.Waiting())
		}
		<-time.After(time.Hour)
	})
}

func TestManyAtOnce(t *testing.T) {
	const parallel = 3
	q := turns.New(turns.Limits{Parallel: parallel, Queue: 1000, Wait: 5 * time.Millisecond})
	var mu sync.Mutex
	var inside, most, served int
	var all sync.WaitGroup
	for i := range 500 {
		who := netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 7)})
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%11)*time.Millisecond)
			defer cancel()
			if q.Take(ctx, who) != nil {
				return
			}
			mu.Lock()
			inside++
			served++
			most = max(most, inside)
			mu.Unlock()
			mu.Lock()
			inside--
			mu.Unlock()
			q.Done()
		})
	}
	all.Wait()
	if most > parallel || served == 0 || q.Waiting() != 0 {
		t.Errorf("%d at a time, %d served, %d wait", most, served, q.Waiting())
	}
	for range parallel {
		if err := q.Take(t.Context(), home); err != nil {
			t.Fatal("a turn was lost")
		}
	}
}

func TestSubscriber(t *testing.T) {
	for from, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1",
		"2001:db8::1:2": "2001:db8::", "2001:db8:0:1::2": "2001:db8:0:1::", "fe80::1%eth0": "fe80::",
	} {
		if turns.SubscriberOf(netip.MustParseAddr(from)) != turns.SubscriberOf(netip.MustParseAddr(want)) {
			t.Errorf("%s does not count as %s", from, want)
		}
	}
	different := make(map[turns.Subscriber]string)
	for _, from := range []string{"192.0.2.1", "192.0.2.2", "0.0.0.1", "2001:db8::1", "2001:db8:0:1::1", "fe80::1"} {
		sub := turns.SubscriberOf(netip.MustParseAddr(from))
		if other, found := different[sub]; found || sub == turns.SubscriberOf(netip.Addr{}) {
			t.Errorf("%s counts as %s", from, other)
		}
		different[sub] = from
	}
}
