package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// chatPane draws the conversations: their tabs, who the current one is with, what was said,
// who is typing, and where one writes.
func (m *model) chatPane(columns, lines int) screen {
	c := m.current
	if c == nil {
		return screen{lines: m.welcome(columns, lines)}
	}
	rule := paint(faint, strings.Repeat("─", columns))
	s := screen{lines: []string{m.tabs(columns), m.partners(c, columns), rule}}
	high := lines - len(s.lines) - 3
	s.lines = append(s.lines, m.said(c, columns, high)...)
	typing := ""
	if names := m.typists(c); len(names) == 1 {
		typing = names[0] + " is typing …"
	} else if len(names) > 1 {
		typing = strings.Join(names, ", ") + " are typing …"
	}
	s.lines = append(s.lines, paint(faint, fit(" "+typing, columns)), rule)
	const prompt = "> "
	text, at := c.input.show(columns - len(prompt))
	s.lines = append(s.lines, prompt+text)
	s.cursor = tea.NewCursor(len(prompt)+at, lines-1)
	return s
}

// welcome fills the place of conversations while there is none.
func (m *model) welcome(columns, lines int) []string {
	all := blank(columns, lines)
	text := []string{
		"Choose somebody with ↑ ↓ and press Enter to talk.",
		"",
		"a    add somebody to the list",
		"o    show or hide those who are offline",
		"F1   all keys",
	}
	for i, t := range text {
		if 1+i < lines {
			all[1+i] = fit("  "+t, columns)
		}
	}
	return all
}

// tabs draws a line with all conversations, as far as they fit around the current one.
func (m *model) tabs(columns int) string {
	labels := make([]string, len(m.chats))
	current := 0
	for i, c := range m.chats {
		labels[i] = m.tab(i, c)
		if c == m.current {
			current = i
		}
	}
	from, total := current, width(labels[current])
	for from > 0 && total+width(labels[from-1]) <= columns-2 {
		from--
		total += width(labels[from])
	}
	text := ""
	if from > 0 {
		text = "‹"
	}
	return fit(text+strings.Join(labels[from:], ""), columns)
}

func (m *model) tab(i int, c *conversation) string {
	const most = 16
	title := m.title(c)
	if width(title) > most {
		title = fit(title, most)
	}
	label := fmt.Sprintf(" %d %s ", i+1, title)
	if c.unread > 0 {
		label = fmt.Sprintf(" %d %s *%d ", i+1, title, c.unread)
	}
	switch {
	case c == m.current:
		return paint(reverse, label)
	case c.unread > 0:
		return paint(bold, label)
	}
	return label
}

// partners says who a conversation is with.
func (m *model) partners(c *conversation, columns int) string {
	if len(c.people) > 1 {
		return fit(fmt.Sprintf(" %s (%d people)", m.title(c), len(c.people)+1), columns)
	}
	handle := c.people[0]
	text := " " + m.title(c)
	if m.title(c) != line(handle) {
		text += " <" + line(handle) + ">"
	}
	if doing := m.presenceOf(handle); doing != "" {
		text += " · " + doing
	}
	return fit(text, columns)
}

// said draws the end of what was said, or an earlier part that was scrolled to.
func (m *model) said(c *conversation, columns, lines int) []string {
	var all []string
	for i := len(c.entries) - 1; i >= 0 && len(all) < lines+c.back; i-- {
		all = append(m.entryLines(c.entries[i], columns), all...)
	}
	c.back = max(0, min(c.back, len(all)-lines))
	all = all[max(0, len(all)-lines-c.back) : len(all)-c.back]
	drawn := blank(columns, lines)
	for i, l := range all {
		drawn[i] = fit(l, columns)
	}
	if c.back > 0 && lines > 0 {
		drawn[lines-1] = paint(yellow, fit(" more below: PgDn", columns))
	}
	return drawn
}

// entryLines draws one entry.
func (m *model) entryLines(e *entry, columns int) []string {
	at := e.at.Format("15:04") + " "
	margin := strings.Repeat(" ", len(at))
	text, style := e.text, ""
	switch e.kind {
	case remark:
		style = faint
		text = "* " + text
		if e.file != nil {
			text += e.file.state()
		}
	case mine, theirs:
		name := m.name(e.who)
		text = name + ": " + text
	}
	var drawn []string
	for i, l := range wrap(text, max(columns-len(at)-1, 1)) {
		switch {
		case style != "":
			l = paint(style, l)
		case i == 0:
			l = m.paintName(e, l)
		}
		if i == 0 {
			drawn = append(drawn, paint(faint, at)+l)
		} else {
			drawn = append(drawn, margin+l)
		}
	}
	switch e.fate {
	case sending:
		drawn[len(drawn)-1] += paint(faint, " …")
	case failed:
		for _, l := range wrap("not delivered: "+e.why, max(columns-len(at)-1, 1)) {
			drawn = append(drawn, margin+paint(red, l))
		}
	case sent:
	}
	return drawn
}

// paintName colours the name that a line begins with, unless it was broken.
func (m *model) paintName(e *entry, l string) string {
	name := m.name(e.who) + ":"
	rest, ok := strings.CutPrefix(l, name)
	if !ok {
		return l
	}
	if e.kind == mine {
		return paint(cyan, name) + rest
	}
	return paint(blue, name) + rest
}
