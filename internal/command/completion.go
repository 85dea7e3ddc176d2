package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// shells writes the completions of each shell there are some for.
var shells = map[string]func(root node) string{
	"bash": bashCompletion,
	"fish": fishCompletion,
	"zsh":  zshCompletion,
}

// Completion returns a script with which a shell completes the program's commands, flags and files.
// It is one text for all machines: nothing is asked of the program when somebody presses the key.
func (p Program) Completion(shell string) (string, error) {
	write, ok := shells[shell]
	if !ok {
		return "", UsageError(fmt.Sprintf("there is no completion for %q, but for %s", shell, strings.Join(slices.Sorted(maps.Keys(shells)), ", ")))
	}
	root, err := p.root()
	if err != nil {
		return "", err
	}
	return write(root), nil
}

// shellQuote writes a word that a shell takes as it is. Bash, zsh and fish agree on this much.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// subNames are the names of the commands right below n.
func (n node) subNames() []string {
	names := make([]string, len(n.subs))
	for i, sub := range n.subs {
		names[i] = sub.name
	}
	return names
}

// table is what scripts for shells that have no grammars of their own need to find their way.
type table struct {
	commands []string // /user/add
	waiting  []string // /user/add:--nick, after which comes a value
}

func (n node) table() (t table) {
	n.each(func(n node, flags []value) {
		if n.path != "" {
			t.commands = append(t.commands, n.key())
		}
		for _, f := range flags {
			if f.expects == expectNothing {
				continue
			}
			for _, name := range f.names() {
				t.waiting = append(t.waiting, n.key()+":"+name)
			}
		}
	})
	return t
}
