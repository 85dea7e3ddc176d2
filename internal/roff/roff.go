// Package roff writes pages of the manual, in the macros of man(7). What a page says is left to
// whoever has it written.
package roff

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// width is how long a line of text may be in the source, which the checkers of pages look at.
const width = 78

// Page is a page of the manual while it is written.
type Page struct {
	b      strings.Builder
	headed bool // a heading comes right before, which begins a paragraph
}

// New begins a page. A zero date is left out.
func New(title string, section int, date time.Time, manual string) *Page {
	p := new(Page)
	day := ""
	if !date.IsZero() {
		day = date.UTC().Format(time.DateOnly)
	}
	fmt.Fprintf(&p.b, ".TH %s %d %q %s %s\n", escape(strings.ToUpper(title)), section, day, `""`, `"`+escape(manual)+`"`)
	return p
}

// String returns the page's source.
func (p *Page) String() string { return p.b.String() }

// Section begins a section, whose title is in capitals by custom.
func (p *Page) Section(title string) { p.head("SH", title) }

// Subsection begins a part of a section.
func (p *Page) Subsection(title string) { p.head("SS", title) }

func (p *Page) head(macro, title string) {
	fmt.Fprintf(&p.b, ".%s %s\n", macro, escape(title))
	p.headed = true
}

// paragraph begins one.
func (p *Page) paragraph() {
	if !p.headed {
		p.b.WriteString(".PP\n")
	}
	p.headed = false
}

// Text writes a paragraph. What stands between backticks is in bold type, as are names of
// commands and flags in manuals.
func (p *Page) Text(text string) {
	p.paragraph()
	p.fill(text)
}

// Plain writes the one line that a section NAME has, which is no paragraph for programs that read it.
func (p *Page) Plain(name, what string) {
	fmt.Fprintf(&p.b, "%s \\- %s\n", escape(name), escape(what))
}

// Item writes an entry of a list: a term, and what there is to say about it in paragraphs.
func (p *Page) Item(term string, paragraphs ...string) {
	p.headed = false
	fmt.Fprintf(&p.b, ".TP\n%s\n", inline(term))
	for i, text := range paragraphs {
		if i > 0 {
			p.b.WriteString(".IP\n")
		}
		p.fill(text)
	}
}

// Example writes lines as they are.
func (p *Page) Example(lines string) {
	p.paragraph()
	p.b.WriteString(".RS 4\n.nf\n")
	for line := range strings.Lines(lines) {
		fmt.Fprintf(&p.b, "%s\n", guard(escape(strings.TrimSuffix(line, "\n"))))
	}
	p.b.WriteString(".fi\n.RE\n")
}

// fill breaks a text into lines of its source. A new line of the text begins one, too.
func (p *Page) fill(text string) {
	var line strings.Builder
	flush := func() {
		if line.Len() > 0 {
			fmt.Fprintf(&p.b, "%s\n", guard(line.String()))
			line.Reset()
		}
	}
	for _, word := range strings.Fields(inline(text)) {
		if line.Len() > 0 && line.Len()+1+len(word) > width {
			flush()
		}
		if line.Len() > 0 {
			line.WriteByte(' ')
		}
		line.WriteString(word)
	}
	flush()
}

var (
	quoted = regexp.MustCompile("`([^`]+)`")
	joins  = regexp.MustCompile(`(\pL)\\-(\pL)`)
)

// inline escapes text and puts what is between backticks into bold type. A hyphen between letters
// stays one there; all others are the character that people type.
func inline(text string) string {
	var b strings.Builder
	rest := 0
	plain := func(s string) string { return joins.ReplaceAllString(escape(s), "$1-$2") }
	for _, m := range quoted.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(plain(text[rest:m[0]]) + `\fB` + escape(text[m[2]:m[3]]) + `\fP`)
		rest = m[1]
	}
	return b.String() + plain(text[rest:])
}

var escapes = strings.NewReplacer(`\`, `\e`, `-`, `\-`, "^", `\(ha`, "~", `\(ti`, "`", `\(ga`)

// escape writes characters that mean something to roff so that they are shown.
func escape(text string) string { return escapes.Replace(text) }

// guard keeps a line from being read as a request.
func guard(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}
