package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"monarch/internal/command"
	"monarch/internal/fleet"
	"monarch/internal/torture"
)

type clusterCmd struct {
	common
	Scenarios []string      `arg:"" optional:"" help:"What to do: kill, partition, database, clock, rolling, upgrade, nats or slow. Default: all of it." name:"scenario"`
	Nodes     int           `help:"How many nodes there are, each on a machine of its own. This must be root." default:"3"`
	People    int           `help:"How many people are signed in and know each other." default:"30"`
	Changers  int           `help:"How many people change their lists while nodes are killed." default:"9"`
	Rounds    int           `help:"How often each thing is done." default:"5"`
	Length    time.Duration `help:"How long people chat while nodes are restarted." default:"3m"`
	Within    time.Duration `help:"How long it may take until everybody sees again what is, or can sign in." default:"15s"`
	Grace     bool          `help:"Wait until a node that is lost is given up, and a minute more." default:"true" negatable:""`
	Old       string        `help:"The server's binary of an earlier release, for upgrade." placeholder:"FILE"`
}

// Help gives the example.
func (*clusterCmd) Help() string { return "torture cluster kill partition --no-grace --rounds 1" }

// Run tortures a cluster.
func (c *clusterCmd) Run(ctx context.Context, a *app) error {
	for _, s := range c.Scenarios {
		if names := torture.Scenarios(); !slices.Contains(names, s) {
			return command.UsageError(fmt.Sprintf("there is no scenario %q; choose of %s", s, strings.Join(names, ", ")))
		}
	}
	if slices.Contains(c.Scenarios, "upgrade") && c.Old == "" {
		return command.UsageError("upgrade needs the server's binary of an earlier release; name it with --old")
	}
	cfg, err := c.config(a)
	if err != nil {
		return err
	}
	report, err := torture.Cluster(ctx, cfg, torture.ClusterCase{
		Scenarios: c.Scenarios, Nodes: c.Nodes, People: c.People, Changers: c.Changers, Rounds: c.Rounds, Length: c.Length,
		Within: c.Within, Grace: c.Grace, Old: c.Old,
	})
	return c.tell(a, report, err)
}

type astrayCmd struct {
	By time.Duration
}

// Run serves with a clock that is wrong.
func (c *astrayCmd) Run(ctx context.Context, a *app) error {
	return fleet.ServeAstray(ctx, c.By, a.stdout, a.stderr)
}
