// Package cli is the command line: what people may say, and what they read in return. Every
// operation itself belongs to admin, passport or server.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"monarch/internal/config"
)

// Exit codes of [Main].
const (
	exitDone  = 0
	exitFault = 1 // what was asked for could not be done
	exitUsage = 2 // what was asked for makes no sense
)

// commands is the grammar of the command line.
type commands struct {
	Config string `help:"Configuration file. Without one, everything is at its default." placeholder:"FILE"`
	Data   string `help:"Data directory, in place of data.dir of the configuration." placeholder:"DIR"`

	Serve    serveCmd    `cmd:"" help:"Run the server until it is told to stop."`
	User     userCmds    `cmd:"" help:"Make, change and remove accounts."`
	Contacts contactsCmd `cmd:"" help:"Show the people on an account's lists."`
	Session  sessionCmds `cmd:"" help:"Show who is signed in, and end sessions."`
	Mail     mailCmd     `cmd:"" help:"Tell somebody what is new in his mailbox."`
	Alert    alertCmd    `cmd:"" help:"Show something to somebody who is signed in."`
	Notice   noticeCmd   `cmd:"" help:"Announce that the service stops, and stop it then."`
	Settings configCmds  `cmd:"" name:"config" help:"Show or check the configuration."`
	Key      keyCmds     `cmd:"" help:"Show and replace the keys that tickets are signed with."`
	Audit    auditCmd    `cmd:"" help:"Show who signed in, who was refused, and what operators did."`
	Cert     certCmd     `cmd:"" help:"Show, export or renew the certificates that clients must trust."`
	Reload   reloadCmd   `cmd:"" help:"Make the running server read its configuration again, without disconnecting anybody."`
	Backup   backupCmd   `cmd:"" help:"Write a copy of the database while the server runs or not."`
	Restore  restoreCmd  `cmd:"" help:"Put a backup in the place of the database, while no server runs."`
	Chat     chatCmd     `cmd:"" help:"Talk: a messenger in the terminal, for this or another server."`
	Doctor   doctorCmd   `cmd:"" help:"Look for what is wrong with the service, and say what to do."`
	Version  versionCmd  `cmd:"" help:"Show which version this is."`
}

// app is what commands work with.
type app struct {
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	environ []string
	config  string // --config
	data    string // --data
}

// usageError is a command that makes no sense as it was given.
type usageError string

func (e usageError) Error() string { return string(e) }

// Main runs one command, whose name and arguments are args, and returns the exit code of
// the process.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ()}
	var cmds commands
	left := false // --help has been answered
	parser, err := kong.New(&cmds,
		kong.Name("monarch"),
		kong.Description("Monarch is an MSN Messenger service of your own.\n\n"+
			"Try it: monarch serve --demo"),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { left = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 92}),
		kong.Help(printHelp),
		kong.BindTo(me(context.Background()), (*context.Context)(nil)),
	)
	if err != nil {
		return a.fail(fmt.Errorf("build the command line: %w", err))
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	switch {
	case left:
		return exitDone
	case err != nil:
		return a.fail(usageError(fmt.Sprintf("%v\nRun \"monarch --help\" or \"monarch COMMAND --help\" to see what there is.", err)))
	}
	a.config, a.data = cmds.Config, cmds.Data
	if err := parsed.Run(a); err != nil {
		return a.fail(err)
	}
	return exitDone
}

// printHelp prints the help of kong with the examples of commands as they are written.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	node := ctx.Selected()
	if node == nil {
		return kong.DefaultHelpPrinter(options, ctx)
	}
	example := node.Detail
	node.Detail = ""
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil || example == "" {
		return err
	}
	_, err := fmt.Fprintf(ctx.Stdout, "\nExample:\n%s\n", indent(example))
	return err
}

// fail tells what went wrong and returns the exit code for it.
func (a *app) fail(err error) int {
	lines := strings.Split(err.Error(), "\n")
	fmt.Fprintf(a.stderr, "monarch: %s\n", strings.Join(lines, "\n         "))
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFault
}

// load returns the configuration that --config, the environment and --data make.
func (a *app) load() (config.Config, error) {
	c, err := config.Load(a.config, a.environ)
	if err != nil {
		return c, err
	}
	if a.data != "" {
		c.Data.Dir = a.data
	}
	return c, nil
}

// command writes a command that a person may type next, with the flags that lead to the
// same service.
func (a *app) command(rest string) string {
	words := []string{program()}
	for _, f := range []struct{ flag, value string }{{"--config", a.config}, {"--data", a.data}} {
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

func indent(text string) string {
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}
