package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"monarch/msnclient"
	"monarch/msnp"
)

// contactList is the state of the list of contacts. Its rows are made anew from the roster
// whenever they are needed.
type contactList struct {
	at     row // the selected one
	index  int // where it was, for when it is gone
	top    int // the first line on the screen
	folded map[int]bool
	here   bool // only those who are online
}

// row is a line of the list: a group, or a person in it.
type row struct {
	group  int
	handle string // "" is the group's own line
}

// Groups that are none.
const (
	nowhere   = -1
	notListed = -2 // people who are on other lists only
)

func newContactList() contactList {
	return contactList{at: row{group: nowhere}, folded: make(map[int]bool)}
}

// rows returns the lines of the list.
func (m *model) rows() []row {
	groups := slices.Clone(m.roster.Groups)
	slices.SortStableFunc(groups, func(a, b msnclient.Group) int {
		if (a.Number == 0) != (b.Number == 0) { // what is in no group of its own comes last
			return b.Number - a.Number
		}
		return strings.Compare(strings.ToLower(line(a.Name)), strings.ToLower(line(b.Name)))
	})
	var rows []row
	for _, g := range groups {
		rows = m.section(rows, g.Number, m.members(g.Number))
	}
	if others := m.others(); len(others) > 0 {
		rows = m.section(rows, notListed, others)
	}
	return rows
}

func (m *model) section(rows []row, group int, people []msnclient.Contact) []row {
	rows = append(rows, row{group: group})
	if m.list.folded[group] {
		return rows
	}
	for _, c := range people {
		if group == notListed || c.Status.Visible() || !m.list.here || m.waiting(c.Handle) > 0 {
			rows = append(rows, row{group, c.Handle})
		}
	}
	return rows
}

// members are the people in a group, those who are there first.
func (m *model) members(group int) []msnclient.Contact {
	var people []msnclient.Contact
	for _, c := range m.roster.Contacts {
		in := slices.Contains(c.Groups, group) || group == 0 && len(c.Groups) == 0
		if c.Lists.Has(msnclient.Forward) && in {
			people = append(people, c)
		}
	}
	byPresence(people)
	return people
}

// others are the people who are blocked but not contacts.
func (m *model) others() []msnclient.Contact {
	var people []msnclient.Contact
	for _, c := range m.roster.Contacts {
		if !c.Lists.Has(msnclient.Forward) && c.Lists.Has(msnclient.Blocked) {
			people = append(people, c)
		}
	}
	byPresence(people)
	return people
}

func byPresence(people []msnclient.Contact) {
	slices.SortStableFunc(people, func(a, b msnclient.Contact) int {
		if a.Status.Visible() != b.Status.Visible() {
			if a.Status.Visible() {
				return -1
			}
			return 1
		}
		return strings.Compare(strings.ToLower(contactName(a)), strings.ToLower(contactName(b)))
	})
}

// waiting is how many unread messages there are from a person.
func (m *model) waiting(handle string) int {
	if c := m.with(handle); c != nil {
		return c.unread
	}
	return 0
}

// selected returns the contact that is selected, if one is.
func (m *model) selected() (msnclient.Contact, bool) {
	rows := m.rows()
	if i := m.list.find(rows); i >= 0 && rows[i].handle != "" {
		return m.roster.Contact(rows[i].handle)
	}
	return msnclient.Contact{}, false
}

// find returns the index of the selected row. If it is gone, the one in its place is
// selected; -1 means that there are none.
func (l *contactList) find(rows []row) int {
	i := slices.Index(rows, l.at)
	if i < 0 {
		i = min(l.index, len(rows)-1)
	}
	l.choose(rows, i)
	return i
}

func (l *contactList) choose(rows []row, i int) {
	if i >= 0 && i < len(rows) {
		l.index, l.at = i, rows[i]
	}
}

// press does what a key means in the list.
func (l *contactList) press(m *model, k tea.KeyPressMsg) tea.Cmd {
	rows := m.rows()
	i := l.find(rows)
	if i < 0 {
		return nil
	}
	switch k.String() {
	case "up", "k":
		l.choose(rows, max(0, i-1))
	case "down", "j":
		l.choose(rows, min(len(rows)-1, i+1))
	case "pgup":
		l.choose(rows, max(0, i-m.page()))
	case "pgdown":
		l.choose(rows, min(len(rows)-1, i+m.page()))
	case "home":
		l.choose(rows, 0)
	case "end":
		l.choose(rows, len(rows)-1)
	case "enter", "space":
		switch r := rows[i]; {
		case r.handle == "":
			l.folded[r.group] = !l.folded[r.group]
		case k.String() == "enter":
			m.open(r.handle)
		}
	}
	return nil
}

// groupName is what a group is called on the screen.
func (m *model) groupName(number int) string {
	if number == notListed {
		return "Blocked"
	}
	for _, g := range m.roster.Groups {
		if g.Number == number {
			return line(g.Name)
		}
	}
	return ""
}

// listLines draws the list.
func (m *model) listLines(columns, lines int) []string {
	rows := m.rows()
	at := m.list.find(rows)
	m.list.top = min(m.list.top, max(0, len(rows)-lines))
	if at >= 0 {
		m.list.top = min(max(m.list.top, at-lines+1), at)
	}
	var drawn []string
	for i := m.list.top; i < len(rows) && len(drawn) < lines; i++ {
		l := fit(m.rowLine(rows[i], columns), columns)
		if i == at {
			l = m.mark(l, m.focus == listPane)
		}
		drawn = append(drawn, l)
	}
	for len(drawn) < lines {
		drawn = append(drawn, strings.Repeat(" ", columns))
	}
	return drawn
}

// rowLine draws one row.
func (m *model) rowLine(r row, columns int) string {
	if r.handle == "" {
		fold := "▾"
		if m.list.folded[r.group] {
			fold = "▸"
		}
		if r.group == notListed {
			return paint(bold, fmt.Sprintf("%s %s (%d)", fold, m.groupName(r.group), len(m.others())))
		}
		people := m.members(r.group)
		here := 0
		for _, c := range people {
			if c.Status.Visible() {
				here++
			}
		}
		count := fmt.Sprintf(" (%d/%d)", here, len(people))
		return paint(bold, fold+" "+strings.TrimRight(fit(m.groupName(r.group), min(width(m.groupName(r.group)), columns-2-width(count))), " ")+count)
	}
	c, _ := m.roster.Contact(r.handle)
	l := lookOf(c.Status)
	symbol := paint(l.style, l.symbol)
	if c.Lists.Has(msnclient.Blocked) {
		symbol = paint(red, "×")
	}
	text := contactName(c)
	if c.Status.Visible() && c.Status != msnp.Online {
		text += " (" + l.words + ")"
	}
	if !c.Status.Visible() {
		text = paint(faint, text)
	}
	unread := ""
	if n := m.waiting(r.handle); n > 0 {
		unread = paint(bold, fmt.Sprintf(" *%d", n))
	}
	return fit("  "+symbol+" "+text, columns-width(unread)) + unread
}
