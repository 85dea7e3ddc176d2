package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"monarch/internal/bare"
	"monarch/internal/swarm"
)

// eventLoop is the engine that everything should be fast with.
const eventLoop = "epoll"

var bothEngines = []string{eventLoop, "portable"}

type relayCmd struct {
	common
	turns
	timed
	Case []string `help:"A case to measure, like pairs=100,inflight=16,bytes=300,ack=A; may be given several times. Default: all that have goals." placeholder:"CASE" sep:"none"`
}

// Help gives the example.
func (*relayCmd) Help() string {
	return "swarm relay --case pairs=100 --case pairs=100,ack=A --json relay.json"
}

// Run measures the relay.
func (c *relayCmd) Run(ctx context.Context, a *app) error {
	texts := c.Case
	if len(texts) == 0 {
		texts = swarm.DefaultRelay
	}
	var cases []swarm.RelayCase
	for _, text := range texts {
		one, err := swarm.ParseRelayCase(text)
		if err != nil {
			return err
		}
		cases = append(cases, one)
	}
	cfg, err := c.config(a, bothEngines...)
	if err != nil {
		return err
	}
	cfg.Turns, cfg.Turn, cfg.Profile = c.Turns, c.length(), c.Profile
	report, err := swarm.Relay(ctx, cfg, cases)
	return c.tell(a, report, err)
}

type fanoutCmd struct {
	common
	turns
	timed
	Watchers []int `help:"How many people hear of each change; one case each." default:"100,600,10000"`
}

// Help gives the example.
func (*fanoutCmd) Help() string { return "swarm fanout --watchers 100,10000" }

// Run measures the fan-out.
func (c *fanoutCmd) Run(ctx context.Context, a *app) error {
	for _, n := range c.Watchers {
		if n < 1 {
			return fmt.Errorf("%d watchers; at least one is needed", n)
		}
	}
	cfg, err := c.config(a, bothEngines...)
	if err != nil {
		return err
	}
	cfg.Turns, cfg.Turn, cfg.Profile = c.Turns, c.length(), c.Profile
	report, err := swarm.Fanout(ctx, cfg, c.Watchers)
	return c.tell(a, report, err)
}

type signinCmd struct {
	common
	turns
	Accounts int `help:"How many people come and go in a turn." default:"3000"`
	Contacts int `help:"How many contacts each of them has." default:"150"`
	AtATime  int `help:"How many of them at a time." default:"8"`
}

// Help gives the example.
func (*signinCmd) Help() string { return "swarm signin --contacts 600 --profile profiles" }

// Run measures signing in.
func (c *signinCmd) Run(ctx context.Context, a *app) error {
	cfg, err := c.config(a, bothEngines...)
	if err != nil {
		return err
	}
	cfg.Turns, cfg.Profile = c.Turns, c.Profile
	report, err := swarm.Signin(ctx, cfg, swarm.SigninCase{Accounts: c.Accounts, Contacts: c.Contacts, AtATime: c.AtATime})
	return c.tell(a, report, err)
}

type idleCmd struct {
	common
	Turns    int           `help:"How many times memory is read at the end, and the collector measured. The results are the medians." default:"5"`
	Sessions int           `help:"How many people are signed in." default:"15000"`
	Contacts int           `help:"How many contacts each of them has." default:"150"`
	Settle   time.Duration `help:"How long the server may take to give back what the sign-ins took." default:"150s"`
}

// Help gives the example.
func (*idleCmd) Help() string { return "swarm idle --sessions 5000 --settle 60s" }

// Run measures people who do nothing.
func (c *idleCmd) Run(ctx context.Context, a *app) error {
	cfg, err := c.config(a, bothEngines...)
	if err != nil {
		return err
	}
	cfg.Turns = c.Turns
	report, err := swarm.Idle(ctx, cfg, swarm.IdleCase{Sessions: c.Sessions, Contacts: c.Contacts, Settle: c.Settle})
	return c.tell(a, report, err)
}

type clusterCmd struct {
	common
	turns
	timed
	Nodes    []int         `help:"How many nodes there are; one case each, which are compared with the first." default:"1,2,4,8"`
	Sessions int           `help:"How many people are signed in at each node." default:"2000"`
	Contacts int           `help:"How many contacts each of them has, at all nodes." default:"50"`
	Rate     float64       `help:"How many at each node change their status in a second." default:"50"`
	Pairs    int           `help:"How many pairs chat, on one switchboard." default:"100"`
	Settle   time.Duration `help:"How long the servers may take to give back what the sign-ins took." default:"60s"`
	Postgres string        `help:"A database of PostgreSQL with nothing in it, for a single case. Default: PostgreSQL is started, from Debian's package." placeholder:"URL"`
}

// Help gives the example.
func (*clusterCmd) Help() string { return "swarm cluster --nodes 1,3 --sessions 1000 --settle 60s" }

// Run measures people at several nodes.
func (c *clusterCmd) Run(ctx context.Context, a *app) error {
	var cases []swarm.ClusterCase
	for _, n := range c.Nodes {
		if n < 1 {
			return fmt.Errorf("%d nodes; at least one is needed", n)
		}
		cases = append(cases, swarm.ClusterCase{
			Nodes: n, Sessions: c.Sessions, Contacts: c.Contacts, Rate: c.Rate, Pairs: c.Pairs, Settle: c.Settle, Postgres: c.Postgres,
		})
	}
	if c.Postgres != "" && len(cases) != 1 {
		return errors.New("each case needs a database with nothing in it: leave out --postgres, or name one number of --nodes")
	}
	cfg, err := c.config(a, swarm.DefaultEngine)
	if err != nil {
		return err
	}
	cfg.Turns, cfg.Turn, cfg.Profile = c.Turns, c.length(), c.Profile
	report, err := swarm.Cluster(ctx, cfg, cases)
	return c.tell(a, report, err)
}

type soakCmd struct {
	common
	People   int           `help:"How many people there are." default:"5000"`
	Contacts int           `help:"How many contacts each of them has." default:"50"`
	Minutes  float64       `help:"How long they live with the server." default:"30"`
	Pace     time.Duration `help:"How long somebody does nothing between two things, on average." default:"8s"`
	Nodes    int           `help:"How many nodes there are; for several, PostgreSQL is started, from Debian's package." default:"1"`
	Roll     time.Duration `help:"How often one of several nodes is drained, stopped and started again, in turn; 0s: never." default:"1m"`
}

// Help gives the example.
func (*soakCmd) Help() string {
	return "swarm soak --people 500 --minutes 5 --json soak.json\nswarm soak --people 500 --minutes 5 --nodes 3 --roll 1m"
}

// Run has people do everything.
func (c *soakCmd) Run(ctx context.Context, a *app) error {
	switch {
	case c.Nodes < 1:
		return fmt.Errorf("%d nodes; at least one is needed", c.Nodes)
	case c.Roll < 0:
		return fmt.Errorf("a restart every %s; write it like 1m", c.Roll)
	}
	cfg, err := c.config(a, eventLoop)
	if err != nil {
		return err
	}
	report, err := swarm.Soak(ctx, cfg, swarm.SoakCase{
		People: c.People, Contacts: c.Contacts, Pace: c.Pace, Nodes: c.Nodes, Roll: c.Roll,
		Length: time.Duration(c.Minutes * float64(time.Minute)),
	})
	return c.tell(a, report, err)
}

type bareCmd struct{}

// Run is the baseline: it says where it listens and relays until it is told to stop.
func (*bareCmd) Run(ctx context.Context, a *app) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, l.Addr())
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return errors.New("the listener is none of TCP")
	}
	return bare.Serve(ctx, tcp)
}

type driveCmd struct{}

// Run is a driver, for the swarm that started this process.
func (*driveCmd) Run(ctx context.Context, a *app) error {
	return swarm.Drive(ctx, a.stdin, a.stdout, a.stderr)
}
