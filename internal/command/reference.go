package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Entry is one command, or a group of commands, as a reference tells of it.
type Entry struct {
	Name    string // with the program's: "monarch user add"
	Usage   string // with its arguments
	Text    string // what it does
	Example string // "": there is none
	Args    []Option
	Flags   []Option // its own
	Group   bool     // it has commands, and does nothing itself
}

// Option is an argument or a flag.
type Option struct {
	Name string // as it is written, with what it takes
	Text string
}

// Reference returns all commands in their order. The first is the program itself, with the flags that all
// commands have.
func (p Program) Reference() ([]Entry, error) {
	parser, err := p.parser(context.Background(), func(int) {})
	if err != nil {
		return nil, fmt.Errorf("build the command line: %w", err)
	}
	var all []Entry
	collect(parser.Model.Node, p.Name, &all)
	all[0].Text = p.Description
	return all, nil
}

func collect(n *kong.Node, name string, all *[]Entry) {
	e := Entry{Name: name, Usage: name, Text: n.Help, Example: n.Detail, Group: len(n.Children) > 0}
	if e.Group {
		e.Usage += " COMMAND"
	}
	for _, arg := range n.Positional {
		e.Usage += " " + arg.Summary()
		e.Args = append(e.Args, Option{arg.Summary(), arg.Help})
	}
	for _, flag := range n.Flags {
		if flag.Hidden || flag.Name == "help" {
			continue
		}
		e.Flags = append(e.Flags, Option{strings.TrimSpace(flag.String()), flag.Help})
	}
	*all = append(*all, e)
	for _, child := range n.Children {
		if !child.Hidden {
			collect(child, name+" "+child.Name, all)
		}
	}
}

// Check reads the arguments of a command as [Program.Run] does, and runs nothing.
func (p Program) Check(args []string) error {
	left := false
	parser, err := p.parser(context.Background(), func(int) { left = true })
	if err != nil {
		return fmt.Errorf("build the command line: %w", err)
	}
	if _, err := parser.Parse(args); err != nil && !left {
		return UsageError(err.Error())
	}
	return nil
}
