// Package reference writes the chapters of the handbook that list every setting and every command,
// from what the program itself knows of them, and its tests hold all other documents to the same. It
// leaves the texts to config and cli.
package reference

//go:generate go test -run TestGenerated -update .

import (
	"fmt"
	"regexp"
	"strings"

	"monarch/docs"
	"monarch/internal/cli"
	"monarch/internal/command"
	"monarch/internal/config"
	"monarch/internal/server"
)

// Settings is docs/configuration.md.
func Settings() string {
	var b strings.Builder
	b.WriteString(`# Settings

Every key of the configuration, in the order of the file. [Configure](configure.md) tells how a file is made and
checked, and what a reload is. ` + "`monarch config print`" + ` writes the same as a file, with the values in force.

A *string* stands in quotes. A *duration* is written like ` + "`\"60s\"`, `\"5m\"` or `\"1h30m\"`, a *size* like `\"64KiB\"` or `\"64MiB\"`" + `. A
*rate* like ` + "`\"30/30s\"`" + ` is 30 times at once and then 30 times in each 30 seconds; ` + "`\"off\"`" + ` is no limit. A *list* stands in brackets,
` + "`[\"one\", \"two\"]`" + `; in the environment its members are separated by commas.

| section | |
|---|---|
`)
	sections := config.Sections()
	for _, s := range sections {
		fmt.Fprintf(&b, "| [`[%s]`](#%s) | %s |\n", s.Name, s.Name, prose(s.Text, ""))
	}
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## [%s]\n\n%s\n", s.Name, wrapped(prose(s.Text, "")))
		for _, k := range s.Keys {
			fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n%s, `%s` by default. `%s`. %s\n",
				k.Name, wrapped(prose(k.Text, k.Name)), kinds[k.Type], k.Default, k.Env, effect(k.Name))
		}
	}
	return b.String()
}

// kinds are the types of settings as people call them.
var kinds = map[string]string{
	"string": "String", "bool": "True or false", "int": "Whole number", "duration": "Duration", "size": "Size", "rate": "Rate", "list": "List",
}

// effect says when a changed setting is in force.
func effect(key string) string {
	if server.Reloadable(key) {
		return "A [reload](configure.md#reload) takes it."
	}
	return "Needs a restart."
}

// Commands is docs/commands.md.
func Commands() (string, error) {
	entries, err := cli.Program().Reference()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(`# Commands

Everything that ` + "`monarch`" + ` can do. ` + "`monarch COMMAND --help`" + ` tells the same. Commands work on the server that runs with the same data
directory, and most of them without one, too; run them as the server's user. They end with exit code 0 when what was asked for is
done, 1 when it could not be, 2 when it makes no sense, and 130 when they were interrupted.

| command | |
|---|---|
`)
	for _, e := range entries[1:] {
		if !e.Group {
			fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", e.Name, strings.ReplaceAll(e.Name, " ", "-"), escaped(e.Text))
		}
	}
	b.WriteString("\n## Flags of all commands\n\nThey may stand before or after the command.\n\n")
	options(&b, entries[0].Flags)
	for _, e := range entries[1:] {
		describe(&b, e)
	}
	return b.String(), nil
}

// describe writes the section of one command.
func describe(b *strings.Builder, e command.Entry) {
	fmt.Fprintf(b, "\n## `%s`\n\n%s\n", e.Name, escaped(e.Text))
	if e.Group {
		return
	}
	fmt.Fprintf(b, "\n```\n%s\n```\n", usage(e))
	if len(e.Args)+len(e.Flags) > 0 {
		b.WriteByte('\n')
		options(b, append(e.Args, e.Flags...))
	}
	if e.Example != "" {
		fmt.Fprintf(b, "\nFor example:\n\n```\n%s\n```\n", e.Example)
	}
}

// usage is the line that shows how a command is written.
func usage(e command.Entry) string {
	if len(e.Flags) > 0 {
		return e.Usage + " [FLAGS]"
	}
	return e.Usage
}

func options(b *strings.Builder, all []command.Option) {
	b.WriteString("| | |\n|---|---|\n")
	for _, o := range all {
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(o.Name, "|", `\|`), escaped(o.Text))
	}
}

var (
	document = regexp.MustCompile(`docs/([\w/-]+\.md)(#[\w-]+)?`)
	code     = regexp.MustCompile("`[^`]*`")
	named    = regexp.MustCompile(`\b[a-z]+\.[a-z_]+\b`)
)

// prose makes Markdown of the text of a setting: documents and other settings become links.
func prose(text, self string) string {
	known := make(map[string]bool)
	for _, k := range config.Keys() {
		known[k.Name] = true
	}
	return outside(text, func(part string) string {
		part = escaped(part)
		part = document.ReplaceAllStringFunc(part, func(cited string) string {
			m := document.FindStringSubmatch(cited)
			return "[" + title(m[1]) + "](" + m[1] + m[2] + ")"
		})
		return named.ReplaceAllStringFunc(part, func(key string) string {
			switch {
			case !known[key]:
				return key
			case key == self:
				return "`" + key + "`"
			}
			return "[`" + key + "`](#" + strings.ReplaceAll(key, ".", "") + ")"
		})
	})
}

// title returns that of a document.
func title(name string) string {
	text, err := docs.Files.ReadFile(name)
	if err != nil {
		return name // which a test of links complains of
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimPrefix(first, "# ")
}

// outside changes what is not code.
func outside(text string, change func(string) string) string {
	var b strings.Builder
	for {
		at := code.FindStringIndex(text)
		if at == nil {
			b.WriteString(change(text))
			return b.String()
		}
		b.WriteString(change(text[:at[0]]))
		b.WriteString(text[at[0]:at[1]])
		text = text[at[1]:]
	}
}

// escaped keeps Markdown from reading signs as markup.
func escaped(text string) string {
	return strings.NewReplacer("<", `\<`, "*", `\*`, "|", `\|`).Replace(text)
}

// wrapped breaks a text into lines as our documents have them.
func wrapped(text string) string {
	var b strings.Builder
	width := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case width+1+len(word) > 118:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String()
}
