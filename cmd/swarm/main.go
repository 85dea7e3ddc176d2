// Command swarm loads a Monarch server with people and tells what each of them costs it, in
// processor time and memory, beside a bare baseline.
package main

import (
	"errors"
	"io"
	"os"
	"time"

	"monarch/internal/command"
	"monarch/internal/figures"
	"monarch/internal/process"
	"monarch/internal/swarm"
)

// commands is the grammar of the command line.
type commands struct {
	Relay   relayCmd   `cmd:"" help:"What a message on a switchboard costs."`
	Fanout  fanoutCmd  `cmd:"" help:"What it costs to tell people of a change of status."`
	Signin  signinCmd  `cmd:"" help:"What a sign-in costs."`
	Idle    idleCmd    `cmd:"" help:"How much memory people take who do nothing."`
	Cluster clusterCmd `cmd:"" help:"What several nodes cost, beside one."`
	Soak    soakCmd    `cmd:"" help:"Whether anything gets lost when people do everything at once."`
	Plot    plotCmd    `cmd:"" help:"Draw what was measured and saved."`

	Bare  bareCmd  `cmd:"" hidden:"" help:"Be the baseline."`
	Drive driveCmd `cmd:"" hidden:"" help:"Be a driver."`
}

// app is what commands work with.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

func main() {
	os.Exit(command.Program{
		Name: "swarm",
		Description: "Swarm loads a Monarch server with people and tells what they cost it.\n\n" +
			"Try it: make swarm && bin/swarm relay",
		Grammar: new(commands),
		State:   &app{os.Stdin, os.Stdout, os.Stderr},
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
	}.Main())
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
	monarch, self, err := process.Find(c.Monarch)
	if len(c.Engines) > 0 {
		engines = c.Engines
	}
	return swarm.Config{Monarch: monarch, Self: self, Data: c.Data, Engines: engines, Progress: a.stderr}, err
}

// length is how long a turn lasts.
func (t timed) length() time.Duration { return time.Duration(t.Seconds * float64(time.Second)) }

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
