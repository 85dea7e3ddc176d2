package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"monarch/internal/process"
	"monarch/internal/torture"
)

type crashCmd struct {
	common
	Kills  int `help:"How often the server is killed." default:"500"`
	People int `help:"How many people change their lists." default:"16"`
}

// Help gives the example.
func (*crashCmd) Help() string { return "torture crash --kills 50 --json crash.json" }

// Run kills the server.
func (c *crashCmd) Run(ctx context.Context, a *app) error {
	cfg, err := c.config(a)
	if err != nil {
		return err
	}
	report, err := torture.Crash(ctx, cfg, torture.CrashCase{Kills: c.Kills, People: c.People})
	return c.tell(a, report, err)
}

type diskCmd struct {
	common
	Failures int `help:"How often the disk fails." default:"80"`
	People   int `help:"How many people change their lists." default:"12"`
}

// Help gives the example.
func (*diskCmd) Help() string { return "torture disk --failures 16" }

// Run lets the disk fail.
func (c *diskCmd) Run(ctx context.Context, a *app) error {
	cfg, err := c.config(a)
	if err != nil {
		return err
	}
	report, err := torture.Disk(ctx, cfg, torture.DiskCase{Failures: c.Failures, People: c.People})
	return c.tell(a, report, err)
}

type confinedCmd struct {
	Program []string `arg:"" passthrough:""`
}

// Run becomes the server.
func (c *confinedCmd) Run() error { return torture.Confined(c.Program) }

type overloadCmd struct {
	common
	Times   float64       `help:"How many times as many people sign in as the server can let in." default:"3"`
	Length  time.Duration `help:"How long each phase lasts: before, in, and after the overload." default:"60s"`
	Pairs   int           `help:"How many pairs of people chat meanwhile." default:"4"`
	Slowest time.Duration `help:"How long 99 of 100 of their messages may take." default:"1s"`
	Least   float64       `help:"The part of what the server did before the overload that it must do afterwards." default:"0.5"`
	Queue   int           `help:"limits.hash_queue of the server. Default: the server's own." placeholder:"N"`
}

// Help gives the example.
func (*overloadCmd) Help() string { return "torture overload --length 10s" }

// Run overloads the server.
func (c *overloadCmd) Run(ctx context.Context, a *app) error {
	cfg, err := c.config(a)
	if err != nil {
		return err
	}
	report, err := torture.Overload(ctx, cfg, torture.OverloadCase{
		Times: c.Times, Length: c.Length, Pairs: c.Pairs, Slowest: c.Slowest, Least: c.Least, Queue: c.Queue,
	})
	return c.tell(a, report, err)
}

type readersCmd struct {
	common
	Slow     int           `help:"How many people stop reading, in a conversation and on the notification server." default:"40"`
	Length   time.Duration `help:"How long others go on at least." default:"30s"`
	Vanished int           `help:"How many people's machines vanish. This takes a network of our own, for which this must be root or user namespaces be allowed." default:"100"`
	Alone    bool          `hidden:"" help:"There is such a network."`
}

// Help gives the example.
func (*readersCmd) Help() string { return "torture readers --slow 8 --length 5s" }

// Run stops reading, in a network of its own if it is to break.
func (c *readersCmd) Run(ctx context.Context, a *app) error {
	cfg, err := c.config(a)
	if err != nil {
		return err
	}
	if c.Vanished > 0 && !c.Alone {
		return c.runAlone(ctx, a, cfg)
	}
	if c.Alone {
		if err := process.Loopback(true); err != nil {
			return err
		}
	}
	report, err := torture.Readers(ctx, cfg, torture.ReadersCase{Slow: c.Slow, Length: c.Length, Vanished: c.Vanished})
	return c.tell(a, report, err)
}

// runAlone runs the same in a process that has a network of its own.
func (c *readersCmd) runAlone(ctx context.Context, a *app, cfg torture.Config) error {
	cmd := exec.CommandContext(ctx, cfg.Self, "readers", "--alone", "--monarch="+cfg.Monarch, "--data="+c.Data,
		fmt.Sprint("--seed=", cfg.Seed), "--json="+c.JSON, fmt.Sprint("--slow=", c.Slow), fmt.Sprint("--length=", c.Length),
		fmt.Sprint("--vanished=", c.Vanished))
	cmd.Stdout, cmd.Stderr = a.stdout, a.stderr
	process.Alone(cmd)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("in a network of its own (--vanished=0 does without): %w", err)
	}
	return nil
}
