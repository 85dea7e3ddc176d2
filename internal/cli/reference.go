package cli

import (
	"io"
	"strings"

	"monarch/internal/command"
)

// Program is the command line for those who tell of it. It says nothing to anybody.
func Program() command.Program {
	a := &app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
	return a.frame()
}
