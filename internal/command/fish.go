package command

import (
	"cmp"
	"fmt"
	"strings"
)

// fishFrame tells which command was typed so far, and how many arguments of it.
const fishFrame = `# Completes the commands of NAME in fish. Written by: NAME completion fish

function __NAME_at --description 'Whether a command of NAME, and so many of its arguments, were typed'
	set -l at ''
	set -l count 0
	set -l waiting 0
	set -l typed (commandline -opc)
	for word in $typed[2..-1]
		if test $waiting = 1
			set waiting 0
		else if string match -q -- '-*' $word
			contains -- "$at:$word" $__NAME_waiting
			and set waiting 1
		else if contains -- "$at/$word" $__NAME_commands
			set at "$at/$word"
		else
			set count (math $count + 1)
		end
	end
	test "$at" = "$argv[1]"
	or return 1
	test (count $argv) = 1
	or test $count = $argv[2]
end

set -g __NAME_waiting WAITING
set -g __NAME_commands COMMANDS

complete -c NAME -e
complete -c NAME -f
`

func fishCompletion(root node) string {
	t := root.table()
	var b strings.Builder
	b.WriteString(strings.NewReplacer(
		"NAME", root.name,
		"WAITING", strings.Join(t.waiting, " "),
		"COMMANDS", strings.Join(t.commands, " "),
	).Replace(fishFrame))
	at := func(condition string) {
		fmt.Fprintf(&b, "complete -c %s -n %s", root.name, shellQuote("__"+root.name+"_at "+condition))
	}
	root.each(func(n node, flags []value) {
		key := bashPattern(n.key())
		key = strings.ReplaceAll(key, "''", `""`)
		for _, sub := range n.subs {
			at(key)
			fmt.Fprintf(&b, " -a %s -d %s\n", sub.name, shellQuote(brief(sub.help)))
		}
		for i, a := range n.args {
			if what := fishValue(a); what != "" {
				at(fmt.Sprintf("%s %d", key, i))
				fmt.Fprintf(&b, " %s\n", what)
			}
		}
		for _, f := range flags {
			at(key)
			if f.short != "" {
				fmt.Fprintf(&b, " -s %s", f.short)
			}
			fmt.Fprintf(&b, " -l %s", f.name)
			if f.expects != expectNothing {
				fmt.Fprintf(&b, " -r %s", cmp.Or(fishValue(f), "-f"))
			}
			fmt.Fprintf(&b, " -d %s\n", shellQuote(brief(f.help)))
		}
	})
	return b.String()
}

// fishValue says what a value may be, if anything is known of it.
func fishValue(v value) string {
	switch {
	case len(v.words) > 0:
		return "-f -a " + shellQuote(strings.Join(v.words, " "))
	case v.expects == expectFile:
		return "-F"
	case v.expects == expectDirectory:
		return "-f -a '(__fish_complete_directories)'"
	}
	return ""
}
