package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"monarch/internal/command"
)

// clientPassword is how many characters of a password some clients send: libpurple, BitlBee
// and Miranda. docs/protocol/limits.md#sizes
const clientPassword = 16

// newPassword asks twice for a password or, if it comes on standard input, reads one line.
// It never comes in the arguments, which everybody on the machine can read.
func (a *app) newPassword(ctx context.Context, fromStdin bool) (string, error) {
	password, err := a.readPassword(ctx, fromStdin)
	if err != nil {
		return "", err
	}
	if password == "" {
		return "", command.UsageError("the password is empty; choose one of 1 to 16 characters")
	}
	a.judge(password)
	return password, nil
}

// judge warns of a password that some clients cannot send.
func (a *app) judge(password string) {
	if n := utf8.RuneCountInString(password); n > clientPassword {
		fmt.Fprintf(a.stderr, "warning: the password has %d characters. Pidgin (libpurple), BitlBee and Miranda send only\n"+
			"         the first %d and will not be let in. For such clients choose a shorter one.\n", n, clientPassword)
	}
	if strings.ContainsFunc(password, func(r rune) bool { return r >= utf8.RuneSelf }) {
		fmt.Fprintln(a.stderr, "warning: clients disagree on how to send letters outside ASCII; a password without them is safer.")
	}
}

func (a *app) readPassword(ctx context.Context, fromStdin bool) (string, error) {
	if fromStdin {
		line, err := typed(ctx, func() (string, error) {
			return bufio.NewReader(io.LimitReader(a.stdin, 4096)).ReadString('\n')
		})
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	terminal, ok := a.terminal()
	if !ok {
		return "", command.UsageError("there is no terminal to ask for the password on\n" +
			"Add --password-stdin and give the password on standard input.")
	}
	first, err := a.ask(ctx, terminal, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := a.ask(ctx, terminal, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords are not the same; nothing was changed, try again")
	}
	return first, nil
}

// terminal returns standard input if a person sits at it.
func (a *app) terminal() (*os.File, bool) {
	f, ok := a.stdin.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// typed returns what read reads from standard input, unless ctx ends first. Nothing ends the
// reading itself but the end of the process, which is next.
func typed(ctx context.Context, read func() (string, error)) (string, error) {
	var got string
	var fault error
	done := make(chan struct{})
	go func() {
		defer close(done)
		got, fault = read()
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-done:
		return got, fault
	}
}

// ask reads a line without showing it. Somebody who gives up with Ctrl-C gets his terminal
// back as it was.
func (a *app) ask(ctx context.Context, terminal *os.File, prompt string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask for password: %w", err)
	}
	fmt.Fprint(a.stderr, prompt)
	text, err := typed(ctx, func() (string, error) {
		text, err := term.ReadPassword(fd)
		return string(text), err
	})
	fmt.Fprintln(a.stderr)
	if ctx.Err() != nil {
		_ = term.Restore(fd, before) // the process ends; there is nothing else to try
	}
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return text, nil
}

// confirm asks a question whose answer must begin with y. Without a terminal nobody is
// asked: a script means what it says.
func (a *app) confirm(ctx context.Context, question string) error {
	terminal, ok := a.terminal()
	if !ok {
		return nil
	}
	fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	line, err := typed(ctx, func() (string, error) { return bufio.NewReader(terminal).ReadString('\n') })
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y") {
		return errors.New("nothing was changed")
	}
	return nil
}
