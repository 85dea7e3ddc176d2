// Package command is the frame of a program's command line: it finds the command that the
// arguments name, runs it, and makes a message and an exit code of its error. From the same grammar it
// writes the manual and what shells complete. Which commands there are, and what they do, is left
// to each program.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes of every program.
const (
	exitDone = 0
	// ExitFault says that what was asked for could not be done, or did not turn out well.
	ExitFault = 1
	exitUsage = 2 // what was asked for makes no sense
	// exitInterrupted says that the process was told to end first, as shells say it of Ctrl-C.
	exitInterrupted = 130
)

// UsageError is a command that makes no sense as it was given.
type UsageError string

func (e UsageError) Error() string { return string(e) }

// Program is a program that has commands.
type Program struct {
	Name           string
	Description    string
	Grammar        any // a pointer to a struct as kong reads it; each command has a method Run
	State          any // what commands work with: an argument of Run, if they want it
	Stdout, Stderr io.Writer
}

// Main runs the command of this process's arguments and returns the exit code.
func (p Program) Main() int { return p.Run(context.Background(), os.Args[1:]) }

// Run runs the command that args begin with, and returns the exit code of the process. ctx is
// an argument of the command's Run, if it wants it. It ends when the process is told to, so that
// the command can clean up; a second signal ends the process at once.
func (p Program) Run(ctx context.Context, args []string) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	left := false // --help has been answered
	parser, err := p.parser(ctx, func(int) { left = true })
	if err != nil {
		return p.fail(fmt.Errorf("build the command line: %w", err))
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	switch {
	case left:
		return exitDone
	case err != nil:
		return p.fail(UsageError(fmt.Sprintf("%v\nRun \"%[2]s --help\" or \"%[2]s COMMAND --help\" to see what there is.", err, p.Name)))
	}
	err = parsed.Run()
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintf(p.Stderr, "%s: interrupted\n", p.Name)
		return exitInterrupted
	}
	return p.fail(err)
}

// parser reads the grammar. exit is called when the user has been answered already.
func (p Program) parser(ctx context.Context, exit func(code int)) (*kong.Kong, error) {
	return kong.New(p.Grammar,
		kong.Name(p.Name),
		kong.Description(p.Description),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 92}),
		kong.Help(printHelp),
		kong.Bind(p.State),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
}

// fail tells what went wrong and returns the exit code for it.
func (p Program) fail(err error) int {
	indented := strings.ReplaceAll(err.Error(), "\n", "\n"+strings.Repeat(" ", len(p.Name)+2))
	fmt.Fprintf(p.Stderr, "%s: %s\n", p.Name, indented)
	var usage UsageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return ExitFault
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
	_, err := fmt.Fprintf(ctx.Stdout, "\nExample:\n  %s\n", strings.ReplaceAll(example, "\n", "\n  "))
	return err
}
