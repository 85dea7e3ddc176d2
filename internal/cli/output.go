package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"monarch/msnp"
)

// table writes rows in columns below a line of headings.
func table(w io.Writer, headings []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(headings, "\t"))
	for _, row := range rows {
		for i := range row {
			row[i] = clean(row[i])
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

// pairs writes a name and a value per line, values below each other.
func pairs(w io.Writer, lines [][2]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%s\n", l[0], clean(l[1]))
	}
	return t.Flush()
}

// encode writes a value as JSON for programs.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// clean keeps what people typed from commanding the terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// when writes a time for people, in their time zone.
func when(t time.Time) string {
	if t.IsZero() {
		return "" // it is not known
	}
	return t.Local().Format("2006-01-02 15:04")
}

// unheard tells on standard error which nodes did not answer, and what is missing for that.
func (a *app) unheard(nodes []string, missing string) {
	if len(nodes) == 0 {
		return
	}
	answer := "do not answer"
	if len(nodes) == 1 {
		answer = "does not answer"
	}
	fmt.Fprintf(a.stderr, "warning: %s %s: %s is missing. See: %s\n", clean(strings.Join(nodes, ", ")), answer, missing, a.command("nodes"))
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// plural writes a number of things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// statusWords are the status codes as people say them.
var statusWords = map[msnp.Status]string{
	msnp.Online: "online", msnp.Busy: "busy", msnp.Idle: "idle", msnp.BRB: "be right back",
	msnp.Away: "away", msnp.Phone: "on the phone", msnp.Lunch: "out to lunch",
	msnp.Hidden: "hidden", msnp.Offline: "signing in", "": "signing in",
}

// status puts a status code in words.
func status(code string) string {
	if words, ok := statusWords[msnp.Status(code)]; ok {
		return words
	}
	return code
}
