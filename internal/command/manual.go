package command

import (
	"strings"

	"monarch/internal/roff"
)

// Manual writes what section 1 of the manual tells of the program: what it is, its commands with
// their flags, and how it ends. Sections may follow that only the program knows of.
func (p Program) Manual(page *roff.Page) error {
	root, err := p.root()
	if err != nil {
		return err
	}
	summary, more, _ := strings.Cut(p.Description, "\n\n")
	page.Section("NAME")
	_, what, _ := strings.Cut(strings.TrimSuffix(summary, "."), " is ")
	page.Plain(p.Name, what)
	page.Section("SYNOPSIS")
	page.Text("`" + root.title(p.Name) + "`")
	page.Section("DESCRIPTION")
	page.Text(summary)
	if more != "" {
		page.Text(more)
	}
	page.Section("OPTIONS")
	page.Text("Every command understands:")
	writeValues(page, root.flags, "--")
	page.Section("COMMANDS")
	root.each(func(n node, _ []value) {
		if n.path == "" || len(n.subs) > 0 {
			return
		}
		page.Subsection(n.title(p.Name))
		page.Text(n.help)
		writeValues(page, n.args, "")
		writeValues(page, n.flags, "--")
		if n.example != "" {
			page.Example(n.example)
		}
	})
	page.Section("EXIT STATUS")
	page.Item("0", "What was asked for is done.")
	page.Item("1", "It could not be done, or did not turn out well.")
	page.Item("2", "The command makes no sense as it was given.")
	page.Item("130", "The command was interrupted.")
	return nil
}

func writeValues(page *roff.Page, values []value, dashes string) {
	for _, v := range values {
		term := "`" + v.placeholder + "`"
		if dashes != "" {
			term = "`" + dashes + v.name + "`"
			if v.short != "" {
				term = "`-" + v.short + "`, " + term
			}
			if v.expects != expectNothing {
				term += " " + v.placeholder
			}
		}
		help := v.help
		if len(v.words) > 0 {
			help += " One of: " + strings.Join(v.words, ", ") + "."
		}
		page.Item(term, help)
	}
}
