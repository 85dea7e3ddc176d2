package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// field is a line of text that is being written. Its unit is what people take for one
// character, which may be several of Unicode's.
type field struct {
	before, after []string // of the cursor
	secret        bool     // shown as dots
}

// newField returns a field that holds a text, with the cursor behind it.
func newField(text string) field {
	var f field
	f.insert(text)
	return f
}

// characters cuts a text apart.
func characters(text string) []string {
	var all []string
	for text != "" {
		c, _ := ansi.FirstGraphemeCluster(text, ansi.GraphemeWidth)
		all = append(all, c)
		text = text[len(c):]
	}
	return all
}

// text returns what has been written.
func (f *field) text() string {
	return strings.Join(f.before, "") + strings.Join(f.after, "")
}

// insert writes a text at the cursor, in one line. A character that belongs to the one
// before, such as an accent, joins it.
func (f *field) insert(text string) {
	text = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(text)
	if !f.secret {
		text = plain(text)
	}
	f.before = characters(strings.Join(f.before, "") + text)
}

// take returns what has been written and empties the field.
func (f *field) take() string {
	text := f.text()
	f.before, f.after = nil, nil
	return text
}

// edits are the keys that move the cursor and change the text.
var edits = map[string]func(*field){
	"left":      func(f *field) { f.move(len(f.before) - 1) },
	"right":     func(f *field) { f.move(len(f.before) + 1) },
	"home":      func(f *field) { f.move(0) },
	"ctrl+a":    func(f *field) { f.move(0) },
	"end":       func(f *field) { f.move(len(f.before) + len(f.after)) },
	"ctrl+e":    func(f *field) { f.move(len(f.before) + len(f.after)) },
	"ctrl+left": func(f *field) { f.move(f.word()) },
	"alt+b":     func(f *field) { f.move(f.word()) },
	"backspace": func(f *field) { f.before = f.before[:max(0, len(f.before)-1)] },
	"ctrl+h":    func(f *field) { f.before = f.before[:max(0, len(f.before)-1)] },
	"ctrl+w":    func(f *field) { f.before = f.before[:f.word()] },
	"ctrl+u":    func(f *field) { f.before = nil },
	"ctrl+k":    func(f *field) { f.after = nil },
	"delete":    func(f *field) { f.after = f.after[min(1, len(f.after)):] },
}

// press does what a key means to the field, and reports whether it means anything.
func (f *field) press(k tea.KeyPressMsg) bool {
	if edit, ok := edits[k.String()]; ok {
		edit(f)
		return true
	}
	if k.Text == "" {
		return false
	}
	f.insert(k.Text)
	return true
}

// move puts the cursor behind so many characters.
func (f *field) move(to int) {
	all := slices.Concat(f.before, f.after)
	to = min(max(to, 0), len(all))
	f.before, f.after = all[:to:to], all[to:]
}

// word returns where the word before the cursor begins.
func (f *field) word() int {
	i := len(f.before)
	for i > 0 && f.before[i-1] == " " {
		i--
	}
	for i > 0 && f.before[i-1] != " " {
		i--
	}
	return i
}

// show returns the part of the text around the cursor that fits into so many columns, and the
// column of the cursor.
func (f *field) show(columns int) (text string, cursor int) {
	before, after := f.before, f.after
	if f.secret {
		before, after = dots(before), dots(after)
	}
	from := len(before)
	for from > 0 && cursor+width(before[from-1]) < columns {
		from--
		cursor += width(before[from])
	}
	return fit(strings.Join(before[from:], "")+strings.Join(after, ""), columns), cursor
}

func dots(characters []string) []string { return slices.Repeat([]string{"•"}, len(characters)) }
