package tui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// plain makes a text that somebody else wrote fit to be shown: escape sequences and control
// characters go, lines stay. What is left has the same width to every terminal, because
// joined and modified emoji, about which terminals disagree, are taken apart.
func plain(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = plainLine(ansi.Strip(strings.ReplaceAll(l, "\t", "    ")))
	}
	return strings.Join(lines, "\n")
}

func plainLine(s string) string {
	var b strings.Builder
	last := ' '
	for _, r := range s {
		if !shown(r, last) {
			continue
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

// shown reports whether a character is kept after another one. Joiners are, between the
// letters of the scripts that need them; marks that turn the direction of a line are not,
// because they would turn the rest of the screen's line too.
func shown(r, last rune) bool {
	const (
		nonJoiner, joiner     = '\u200c', '\u200d'
		selector1, selector16 = '\ufe00', '\ufe0f'
		lightest, darkest     = '\U0001f3fb', '\U0001f3ff' // skin
	)
	switch {
	case r == joiner, r == nonJoiner:
		return unicode.IsLetter(last) || unicode.IsMark(last)
	case r >= selector1 && r <= selector16:
		return false
	case r >= lightest && r <= darkest:
		return !unicode.Is(unicode.So, last)
	}
	return !unicode.Is(unicode.C, r) || unicode.Is(unicode.Co, r)
}

// line is plain for what stands in one line, such as a name.
func line(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(plain(s), "\n", " "))
}

// width is how many columns a text takes, which may have styles in it.
func width(s string) int { return ansi.StringWidth(s) }

// fit cuts or pads a text, which may have styles in it, to exactly so many columns.
func fit(s string, columns int) string {
	if columns <= 0 {
		return ""
	}
	s = ansi.Truncate(s, columns, "…")
	return s + strings.Repeat(" ", columns-width(s))
}

// wrap breaks a text into lines of at most so many columns.
func wrap(s string, columns int) []string {
	return strings.Split(ansi.Wrap(s, max(columns, 1), ""), "\n")
}

// over lays a box over the middle of a screen, whose lines all have the given width.
func over(screen, box []string, columns int) []string {
	if len(box) == 0 {
		return screen
	}
	wide := width(box[0])
	left, top := max(0, (columns-wide)/2), max(0, (len(screen)-len(box))/2)
	for i, b := range box {
		if top+i >= len(screen) {
			break
		}
		l := screen[top+i]
		screen[top+i] = fit(ansi.Cut(l, 0, left), left) + b + ansi.Cut(l, left+wide, columns)
	}
	return screen
}
