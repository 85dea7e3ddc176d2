package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"monarch/msnclient"
)

// place says where a key works.
type place int

const (
	everywhere place = iota
	inList           // while the list of contacts has the focus
	onContact        // and somebody is selected
	onGroup          // and a group of one's own is selected
	inChat           // while a conversation has the focus
	withChat         // while there is a conversation
)

// action is something a key does. The help is made of them.
type action struct {
	keys  []string // as the terminal library calls them
	shown string   // as people do
	help  string
	where place
	do    func(m *model) tea.Cmd
}

// applies reports whether a key means this action now.
func (a action) applies(m *model, key string) bool {
	if !slices.Contains(a.keys, key) {
		return false
	}
	_, contact := m.selected()
	list := m.focus == listPane || m.current == nil
	switch a.where {
	case inList:
		return list
	case onContact:
		return list && contact
	case onGroup:
		return list && !contact && m.list.at.group > 0
	case inChat:
		return !list
	case withChat:
		return m.current != nil
	case everywhere:
	}
	return true
}

// actions returns what keys do, in the order of the help.
func actions() []action {
	return []action{
		{[]string{"f1"}, "F1", "this help", everywhere, (*model).help},
		{[]string{"f2"}, "F2", "choose your status", everywhere, (*model).chooseStatus},
		{[]string{"f3"}, "F3", "answer who added you, or offers a file", everywhere, (*model).answer},
		{[]string{"f4"}, "F4", "messages of the messenger", everywhere, (*model).readLog},
		{[]string{"f10"}, "F10, Ctrl+C", "sign out and leave", everywhere, func(*model) tea.Cmd { return tea.Quit }},
		{[]string{"tab"}, "Tab", "between contacts and conversation", everywhere, (*model).turn},
		{[]string{"ctrl+n", "alt+right"}, "Ctrl+N", "next conversation", withChat, func(m *model) tea.Cmd { return m.step(1) }},
		{[]string{"ctrl+p", "alt+left"}, "Ctrl+P", "previous conversation", withChat, func(m *model) tea.Cmd { return m.step(-1) }},
		{[]string{"ctrl+x"}, "Ctrl+X", "close the conversation", withChat, (*model).closeChat},

		{[]string{"ctrl+g"}, "Ctrl+G", "send a nudge", inChat, func(m *model) tea.Cmd { return m.nudge(m.current) }},
		{[]string{"ctrl+t"}, "Ctrl+T", "invite somebody into the conversation", inChat, (*model).chooseGuest},
		{[]string{"ctrl+o"}, "Ctrl+O", "send a file", inChat, (*model).chooseFile},
		{[]string{"ctrl+r"}, "Ctrl+R", "look at the picture of whom you talk to", inChat, (*model).partnerPicture},
		{[]string{"esc"}, "Esc", "back to the contacts", inChat, (*model).turn},

		{[]string{"a"}, "a", "add somebody", inList, (*model).addContact},
		{[]string{"d", "delete"}, "d", "remove from the list", onContact, (*model).removeContact},
		{[]string{"b"}, "b", "block or unblock", onContact, (*model).blockContact},
		{[]string{"m"}, "m", "move to another group", onContact, (*model).moveContact},
		{[]string{"v"}, "v", "look at the picture, and save it", onContact, (*model).contactPicture},
		{[]string{"g"}, "g", "make a group", inList, (*model).addGroup},
		{[]string{"e"}, "e", "rename the group", onGroup, (*model).renameGroup},
		{[]string{"x"}, "x", "remove the group", onGroup, (*model).removeGroup},
		{[]string{"o"}, "o", "show or hide those who are offline", inList, (*model).toggleOffline},
		{[]string{"n"}, "n", "change your name", inList, (*model).rename},
		{[]string{"p"}, "p", "choose your picture from a file", inList, (*model).choosePicture},
		{[]string{"?"}, "?", "this help", inList, (*model).help},
		{[]string{"q"}, "q", "sign out and leave", inList, func(*model) tea.Cmd { return tea.Quit }},
	}
}

// help shows all keys.
func (m *model) help() tea.Cmd {
	titles := map[place]string{everywhere: "Everywhere", inChat: "In a conversation", inList: "In the contacts"}
	section := func(p place) place {
		switch p {
		case withChat:
			return everywhere
		case onContact, onGroup:
			return inList
		case everywhere, inList, inChat:
		}
		return p
	}
	var lines []string
	last := place(-1)
	for _, a := range actions() {
		if s := section(a.where); s != last {
			if last >= 0 {
				lines = append(lines, "")
			}
			lines = append(lines, paint(bold, titles[s]))
			last = s
		}
		lines = append(lines, fit("  "+a.shown, 15)+a.help)
	}
	lines = append(lines, "", paint(bold, "Symbols"))
	for _, s := range choices[:len(choices)-1] {
		l := lookOf(s)
		lines = append(lines, "  "+paint(l.style, l.symbol)+"  "+l.words)
	}
	lines = append(lines, "  "+paint(faint, "○")+"  Offline", "  "+paint(red, "×")+"  blocked", "  *2 unread messages")
	m.dialog = &reading{title: "Keys", lines: lines}
	return nil
}

// readLog shows the log, from its end.
func (m *model) readLog() tea.Cmd {
	lines := []string{}
	for _, l := range m.log {
		for i, part := range wrap(l.text, max(20, min(90, m.columns-12))) {
			at := "      "
			if i == 0 {
				at = l.at.Format("15:04") + " "
			}
			lines = append(lines, paint(faint, at)+part)
		}
	}
	if len(lines) == 0 {
		lines = []string{"Nothing yet."}
	}
	m.dialog = &reading{title: "Messages", lines: lines, top: len(lines)}
	return nil
}

// turn moves the focus to the other part of the screen.
func (m *model) turn() tea.Cmd {
	if m.focus == listPane && m.current != nil {
		m.focus = chatPane
	} else {
		m.focus = listPane
	}
	m.look()
	return nil
}

// step goes some conversations on.
func (m *model) step(by int) tea.Cmd {
	i := slices.Index(m.chats, m.current)
	m.show(m.chats[(i+by+len(m.chats))%len(m.chats)])
	m.focus = chatPane
	m.look()
	return nil
}

func (m *model) closeChat() tea.Cmd {
	chat := m.leave(m.current)
	if chat == nil {
		return nil
	}
	return m.request("close the conversation", closing(chat))
}

func (m *model) chooseStatus() tea.Cmd {
	d := &menu{title: "Your status"}
	for i, s := range choices {
		l := lookOf(s)
		if s == m.self.Status {
			d.at = i
		}
		d.items = append(d.items, item{l.symbol + " " + l.words, func() tea.Cmd {
			return m.request("change your status", settingStatus(s))
		}})
	}
	m.dialog = d
	return nil
}

func (m *model) rename() tea.Cmd {
	m.dialog = &question{title: "Your name", input: newField(m.self.Name), then: func(text string) tea.Cmd {
		return m.request("change your name", settingName(text))
	}}
	return nil
}

func (m *model) toggleOffline() tea.Cmd {
	m.list.here = !m.list.here
	if m.list.here {
		m.tell("Those who are offline are hidden.")
	} else {
		m.tell("Those who are offline are shown.")
	}
	return nil
}

func (m *model) chooseGuest() tea.Cmd {
	c := m.current
	d := &menu{title: "Invite"}
	for _, p := range m.roster.Contacts {
		if p.Lists.Has(msnclient.Forward) && p.Status.Visible() && !slices.Contains(c.people, p.Handle) {
			d.items = append(d.items, item{contactName(p), func() tea.Cmd { return m.invite(c, p.Handle) }})
		}
	}
	if len(d.items) == 0 {
		m.tell("Nobody else is online.")
		return nil
	}
	slices.SortFunc(d.items, func(a, b item) int { return strings.Compare(strings.ToLower(a.label), strings.ToLower(b.label)) })
	m.dialog = d
	return nil
}

// people writes how many there are.
func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
