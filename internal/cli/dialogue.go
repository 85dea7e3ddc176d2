package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// dialogue asks a person at a terminal one thing after the other.
type dialogue struct {
	app      *app
	terminal *os.File
	lines    *bufio.Reader
}

func newDialogue(a *app, terminal *os.File) *dialogue {
	return &dialogue{a, terminal, bufio.NewReader(terminal)}
}

// nothing is what people type to have an answer be empty that is not.
const nothing = "-"

// line asks for a line. Without one the present answer stays. What is secret is not shown.
func (d *dialogue) line(ctx context.Context, title, now string, secret bool) (string, error) {
	prompt := "  " + title
	if now != "" && !secret {
		prompt += " [" + now + "]"
	}
	prompt += ": "
	var said string
	var err error
	if secret {
		said, err = d.app.ask(ctx, d.terminal, prompt)
	} else {
		fmt.Fprint(d.app.stderr, prompt)
		said, err = typed(ctx, func() (string, error) { return d.lines.ReadString('\n') })
	}
	if errors.Is(err, io.EOF) {
		fmt.Fprintln(d.app.stderr)
		return "", errors.New("there was no answer; nothing was written")
	}
	if err != nil {
		return "", err
	}
	switch said = strings.TrimSpace(said); said {
	case "":
		return now, nil
	case nothing:
		return "", nil
	}
	return said, nil
}

// yes asks a question until the answer begins with y or n.
func (d *dialogue) yes(ctx context.Context, question string) (bool, error) {
	for {
		said, err := d.line(ctx, question+" y/n", "n", false)
		if err != nil {
			return false, err
		}
		switch said = strings.ToLower(said); {
		case strings.HasPrefix(said, "y"):
			return true, nil
		case strings.HasPrefix(said, "n"), said == "":
			return false, nil
		}
		fmt.Fprintln(d.app.stderr, "  answer y or n")
	}
}

// bold makes a heading stand out where that can be.
func bold(text string) string {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" || !term.IsTerminal(int(os.Stderr.Fd())) {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

// indent moves the lines of a text to the right.
func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
