package torture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/fleet"
	"monarch/msnclient"
	"monarch/msnp"
)

// balancer leads clients to nodes that run, as a load balancer in front of them does.
type balancer struct {
	nation *nation
	next   atomic.Uint64
	closed []atomic.Bool // of each node: no new connections are led there
}

// service is the name under which clients look for it.
const service = "messenger.example.com"

// dial connects with the service, or where else a client was told to go.
func (b *balancer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host != service {
		return d.DialContext(ctx, network, addr)
	}
	failed := errors.New("no node is open")
	for range b.nation.Nodes {
		k := int(b.next.Add(1) % uint64(b.nation.Nodes))
		if b.closed[k].Load() {
			continue
		}
		c, err := d.DialContext(ctx, network, net.JoinHostPort(b.nation.node(k).Machine.Addr, port))
		if err == nil {
			return c, nil
		}
		failed = err
	}
	return nil, failed
}

// lead makes a client use the balancer, and come back when it loses its connection.
func (b *balancer) lead(node *fleet.Node) func(*msnclient.Config) {
	first := true
	_, ns, _ := net.SplitHostPort(node.Addr("notification"))
	_, https, _ := net.SplitHostPort(node.Addr("https"))
	return func(cfg *msnclient.Config) {
		cfg.Reconnect = true
		cfg.Server, cfg.Login = net.JoinHostPort(service, ns), "https://"+net.JoinHostPort(service, https)+"/login2.srf"
		cfg.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(addr); first && err == nil && host == service && port == ns {
				first = false // the place that it is given to begin with
				addr = node.Addr("notification")
			}
			return b.dial(ctx, network, addr)
		}
	}
}

// chatter says one thing after the other to somebody.
type chatter struct {
	from, to *citizen
	said     []string
	acked    []bool
	slowest  time.Duration // from one acknowledgement to the next
}

// rolling stops and starts one node after the other, while people chat who come back as clients do.
func (n *nation) rolling(ctx context.Context) error {
	b := &balancer{nation: n, closed: make([]atomic.Bool, n.Nodes)}
	for k, c := range n.people {
		if err := c.signIn(ctx, n.node(k), b.lead(n.node(k))); err != nil {
			return fmt.Errorf("%s cannot sign in at the beginning: %w", c.handle, err)
		}
	}
	n.agree(ctx, "when everybody has signed in", n.Within)
	for _, c := range n.people {
		c.forget()
	}
	var all sync.WaitGroup
	talking, stop := context.WithCancel(ctx)
	defer stop()
	var chatters []*chatter
	for k, c := range n.people {
		ch := &chatter{from: c, to: n.people[(k+1)%len(n.people)]}
		chatters = append(chatters, ch)
		all.Go(func() { ch.talk(talking, k) })
	}
	began := time.Now()
	var err error
	for restarts := 0; err == nil && ctx.Err() == nil && (restarts < n.Rounds*n.Nodes || time.Since(began) < n.Length); restarts++ {
		err = n.roll(ctx, b, restarts)
	}
	stop()
	all.Wait()
	if err != nil {
		return err
	}
	n.backAll(ctx)
	n.compareChats(ctx, chatters)
	n.ghosts(ctx, "after the restarts")
	n.nobodyLeft(n.people)
	return nil
}

// roll restarts one node, as an upgrade does.
func (n *nation) roll(ctx context.Context, b *balancer, k int) error {
	k %= n.Nodes
	node := n.node(k)
	wait(ctx, time.Second)
	b.closed[k].Store(true)
	if n.random.IntN(2) == 0 {
		n.drain(ctx, node)
	}
	stopped := time.Now()
	if err := node.Stop(); err != nil {
		n.complain("stop %s: %v", node.Name, err)
	}
	n.took("longest stop of a node", time.Since(stopped))
	if err := node.Start(ctx); err != nil {
		return err
	}
	b.closed[k].Store(false)
	n.backAll(ctx)
	n.took("from the stop of a node until all its people are back and seen", time.Since(stopped))
	n.count(restarts, 1)
	return nil
}

// drain has a node's people go to the others, and waits until they and their conversations have gone.
func (n *nation) drain(ctx context.Context, node *fleet.Node) {
	began := time.Now()
	cmd := exec.CommandContext(ctx, n.Monarch, "--data", node.Dir, "drain", node.Name)
	if said, err := cmd.CombinedOutput(); err != nil {
		n.complain("drain %s: %v: %s", node.Name, err, said)
		return
	}
	empty := func(what string) func() bool {
		return func() bool {
			v, err := serverOf(node).metric(ctx, what+" ")
			return err == nil && v == 0
		}
	}
	if !await(ctx, empty("monarch_sessions")) {
		n.complain("%s was drained, and people are still there", node.Name)
	}
	n.took("from drain until nobody is signed in there", time.Since(began))
	if !await(ctx, empty("monarch_switchboard_participants")) {
		n.complain("%s was drained, and conversations go on there", node.Name)
	}
	n.took("from drain until all conversations have ended", time.Since(began))
	n.count(drained, 1)
}

// backAll waits until everybody is signed in and seen.
func (n *nation) backAll(ctx context.Context) {
	if !await(ctx, func() bool {
		for _, c := range n.people {
			if c.status() == msnp.Offline {
				return false
			}
		}
		return true
	}) {
		for _, c := range n.people {
			if c.status() == msnp.Offline {
				n.complain("%s does not come back: %v", c.handle, c.reason())
			}
		}
	}
	n.agree(ctx, "when everybody is back", n.Within)
}

// longChat is how many texts a conversation has.
const longChat = 100

// talk says things until ctx ends.
func (c *chatter) talk(ctx context.Context, number int) {
	last := time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		text := fmt.Sprintf("rolling %d.%d", number, i)
		asked, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		chat, err := c.from.seat.client.Send(asked, c.to.handle, msnclient.Text{Body: text})
		cancel()
		if i%longChat == longChat-1 && chat != nil {
			chat.Close() // another conversation begins, perhaps at another node
		}
		c.said, c.acked = append(c.said, text), append(c.acked, err == nil)
		pause := 20 * time.Millisecond
		if err == nil {
			c.slowest = max(c.slowest, time.Since(last))
			last = time.Now()
		} else {
			pause = 200 * time.Millisecond
		}
		wait(ctx, pause)
	}
}

// compareChats looks whether everything arrived that was acknowledged, and nothing twice.
func (n *nation) compareChats(ctx context.Context, chatters []*chatter) {
	for _, c := range chatters {
		n.took("longest time that somebody could say nothing", c.slowest)
		for i, text := range c.said {
			if !c.acked[i] {
				n.count(notAcked, 1)
			} else {
				n.count(acked, 1)
				short, cancel := context.WithTimeout(ctx, n.Within)
				if !await(short, func() bool { return c.to.times(text) > 0 }) {
					n.count(lost, 1)
					n.complain("%s said %q to %s, which was acknowledged and has not arrived", c.from.handle, text, c.to.handle)
				}
				cancel()
			}
			if c.to.times(text) > 1 {
				n.count(twice, 1)
				n.complain("%s said %q to %s, which arrived %d times", c.from.handle, text, c.to.handle, c.to.times(text))
			}
		}
	}
	n.tellCounts(restarts, drained, acked, notAcked, lost, twice)
}

// What is counted of chats while nodes are restarted.
const (
	restarts = "restarts of a node"
	drained  = "  after a drain"
	acked    = "texts acknowledged"
	notAcked = "texts not acknowledged, which people see"
	lost     = "texts acknowledged and lost"
	twice    = "texts that arrived twice"
)
