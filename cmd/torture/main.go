// Command torture does to a Monarch server what the world does to servers, kills it, takes its
// disk away, asks more of it than it can do, stops reading from it, and tells whether it kept
// its promises.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"monarch/internal/torture"
)

// Exit codes.
const (
	exitDone  = 0
	exitFault = 1 // a promise was not kept, or that could not be found out
	exitUsage = 2
)

// commands is the grammar of the command line.
type commands struct {
	Crash    crashCmd    `cmd:"" help:"Kill the server while people change their lists: is anything lost that was acknowledged?"`
	Disk     diskCmd     `cmd:"" help:"Let the server's disk fail: are people told the truth, and does it recover?"`
	Overload overloadCmd `cmd:"" help:"Sign in more people than the server can: do the others notice?"`
	Readers  readersCmd  `cmd:"" help:"Stop reading, and vanish: is the server rid of it, and do the others notice?"`

	Confined confinedCmd `cmd:"" hidden:"" help:"Be a server whose disk is asked about."`
}

// app is what commands work with.
type app struct {
	stdout, stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], &app{os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run runs one command and returns the exit code of the process.
func run(ctx context.Context, args []string, a *app) int {
	var cmds commands
	left := false // --help has been answered
	parser, err := kong.New(&cmds,
		kong.Name("torture"),
		kong.Description("Torture does to a Monarch server what the world does to servers, and tells whether it kept its promises.\n\n"+
			"Try it: make build && go run ./cmd/torture crash --kills 20"),
		kong.Writers(a.stdout, a.stderr),
		kong.Exit(func(int) { left = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 92}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return a.fail(err, exitFault)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	switch {
	case left:
		return exitDone
	case err != nil:
		return a.fail(fmt.Errorf("%w\nRun \"torture --help\" or \"torture COMMAND --help\" to see what there is", err), exitUsage)
	}
	if err := parsed.Run(a); err != nil {
		return a.fail(err, exitFault)
	}
	return exitDone
}

func (a *app) fail(err error, code int) int {
	fmt.Fprintf(a.stderr, "torture: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n         "))
	return code
}

// common are the flags that all works have.
type common struct {
	Monarch string `help:"The server's binary. Default: monarch beside this program, or bin/monarch." placeholder:"FILE"`
	Data    string `help:"An empty directory for the server's data, which is kept. Default: a new one, kept if there are faults." placeholder:"DIR"`
	Seed    uint64 `help:"Choose as a run with this seed did. Default: a new one, which the report tells." placeholder:"N"`
	JSON    string `name:"json" help:"Save the report to this file." placeholder:"FILE"`
}

// config is what the flags say.
func (c common) config(a *app) (torture.Config, error) {
	self, err := os.Executable()
	if err != nil {
		return torture.Config{}, fmt.Errorf("find this program: %w", err)
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64N(1e9) + 1
	}
	monarch, err := findMonarch(c.Monarch, self)
	return torture.Config{Monarch: monarch, Self: self, Data: c.Data, Seed: c.Seed, Progress: a.stderr}, err
}

// findMonarch returns the path of the server's binary.
func findMonarch(named, self string) (string, error) {
	places := []string{named}
	if named == "" {
		places = []string{filepath.Join(filepath.Dir(self), "monarch"), filepath.Join("bin", "monarch")}
	}
	for _, file := range places {
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			return filepath.Abs(file)
		}
	}
	return "", fmt.Errorf("there is no server at %s\nBuild it with \"make build\", or name it with --monarch", strings.Join(places, " or "))
}

// tell prints and saves a report, also one that an error cut short, and gives the verdict.
func (c common) tell(a *app, report torture.Report, err error) error {
	if len(report.Figures) > 0 {
		err = errors.Join(err, report.Table(a.stdout), report.Verdict())
	}
	if c.JSON != "" {
		err = errors.Join(err, report.Save(c.JSON))
	}
	return err
}

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
}

// Help gives the example.
func (*overloadCmd) Help() string { return "torture overload --length 10s" }

// Run overloads the server.
func (c *overloadCmd) Run(ctx context.Context, a *app) error {
	cfg, err := c.config(a)
	if err != nil {
		return err
	}
	report, err := torture.Overload(ctx, cfg, torture.OverloadCase{Times: c.Times, Length: c.Length, Pairs: c.Pairs, Slowest: c.Slowest, Least: 0.5})
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
		if err := torture.Connect(); err != nil {
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
	torture.Alone(cmd)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("in a network of its own (--vanished=0 does without): %w", err)
	}
	return nil
}
