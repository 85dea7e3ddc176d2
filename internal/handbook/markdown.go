package handbook

import (
	"bytes"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	table "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// Slug returns the anchor of a section with a title, as GitHub makes it. Of several sections with one
// title the second has -1 behind it.
func Slug(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(title))
}

// tables are what our documents use of GitHub's Markdown. No cell has a style of its own.
var tables = extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))

// parser reads documents.
var parser = goldmark.New(goldmark.WithExtensions(tables)).Parser()

// entry is a line of the contents.
type entry struct {
	part        bool // else a chapter
	title, file string
}

// entriesOf returns what contents list: titles of parts, and the first link of each point.
func entriesOf(source []byte) []entry {
	var all []entry
	doc := parser.Parse(text.NewReader(source))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 2 {
				all = append(all, entry{part: true, title: plain(n, source)})
			}
		case *ast.List:
			for item := n.FirstChild(); item != nil; item = item.NextSibling() {
				if l := first[*ast.Link](item); l != nil {
					all = append(all, entry{title: plain(l, source), file: string(l.Destination)})
				}
			}
		}
	}
	return all
}

// rendering makes pages of documents that refer to each other.
type rendering struct {
	names []string // of all documents
	files fs.FS
	md    goldmark.Markdown
}

func newRendering(names []string, files fs.FS) *rendering {
	return &rendering{names: names, files: files, md: goldmark.New(goldmark.WithExtensions(tables), goldmark.WithRendererOptions(ours()))}
}

// page makes the page of a document.
func (r *rendering) page(name string) (*Page, error) {
	source, err := fs.ReadFile(r.files, name)
	if err != nil {
		return nil, err
	}
	doc := r.md.Parser().Parse(text.NewReader(source))
	p := &Page{Path: pathOf(name)}
	r.lead(doc, name)
	p.sections(doc, source)
	var b bytes.Buffer
	if err := r.md.Renderer().Render(&b, source, doc); err != nil {
		return nil, err
	}
	p.HTML = template.HTML(b.String()) //nolint:gosec // it is made of documents of ours, and markup in them is escaped
	return p, nil
}

// lead makes links between documents links between pages. What is not in the handbook is named only.
func (r *rendering) lead(doc ast.Node, name string) {
	for _, n := range all[*ast.Link](doc) {
		to, ok := r.target(name, string(n.Destination))
		if ok {
			n.Destination = []byte(to)
			continue
		}
		parent := n.Parent()
		for n.FirstChild() != nil {
			parent.InsertBefore(parent, n, n.FirstChild())
		}
		parent.RemoveChild(parent, n)
	}
	for _, n := range all[*ast.Image](doc) {
		n.Destination = []byte(path.Join(Root, path.Dir(name), string(n.Destination)))
	}
}

// target returns where a link in a document leads.
func (r *rendering) target(from, link string) (string, bool) {
	file, anchor, named := strings.Cut(link, "#")
	if named {
		anchor = "#" + anchor
	}
	switch {
	case file == "":
		return anchor, true
	case strings.Contains(file, ":"):
		return link, true
	}
	file = path.Join(path.Dir(from), file)
	if slices.Contains(r.names, file) {
		return pathOf(file) + anchor, true
	}
	if slices.Contains(r.names, path.Join(file, contentsFile)) {
		return path.Join(Root, file) + anchor, true
	}
	return "", false
}

// mark is a second name for the section that follows it.
var mark = regexp.MustCompile(`^<a id="([\w-]+)"></a>$`)

// sections gives each heading its anchors, and each table the name of where it stands.
func (p *Page) sections(doc ast.Node, source []byte) {
	used := make(map[string]int)
	here, count := "", 0
	for n := doc.FirstChild(); n != nil; {
		next := n.NextSibling()
		switch n := n.(type) {
		case *ast.Heading:
			here, count = plain(n, source), 0
			p.section(n, source, anchor(used, here))
		case *ast.Paragraph:
			if m := mark.FindSubmatch(bytes.TrimSpace(n.Lines().Value(source))); m != nil {
				if next != nil {
					next.SetAttributeString("mark", m[1])
				}
				doc.RemoveChild(doc, n)
			}
		case *table.Table:
			count++
			n.SetAttributeString("label", []byte(numbered(here, count)))
		}
		n = next
	}
}

// section takes note of one heading.
func (p *Page) section(h *ast.Heading, source []byte, id string) {
	h.SetAttributeString("id", []byte(id))
	title := plain(h, source)
	h.SetAttributeString("title", []byte(title))
	switch n := len(p.Sections); {
	case h.Level == 1 && p.Title == "":
		p.ID, p.Title = id, title
		h.Parent().RemoveChild(h.Parent(), h) // a page shows it as its own
		return
	case h.Level == 2:
		p.Sections = append(p.Sections, Section{ID: id, Title: title})
	case h.Level == 3 && n > 0:
		p.Sections[n-1].Under = append(p.Sections[n-1].Under, Section{ID: id, Title: title})
	}
	if code, ok := h.FirstChild().(*ast.CodeSpan); ok && h.ChildCount() == 1 {
		p.terms = append(p.terms, Term{plain(code, source), p.Path + "#" + id})
	}
}

// anchor returns that of the next section with a title.
func anchor(used map[string]int, title string) string {
	id := Slug(title)
	n := used[id]
	used[id]++
	if n > 0 {
		id += "-" + strconv.Itoa(n)
	}
	return id
}

// numbered tells several tables under one title apart.
func numbered(title string, n int) string {
	if n > 1 {
		return title + " (" + strconv.Itoa(n) + ")"
	}
	return title
}

// all returns the nodes of a kind at or below n.
func all[T ast.Node](n ast.Node) []T {
	var found []T
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it returns what the function does
		if t, ok := n.(T); ok && entering {
			found = append(found, t)
		}
		return ast.WalkContinue, nil
	})
	return found
}

// first returns the first of them, or the zero value.
func first[T ast.Node](n ast.Node) T {
	var none T
	for _, found := range all[T](n) {
		return found
	}
	return none
}

// plain returns the text in a node without its markup.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	for _, t := range all[*ast.Text](n) {
		b.Write(t.Value(source))
		if t.SoftLineBreak() {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
