package command_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/command"
)

// grammar is that of a program with a command for each way in which one can end.
type grammar struct {
	Greet greet `cmd:"" help:"Say hello."`
	Fail  fail  `cmd:"" help:"Say why not."`
	Wait  wait  `cmd:"" help:"Wait for the end."`
}

type greet struct {
	Name string `arg:"" help:"Whom to greet."`
	Loud bool   `help:"Shout."`
}

func (*greet) Help() string { return "prog greet alice\nprog greet bob --loud" }

func (g *greet) Run(p *party) error {
	if strings.Contains(g.Name, "@") {
		return fmt.Errorf("greet: %w", command.UsageError("a name has no at sign"))
	}
	p.greeted = append(p.greeted, g.Name)
	return nil
}

// party is the state of the program.
type party struct{ greeted []string }

type fail struct{}

func (*fail) Run() error { return errors.New("nothing works\nTry again tomorrow") }

// wait has the process told to end, and waits until it is.
type wait struct {
	Clean bool `help:"End as if nothing had happened."`
}

func (w *wait) Run(ctx context.Context) error {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(syscall.SIGTERM)
	}
	if err != nil {
		return err
	}
	<-ctx.Done()
	if w.Clean {
		return nil
	}
	return fmt.Errorf("wait: %w", ctx.Err())
}

// outcome is what became of a command line.
type outcome struct {
	Code           int
	Stdout, Stderr string
	Greeted        []string
}

func run(t *testing.T, args ...string) outcome {
	var out, problems bytes.Buffer
	p, guests := command.Program{Name: "prog", Description: "A program for tests.", Stdout: &out, Stderr: &problems}, new(party)
	p.Grammar, p.State = new(grammar), guests
	code := p.Run(t.Context(), args)
	return outcome{code, out.String(), problems.String(), guests.greeted}
}

func TestHowCommandsEnd(t *testing.T) {
	const advice = "\n      Run \"prog --help\" or \"prog COMMAND --help\" to see what there is.\n"
	for args, want := range map[string]outcome{
		"greet alice":             {Greeted: []string{"alice"}},
		"greet alice@example.com": {Code: 2, Stderr: "prog: greet: a name has no at sign\n"},
		"greet":                   {Code: 2, Stderr: "prog: expected \"<name>\"" + advice},
		"greet alice --quiet":     {Code: 2, Stderr: "prog: unknown flag --quiet" + advice},
		"sing":                    {Code: 2, Stderr: "prog: unexpected argument sing" + advice},
		"fail":                    {Code: command.ExitFault, Stderr: "prog: nothing works\n      Try again tomorrow\n"},
		"wait":                    {Code: 130, Stderr: "prog: interrupted\n"},
		"wait --clean":            {},
	} {
		if diff := cmp.Diff(want, run(t, strings.Fields(args)...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", args, diff)
		}
	}
}

func TestHelp(t *testing.T) {
	for args, wants := range map[string][]string{
		"":             {"Usage: prog <command>", "A program for tests.", "greet", "Say why not."},
		"--help":       {"Usage: prog <command>", "Wait for the end."},
		"greet --help": {"Usage: prog greet <name>", "Whom to greet.", "--loud", "\nExample:\n  prog greet alice\n  prog greet bob --loud\n"},
		"fail --help":  {"Usage: prog fail", "Say why not."},
	} {
		got := run(t, strings.Fields(args)...)
		if got.Code != 0 || got.Stderr != "" || got.Greeted != nil {
			t.Errorf("%q: %+v", args, got)
		}
		for _, want := range wants {
			if !strings.Contains(got.Stdout, want) {
				t.Errorf("%q does not say %q:\n%s", args, want, got.Stdout)
			}
		}
		if strings.Contains(got.Stdout, "Example:") != (args == "greet --help") {
			t.Errorf("%q: only one command has an example:\n%s", args, got.Stdout)
		}
	}
}

func TestAGrammarThatIsNone(t *testing.T) {
	var problems bytes.Buffer
	p := command.Program{Name: "prog", Grammar: new(int), State: new(party), Stdout: io.Discard, Stderr: &problems}
	if code := p.Run(t.Context(), nil); code != command.ExitFault || !strings.HasPrefix(problems.String(), "prog: build the command line: ") {
		t.Errorf("exit code %d: %s", code, problems.String())
	}
}
