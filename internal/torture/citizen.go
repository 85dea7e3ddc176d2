package torture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"monarch/internal/fleet"
	"monarch/msnclient"
	"monarch/msnp"
)

// citizen is somebody who knows all the others, and is signed in at a node or not.
type citizen struct {
	nation *nation
	handle string

	// Touched by one goroutine at a time.
	seat   *seat   // nil: not signed in
	former []*seat // where he was before, and somebody else has his place

	mu    sync.Mutex     // leaf
	gone  map[string]int // how often others were seen to leave
	heard map[string]int // how often each text came
}

// seat is one sign-in.
type seat struct {
	client *msnclient.Client
	node   *fleet.Node
	over   chan struct{} // closed when the client has ended
	why    error         // set before
}

// isOver reports whether the client has ended.
func (s *seat) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// signIn signs in at a node. change is for the client's configuration, or nil.
func (c *citizen) signIn(ctx context.Context, node *fleet.Node, change func(*msnclient.Config)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := msnclient.Dial(ctx, serverOf(node).client(c.handle, everybodysPassword, func(cfg *msnclient.Config) {
		if change != nil {
			change(cfg)
		}
	}))
	if err != nil {
		return err
	}
	c.seat = &seat{client: client, node: node, over: make(chan struct{})}
	go c.listen(c.seat)
	c.nation.count(signIns, 1)
	return nil
}

// listen takes note of what a client sees.
func (c *citizen) listen(s *seat) {
	defer close(s.over)
	for ev := range s.client.Events() {
		switch ev := ev.(type) {
		case msnclient.PresenceChanged:
			if ev.Status == msnp.Offline {
				c.note(&c.gone, ev.Handle)
			}
		case msnclient.TextReceived:
			c.note(&c.heard, ev.Text.Body)
		case msnclient.Closed:
			s.why = ev.Err
		}
	}
}

func (c *citizen) note(m *map[string]int, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *m == nil {
		*m = make(map[string]int)
	}
	(*m)[what]++
}

// times is how often he heard a text.
func (c *citizen) times(text string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard[text]
}

// departures is how often he saw somebody leave since the last forget.
func (c *citizen) departures(handle string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone[handle]
}

// pardon forgets that somebody left, who may.
func (c *citizen) pardon(handle string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.gone, handle)
}

func (c *citizen) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = nil
}

// status is the truth about him.
func (c *citizen) status() msnp.Status {
	if c.seat == nil || c.seat.isOver() {
		return msnp.Offline
	}
	return c.seat.client.Self().Status
}

// reason says why he is not signed in, or on his way.
func (c *citizen) reason() error {
	switch {
	case c.seat == nil:
		return errors.New("he signed out")
	case !c.seat.isOver():
		return errors.New("his client still tries")
	}
	return c.seat.why
}

// leave signs out, if he is signed in.
func (c *citizen) leave() {
	if c.seat != nil {
		c.seat.client.Close()
		<-c.seat.over
		c.seat = nil
	}
}

// part signs out everywhere.
func (c *citizen) part() {
	c.leave()
	for _, s := range c.former {
		s.client.Close()
		<-s.over
	}
	c.former = nil
}

// move signs in at another node while he is signed in.
func (c *citizen) move(ctx context.Context, node *fleet.Node) error {
	was := c.seat
	if err := c.signIn(ctx, node, nil); err != nil {
		return err
	}
	if was != nil {
		c.former = append(c.former, was)
	}
	return nil
}

// say sends a text to somebody and waits until he has it. The error says which of it failed.
func (c *citizen) say(ctx context.Context, to *citizen, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := c.seat.client.Send(ctx, to.handle, msnclient.Text{Body: text}); err != nil {
		return err
	}
	if !await(ctx, func() bool { return to.times(text) > 0 }) {
		return errors.New("it was acknowledged and did not arrive")
	}
	return nil
}

// each does something for some people at the same time, a few at once.
func each(people []*citizen, do func(c *citizen)) {
	turn := make(chan struct{}, signInsAtATime)
	var all sync.WaitGroup
	for _, c := range people {
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			do(c)
		})
	}
	all.Wait()
}

// spread signs everybody in, each at the next node, and waits until all see all.
func (n *nation) spread(ctx context.Context) error {
	var mu sync.Mutex
	var errs []error
	each(n.people, func(c *citizen) {
		if err := c.signIn(ctx, n.node(slices.Index(n.people, c)), nil); err != nil {
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, fmt.Errorf("%s cannot sign in at the beginning: %w", c.handle, err))
		}
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	n.agree(ctx, "when everybody has signed in", n.Within)
	return nil
}

// at are those who are signed in at a node.
func (n *nation) at(node *fleet.Node) []*citizen {
	return slices.DeleteFunc(slices.Clone(n.people), func(c *citizen) bool { return c.seat == nil || c.seat.node != node })
}

// wrong tells who sees whom as what he is not, in words.
func (n *nation) wrong() []string {
	truth := make(map[string]msnp.Status)
	for _, c := range n.people {
		truth[c.handle] = c.status()
	}
	var found []string
	for _, c := range n.people {
		if truth[c.handle] == msnp.Offline {
			continue
		}
		for _, seen := range c.seat.client.Roster().Contacts {
			if want := truth[seen.Handle]; seen.Handle != c.handle && seen.Status != want {
				found = append(found, fmt.Sprintf("%s at %s sees %s as %s, who is %s", c.handle, c.seat.node.Name, seen.Handle, seen.Status, want))
			}
		}
	}
	return found
}

// agree waits until everybody sees everybody as he is.
func (n *nation) agree(ctx context.Context, when string, within time.Duration) {
	began := time.Now()
	for {
		wrong := n.wrong()
		switch {
		case len(wrong) == 0:
			n.count(comparisons, 1)
			return
		case time.Since(began) > within:
			n.complain("%s: after %v %d views are wrong: %s", when, within, len(wrong), strings.Join(wrong[:min(len(wrong), 4)], "; "))
			return
		}
		if !wait(ctx, 50*time.Millisecond) {
			return
		}
	}
}

// bustleAbout has some people change their status at random.
func (n *nation) bustleAbout(ctx context.Context, people []*citizen) {
	statuses := []msnp.Status{msnp.Online, msnp.Busy, msnp.Away, msnp.Phone, msnp.BRB, msnp.Lunch}
	for _, c := range people {
		if c.status() == msnp.Offline {
			continue
		}
		asked, cancel := context.WithTimeout(ctx, patience)
		if err := c.seat.client.SetStatus(asked, statuses[n.random.IntN(len(statuses))]); err != nil {
			n.complain("%s at %s cannot change his status: %v", c.handle, c.seat.node.Name, err)
		}
		cancel()
		n.count(statusChanges, 1)
	}
}

// chatAt has people of a node talk with each other.
func (n *nation) chatAt(ctx context.Context, when string, people []*citizen) {
	for i := 0; i+1 < len(people); i += 2 {
		n.chat(ctx, when, people[i], people[i+1])
	}
}

// chat has somebody say something to somebody else. While nodes are cut off from each other without
// knowing it yet, a conversation may be sent where the other cannot be called; he tries again.
func (n *nation) chat(ctx context.Context, when string, a, b *citizen) {
	began := time.Now()
	for {
		text := fmt.Sprint("text ", n.counted(texts))
		n.count(texts, 1)
		err := a.say(ctx, b, text)
		if err == nil {
			break
		}
		if !n.apart || time.Since(began) > n.Within {
			n.complain("%s: %s at %s says something to %s at %s: %v", when, a.handle, a.seat.node.Name, b.handle, b.seat.node.Name, err)
			return
		}
		n.count(secondCalls, 1)
	}
	if n.apart {
		n.took("from wishing to talk, with nodes apart, until it is heard", time.Since(began))
	}
}

// displaced looks whether the earlier sign-ins of all have ended as they must.
func (n *nation) displaced(ctx context.Context, when string) {
	short, cancel := context.WithTimeout(ctx, n.Within)
	defer cancel()
	for _, c := range n.people {
		for _, s := range c.former {
			select {
			case <-s.over:
				if !errors.Is(s.why, msnclient.ErrElsewhere) {
					n.complain("%s: the earlier sign-in of %s at %s ended with: %v", when, c.handle, s.node.Name, s.why)
				}
			case <-short.Done():
				n.complain("%s: the earlier sign-in of %s at %s goes on beside that at %s", when, c.handle, s.node.Name, c.seat.node.Name)
				s.client.Close()
			}
			n.count(displacements, 1)
		}
		c.former = nil
		if c.seat != nil && c.seat.isOver() {
			n.complain("%s: the latest sign-in of %s, at %s, is over: %v", when, c.handle, c.seat.node.Name, c.seat.why)
			c.leave()
		}
	}
}

// ghosts compares how many the nodes count with how many there are.
func (n *nation) ghosts(ctx context.Context, when string) {
	people := 0
	for _, c := range n.people {
		if c.status() != msnp.Offline {
			people++
		}
	}
	counted := func() (sum int) {
		for _, node := range n.fleet.Nodes {
			if node.Running() {
				v, err := serverOf(node).metric(ctx, "monarch_sessions ")
				if err != nil {
					return -1
				}
				sum += int(v)
			}
		}
		return sum
	}
	if !await(ctx, func() bool { return counted() == people }) {
		n.complain("%s: the nodes count %d sessions of %d people", when, counted(), people)
	}
}

// More that is counted.
const (
	comparisons   = "comparisons of what everybody sees with what is"
	statusChanges = "changes of status"
	texts         = "texts"
	displacements = "sign-ins that a later one displaced"
	secondCalls   = "calls made again, with nodes apart"
)
