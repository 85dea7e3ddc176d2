package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// dialog is a box in front of the screen that keys go to. It reports when it is done with.
type dialog interface {
	press(m *model, k tea.KeyPressMsg) (closed bool, cmd tea.Cmd)
	show(m *model) screen
}

// menu is a choice among items.
type menu struct {
	title string
	items []item
	at    int
	top   int
}

type item struct {
	label string
	pick  func() tea.Cmd
}

func (d *menu) press(_ *model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch key := k.String(); key {
	case "esc", "q":
		return true, nil
	case "up", "k":
		d.at = max(0, d.at-1)
	case "down", "j":
		d.at = min(len(d.items)-1, d.at+1)
	case "home":
		d.at = 0
	case "end":
		d.at = len(d.items) - 1
	case "enter":
		return true, d.items[d.at].pick()
	default:
		if len(key) == 1 && key[0] >= '1' && int(key[0]-'1') < min(len(d.items), 9) {
			return true, d.items[key[0]-'1'].pick()
		}
	}
	return false, nil
}

func (d *menu) show(m *model) screen {
	high := max(1, min(len(d.items), m.lines-6))
	d.top = max(0, min(max(d.top, d.at-high+1), d.at, len(d.items)-high))
	wide := 0
	for _, it := range d.items {
		wide = max(wide, width(it.label))
	}
	wide = min(wide, m.columns-8)
	var lines []string
	for i := d.top; i < d.top+high; i++ {
		number := "  "
		if i < 9 {
			number = fmt.Sprintf("%d ", i+1)
		}
		l := fit(number+d.items[i].label, wide+2)
		if i == d.at {
			l = m.mark(l, true)
		}
		lines = append(lines, l)
	}
	lines = append(lines, "", paint(faint, "Enter  choose      Esc  back"))
	return screen{lines: frame(d.title, lines, m.columns)}
}

// question asks for a line of text.
type question struct {
	title string
	input field
	then  func(text string) tea.Cmd
}

func (d *question) press(_ *model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "esc":
		return true, nil
	case "enter":
		text := strings.TrimSpace(d.input.text())
		if text == "" {
			return false, nil
		}
		return true, d.then(text)
	}
	d.input.press(k)
	return false, nil
}

func (d *question) show(m *model) screen {
	wide := max(1, min(60, m.columns-6))
	text, at := d.input.show(wide)
	box := frame(d.title, []string{text, "", paint(faint, fit("Enter  do it      Esc  back", wide))}, m.columns)
	return screen{lines: box, cursor: tea.NewCursor(2+at, 1)}
}

// decision asks for one of a few keys.
type decision struct {
	title string
	text  string
	ways  []way
}

type way struct {
	key, label string
	take       func() tea.Cmd // nil: only close
}

func (d *decision) press(_ *model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	for _, w := range d.ways {
		if w.key == k.String() {
			if w.take == nil {
				return true, nil
			}
			return true, w.take()
		}
	}
	return k.String() == "esc", nil
}

func (d *decision) show(m *model) screen {
	lines := wrap(d.text, min(60, m.columns-6))
	lines = append(lines, "")
	for _, w := range d.ways {
		lines = append(lines, paint(bold, w.key)+"  "+w.label)
	}
	lines = append(lines, paint(faint, "Esc  later"))
	return screen{lines: frame(d.title, lines, m.columns)}
}

// confirm asks whether to do something.
func confirm(title, text string, take func() tea.Cmd) *decision {
	return &decision{title: title, text: text, ways: []way{{"y", "yes", take}, {"n", "no", nil}}}
}

// reading is text to scroll through.
type reading struct {
	title string
	lines []string
	top   int
}

func (d *reading) press(m *model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	high := d.high(m)
	last := max(0, len(d.lines)-high)
	switch k.String() {
	case "esc", "q", "enter", "f1", "f4":
		return true, nil
	case "up", "k":
		d.top--
	case "down", "j":
		d.top++
	case "pgup":
		d.top -= high
	case "pgdown", "space":
		d.top += high
	case "home":
		d.top = 0
	case "end":
		d.top = last
	}
	d.top = min(max(d.top, 0), last)
	return false, nil
}

func (d *reading) high(m *model) int { return max(1, min(len(d.lines), m.lines-5)) }

func (d *reading) show(m *model) screen {
	high := d.high(m)
	d.top = min(d.top, max(0, len(d.lines)-high))
	wide := 0
	for _, l := range d.lines {
		wide = max(wide, width(l))
	}
	var lines []string
	for _, l := range d.lines[d.top : d.top+high] {
		lines = append(lines, fit(l, min(wide, m.columns-4)))
	}
	more := "Esc  back"
	if len(d.lines) > high {
		more += fmt.Sprintf("      PgUp PgDn  %d-%d of %d", d.top+1, d.top+high, len(d.lines))
	}
	return screen{lines: frame(d.title, append(lines, paint(faint, more)), m.columns)}
}
