package cli

import (
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// secretName is what somebody would call a secret on a command line.
var secretName = regexp.MustCompile(`(?i)pass|secret|token|cookie|ticket|credential`)

// TestNoCommandTakesASecretAsAnArgument looks at the whole grammar: everybody on the machine can
// read the arguments of a process.
func TestNoCommandTakesASecretAsAnArgument(t *testing.T) {
	parser, err := kong.New(new(commands))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		value, ok := node.(*kong.Value)
		if flag, isFlag := node.(*kong.Flag); isFlag {
			value, ok = flag.Value, true
		}
		if ok {
			seen++
			if secretName.MatchString(value.Name) && !value.IsBool() && !strings.HasSuffix(value.Name, "-file") { // whose name is none
				t.Errorf("%s takes a secret; read it from standard input or ask for it", value.Summary())
			}
		}
		return next(nil)
	})
	if err != nil || seen < 30 {
		t.Errorf("%d arguments and flags seen, %v", seen, err)
	}
}
