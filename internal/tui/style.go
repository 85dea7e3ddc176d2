package tui

import (
	"fmt"
	"strings"

	"monarch/msnp"
)

// Styles use the terminal's own sixteen colours, so that they suit its ground.
const (
	bold    = "\x1b[1m"
	faint   = "\x1b[2m"
	reverse = "\x1b[7m"
	red     = "\x1b[31m"
	green   = "\x1b[32m"
	yellow  = "\x1b[33m"
	blue    = "\x1b[34m"
	cyan    = "\x1b[36m"
)

func paint(style, text string) string {
	if text == "" {
		return ""
	}
	return style + text + endStyle
}

// look is how a status is shown.
type look struct{ symbol, style, words string }

// looks has every status.
var looks = map[msnp.Status]look{
	msnp.Online:  {"●", green, "Online"},
	msnp.Busy:    {"■", red, "Busy"},
	msnp.BRB:     {"◐", yellow, "Be right back"},
	msnp.Away:    {"◐", yellow, "Away"},
	msnp.Lunch:   {"◐", yellow, "Out to lunch"},
	msnp.Phone:   {"◑", red, "On the phone"},
	msnp.Idle:    {"◌", yellow, "Idle"},
	msnp.Hidden:  {"○", faint, "Appear offline"},
	msnp.Offline: {"○", faint, "Offline"},
}

// choices are the statuses a person can choose, in the order of the menu.
var choices = []msnp.Status{
	msnp.Online, msnp.Busy, msnp.BRB, msnp.Away, msnp.Phone, msnp.Lunch, msnp.Idle, msnp.Hidden,
}

func lookOf(s msnp.Status) look {
	if l, ok := looks[s]; ok {
		return l
	}
	return looks[msnp.Offline]
}

// frame draws a border with a title around lines, as wide as the widest needs but not wider
// than so many columns.
func frame(title string, lines []string, columns int) []string {
	inner := width(title) + 2
	for _, l := range lines {
		inner = max(inner, width(l)+2)
	}
	inner = min(inner, max(columns-2, 1))
	top := fit("─ "+title+" "+strings.Repeat("─", inner), inner)
	if width("─ "+title+" ") < inner {
		top = "─ " + title + " " + strings.Repeat("─", inner-width("─ "+title+" "))
	}
	box := []string{"┌" + top + "┐"}
	for _, l := range lines {
		box = append(box, "│"+fit(" "+l, inner)+"│")
	}
	return append(box, "└"+strings.Repeat("─", inner)+"┘")
}

// size writes an amount of data for people.
func size(n int64) string {
	const unit = 1024
	switch {
	case n == 1:
		return "1 byte"
	case n < unit:
		return fmt.Sprintf("%d bytes", n)
	case n < unit*unit:
		return fmt.Sprintf("%.1f KB", float64(n)/unit)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(unit*unit))
}
