package command

import (
	"fmt"
	"strings"
)

// zshEnd lets the script be both a file of $fpath and the input of source.
const zshEnd = `
if [ "${funcstack[1]}" = "_NAME" ]; then
	_NAME "$@"
else
	compdef _NAME NAME
fi
`

// zshCompletion writes a function for each command, which describes it to _arguments.
func zshCompletion(root node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#compdef %[1]s\n\n# Completes the commands of %[1]s in zsh. Written by: %[1]s completion zsh\n", root.name)
	function := func(n node) string {
		return "_" + root.name + strings.ReplaceAll(n.key(), "/", "_")
	}
	root.each(func(n node, flags []value) {
		fmt.Fprintf(&b, "\n%s() {\n", function(n))
		if len(n.subs) > 0 {
			b.WriteString("\tlocal curcontext=\"$curcontext\" state line ret=1\n\tlocal -a commands\n\ttypeset -A opt_args\n")
		}
		b.WriteString("\t_arguments -C")
		for _, f := range flags {
			fmt.Fprintf(&b, " \\\n\t\t%s", zshFlag(f))
		}
		if len(n.subs) == 0 {
			for i, a := range n.args {
				optional := ""
				if a.optional {
					optional = ":"
				}
				fmt.Fprintf(&b, " \\\n\t\t%s", shellQuote(fmt.Sprintf("%d:%s%s:%s", i+1, optional, zshColons(brief(a.help)), zshAction(a))))
			}
			b.WriteString("\n}\n")
			return
		}
		b.WriteString(" \\\n\t\t'1:command:->command' \\\n\t\t'*::argument:->argument' && ret=0\n\tcase $state in\n\tcommand)\n\t\tcommands=(\n")
		for _, sub := range n.subs {
			fmt.Fprintf(&b, "\t\t\t%s\n", shellQuote(sub.name+":"+brief(sub.help)))
		}
		b.WriteString("\t\t)\n\t\t_describe -t commands command commands && ret=0\n\t\t;;\n\targument)\n\t\tcase $line[1] in\n")
		for _, sub := range n.subs {
			fmt.Fprintf(&b, "\t\t%s) %s && ret=0 ;;\n", sub.name, function(sub))
		}
		b.WriteString("\t\tesac\n\t\t;;\n\tesac\n\treturn ret\n}\n")
	})
	b.WriteString(strings.ReplaceAll(zshEnd, "NAME", root.name))
	return b.String()
}

// zshFlag describes a flag; one that has two names is there once.
func zshFlag(f value) string {
	text := "[" + zshBrackets.Replace(brief(f.help)) + "]"
	name, before := "--"+f.name, ""
	if f.repeats {
		before = "*"
	}
	if f.expects != expectNothing {
		name, text = name+"=", text+":"+zshColons(f.placeholder)+":"+zshAction(f)
	}
	if f.short == "" {
		return shellQuote(before + name + text)
	}
	short := "-" + f.short
	if f.expects != expectNothing {
		short += "+"
	}
	return fmt.Sprintf("'(-%s --%s)'{%s,%s}%s", f.short, f.name, short, name, shellQuote(text))
}

var zshBrackets = strings.NewReplacer("[", `\[`, "]", `\]`)

func zshColons(s string) string { return strings.ReplaceAll(s, ":", `\:`) }

func zshAction(v value) string {
	switch {
	case len(v.words) > 0:
		return "(" + strings.Join(v.words, " ") + ")"
	case v.expects == expectFile:
		return "_files"
	case v.expects == expectDirectory:
		return "_files -/"
	}
	return " "
}
