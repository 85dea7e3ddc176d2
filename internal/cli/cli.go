// Package cli is the command line: what people may say, and what they read in return. Every
// operation itself belongs to admin, passport or server.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"monarch/internal/command"
	"monarch/internal/config"
)

// commands is the grammar of the command line.
type commands struct {
	Config string `help:"Configuration file. Without one, everything is at its default." placeholder:"FILE"`
	Data   string `help:"Data directory, in place of data.dir of the configuration." placeholder:"DIR"`

	API       string `name:"api" help:"Manage the service at this address, with the token in MONARCH_TOKEN, and not the one of this machine." placeholder:"URL"`
	TokenFile string `help:"File with the token for --api, in place of MONARCH_TOKEN." placeholder:"FILE"`

	Setup    setupCmd    `cmd:"" help:"Make a service: its configuration, its database, and an administrator."`
	Serve    serveCmd    `cmd:"" help:"Run the server until it is told to stop."`
	User     userCmds    `cmd:"" help:"Make, change and remove accounts."`
	Contacts contactsCmd `cmd:"" help:"Show the people on an account's lists."`
	Session  sessionCmds `cmd:"" help:"Show who is signed in, and end sessions."`
	Status   statusCmd   `cmd:"" help:"Show how the service is doing: people, figures, nodes, the last errors."`
	Nodes    nodesCmd    `cmd:"" help:"Show the nodes of the service."`
	Drain    drainCmd    `cmd:"" help:"Move the people of a node to others, before it is stopped."`
	Mail     mailCmd     `cmd:"" help:"Tell somebody what is new in his mailbox."`
	Alert    alertCmd    `cmd:"" help:"Show something to somebody who is signed in."`
	Notice   noticeCmd   `cmd:"" help:"Announce that the service stops, and stop it then."`
	Network  networkCmds `cmd:"" help:"Shut networks out, and exempt others."`
	Invite   inviteCmds  `cmd:"" help:"Make and revoke the codes that let people sign up at the website."`
	Webhook  webhookCmds `cmd:"" help:"Tell other programs what happens to accounts, who misbehaves, and whom operators shut out."`
	Token    tokenCmds   `cmd:"" help:"Make and revoke the tokens with which programs manage the service."`
	Settings configCmds  `cmd:"" name:"config" help:"Show or check the configuration."`
	Key      keyCmds     `cmd:"" help:"Show and replace the keys that tickets are signed with."`
	Audit    auditCmd    `cmd:"" help:"Show who signed in, who was refused, and what operators did."`
	Cert     certCmd     `cmd:"" help:"Show, export or renew the certificates that clients must trust."`
	Patch    patchCmd    `cmd:"" help:"Lead a copy of MSN Messenger's program to this service."`
	Reload   reloadCmd   `cmd:"" help:"Make the running server read its configuration again, without disconnecting anybody."`
	Backup   backupCmd   `cmd:"" help:"Write a copy of the database while the server runs or not."`
	Restore  restoreCmd  `cmd:"" help:"Put a backup in the place of the database, while no server runs."`
	Export   exportCmd   `cmd:"" help:"Write accounts, contact lists and settings to a file, while the server runs or not."`
	Import   importCmd   `cmd:"" help:"Take accounts, contact lists and settings in, while no server runs."`
	Chat     chatCmd     `cmd:"" help:"Talk: a messenger in the terminal, for this or another server."`
	Doctor   doctorCmd   `cmd:"" help:"Look for what is wrong with the service, and say what to do."`
	Version  versionCmd  `cmd:"" help:"Show which version this is."`

	Completion completionCmd `cmd:"" help:"Print what makes a shell complete commands, flags and files."`
	Man        manCmd        `cmd:"" help:"Print a page of the manual, for man to show."`
}

// app is what commands work with.
type app struct {
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	environ []string
	config  string // --config
	data    string // --data
	remote  remote // --api
}

// Main runs one command, whose name and arguments are args, and returns the exit code of
// the process.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ()}
	return a.frame().Run(me(context.Background()), args)
}

// frame is the program as its command line, its manual and its completions know it.
func (a *app) frame() command.Program {
	return command.Program{
		Name:        "monarch",
		Description: "Monarch is an MSN Messenger service of your own.\n\nTry it: monarch serve --demo",
		Grammar:     new(commands),
		State:       a,
		Stdout:      a.stdout,
		Stderr:      a.stderr,
	}
}

// AfterApply keeps the flags that all commands have.
func (c *commands) AfterApply(a *app) error {
	a.config, a.data = c.Config, c.Data
	a.remote = remote{url: c.API, file: c.TokenFile}
	return nil
}

// load returns the configuration that --config, the environment and --data make.
func (a *app) load() (config.Config, error) {
	if err := a.here(); err != nil {
		return config.Config{}, err
	}
	c, err := config.Load(a.config, a.settings())
	if err != nil {
		return c, withheld(err)
	}
	if a.data != "" {
		c.Data.Dir = a.data
	}
	return c, nil
}

// withheld adds to an error of reading the configuration, which may be the server's alone, who may.
func withheld(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w\nRun this as the user who runs the server, or as root", err)
	}
	return err
}

// command writes a command that a person may type next, with the flags that lead to the
// same service.
func (a *app) command(rest string) string {
	words := []string{program()}
	for _, f := range []struct{ flag, value string }{
		{"--config", a.config}, {"--data", a.data}, {"--api", a.remote.url}, {"--token-file", a.remote.file},
	} {
		if f.value != "" {
			words = append(words, f.flag, shellWord(f.value))
		}
	}
	return strings.Join(append(words, rest), " ")
}

// program is how this program was called: from a checkout, go run builds it in a place of
// its own.
func program() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/monarch"
	}
	return "monarch"
}

// shellWord quotes a word of a command, if it needs that.
func shellWord(s string) string {
	if strings.ContainsAny(s, " \t'\"\\$&|;<>()*?[]#~`!") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
