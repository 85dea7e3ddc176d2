package command_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/command"
)

func program() command.Program {
	return command.Program{
		Name: "prog", Description: "A program for tests.", Grammar: new(grammar), State: new(party), Stdout: io.Discard, Stderr: io.Discard,
	}
}

func TestReference(t *testing.T) {
	got, err := program().Reference()
	if err != nil {
		t.Fatal(err)
	}
	want := []command.Entry{
		{Name: "prog", Usage: "prog COMMAND", Text: "A program for tests.", Group: true},
		{
			Name: "prog greet", Usage: "prog greet <name>", Text: "Say hello.", Example: "prog greet alice\nprog greet bob --loud",
			Args: []command.Option{{Name: "<name>", Text: "Whom to greet."}}, Flags: []command.Option{{Name: "--loud", Text: "Shout."}},
		},
		{Name: "prog fail", Usage: "prog fail", Text: "Say why not."},
		{
			Name: "prog wait", Usage: "prog wait", Text: "Wait for the end.",
			Flags: []command.Option{{Name: "--clean", Text: "End as if nothing had happened."}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p := program()
	p.Grammar = new(int)
	if _, err := p.Reference(); err == nil {
		t.Error("there is a reference of no grammar")
	}
}

func TestCheckRunsNothing(t *testing.T) {
	for args, right := range map[string]bool{
		"greet alice --loud": true, "fail": true, "wait --help": true, "--help": true,
		"greet": false, "greet alice --quiet": false, "sing": false,
	} {
		if err := program().Check(strings.Fields(args)); (err == nil) != right {
			t.Errorf("%s: %v", args, err)
		}
	}
}
