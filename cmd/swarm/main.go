// Command swarm loads a Monarch server with people and tells what each of them costs it, in
// processor time and memory, beside a bare baseline.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"monarch/internal/figures"
	"monarch/internal/swarm"
)

// Exit codes.
const (
	exitDone  = 0
	exitFault = 1 // something was lost, or the measurement could not be made
	exitUsage = 2
)

// commands is the grammar of the command line.
type commands struct {
	Relay  relayCmd  `cmd:"" help:"What a message on a switchboard costs."`
	Fanout fanoutCmd `cmd:"" help:"What it costs to tell people of a change of status."`
	Signin signinCmd `cmd:"" help:"What a sign-in costs."`
	Idle   idleCmd   `cmd:"" help:"How much memory people take who do nothing."`
	Soak   soakCmd   `cmd:"" help:"Whether anything gets lost when people do everything at once."`
	Plot   plotCmd   `cmd:"" help:"Draw what was measured and saved."`

	Bare  bareCmd  `cmd:"" hidden:"" help:"Be the baseline."`
	Drive driveCmd `cmd:"" hidden:"" help:"Be a driver."`
}

// app is what commands work with.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], &app{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run runs one command and returns the exit code of the process.
func run(ctx context.Context, args []string, a *app) int {
	var cmds commands
	left := false // --help has been answered
	parser, err := kong.New(&cmds,
		kong.Name("swarm"),
		kong.Description("Swarm loads a Monarch server with people and tells what they cost it.\n\n"+
			"Try it: make swarm && bin/swarm relay"),
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
		return a.fail(fmt.Errorf("%w\nRun \"swarm --help\" or \"swarm COMMAND --help\" to see what there is", err), exitUsage)
	}
	if err := parsed.Run(a); err != nil {
		return a.fail(err, exitFault)
	}
	return exitDone
}

func (a *app) fail(err error, code int) int {
	fmt.Fprintf(a.stderr, "swarm: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n       "))
	return code
}

// common are the flags that all works have.
type common struct {
	Monarch string   `help:"The server's binary. Default: monarch beside this program, or bin/monarch." placeholder:"FILE"`
	Data    string   `help:"Keep the accounts in this directory and use them again. Default: they are made anew." placeholder:"DIR"`
	Engines []string `help:"Engines of the server to measure, separated by commas; \"default\" is what it chooses itself. Default: epoll,portable; for a soak epoll." placeholder:"ENGINE"`
	JSON    string   `name:"json" help:"Save everything that was measured to this file." placeholder:"FILE"`
}

// turns are the flags of works that are done in turns.
type turns struct {
	Turns   int    `help:"How many turns each case has. The result is their median." default:"5"`
	Profile string `help:"Save CPU profiles of the server, of one more turn, in this directory." placeholder:"DIR"`
}

// timed is the flag of works whose turns are so long.
type timed struct {
	Seconds float64 `help:"How long a turn lasts." default:"3"`
}

// config is what the flags say. They may leave the choice of engines open.
func (c common) config(a *app, engines ...string) (swarm.Config, error) {
	self, err := os.Executable()
	if err != nil {
		return swarm.Config{}, fmt.Errorf("find this program: %w", err)
	}
	monarch, err := findMonarch(c.Monarch, self)
	if len(c.Engines) > 0 {
		engines = c.Engines
	}
	return swarm.Config{Monarch: monarch, Self: self, Data: c.Data, Engines: engines, Progress: a.stderr}, err
}

// length is how long a turn lasts.
func (t timed) length() time.Duration { return time.Duration(t.Seconds * float64(time.Second)) }

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
	return "", fmt.Errorf("there is no server at %s\nBuild it with \"make swarm\", or name it with --monarch", strings.Join(places, " or "))
}

// tell prints and saves a report, also one that an error cut short, and gives the verdict.
func (c common) tell(a *app, report figures.Report, err error) error {
	if len(report.Results) > 0 {
		err = errors.Join(err, report.Table(a.stdout), swarm.Verdict(report.Results))
	}
	if c.JSON != "" {
		err = errors.Join(err, report.Save(c.JSON))
	}
	return err
}
