package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"monarch/msnp"
)

// Both parts are shown in windows of bothPanes columns and more, the list in listColumns to
// listMost of them.
const (
	bothPanes   = 60
	listColumns = 26
	listMost    = 40
	leastWide   = 20
	leastHigh   = 8
)

// screen is what is shown: lines that all are as wide as the terminal.
type screen struct {
	lines  []string
	cursor *tea.Cursor
}

// View draws everything.
func (m *model) View() tea.View {
	s := m.screen()
	v := tea.NewView(strings.Join(s.lines, "\n"))
	v.AltScreen = true
	v.Cursor = s.cursor
	v.WindowTitle = m.windowTitle()
	return v
}

func (m *model) windowTitle() string {
	title := "Monarch"
	if n := m.unread(); n > 0 {
		title = fmt.Sprintf("(%d) %s", n, title)
	}
	return title + " - " + line(m.cfg.Client.Handle)
}

// unread is how many messages nobody has looked at.
func (m *model) unread() (n int) {
	for _, c := range m.chats {
		n += c.unread
	}
	return n
}

func (m *model) screen() screen {
	switch {
	case m.columns < leastWide || m.lines < leastHigh:
		s := screen{lines: blank(m.columns, m.lines)}
		if len(s.lines) > 0 {
			s.lines[0] = fit("too small", m.columns)
		}
		return s
	case m.phase != signedIn:
		return m.signInScreen()
	}
	s := screen{lines: []string{m.header()}}
	high := m.lines - 2
	switch {
	case m.columns >= bothPanes:
		left := min(max(listColumns, m.columns/4), listMost)
		list := m.listLines(left, high)
		chat := m.chatPane(m.columns-left-1, high)
		for i := range high {
			s.lines = append(s.lines, list[i]+paint(faint, "│")+chat.lines[i])
		}
		s.cursor = shift(chat.cursor, left+1, 1)
	case m.focus == chatPane && m.current != nil:
		chat := m.chatPane(m.columns, high)
		s.lines = append(s.lines, chat.lines...)
		s.cursor = shift(chat.cursor, 0, 1)
	default:
		s.lines = append(s.lines, m.listLines(m.columns, high)...)
	}
	s.lines = append(s.lines, m.footer())
	if m.focus == listPane {
		s.cursor = nil
	}
	if m.dialog != nil {
		box := m.dialog.show(m)
		left, top := max(0, (m.columns-width(box.lines[0]))/2), max(0, (m.lines-len(box.lines))/2)
		s.lines = over(s.lines, box.lines, m.columns)
		s.cursor = shift(box.cursor, left, top)
	}
	return s
}

// shift moves a cursor that belongs to a part of the screen.
func shift(c *tea.Cursor, columns, lines int) *tea.Cursor {
	if c == nil {
		return nil
	}
	return tea.NewCursor(c.X+columns, c.Y+lines)
}

func blank(columns, lines int) []string {
	all := make([]string, lines)
	for i := range all {
		all[i] = strings.Repeat(" ", columns)
	}
	return all
}

// mark shows a line as selected, strongly where keys go.
func (m *model) mark(l string, focused bool) string {
	l = ansi.Strip(l)
	if focused {
		return paint(reverse, l)
	}
	return paint(bold, l)
}

// header says who is signed in, and what the connection does.
func (m *model) header() string {
	l := lookOf(m.self.Status)
	left := " " + l.symbol + " " + nameOf(m.self) + " <" + line(m.self.Handle) + "> " + l.words
	right := "connected "
	if m.lost.why != "" {
		right = "reconnecting … "
		if wait := m.lost.until.Sub(m.now); wait > 0 {
			right = fmt.Sprintf("reconnecting in %d s ", int(wait.Seconds()+0.5))
		}
	}
	right = fit(right, min(width(right), m.columns))
	return paint(reverse, fit(left, m.columns-width(right))+right)
}

// footer shows the latest message for a while, and what keys there are otherwise.
func (m *model) footer() string {
	if m.notice.text != "" && m.now.Sub(m.notice.at) < noticeTime {
		return paint(reverse, fit(" "+m.notice.text, m.columns))
	}
	hints := []string{"F1 help", "F2 status"}
	if n := len(m.requests); n > 0 {
		hints = append(hints, fmt.Sprintf("F3 answer (%d)", n))
	}
	hints = append(hints, "F4 log")
	if m.focus == listPane {
		hints = append(hints, "Enter open", "a add", "Tab conversation")
	} else {
		hints = append(hints, "Tab contacts", "^N next", "^G nudge", "^O file")
	}
	return paint(reverse, fit(" "+strings.Join(append(hints, "F10 leave"), "  "), m.columns))
}

// page is how many lines a page up or down moves.
func (m *model) page() int { return max(1, m.lines-8) }

// presenceOf puts what a person is doing into words, "" if that is not known.
func (m *model) presenceOf(handle string) string {
	s, ok := m.status(handle)
	if !ok {
		return ""
	}
	if s == "" {
		s = msnp.Offline
	}
	return lookOf(s).words
}

// capital begins a text with a capital letter.
func capital(s string) string {
	if s == "" {
		return s
	}
	c := characters(s)
	return strings.ToUpper(c[0]) + strings.Join(c[1:], "")
}
