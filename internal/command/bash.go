package command

import (
	"fmt"
	"strings"
)

// bashFrame finds out what is to be completed. Bash cuts words at the equals sign, so that a flag,
// the sign and the value are three. It works with bash 3.2, which macOS has.
const bashFrame = `# Completes the commands of NAME in bash. Written by: NAME completion bash
_NAME() {
	local current=${COMP_WORDS[COMP_CWORD]} at= waiting= word i count=0 IFS=$'\n'
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == = ]]; then
			continue
		elif [[ -n $waiting ]]; then
			waiting=
			continue
		fi
		case $at:$word in
		WAITING)
			waiting=$at:$word
			continue
			;;
		*:-*)
			continue
			;;
		esac
		case $at/$word in
		COMMANDS)
			at=$at/$word
			;;
		*)
			count=$((count + 1))
			;;
		esac
	done
	if [[ $current == = ]]; then
		current=
	fi
	local words= files=
	if [[ -n $waiting ]]; then
		case $waiting in
VALUES		esac
	elif [[ $current == -* ]]; then
		case $at in
FLAGS		esac
	else
		case $at:$count in
ARGUMENTS		esac
	fi
	if [[ -n $files ]]; then
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -A "$files" -- "$current"))
	elif [[ -n $words ]]; then
		COMPREPLY=($(compgen -W "${words// /$IFS}" -- "$current"))
	fi
}
complete -F _NAME NAME
`

func bashCompletion(root node) string {
	t := root.table()
	var values, flags, arguments strings.Builder
	root.each(func(n node, inScope []value) {
		var names []string
		for _, f := range inScope {
			names = append(names, f.names()...)
			for _, name := range f.names() {
				bashCase(&values, n.key()+":"+name, f)
			}
		}
		fmt.Fprintf(&flags, "\t\t%s) words='%s' ;;\n", bashPattern(n.key()), strings.Join(names, " "))
		if len(n.subs) > 0 {
			fmt.Fprintf(&arguments, "\t\t%s:*) words='%s' ;;\n", n.key(), strings.Join(n.subNames(), " "))
		}
		for i, a := range n.args {
			bashCase(&arguments, fmt.Sprintf("%s:%d", n.key(), i), a)
		}
	})
	return strings.NewReplacer(
		"NAME", root.name,
		"WAITING", bashAlternatives(t.waiting),
		"COMMANDS", bashAlternatives(t.commands),
		"VALUES", values.String(),
		"FLAGS", flags.String(),
		"ARGUMENTS", arguments.String(),
	).Replace(bashFrame)
}

// bashCase writes what a value may be, if anything is known of it.
func bashCase(b *strings.Builder, pattern string, v value) {
	switch {
	case len(v.words) > 0:
		fmt.Fprintf(b, "\t\t%s) words='%s' ;;\n", pattern, strings.Join(v.words, " "))
	case v.expects == expectFile, v.expects == expectDirectory:
		fmt.Fprintf(b, "\t\t%s) files=%s ;;\n", pattern, v.expects)
	}
}

func bashPattern(key string) string {
	if key == "" {
		return "''"
	}
	return key
}

// bashAlternatives joins patterns; one that matches nothing is better than none, which is a mistake.
func bashAlternatives(patterns []string) string {
	if len(patterns) == 0 {
		return "''"
	}
	return strings.Join(patterns, " | ")
}
