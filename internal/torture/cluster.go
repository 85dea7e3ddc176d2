package torture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"monarch/internal/fleet"
)

// ClusterCase says what is done to several nodes, and for how long.
type ClusterCase struct {
	Scenarios []string      // names of [Scenarios]; none: all that can be
	Nodes     int           // at least two
	People    int           // who are signed in and know each other
	Changers  int           // who change their lists meanwhile
	Rounds    int           // how often each thing is done
	Length    time.Duration // how long people chat while nodes are restarted, at least
	Within    time.Duration // in which everything must be right again, and everybody be able to sign in
	Grace     bool          // wait until what is lost is given up, and a minute more
	Old       string        // the server's binary of an earlier release; "": there is none
}

// scenario is something that happens to a cluster.
type scenario struct {
	name     string
	external bool // nodes meet at a NATS server
	do       func(*nation, context.Context) error
}

var scenarios = []scenario{
	{"kill", false, (*nation).kill},
	{"partition", false, (*nation).partition},
	{"database", false, (*nation).database},
	{"clock", false, (*nation).clock},
	{"rolling", false, (*nation).rolling},
	{"upgrade", false, (*nation).upgrade},
	{"nats", true, (*nation).restartNATS},
	{"slow", true, (*nation).slowNATS},
}

// Scenarios are the names of what may be done.
func Scenarios() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

// Cluster runs nodes on machines of their own, and kills them, cuts the network between them, takes
// the database and NATS away and sets a clock wrong, while people are signed in on all of them. It must
// be root.
func Cluster(ctx context.Context, cfg Config, c ClusterCase) (Report, error) {
	r, end, err := begin(ctx, cfg, "cluster")
	if err != nil {
		return Report{}, err
	}
	return end(r.cluster(ctx, c))
}

// chosen are the scenarios that are to be.
func (c ClusterCase) chosen() (some []scenario) {
	for _, s := range scenarios {
		if len(c.Scenarios) == 0 && (s.name != "upgrade" || c.Old != "") || slices.Contains(c.Scenarios, s.name) {
			some = append(some, s)
		}
	}
	return some
}

func (r *run) cluster(ctx context.Context, c ClusterCase) error {
	for _, external := range []bool{false, true} {
		some := slices.DeleteFunc(c.chosen(), func(s scenario) bool { return s.external != external })
		if len(some) == 0 || r.hopeless() {
			continue
		}
		n, err := r.newNation(ctx, c, external)
		if err != nil {
			return err
		}
		for _, s := range some {
			if err = n.suffer(ctx, s); err != nil || r.hopeless() {
				break
			}
		}
		if err = errors.Join(err, n.close()); err != nil {
			return err
		}
	}
	return nil
}

// suffer has a scenario happen.
func (n *nation) suffer(ctx context.Context, s scenario) error {
	n.say("%s", s.name)
	n.scenario = s.name
	err := s.do(n, ctx)
	n.conclude()
	if err != nil {
		return err
	}
	return n.rest(ctx)
}

// nation is the people of a service that has several nodes.
type nation struct {
	*run
	ClusterCase
	fleet    *fleet.Fleet
	external bool
	scenario string      // what happens
	apart    bool        // nodes do not hear each other
	ended    func() bool // whoever waits has had enough, and what fails now says nothing
	people   []*citizen
	world    *world   // those who change their lists
	times    []timing // of this scenario; mu guards it
}

// newNation makes a service of several nodes, with accounts: citizens who all know each other, and
// others who change their lists.
func (r *run) newNation(ctx context.Context, c ClusterCase, external bool) (*nation, error) {
	f, err := fleet.New(fleet.Config{
		Monarch: r.Monarch, Dir: r.dir, Nodes: c.Nodes, External: external, Settings: map[string]string{"web.listen": "off"},
	})
	if err != nil {
		return nil, err
	}
	n := &nation{run: r, ClusterCase: c, fleet: f, external: external, world: &world{run: r, tolerated: func(error) bool { return false }}}
	for k := range c.People {
		n.people = append(n.people, &citizen{nation: n, handle: handleOf(k)})
	}
	if err = r.crowd(ctx, f.URL, c.People, 0, c.Changers); err == nil {
		err = f.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	n.addChangers(c.People, c.Changers)
	n.ended = func() bool { return ctx.Err() != nil }
	return n, nil
}

// close signs everybody out and ends the service.
func (n *nation) close() error {
	n.partAll()
	n.world.leaveAll()
	var errs []error
	for _, node := range n.fleet.Nodes {
		if err := node.Stop(); err != nil {
			n.fault("%s: %v", node.Name, err)
		}
	}
	return errors.Join(append(errs, n.fleet.Close())...)
}

// rest signs everybody out, starts what does not run and looks at the database.
func (n *nation) rest(ctx context.Context) error {
	n.partAll()
	n.world.leaveAll()
	if err := n.fleet.Start(ctx); err != nil {
		return err
	}
	n.examineAt(ctx, n.fleet.URL)
	return context.Cause(ctx)
}

func (n *nation) partAll() {
	for _, c := range n.people {
		c.part()
	}
}

// node is one of them, whatever the number.
func (n *nation) node(k int) *fleet.Node { return n.fleet.Nodes[k%len(n.fleet.Nodes)] }

// number is that of a node.
func (n *nation) number(node *fleet.Node) int { return slices.Index(n.fleet.Nodes, node) }

// serverOf is a node for what knows a single server only.
func serverOf(node *fleet.Node) *server {
	return &server{Process: node.Process(), dir: node.Dir, addrs: node.Addrs()}
}

// tellOf puts a figure of the scenario into the report.
func (n *nation) tellOf(name string, value float64, unit string) {
	n.figure(n.scenario+": "+name, value, unit)
}

// tellCounts puts counts of the scenario into the report, and begins to count anew.
func (n *nation) tellCounts(names ...string) {
	for _, name := range names {
		n.tellOf(name, float64(n.counted(name)), "")
		n.count(name, -n.counted(name))
	}
}

// took notes how long something took. What is usual is told, and the longest.
func (n *nation) took(what string, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.times, func(t timing) bool { return t.what == what })
	if i < 0 {
		n.times = append(n.times, timing{what: what})
		i = len(n.times) - 1
	}
	n.times[i].all = append(n.times[i].all, d.Seconds())
}

// timing is how long something took, each time.
type timing struct {
	what string
	all  []float64
}

// conclude tells what was noted.
func (n *nation) conclude() {
	for _, t := range n.times {
		slices.Sort(t.all)
		n.tellOf(t.what, t.all[len(t.all)-1], "s")
		if len(t.all) > 2 {
			n.tellOf(fmt.Sprintf("  the median of %d", len(t.all)), t.all[len(t.all)/2], "s")
		}
	}
	n.times = nil
	n.tellCounts(comparisons, statusChanges, texts, secondCalls, displacements)
}

// complain notes a fault of the scenario.
func (n *nation) complain(format string, args ...any) {
	if !n.ended() {
		n.fault("%s: %s", n.scenario, fmt.Sprintf(format, args...))
	}
}
