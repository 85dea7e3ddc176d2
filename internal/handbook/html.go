package handbook

import (
	"html"
	"regexp"

	"github.com/yuin/goldmark/ast"
	table "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// elements writes what is to look otherwise here than Markdown usually does: boxes that scroll can be
// reached by keyboard, headings can be linked to, and markup of documents is text.
type elements struct{}

// ours is before the ordinary way to write elements.
func ours() renderer.Option {
	return renderer.WithNodeRenderers(util.Prioritized(elements{}, 100))
}

// RegisterFuncs implements [renderer.NodeRenderer].
func (e elements) RegisterFuncs(to renderer.NodeRendererFuncRegisterer) {
	to.Register(ast.KindHeading, e.heading)
	to.Register(ast.KindFencedCodeBlock, e.block)
	to.Register(ast.KindCodeBlock, e.block)
	to.Register(ast.KindCodeSpan, e.span)
	to.Register(ast.KindRawHTML, e.raw)
	to.Register(ast.KindHTMLBlock, e.rawBlock)
	to.Register(table.KindTable, e.table)
	to.Register(table.KindTableHeader, e.tableHeader)
}

func (elements) heading(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	level, id := string('0'+rune(n.(*ast.Heading).Level)), attribute(n, "id")
	if !entering {
		write(w, ` <a class="anchor" href="#`, id, `" aria-label="Link to: `, html.EscapeString(attribute(n, "title")), `">#</a></h`, level, ">\n")
		return ast.WalkContinue, nil
	}
	if m := attribute(n, "mark"); m != "" && m != id {
		write(w, `<span class="mark" id="`, m, `"></span>`)
	}
	write(w, "<h", level, ` id="`, id, `">`)
	return ast.WalkContinue, nil
}

func (elements) block(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		write(w, `<pre tabindex="0"><code>`, html.EscapeString(string(n.Lines().Value(source))), "</code></pre>\n")
	}
	return ast.WalkSkipChildren, nil
}

// flags are the flags of a command, which browsers would break after their hyphens.
var flags = regexp.MustCompile(`(^|\s)(--?[a-z][a-z-]*)`)

func (elements) span(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		text := html.EscapeString(plain(n, source))
		write(w, "<code>", flags.ReplaceAllString(text, `$1<span class="flag">$2</span>`), "</code>")
	}
	return ast.WalkSkipChildren, nil
}

func (elements) raw(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		write(w, html.EscapeString(string(n.(*ast.RawHTML).Segments.Value(source))))
	}
	return ast.WalkSkipChildren, nil
}

func (elements) rawBlock(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		write(w, "<p>", html.EscapeString(string(n.Lines().Value(source))), "</p>\n")
	}
	return ast.WalkSkipChildren, nil
}

func (elements) table(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		write(w, `<div class="table" tabindex="0" role="region" aria-label="`, html.EscapeString(attribute(n, "label")), "\">\n<table>\n")
	} else {
		write(w, "</table></div>\n")
	}
	return ast.WalkContinue, nil
}

// tableHeader leaves out a head in which nothing is written, which Markdown asks for.
func (elements) tableHeader(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	empty := true
	for cell := n.FirstChild(); cell != nil; cell = cell.NextSibling() {
		empty = empty && cell.FirstChild() == nil
	}
	switch {
	case empty && entering:
		write(w, "<tbody>\n")
		return ast.WalkSkipChildren, nil
	case empty:
	case entering:
		write(w, "<thead>\n<tr>\n")
	default:
		write(w, "</tr>\n</thead>\n<tbody>\n")
	}
	return ast.WalkContinue, nil
}

func attribute(n ast.Node, name string) string {
	value, _ := n.AttributeString(name)
	text, _ := value.([]byte)
	return string(text)
}

// write writes to a buffer, whose error shows when it is flushed.
func write(w util.BufWriter, texts ...string) {
	for _, text := range texts {
		_, _ = w.WriteString(text)
	}
}
