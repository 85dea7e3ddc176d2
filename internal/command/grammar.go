package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// node is a command, or the program itself, as the manual and completions need it.
type node struct {
	name, path string // "add", "user add"; the program's path is ""
	help       string
	example    string
	flags      []value // without those of the commands above
	args       []value
	subs       []node
}

// value is a flag or an argument.
type value struct {
	name, help  string
	short       string // of a flag, "h"; mostly none
	placeholder string
	words       []string // all it may be, if they are few
	expects     expectation
	optional    bool
	repeats     bool
}

// expectation is what comes after a flag or in the place of an argument.
type expectation string

const (
	expectNothing   expectation = "" // a flag that stands alone
	expectText      expectation = "text"
	expectFile      expectation = "file"
	expectDirectory expectation = "directory"
)

// root reads the grammar.
func (p Program) root() (node, error) {
	k, err := p.parser(context.Background(), func(int) {})
	if err != nil {
		return node{}, fmt.Errorf("build the command line: %w", err)
	}
	n := nodeOf(k.Model.Node, "")
	n.name = p.Name
	return n, nil
}

func nodeOf(k *kong.Node, path string) node {
	n := node{name: k.Name, path: path, help: k.Help, example: k.Detail}
	for _, f := range k.Flags {
		if f.Hidden {
			continue
		}
		v := valueOf(f.Value, f.PlaceHolder)
		if f.Short != 0 {
			v.short = string(f.Short)
		}
		if f.IsBool() {
			v.expects = expectNothing
		}
		n.flags = append(n.flags, v)
	}
	for _, a := range k.Positional {
		n.args = append(n.args, valueOf(a, strings.ToUpper(a.Name)))
	}
	for _, c := range k.Children {
		if !c.Hidden {
			n.subs = append(n.subs, nodeOf(c, strings.TrimSpace(path+" "+c.Name)))
		}
	}
	return n
}

// valueOf takes a value to be a file or a directory if it is called FILE or DIR.
func valueOf(k *kong.Value, placeholder string) value {
	v := value{name: k.Name, help: k.Help, placeholder: placeholder, optional: !k.Required, repeats: k.IsCumulative(), expects: expectText}
	if k.Enum != "" {
		v.words = k.EnumSlice()
	}
	switch placeholder {
	case "FILE":
		v.expects = expectFile
	case "DIR":
		v.expects = expectDirectory
	case "":
		v.placeholder = strings.ToUpper(k.Name)
	}
	return v
}

// each calls visit for n and everything below it, with the flags that are understood there.
func (n node) each(visit func(n node, flags []value)) { n.walk(nil, visit) }

func (n node) walk(above []value, visit func(n node, flags []value)) {
	flags := slices.Concat(n.flags, above)
	visit(n, flags)
	for _, sub := range n.subs {
		sub.walk(flags, visit)
	}
}

// key is how completions know a command: /user/add.
func (n node) key() string {
	if n.path == "" {
		return ""
	}
	return "/" + strings.ReplaceAll(n.path, " ", "/")
}

// names are how a flag may be written.
func (v value) names() []string {
	if v.short == "" {
		return []string{"--" + v.name}
	}
	return []string{"-" + v.short, "--" + v.name}
}

// brief is the first sentence of a help text, which is what there is room for in a list.
func brief(help string) string {
	sentence, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(sentence, ".")
}

// title is how a command is called in headings: user add EMAIL [options].
func (n node) title(program string) string {
	words := []string{program}
	if n.path != "" {
		words = append(words, n.path)
	}
	for _, f := range n.flags {
		if !f.optional {
			words = append(words, "--"+f.name+" "+f.placeholder)
		}
	}
	if slices.ContainsFunc(n.flags, func(f value) bool { return f.optional }) {
		words = append(words, "[OPTIONS]")
	}
	for _, a := range n.args {
		if a.optional {
			words = append(words, "["+a.placeholder+"]")
		} else {
			words = append(words, a.placeholder)
		}
	}
	if len(n.subs) > 0 {
		words = append(words, "COMMAND")
	}
	return strings.Join(words, " ")
}
