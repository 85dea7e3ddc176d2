// Command torture does to a Monarch server what the world does to servers, kills it, takes its
// disk away, asks more of it than it can do, stops reading from it, and tells whether it kept
// its promises; and the same to several that are one service.
package main

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"

	"monarch/internal/command"
	"monarch/internal/process"
	"monarch/internal/torture"
)

// commands is the grammar of the command line.
type commands struct {
	Crash    crashCmd    `cmd:"" help:"Kill the server while people change their lists: is anything lost that was acknowledged?"`
	Disk     diskCmd     `cmd:"" help:"Let the server's disk fail: are people told the truth, and does it recover?"`
	Overload overloadCmd `cmd:"" help:"Sign in more people than the server can: do the others notice?"`
	Readers  readersCmd  `cmd:"" help:"Stop reading, and vanish: is the server rid of it, and do the others notice?"`

	Cluster clusterCmd `cmd:"" help:"Kill nodes of several, cut the network between them, take away what they need: do people notice more than they must?"`

	Confined confinedCmd `cmd:"" hidden:"" help:"Be a server whose disk is asked about."`
	Astray   astrayCmd   `cmd:"" hidden:"" help:"Be a server whose clock is wrong."`
}

// app is what commands work with.
type app struct {
	stdout, stderr io.Writer
}

func main() {
	os.Exit(command.Program{
		Name: "torture",
		Description: "Torture does to a Monarch server what the world does to servers, and tells whether it kept its promises.\n\n" +
			"Try it: make build && go run ./cmd/torture crash --kills 20",
		Grammar: new(commands),
		State:   &app{os.Stdout, os.Stderr},
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
	}.Main())
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
	if c.Seed == 0 {
		c.Seed = rand.Uint64N(1e9) + 1
	}
	monarch, self, err := process.Find(c.Monarch)
	return torture.Config{Monarch: monarch, Self: self, Data: c.Data, Seed: c.Seed, Progress: a.stderr}, err
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
